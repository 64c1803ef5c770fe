"""The 6T array's card: currents of a cell, bit lines and variation, from which the emulator computes."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cimspice.arrays import Array
from cimspice.errors import CimspiceError, ParameterError, TableError
from cimspice.fit.family_card import REMEDY, Card, CardConditions, Part, encode
from cimspice.fit.model import flatten, type_name, unflatten
from cimspice.fit.ranges import Range
from cimspice.fit.records import ParameterRecord, RangeRecord
from cimspice.fit.repeats import MeanNoise, mean_noise, noise
from cimspice.fit.table import Column, TableSchema
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import BitLineFit, fitted_names
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.variation import CellVariation

FAMILY = "sram"
CELL_CURRENT, BIT_LINE, VARIATION = PARTS = ("cell_current", "bit_line", "variation")
LINE_CURRENT = TableSchema(
    "cell current",
    {
        "line_voltage": Column("V", -1.0, 5.0, names=("bit_line_voltage", "v_bl", "vbl", "v(bl)")),
        "current": Column(
            "A", -1e-2, 1e-2, coordinate=False, names=("bit_line_current", "read_current", "i_bl", "ibl")
        ),
    },
)
"""A measured curve: current out of a bit line into a cell that stores 0 on its side, the other line full."""
SMALLEST_SHARE = 0.02
"""Share of the full line's current below which a measured current says nothing about the cell's strength."""

_KINDS = {kind.__name__: kind for kind in (CellCurrents, CellVariation)}
_UNITS = {
    "capacitance": "F",
    "capacitance_slope": "F/V",
    "capacitance_curvature": "F/V^2",
    "coupling": "F",
    "lift_zero": "C",
    "lift_one": "C",
    "resistance": "ohm",
    "leakage": "A",
    "unit_width": "s",
    "width_correction": "s",
    "correction_slope": "s/V",
    "correction_sensitivity": "s",
    "idle_time": "s",
    "full_line_current": "A",
    "charge_limit": "1",
    "current_deviation": "1",
    "sensitivity": "1/V",
    "samples": "1",
}
"""Of a card's parameters; those not named are voltages."""
_REASONS = {
    "start_voltage": "median of the training reads",
    "trip_voltage": "from a sweep, to its step",
    "leakage": "from one read, by an earlier version",
    "safe_voltage": "follows from the trip voltages",
    "unit_discharge": "follows from current, capacitance and width",
    "charge_limit": "follows from start and safe voltage and the unit discharge",
    "residual_rms": "of the training reads",
    "full_scale": "of the training reads",
    "full_line_current": "of one nominal cell, simulated without noise",
    "samples": "a number of cells",
}
_FOLLOWING = ("safe_voltage", "unit_discharge", "charge_limit")
_OF_THE_FIT = ("residual_rms", "full_scale")


def sram_card(
    fit: BitLineFit,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Card:
    """The card of a fitted column; ``sources`` says for each of ``PARTS`` where its numbers come from."""
    parts = {CELL_CURRENT: _cell_current(fit), BIT_LINE: _bit_line(fit), VARIATION: _variation(fit)}
    return Card(
        family=FAMILY,
        conditions=CardConditions(corner=fit.model.corner, temperature=fit.model.temperature),
        provenance=dict(provenance or {}),
        parts={
            name: part.model_copy(update={"source": dict((sources or {}).get(name, {}))})
            for name, part in parts.items()
        },
    )


def sram_fit(card: Card) -> BitLineFit:
    """The column that a card holds.

    ParameterError if the card holds none, or a figure that is not what its data say.
    """
    currents, variation = (card.decoded(name, _KINDS) for name in (CELL_CURRENT, VARIATION))
    data = card.decoded(BIT_LINE, {})
    try:
        values = _values(card.part(BIT_LINE))
        known = {name: values.pop(name) for name in (*_FOLLOWING, *_OF_THE_FIT)}
        model = BitLines(
            currents=_of_kind(currents, CellCurrents),
            variation=_of_kind(variation["cells"], CellVariation),
            corner=card.conditions.corner,
            temperature=card.conditions.temperature,
            current_range=_measured_range(card.part(CELL_CURRENT)),
            **unflatten(values),
        )
        fit = BitLineFit(
            model=model,
            nominal=variation["nominal"].reshape(-1, 2),
            covariance=_covariance(data["covariance"], fitted_names(model.largest_code)),
            freedom=data["freedom"],
            sensitivity_deviation=variation["sensitivity_deviation"],
            noise=card.noise(CELL_CURRENT),
            **{name: known[name] for name in _OF_THE_FIT},
        )
        expected = sram_card(fit)
    except CimspiceError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ParameterError(
            f"the parts do not make a column: {error!r}"[:300], place="card of sram", remedy=REMEDY
        ) from None
    for name in PARTS:
        _check_figures(name, card.part(name), expected.part(name))
    return fit


def with_measured_current(card: Card, table: pd.DataFrame) -> Card:
    """The card with a measured curve in the place of its currents.

    The curve is that of a cell that stores 0, over its line's voltage while the other line is full. The
    tables over both lines are scaled with the ratio of the curve to theirs, interpolated between the points
    and held beyond them; what a cell passes on the side that stores 1 stays.

    TableError if fewer than two points lie where the card's cell conducts, or a current is not within a
    factor of ten of the card's.

    Parameters
    ----------
    card
        Of an array.
    table
        As :data:`LINE_CURRENT` says (A, V), read by :func:`cimspice.fit.read_measured`.
    """
    fit = sram_fit(card)
    tables, start = fit.model.currents, fit.model.start_voltage
    origin = dict(table.attrs.get("provenance", {}))
    place = str(origin.get("measured_file", "table"))
    readings = table.groupby("line_voltage")["current"]
    curve = readings.mean()
    voltage, current = curve.index.to_numpy(float), curve.to_numpy(float)
    current = current * (-1.0 if current[-1] < 0 else 1.0)
    there = tables.zero_alone(voltage)
    used = (voltage >= tables.voltage[0]) & (voltage <= tables.voltage[-1])
    used &= there > SMALLEST_SHARE * tables.zero_alone(np.array(start))
    if used.sum() < 2:
        raise TableError(
            f"{int(used.sum())} of {len(used)} voltages lie where the card's cell conducts",
            place=place,
            remedy=f"measure at two voltages of the line at least, up to {tables.voltage[-1]:.3g} V",
        )
    ratio = current[used] / there[used]
    for k in np.flatnonzero(~((ratio > 0.1) & (ratio < 10.0)))[:1]:
        raise TableError(
            f"the current is {current[used][k]:.4g} A at {voltage[used][k]:.4g} V, the card's cell has "
            f"{there[used][k]:.4g} A",
            place=place,
            remedy="check the column and its unit (--unit current=uA)",
        )
    scale = np.interp(tables.voltage, voltage[used], ratio)
    known = mean_noise(table, ["line_voltage"], "current")
    seen = Range(float(voltage[used][0]), float(voltage[used][-1]), "V")
    measured = replace(
        fit,
        model=replace(
            fit.model, currents=replace(tables, zero=tables.zero * scale[:, None]), current_range=seen
        ),
        noise=None if known is None else MeanNoise(voltage[used], known[0].to_numpy()[used], known[1]),
    )
    source = {
        "file": place,
        "sha256": origin.get("measured_file_digest"),
        "rows": len(table),
        "voltages_left_out": int((~used).sum()),
        "ratio": {"low": float(ratio.min()), "high": float(ratio.max())},
        "scaled": card.part(CELL_CURRENT).model_dump(mode="json", include={"origin", "source"}),
    }
    part = _cell_current(measured).model_copy(
        update={
            "origin": "measured",
            "source": source,
            "range": {"line_voltage": RangeRecord(low=seen.low, high=seen.high, unit="V")},
            "parameters": {"full_line_current": _measured_current(measured, table)},
        }
    )
    lines = card.part(BIT_LINE)
    updated = _bit_line(measured).model_copy(update={"origin": lines.origin, "source": lines.source})
    return card.replaced(CELL_CURRENT, part).replaced(BIT_LINE, updated)


def _covariance(values: Array, names: Sequence[str]) -> Array:
    """Of the numbers fitted; earlier versions did not fit the leakage, which has no variance then."""
    if values.size != (len(names) - 1) ** 2:
        return values.reshape(len(names), len(names))
    place = names.index("leakage")
    known = values.reshape(len(names) - 1, len(names) - 1)
    return np.insert(np.insert(known, place, 0.0, axis=0), place, 0.0, axis=1)


def _cell_current(fit: BitLineFit) -> Part:
    tables, model = fit.model.currents, fit.model
    current = float(tables.zero_alone(np.array(model.start_voltage)))
    axes = {"line_voltage": tables.voltage, "other_line_voltage": tables.other}
    return Part(
        origin="simulated",
        range={name: _range(axis[0], axis[-1], "V") for name, axis in axes.items()},
        parameters={"full_line_current": _record("full_line_current", current)},
        data=encode(tables),
        noise=encode(fit.noise),
    )


def _bit_line(fit: BitLineFit) -> Part:
    model = fit.model
    names = fitted_names(model.largest_code)
    half = _quantile(fit.freedom) * np.sqrt(np.diag(fit.covariance))
    fitted = {name: width for name, width in zip(names, half.tolist(), strict=True) if width > 0}
    values: dict[str, float] = {}
    for entry in fields(model):
        if type_name(entry) == "float" or entry.name == "width_correction":
            values |= flatten(entry.name, getattr(model, entry.name))
    values |= {name: getattr(model, name) for name in _FOLLOWING}
    values |= {name: getattr(fit, name) for name in _OF_THE_FIT}
    return Part(
        origin="simulated",
        range={
            "line_voltage": _range(model.safe_voltage, model.start_voltage, "V"),
            "code": _range(0, model.largest_code, "1"),
            "sum_of_codes": _range(0, model.charge_limit, "1"),
        },
        parameters={name: _record(name, value, fitted.get(name)) for name, value in values.items()},
        data=encode({"covariance": fit.covariance, "freedom": fit.freedom}),
    )


def _variation(fit: BitLineFit) -> Part:
    cells = fit.model.variation
    values = {name: getattr(cells, name) for name in ("current_deviation", "trip_mean", "trip_deviation")}
    parameters = {"samples": _record("samples", cells.samples)}
    if cells.samples < 2:
        parameters |= {name: _record(name, value) for name, value in values.items()}
    else:
        currents, trips = cells.covariance[:2, :2], cells.covariance[2:, 2:]
        half = _quantile(cells.samples - 1) * np.sqrt(trips.sum() / 4 / cells.samples)
        parameters |= {
            "current_deviation": _deviation("current_deviation", currents, cells.samples),
            "trip_mean": _record("trip_mean", values["trip_mean"], float(half)),
            "trip_deviation": _deviation("trip_deviation", trips, cells.samples),
        }
    if cells.sensitivity is not None:
        half = _quantile(max(cells.samples - 3, 1)) * fit.sensitivity_deviation
        parameters |= {
            f"sensitivity[{k}]": _record(f"sensitivity[{k}]", value, float(half[k]))
            for k, value in enumerate(cells.sensitivity.tolist())
        }
    return Part(
        origin="simulated",
        parameters=parameters,
        data=encode(
            {
                "cells": cells,
                "nominal": fit.nominal,
                "sensitivity_deviation": fit.sensitivity_deviation,
            }
        ),
    )


def _record(name: str, value: float, half: float | None = None) -> ParameterRecord:
    stem = name.partition("[")[0]
    interval = None if half is None else (value - half, value + half)
    reason = "" if interval else _REASONS.get(stem, "of the array's design")
    return ParameterRecord(value=value, unit=_UNITS.get(stem, "V"), interval=interval, reason=reason)


def _deviation(name: str, covariance: Array, samples: int) -> ParameterRecord:
    """Root of the mean variance of two correlated factors, with the interval of as many degrees of freedom as
    they amount to."""
    value = float(np.sqrt(np.trace(covariance) / 2))
    freedom = (samples - 1) * np.trace(covariance) ** 2 / max(np.trace(covariance @ covariance), 1e-300)
    low, high = (value * np.sqrt(freedom / special.chdtri(freedom, [0.025, 0.975]))).tolist()
    return ParameterRecord(value=value, unit=_UNITS.get(name, "V"), interval=(low, high))


def _measured_current(fit: BitLineFit, table: pd.DataFrame) -> ParameterRecord:
    """Current of a full line, as certain as the repeats of the highest voltage make it."""
    value = float(fit.model.currents.zero_alone(np.array(fit.model.start_voltage)))
    repeats = noise(table, LINE_CURRENT)
    count = int((table["line_voltage"] == table["line_voltage"].max()).sum())
    if repeats is None or repeats["relative"] is None:
        reason = "every voltage was read once: the noise is unknown"
        return ParameterRecord(value=value, unit="A", reason=reason)
    half = _quantile(repeats["degrees_of_freedom"]) * repeats["relative"] * value / np.sqrt(count)
    return _record("full_line_current", value, float(half))


def _quantile(freedom: int) -> float:
    """Of Student's distribution, for intervals of 95 %."""
    return float(special.stdtrit(freedom, 0.975))


def _range(low: float, high: float, unit: str) -> RangeRecord:
    return RangeRecord(low=float(low), high=float(max(low, high)), unit=unit)


def _measured_range(part: Part) -> Range | None:
    if part.origin != "measured":
        return None
    seen = part.range["line_voltage"]
    return Range(seen.low, seen.high, seen.unit)


def _values(part: Part) -> dict[str, float]:
    for name, record in part.parameters.items():
        unit = _UNITS.get(name.partition("[")[0], "V")
        if record.unit != unit:
            raise ParameterError(
                f"{name} is in {record.unit!r}"[:200], place="card of sram", remedy=f"give it in {unit}"
            )
    return {name: record.value for name, record in part.parameters.items()}


def _of_kind(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} in the place of {kind.__name__}")
    return value


def _check_figures(name: str, part: Part, expected: Part) -> None:
    """Whether the parameters are those that the data and the other parts give."""
    own, theirs = _values(part), _values(expected)
    for figure in sorted(own.keys() | theirs.keys()):
        if figure in own and figure in theirs and np.isclose(own[figure], theirs[figure], rtol=1e-9, atol=0):
            continue
        raise ParameterError(
            f"{figure} is {own.get(figure, 'not there')}, the data say {theirs.get(figure, 'nothing of it')}",
            place=f"part {name!r} of the card",
            remedy="change the data, or make the card anew",
        )
