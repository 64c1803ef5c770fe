"""The card of a column with its comparator: lines or drains, thresholds, offset, noise, delay, energy."""

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
from cimspice.hybrid.model.drains import DrainLaw, PairRead
from cimspice.hybrid.model.rram_column import RramColumn
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
class ArrayLines:
    """Lines of a column of 6T cells, with the comparator on them."""

    fit: BitLineFit
    second: SecondRead

    @property
    def noise(self) -> float:
        """Standard deviation of what precharge leaves between the lines (V): √(2 k T/C)."""
        lines = self.fit.model
        return float(np.sqrt(2 * BOLTZMANN * _kelvin(lines.temperature) / lines.capacitance))


@dataclass(frozen=True, eq=False)
class PairLines:
    """Drains of a pair of RRAM columns, and how its cells differ."""

    law: DrainLaw
    low_deviation: float
    high_deviation: float
    """``low_deviation``, ``high_deviation``: standard deviations of the conductances of cells of low and of
    high resistance, over their means; dummy cells have the first one."""
    temperature: float | None = None
    """In °C."""

    @property
    def noise(self) -> float:
        """Standard deviation of the drains' difference (V): of precharge, √(2 k T/C), and of the thermal
        noise of both columns' open cells, √(2 k T G t)/C, with 20 open weights of which six are not 0. That
        of the clamps, which the cells degenerate, is not in it."""
        law = self.law
        conductance = law.low_conductance * (6 + 34 / law.column.ratio)
        charge = law.drain_capacitance + law.read.integrate * conductance
        kelvin = _kelvin(self.temperature)
        return float(np.sqrt(2 * BOLTZMANN * kelvin * charge) / law.drain_capacitance)


def _kelvin(celsius: float | None) -> float:
    return (27.0 if celsius is None else celsius) + 273.15


@dataclass(frozen=True, eq=False)
class ColumnModel:
    """All that the emulator of a column computes with."""

    column: Column | RramColumn
    lines: ArrayLines | PairLines
    upper: float
    lower: float
    """``upper``, ``lower``: thresholds of the simulated column (cells)."""
    unit: float
    """What one cell makes of the lines' difference (V)."""
    comparator: ColumnComparator


def hybrid_card(
    model: ColumnModel,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    provenance: Mapping[str, Any] | None = None,
    corner: str | None = None,
) -> Card:
    """The card of a column; ``sources`` says for each part where its numbers come from, and ``corner`` where
    the lines do not."""
    lines, one = model.lines, model.comparator
    if isinstance(lines, ArrayLines):
        array = sram_card(lines.fit)
        conditions, own = array.conditions, {**array.parts, "second_read": _second_read(lines.second)}
    else:
        conditions = CardConditions(corner=corner, temperature=lines.temperature)
        own = {"drains": _drains(lines.law), "states": _states(lines)}
    tail = np.sqrt((one.samples - 1) / special.chdtri(one.samples - 1, [0.025, 0.975]))
    half = float(special.stdtrit(one.samples - 1, 0.975)) * one.offset_deviation / np.sqrt(one.samples)
    mean, deviation = one.offset_mean, one.offset_deviation
    parts = {
        **own,
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
        conditions=conditions,
        provenance=dict(provenance or {}),
        parts={
            name: part.model_copy(update={"source": dict(known.get(name, {}))})
            for name, part in parts.items()
        },
    )


def _second_read(second: SecondRead) -> Part:
    return Part(
        origin="simulated",
        range={
            "discharge": _range(second.least_discharge, second.largest_discharge, "V"),
            "difference": _range(-second.largest_difference, second.largest_difference, "V"),
        },
        parameters={"residual_rms": _once(second.residual_rms, "V", _FITTED)},
        data=encode(second),
    )


def _drains(law: DrainLaw) -> Part:
    fewest, most, opened, closed = law.limits
    return Part(
        origin="simulated",
        range={
            "open_weights": _range(fewest, most, "1"),
            "open_cells_of_low_resistance": _range(0, opened, "1"),
            "closed_cells_of_low_resistance": _range(0, closed, "1"),
        },
        parameters={
            f"{name}_residual_rms": _once(rms, "V", _FITTED)
            for name, rms in zip(("first", "second"), law.residual_rms, strict=True)
        },
        data=encode(law),
    )


def _states(lines: PairLines) -> Part:
    reason = "not measured"
    return Part(
        origin="assumed",
        parameters={
            "low_deviation": _once(lines.low_deviation, "1", reason),
            "high_deviation": _once(lines.high_deviation, "1", reason),
        },
    )


def column_model(card: Card) -> ColumnModel:
    """The column that a card holds.

    CimspiceError if it holds none.
    """
    try:
        lines = _pair_lines(card) if "drains" in card.parts else _array_lines(card)
        delay = card.decoded("delay", {})
        limits, offset, energy = (_values(card, name) for name in ("thresholds", "offset", "energy"))
        difference, seconds = delay["difference"], delay["delay"]
        if difference.shape != seconds.shape or not (np.diff(difference) > 0).all():
            raise ValueError("delays of differences that do not rise")
        pair = isinstance(lines, PairLines)
        return ColumnModel(
            lines.law.column if pair else Column(**card.provenance["circuit"]["column"]),
            lines,
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


def _array_lines(card: Card) -> ArrayLines:
    own = {name: card.part(name) for name in LINES}
    fit = sram_fit(Card(family="sram", conditions=CardConditions(**dict(card.conditions)), parts=own))
    second = card.decoded("second_read", {SecondRead.__name__: SecondRead})
    if not isinstance(second, SecondRead):
        raise TypeError(f"{type(second).__name__} in the place of SecondRead")
    return ArrayLines(fit, second)


def _pair_lines(card: Card) -> PairLines:
    law = card.decoded("drains", {kind.__name__: kind for kind in (DrainLaw, PairRead, RramColumn)})
    if not isinstance(law, DrainLaw):
        raise TypeError(f"{type(law).__name__} in the place of DrainLaw")
    states = _values(card, "states")
    return PairLines(law, states["low_deviation"], states["high_deviation"], card.conditions.temperature)


_FITTED = "of the reads that it is fitted to"
_UNITS = {
    "upper": "1", "lower": "1", "samples": "1", "supply": "J", "strobe": "J",
    "low_deviation": "1", "high_deviation": "1",
}  # fmt: skip
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
