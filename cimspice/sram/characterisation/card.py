"""The 6T array's card, made by characterisation, and the column that a card gives under wanted conditions."""

from typing import Any

from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.fit.fit import table_provenance
from cimspice.progress import OnProgress, silent
from cimspice.sram.characterisation.array import characterise_array
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.model.build import BitLineFit, ColumnFacts, fit_bit_lines
from cimspice.sram.model.card import BIT_LINE, CELL_CURRENT, VARIATION, sram_card, sram_fit

_BENCHES = {
    "currents": "sram_cell_population",
    "trips": "sram_cell_population",
    "cells": "sram_cell_population",
    "reads": "sram_multi_row_read",
}
"""Table -> the bench that gives it."""
_TABLES = {
    CELL_CURRENT: ("currents",),
    BIT_LINE: ("reads", "trips"),
    VARIATION: ("cells", "currents", "trips"),
}
"""Tables that each part is fitted to."""


def column_facts(conditions: SramConditions) -> ColumnFacts:
    """What the array's design says of one column."""
    array = conditions.array
    return ColumnFacts(
        supply_voltage=array.supply_voltage,
        word_line_voltage=array.word_line_voltage,
        rows=array.rows,
        resistance=array.line_resistance,
        coupling=array.rows * array.bit_line_coupling,
        unit_width=conditions.unit_width,
        idle_time=conditions.idle_time,
        corner=conditions.corner,
        temperature=conditions.temperature,
    )


def characterised_card(
    conditions: SramConditions, *, cells: int = 100, progress: OnProgress = silent
) -> Card:
    """The card of an array under these conditions, characterised in ngspice as far as the store lacks it;
    ``cells`` with mismatch give its spread."""
    tables = characterise_array(conditions, cells=cells, progress=progress)
    known = {}
    for name, bench in _BENCHES.items():
        rows = table_provenance(tables[name])
        known[name] = {"bench": bench, "rows": rows["table_rows"], "digest": rows["table_digest"]}
    sources = {part: {name: known[name] for name in names} for part, names in _TABLES.items()}
    fit = fit_bit_lines(tables, column_facts(conditions))
    return sram_card(fit, sources, {**provenance(), "circuit": _circuit(conditions)})


def card_fit(card: Card, conditions: SramConditions) -> BitLineFit:
    """The column of a card.

    ParameterError if the card is of another array, read, corner or temperature, or does not say of which.
    """
    own = {**_flat(card.provenance.get("circuit", {})), **card.conditions.model_dump()}
    wanted = _flat(_circuit(conditions)) | {
        "corner": conditions.corner,
        "temperature": conditions.temperature,
    }
    for name in sorted(own.keys() | wanted.keys()):
        if own.get(name) != wanted.get(name):
            raise ParameterError(
                f"the card is of {name} = {own.get(name)!r}, not {wanted.get(name)!r}"[:200],
                place="--card",
                remedy="ask for what the card is of, or characterise the array anew: "
                "cimspice characterize sram --card FILE",
            )
    return sram_fit(card)


def _circuit(conditions: SramConditions) -> dict[str, Any]:
    return {
        "array": conditions.array.model_dump(mode="json", round_trip=True),
        "unit_width": conditions.unit_width,
        "largest_code": conditions.largest_code,
        "settle": conditions.settle,
    }


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested mappings as one, with names such as ``array.cell.access.width``."""
    if not isinstance(value, dict):
        return {name: value}
    found: dict[str, Any] = {}
    for key, entry in value.items():
        found |= _flat(entry, f"{name}.{key}" if name else str(key))
    return found
