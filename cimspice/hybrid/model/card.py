"""The card of a column with its comparator: lines, thresholds, offset, noise, delay, energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from cimspice.arrays import Array
from cimspice.errors import CimspiceError, ParameterError
from cimspice.fit.family_card import REMEDY, Card, CardConditions, Part, encode
from cimspice.fit.records import ParameterRecord, RangeRecord
from cimspice.hybrid.model.column import Column, SecondRead
from cimspice.sram.model.build import BitLineFit
from cimspice.sram.model.card import PARTS as LINES
from cimspice.sram.model.card import sram_card, sram_fit

FAMILY = "hybrid"
BOLTZMANN = 1.380649e-23


@dataclass(frozen=True, eq=False)
class ColumnComparator:
    """A comparator on a column's lines, at their common mode."""

    offset_mean: float
    offset_deviation: float
    samples: int
    """``offset_mean``, ``offset_deviation``, ``samples``: of the input offset (V), and of how many."""
    noise: float
    """Of a decision, thermal, referred to the input (V)."""
    difference: Array
    delay: Array
    """``difference``, ``delay``: of the lines (V), rising, and the time that a decision takes then (s)."""
    supply_energy: float
    strobe_energy: float
    """``supply_energy``, ``strobe_energy``: of a decision on lines half a unit apart (J)."""
    kick_back: float
    """What it leaves in the lines' difference then (V)."""


@dataclass(frozen=True, eq=False)
class ColumnModel:
    """All that the emulator of a column computes with."""

    column: Column
    fit: BitLineFit
    """Of the lines, with the comparator on them."""
    second: SecondRead
    upper: float
    lower: float
    """``upper``, ``lower``: thresholds of the simulated column (cells)."""
    unit: float
    """What one cell makes of the lines' difference (V)."""
    comparator: ColumnComparator

    @property
    def line_noise(self) -> float:
        """Standard deviation of what precharge leaves between the lines (V): √(2 k T/C)."""
        lines = self.fit.model
        kelvin = (27.0 if lines.temperature is None else lines.temperature) + 273.15
        return float(np.sqrt(2 * BOLTZMANN * kelvin / lines.capacitance))


def hybrid_card(
    model: ColumnModel,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Card:
    """The card of a column; ``sources`` says for each part where its numbers come from."""
    lines = sram_card(model.fit)
    one, second = model.comparator, model.second
    tail = np.sqrt((one.samples - 1) / special.chdtri(one.samples - 1, [0.025, 0.975]))
    half = float(special.stdtrit(one.samples - 1, 0.975)) * one.offset_deviation / np.sqrt(one.samples)
    mean, deviation = one.offset_mean, one.offset_deviation
    parts = {
        **lines.parts,
        "second_read": Part(
            origin="simulated",
            range={
                "discharge": _range(second.least_discharge, second.largest_discharge, "V"),
                "difference": _range(-second.largest_difference, second.largest_difference, "V"),
            },
            parameters={"residual_rms": _once(second.residual_rms, "V", "of the reads that it is fitted to")},
            data=encode(second),
        ),
        "thresholds": Part(
            origin="simulated",
            parameters={
                "upper": _once(model.upper, "1"),
                "lower": _once(model.lower, "1"),
                "unit": _once(model.unit, "V"),
            },
        ),
        "offset": Part(
            origin="simulated",
            parameters={
                "mean": ParameterRecord(value=mean, unit="V", interval=(mean - half, mean + half)),
                "deviation": ParameterRecord(
                    value=deviation,
                    unit="V",
                    interval=(float(deviation * tail[0]), float(deviation * tail[1])),
                ),
                "samples": _once(one.samples, "1", "a number of comparators"),
            },
        ),
        "noise": Part(
            origin="simulated", parameters={"comparator": _once(one.noise, "V", "from sensitivities")}
        ),
        "delay": Part(
            origin="simulated",
            range={"difference": _range(one.difference[0], one.difference[-1], "V")},
            parameters={"longest": _once(float(one.delay.max()), "s")},
            data=encode({"difference": one.difference, "delay": one.delay}),
        ),
        "energy": Part(
            origin="simulated",
            parameters={
                "supply": _once(one.supply_energy, "J"),
                "strobe": _once(one.strobe_energy, "J"),
                "kick_back": _once(one.kick_back, "V"),
            },
        ),
    }
    known = sources or {}
    return Card(
        family=FAMILY,
        conditions=lines.conditions,
        provenance=dict(provenance or {}),
        parts={
            name: part.model_copy(update={"source": dict(known.get(name, {}))})
            for name, part in parts.items()
        },
    )


def column_model(card: Card) -> ColumnModel:
    """The column that a card holds.

    CimspiceError if it holds none.
    """
    try:
        own = {name: card.part(name) for name in LINES}
        fit = sram_fit(Card(family="sram", conditions=CardConditions(**dict(card.conditions)), parts=own))
        second = card.decoded("second_read", {SecondRead.__name__: SecondRead})
        delay = card.decoded("delay", {})
        if not isinstance(second, SecondRead):
            raise TypeError(f"{type(second).__name__} in the place of SecondRead")
        limits, offset, energy = (_values(card, name) for name in ("thresholds", "offset", "energy"))
        difference, seconds = delay["difference"], delay["delay"]
        if difference.shape != seconds.shape or not (np.diff(difference) > 0).all():
            raise ValueError("delays of differences that do not rise")
        return ColumnModel(
            Column(**card.provenance["circuit"]["column"]),
            fit,
            second,
            limits["upper"],
            limits["lower"],
            limits["unit"],
            ColumnComparator(
                offset["mean"],
                offset["deviation"],
                int(offset["samples"]),
                _values(card, "noise")["comparator"],
                difference,
                seconds,
                energy["supply"],
                energy["strobe"],
                energy["kick_back"],
            ),
        )
    except CimspiceError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ParameterError(
            f"the parts do not make a column: {error!r}"[:300], place="card of hybrid", remedy=REMEDY
        ) from None


_UNITS = {"upper": "1", "lower": "1", "samples": "1", "supply": "J", "strobe": "J"}
"""Of the card's figures; those not named are voltages."""
_POSITIVE = ("unit", "deviation", "comparator", "supply", "strobe")


def _values(card: Card, name: str) -> dict[str, float]:
    found = {}
    for key, record in card.part(name).parameters.items():
        unit = _UNITS.get(key, "V")
        wrong = f"{key} is in {record.unit!r}" if record.unit != unit else ""
        if key in _POSITIVE and not record.value > 0:
            wrong = f"{key} is {record.value:g}"
        if wrong:
            raise ParameterError(
                wrong[:200], place=f"part {name!r} of the card", remedy=f"give a positive one in {unit}"
            )
        found[key] = record.value
    return found


def _once(value: float, unit: str, reason: str = "simulated once, without noise") -> ParameterRecord:
    return ParameterRecord(value=float(value), unit=unit, reason=reason)


def _range(low: float, high: float, unit: str) -> RangeRecord:
    return RangeRecord(low=float(low), high=float(high), unit=unit)
