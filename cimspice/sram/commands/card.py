"""The 6T array as a family: its card from ngspice, and a measured curve of bit-line current in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.sram.model.card import CELL_CURRENT, LINE_CURRENT, sram_fit, with_measured_current

if TYPE_CHECKING:
    from cimspice.fit.table_fit import FitOptions
    from cimspice.pdk import Conditions
    from cimspice.progress import OnProgress

_READ = ("unit_width", "largest_code", "settle")


def characterised(
    conditions: Conditions, settings: Sequence[str], jobs: int | None, progress: OnProgress
) -> Card:
    """The array's card; ``settings`` are those of :class:`cimspice.sram.circuit.array.Array` (also
    ``cell.devices=ordinary``), ``unit_width`` (s), ``largest_code`` and ``settle`` (s)."""
    from cimspice.campaign.override import apply_overrides
    from cimspice.sram.characterise.card import characterised_card
    from cimspice.sram.characterise.conditions import SramConditions
    from cimspice.sram.circuit.array import Array

    given = apply_overrides({}, settings)
    array: dict[str, Any] = {}
    read: dict[str, float] = {}
    for name, value in {**given.get("parameters", {}), **given.get("sweep", {})}.items():
        outer, dot, inner = name.partition(".")
        if name in _READ:
            read[name] = _number(name, value)
        elif dot:
            array.setdefault(outer, {})[inner] = value
        else:
            array[name] = value
    return characterised_card(
        SramConditions(
            array=Array.model_validate(array),
            corner=conditions.corner,
            temperature=conditions.temperature,
            workers=jobs,
            **read,  # pyright: ignore[reportArgumentType] (largest_code is whole, which it checks)
        ),
        progress=progress,
    )


def check(card: Card) -> None:
    """CimspiceError if the card does not make an array's column."""
    sram_fit(card)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with a measured curve of bit-line current (line voltage, current) in the place of
    ``cell_current``."""
    if part != CELL_CURRENT:
        raise ParameterError(
            f"no measured curve makes the part {part!r}"[:200],
            place="--model",
            remedy=f"use --model {CELL_CURRENT}: current over the line's voltage",
        )
    table = given.read_unfitted(source, LINE_CURRENT)
    changed = with_measured_current(card, table)
    new, lines = changed.part(part), sram_fit(changed).model
    seen, ratio = new.range["line_voltage"], new.source["ratio"]
    remarks = [
        f"{ratio['low']:.4g} to {ratio['high']:.4g} times the card's current, {seen.low:.4g} to "
        f"{seen.high:.4g} V"
    ]
    if left := new.source["voltages_left_out"]:
        remarks.append(
            f"left out: voltages at which the card's cell hardly conducts, or beyond its tables: {left}"
        )
    for low, high in ((lines.safe_voltage, seen.low), (seen.high, lines.supply_voltage)):
        if high - low > 1e-9:
            remarks.append(
                f"not measured: {low:.3g} to {high:.3g} V, which reads reach; there the card's current times "
                "the nearest ratio is taken"
            )
    return changed, CELL_CURRENT, remarks


def _number(name: str, value: Any) -> float:
    allowed = int if name == "largest_code" else int | float
    if isinstance(value, bool) or not isinstance(value, allowed):
        kind = "whole number" if allowed is int else "number in SI units"
        raise ParameterError(f"{name} is {value!r}"[:200], place="--set", remedy=f"give a {kind}")
    return value
