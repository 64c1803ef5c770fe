"""The reference path: one ``ngspice -b`` per run in a private directory, with the same deck and judgement."""

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cimspice.errors import BadParameter, SimulationError, TimeLimit, WorkerLost
from cimspice.spice.analysis import Analysis
from cimspice.spice.deck import Deck, HasText, Models, compose
from cimspice.spice.failures import check_names, complaints, failure, judge, read_plot
from cimspice.spice.library import find_executable
from cimspice.spice.lint import check_listed_resistors
from cimspice.spice.options import SolverOptions
from cimspice.spice.start_up import environment, write_spiceinit
from cimspice.spice.waveforms import Waveforms, plain_name
from cimspice.spice.work_folder import WorkFolder


@dataclass(frozen=True)
class RawPlot:
    """One plot of a raw file: its title as ngspice writes it, and vectors of shape (points,)."""

    title: str
    vectors: dict[str, np.ndarray]


def read_raw(path: Path) -> list[RawPlot]:
    """Every plot of a binary raw file, in order.

    Names are those of a session: ``v(out)`` becomes ``out``, ``i(v1)`` becomes ``v1#branch``.

    SimulationError if the file is not there, is cut short, or does not fit its header.
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


_SET_PARENT_DEATH_SIGNAL = 1  # linux/prctl.h
_KINDS = {
    "Operating Point": "op",
    "DC transfer characteristic": "dc",
    "Transient Analysis": "tran",
    "AC Analysis": "ac",
    "Noise": "noise",
    "Integrated Noise": "noise",
}


def simulate_batch(
    netlist: HasText,
    analysis: Analysis,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    options: SolverOptions | None = None,
    models: str | Models | None = None,
    flat: bool = False,
    time_limit: float | None = None,
) -> Waveforms:
    """Run one analysis in a process of its own; parameters as for `cimspice.spice.simulate`.

    On Linux that process does not outlive this one, however this one ends.

    Parameters
    ----------
    time_limit
        Seconds after which the process is killed.
    """
    deck = compose(netlist, corner=corner, temperature=temperature, options=options, models=models, flat=flat)
    return run_deck(deck, analysis, time_limit)


def run_deck(deck: Deck, analysis: Analysis, time_limit: float | None = None) -> Waveforms:
    """Run one analysis of a composed deck with ``ngspice -b -r``."""
    check_names(analysis, deck)
    saves = [f".save {_word(name)}" for name in analysis.asked]
    listing = [".control", "listing expand", ".endc"] if deck.computed_resistors else []
    analyses = ["." + command for command in analysis.commands]
    lines = [*deck.lines, *saves, *analyses, *listing, ".end"]
    with WorkFolder("batch") as own:
        folder = own.path
        write_spiceinit(folder)
        (folder / "deck.cir").write_text("\n".join(lines) + "\n", encoding="ascii")
        words, code = _execute(folder, time_limit)
        if code < 0:
            raise WorkerLost(
                f"ngspice died ({signal.Signals(-code).name})",
                words="\n".join(words),
                place=analysis.command,
                remedy="SIGKILL mostly means that memory ran out",
            )
        if complaints(words):
            raise failure(words, lines, analysis.command)
        if listing:
            check_listed_resistors(words)
        plots = read_raw(folder / "out.raw")
    plot, vectors = _merge(plots, analysis)
    judge(analysis, plot, vectors, words, lines)
    if code:
        raise failure(words, lines, analysis.command)
    return Waveforms(analysis.axis, vectors)


def _word(name: str) -> str:
    """A saved vector as a ``.save`` card names it."""
    if name.endswith("#branch"):
        return f"i({name.removesuffix('#branch')})"
    return name if name.startswith("@") else f"v({name})"


def _execute(folder: Path, time_limit: float | None) -> tuple[list[str], int]:
    command = [find_executable(), "-b", "-r", "out.raw", "deck.cir"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=time_limit,
            preexec_fn=_ends_with(os.getpid()),
        )
    except subprocess.TimeoutExpired as error:
        raise TimeLimit(
            f"ngspice ran past its time limit of {time_limit:g} s and was killed",
            remedy="an impossible operating point makes ngspice hang; else allow more time",
        ) from error
    streams = (("stdout", done.stdout), ("stderr", done.stderr))
    return [f"{stream} {line}" for stream, text in streams for line in text.splitlines()], done.returncode


def _ends_with(parent: int) -> Callable[[], None] | None:
    """What a new process calls so that the kernel kills it when its parent ends; None where it cannot."""
    if sys.platform != "linux":
        return None
    process_control = ctypes.CDLL(None).prctl  # looked up here: after the fork there may be locks held

    def bind() -> None:
        process_control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended meanwhile
            os._exit(1)

    return bind


def _merge(plots: list[RawPlot], analysis: Analysis) -> tuple[str, dict[str, np.ndarray]]:
    kinds = {next((v for k, v in _KINDS.items() if plot.title.startswith(k)), "other") for plot in plots}
    if kinds != {analysis.plot}:
        raise BadParameter(
            f"the raw file holds {sorted(kinds)} instead of {analysis.plot}", place=analysis.command
        )
    if not plots:
        raise SimulationError("the raw file is empty", place=analysis.command)
    return analysis.plot, read_plot(analysis, [plot.vectors for plot in plots])
