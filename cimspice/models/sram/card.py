"""The bit lines' model as a JSON card: its tables, the range they cover, and where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.errors import CimspiceError, ParameterError
from cimspice.models.sram.bit_line import BitLines
from cimspice.models.sram.currents import CellCurrents
from cimspice.models.sram.variation import CellVariation

SCHEMA = "cimspice.sram-bit-lines-card/1"


def save_bit_lines(lines: BitLines, path: str | Path, provenance: Mapping[str, Any] | None = None) -> Path:
    """Write the model's card, whole or not at all.

    Parameters
    ----------
    lines
        The model.
    path
        File to write, ``*.json``.
    provenance
        Corner, temperature, PDK, simulator, array: anything that JSON can hold.

    Raises
    ------
    CimspiceError
        If the file cannot be written.
    """
    target = Path(path)
    card = {
        "schema": SCHEMA,
        "provenance": dict(provenance or {}),
        "ranges": {
            "line_voltage": [lines.safe_voltage, lines.start_voltage],
            "code": [0, lines.largest_code],
            "sum_of_codes": [0, lines.charge_limit],
        },
        "model": asdict(lines),
    }
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(json.dumps(card, default=_plain, allow_nan=False), encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise CimspiceError(
            f"the card could not be written: {error.strerror}",
            place=str(target),
            remedy="choose another folder",
        ) from None
    return target


def load_bit_lines(path: str | Path) -> tuple[BitLines, dict[str, Any]]:
    """Read a card: the model and its provenance.

    Raises
    ------
    ParameterError
        If it is no such card of this version, or holds what no model may hold.
    """
    place = str(path)
    remedy = "characterise the column again, or take the card of a matching version of cimspice"
    try:
        card = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_constant)
        if card["schema"] != SCHEMA:
            raise ParameterError(f"schema is {card['schema']!r}, not {SCHEMA!r}", place=place, remedy=remedy)
        content = dict(card["model"])
        currents = CellCurrents(**{name: _array(value) for name, value in content.pop("currents").items()})
        spread = dict(content.pop("variation"))
        variation = CellVariation(
            mean=_array(spread["mean"]),
            covariance=_array(spread["covariance"]),
            samples=int(spread["samples"]),
            sensitivity=None if spread["sensitivity"] is None else _array(spread["sensitivity"]),
        )
        width = _array(content.pop("width_correction"))
        numbers = {name: float(value) for name, value in content.items()}
        lines = BitLines(currents=currents, variation=variation, width_correction=width, **numbers)
        provenance = dict(card["provenance"])
    except OSError as error:
        raise ParameterError(
            f"card not read: {error.strerror}", place=place, remedy="check the path"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, CimspiceError):
            raise
        raise ParameterError(
            f"not a card of bit lines: {error!r}"[:300], place=place, remedy=remedy
        ) from None
    _check(lines, place, remedy)
    return lines, provenance


def _check(lines: BitLines, place: str, remedy: str) -> None:
    tables, n, m = lines.currents, len(lines.currents.voltage), len(lines.currents.other)
    shapes = tables.zero.shape == tables.one.shape == (n, m) and lines.variation.covariance.shape == (4, 4)
    numbers = [getattr(lines, entry.name) for entry in fields(lines)]
    finite = all(math.isfinite(value) for value in numbers if isinstance(value, float))
    if not (shapes and finite and n > 1 and m > 1 and lines.capacitance > 0 and len(lines.width_correction)):
        raise ParameterError("the card's tables do not fit together", place=place, remedy=remedy)


def _array(values: Any) -> np.ndarray:
    return np.array(values, dtype=float)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing that a card holds")


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number that a table may hold")
