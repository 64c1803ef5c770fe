"""Reader of ngspice's binary raw files: every plot with its vectors, checked against its own header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cimspice.errors import SimulationError
from cimspice.spice.waveforms import plain_name


@dataclass(frozen=True)
class RawPlot:
    """One plot of a raw file: its title as ngspice writes it, and vectors of shape (points,)."""

    title: str
    vectors: dict[str, np.ndarray]


def read_raw(path: Path) -> list[RawPlot]:
    """Every plot of a binary raw file, in order.

    Names are those of a session: ``v(out)`` becomes ``out``, ``i(v1)`` becomes ``v1#branch``.

    Raises
    ------
    SimulationError
        If the file is not there, is cut short, or does not fit its header.
    """
    if not path.is_file():
        raise SimulationError("ngspice wrote no raw file", place=str(path), remedy="see its words")
    data, plots, begin = path.read_bytes(), [], 0
    while begin < len(data):
        end = data.find(b"Binary:\n", begin)
        if end < 0:
            raise _broken(path, "a plot has no data")
        header = data[begin:end].decode("utf-8", "replace")
        start = end + len(b"Binary:\n")
        plot, begin = _plot(path, header, data, start)
        plots.append(plot)
    return plots


def _plot(path: Path, header: str, data: bytes, start: int) -> tuple[RawPlot, int]:
    fields = dict(re.findall(r"^([\w. ]+):[ \t]*(.*)$", header, re.MULTILINE))
    try:
        variables, points = int(fields["No. Variables"]), int(fields["No. Points"])
        names = re.findall(r"^\s+\d+\s+(\S+)\s+\S+", header.split("Variables:", 2)[2], re.MULTILINE)
    except (KeyError, ValueError, IndexError) as error:
        raise _broken(path, "its header is broken") from error
    if variables < 1 or points < 0:
        raise _broken(path, f"its header announces {variables} x {points} values")
    kind = np.dtype(np.complex128 if "complex" in fields.get("Flags", "") else np.float64)
    stop = start + variables * points * kind.itemsize
    if stop > len(data) or len(names) != variables:
        raise _broken(path, f"it holds fewer than the {variables} x {points} values it announces")
    table = np.frombuffer(data[start:stop], dtype=kind).reshape(points, variables)
    vectors = {plain_name(name): table[:, k].copy() for k, name in enumerate(names)}
    return RawPlot(fields.get("Plotname", ""), vectors), stop


def _broken(path: Path, why: str) -> SimulationError:
    return SimulationError(
        f"the raw file is not complete: {why}", place=path.name, remedy="look whether the disk is full"
    )
