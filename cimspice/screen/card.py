"""A family's card as commands read it, and its figures in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card
    from cimspice.fit.records import ParameterRecord

_MOST_DIGITS = 8


def shown(record: ParameterRecord) -> str:
    """A figure with as many digits as its interval supports."""
    unit = "" if record.unit in ("", "1") else f" {record.unit}"
    if record.interval is None:
        return f"{record.value:.6g}{unit}"
    low, high = (record.value - record.interval[0], record.interval[1] - record.value)
    half = max(low, high)
    if half <= 0:
        return f"{record.value:.6g} ± 0{unit}"
    sizes = (math.floor(math.log10(size)) for size in (max(abs(record.value), half), half))
    digits = min(next(sizes) - next(sizes) + 2, _MOST_DIGITS)
    if abs(low - high) > 0.05 * half:
        ends = " to ".join(f"{end:.{digits}g}" for end in record.interval)
        return f"{record.value:.{digits}g}, {ends}{unit}"
    return f"{record.value:.{digits}g} ± {half:.2g}{unit}"


def origin_of(card: Card) -> dict[str, Any]:
    """Seed, conditions and versions of a card, as in the ``--json`` of every command."""
    known = card.provenance
    return {"seed": known.get("seed"), **card.conditions.model_dump(), "provenance": known}


def conditions(card: Card) -> str:
    """Corner and temperature of a card in words."""
    corner, temperature = card.conditions.corner, card.conditions.temperature
    return f"{corner or 'corner unknown'}, " + (
        "temperature unknown" if temperature is None else f"{temperature:g} °C"
    )
