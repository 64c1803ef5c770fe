"""The crossbar's card: wires, drivers, amplifiers, cells, their programming, and the memory's read law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.tile_layer import TileWires
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.errors import MappingError, ParameterError
from cimspice.fit.card import ModelCard
from cimspice.fit.family_card import Card, CardConditions, Part
from cimspice.fit.records import ParameterRecord
from cimspice.rram.model.card import READ, read_of

FAMILY = "crossbar"
ASSUMED = "assumed, not simulated"
PARTS: Mapping[str, Mapping[str, str]] = {
    "wires": {"word_line_resistance": "ohm", "bit_line_resistance": "ohm"},
    "drivers": {"source_resistance": "ohm", "read_voltage": "V"},
    "amplifiers": {"sense_resistance": "ohm"},
    "cells": {"g_min": "S", "g_max": "S", "levels": "1"},
    "programming": {"tolerance": "1", "stuck_low": "1", "stuck_high": "1"},
}
"""Part -> its parameters and their units."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """What a tile of a crossbar is made of.

    ``read_voltage`` (V) is that of the largest input; ``read`` is the memory's law, with its device's name.
    """

    wires: TileWires = TileWires(5.0, 5.0, 100.0, 100.0)  # noqa: RUF009 - it is frozen
    cells: ConductanceRange = ConductanceRange(levels=64)  # noqa: RUF009 - it is frozen
    errors: CellErrors = CellErrors()  # noqa: RUF009 - it is frozen
    read_voltage: float = 0.2
    read: ModelCard


def crossbar_card(tile: Tile, conditions: CardConditions, provenance: Mapping[str, Any]) -> Card:
    """The card of a tile whose parts are assumed, but for the read law."""
    wires, cells, errors = tile.wires, tile.cells, tile.errors
    values = {
        **{name: getattr(wires, name) for part in ("wires", "amplifiers") for name in PARTS[part]},
        "source_resistance": wires.source_resistance,
        "read_voltage": tile.read_voltage,
        "g_min": cells.low,
        "g_max": cells.high,
        "levels": 0 if cells.levels is None else cells.levels,
        **{name: getattr(errors, name) for name in PARTS["programming"]},
    }
    parts = {
        part: Part(
            origin="assumed",
            parameters={
                name: ParameterRecord(value=values[name], unit=unit, reason=ASSUMED)
                for name, unit in units.items()
            },
        )
        for part, units in PARTS.items()
    }
    return Card(
        family=FAMILY,
        conditions=conditions,
        provenance=dict(provenance),
        parts={**parts, READ: tile.read.part()},
    )


def tile_of(card: Card) -> Tile:
    """The tile that a card describes: inputs from the left, currents at the bottom.

    Raises
    ------
    ParameterError, MappingError
        If the card describes none.
    """
    values: dict[str, float] = {}
    for part, units in PARTS.items():
        for name, unit in units.items():
            record = card.part(part).parameters.get(name)
            if record is None or record.unit != unit:
                raise ParameterError(
                    f"{name} is {'missing' if record is None else f'in {record.unit!r}'}"[:200],
                    place=f"part {part!r} of the card",
                    remedy=f"give it in {unit}",
                )
            values[name] = record.value
    if not (levels := values["levels"]).is_integer():
        raise MappingError(f"{levels:g} levels", place="levels", remedy="give a whole number; 0: continuous")
    for name in ("word_line_resistance", "bit_line_resistance", "source_resistance", "sense_resistance"):
        check_resistance(name, values[name])
    return Tile(
        wires=TileWires(
            values["word_line_resistance"],
            values["bit_line_resistance"],
            values["source_resistance"],
            values["sense_resistance"],
        ),
        cells=ConductanceRange(values["g_min"], values["g_max"], int(levels) or None),
        errors=CellErrors(
            tolerance=values["tolerance"], stuck_low=values["stuck_low"], stuck_high=values["stuck_high"]
        ),
        read_voltage=values["read_voltage"],
        read=read_of(card),
    )


def check_resistance(name: str, ohms: float) -> None:
    """ParameterError for a resistance of wires or terminals that is none, or beyond a megohm."""
    if not 0 <= ohms <= 1e6:
        raise ParameterError(f"{ohms:g} ohm", place=name, remedy="give 0 to 1e6 ohm")
