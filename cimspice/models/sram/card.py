"""The bit lines' model as a JSON card: its tables, the range they cover, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.documents import number_array, parse_json
from cimspice.errors import CimspiceError, ParameterError
from cimspice.files import read_plain, write_atomically
from cimspice.models.conditions import NAMES, with_provenance
from cimspice.models.sram.bit_line import BitLines
from cimspice.models.sram.currents import CellCurrents
from cimspice.models.sram.variation import CellVariation

SCHEMA = "cimspice.sram-bit-lines-card/2"
LARGEST_CARD = 16 << 20  # bytes


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
        If the file cannot be written, or the provenance has another corner or temperature than the model.
    """
    lines = replace(lines, **with_provenance(lines, provenance or {}, str(path)))
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
    text = json.dumps(card, default=_plain, allow_nan=False)
    return write_atomically(Path(path), lambda file: file.write_text(text, encoding="utf-8"))


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
        card = parse_json(read_plain(path, LARGEST_CARD))
        if card["schema"] != SCHEMA:
            raise ParameterError(f"schema is {card['schema']!r}, not {SCHEMA!r}", place=place, remedy=remedy)
        content = dict(card["model"])
        currents = CellCurrents(
            **{name: number_array(value) for name, value in content.pop("currents").items()}
        )
        spread = dict(content.pop("variation"))
        variation = CellVariation(
            mean=number_array(spread["mean"]),
            covariance=number_array(spread["covariance"]),
            samples=int(number_array(spread["samples"])),
            sensitivity=None if spread["sensitivity"] is None else number_array(spread["sensitivity"]),
        )
        width = number_array(content.pop("width_correction"))
        conditions = {name: content.pop(name, None) for name in NAMES}
        numbers = {name: float(number_array(value)) for name, value in content.items()}
        lines = BitLines(
            currents=currents, variation=variation, width_correction=width, **numbers, **conditions
        )
        provenance = dict(card["provenance"])
        lines = replace(lines, **with_provenance(lines, provenance, place))
    except OSError as error:
        raise ParameterError(
            f"card not read: {error.strerror}", place=place, remedy="check the path"
        ) from None
    except CimspiceError as error:
        error.place = f"{place}: {error.place}" if error.place else place
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ParameterError(
            f"not a card of bit lines: {error!r}"[:300], place=place, remedy=remedy
        ) from None
    return lines, provenance


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing that a card holds")
