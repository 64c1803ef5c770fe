"""From a synapse's conditions, or a user's measured curves, to its figures, models and gate laws."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.errors import FitError, ParameterError, TableError
from cimspice.fit.curves import (
    VOLTAGE_SCALE,
    VOLTAGE_SCALE_HALF_WIDTH,
    Curve,
    CurveSelection,
    synapse_curves,
)
from cimspice.fit.fit import Estimate, Fit
from cimspice.fit.measured import read_measured
from cimspice.fit.records import ParameterRecord
from cimspice.fit.table import ORDERS, SCHEMAS
from cimspice.neuron.characterisation.card import Conditions as NeuronConditions
from cimspice.neuron.characterisation.card import characterised_model
from cimspice.neuron.model.card import reversal, switch_half_width
from cimspice.neuron.model.current_dependent import CurrentDependentSynapse
from cimspice.neuron.model.gate_law import PolynomialGateLaw
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.reversal import ReversalFigures, reversal_figures
from cimspice.neuron.model.synapse import ReversalSynapse
from cimspice.neuron.model.voltage_dependent import VoltageDependentSynapse
from cimspice.progress import OnProgress, silent

LAYERS = (5, 5, 5)
"""Of the network whose neuron gives V_th and the unit current: that of the default card."""

TEMPERATURES = (-40.0, 125.0)
"""Degrees Celsius: the sweeps below enclose the wanted currents there."""

GATE_BIAS = {"n": (0.25, 0.9), "p": (0.7, 1.5)}
"""Swept gate bias (V): encloses 122 nA at all five corners from −40 to 125 °C, with a decade to spare."""

GATE_STEP = 0.0125
MEMBRANE = {"membrane_start": 0.43, "membrane_stop": 1.36, "membrane_step": 0.01}
SPREAD = (0.01, 10.0)
"""Currents that the models of all weights are fitted on, as multiples of the unit current."""


@dataclass(frozen=True)
class SynapseConditions:
    """What is fitted. ``corner``, ``temperature`` (°C), ``order``: None where measured curves have but one.

    ``unit_current`` (A) is the current at reset of a unit weight, ``voltage_scale`` V_th (V) with the
    half-width of its 95 % interval.
    """

    unit_current: float
    corner: str | None = "tt"
    temperature: float | None = 27.0
    order: str | None = ORDERS[0]
    voltage_scale: float = VOLTAGE_SCALE
    scale_half_width: float = VOLTAGE_SCALE_HALF_WIDTH

    def __post_init__(self) -> None:
        if self.order is not None:
            _one_of("--order", self.order, ORDERS)
        low, high = TEMPERATURES
        if self.temperature is not None and not low <= self.temperature <= high:
            raise ParameterError(
                f"temperature {self.temperature:g} °C is outside {low:g} to {high:g} °C",
                place="--temperature",
                remedy="choose one inside: the sweeps of the gate bias are made for it",
            )
        if not (math.isfinite(self.unit_current) and self.unit_current > 0):
            raise ParameterError(
                f"unit current {self.unit_current:g} A is not a positive number",
                place="--unit-current",
                remedy="give it in ampere, for example 122e-9",
            )

    def selection(self, polarity: str) -> CurveSelection:
        """The curves of one polarity under these conditions."""
        return CurveSelection(
            polarity,
            order=self.order,
            corner=self.corner,
            temperature=self.temperature,
            voltage_scale=self.voltage_scale,
        )


@dataclass(frozen=True, eq=False)
class ModelRow:
    """One model of one polarity's curves: its ``fit``, or the ``problem`` that the data have with it."""

    polarity: str
    term: str
    fit: Fit[Any] | None
    problem: str = ""


@dataclass(frozen=True, eq=False)
class SynapseFit:
    """Everything that is known of a synapse."""

    conditions: SynapseConditions
    table: pd.DataFrame
    """Curves of both polarities in the agreed columns (``cimspice.fit.SCHEMAS["synapse"]``), SI units."""
    figures: ReversalFigures
    """λ, E and the residual of the straight line at the unit current."""
    curves: dict[str, list[Curve]]
    """Polarity -> the curves around the unit current that the models are fitted on, by rising current."""
    models: tuple[ModelRow, ...]
    """The models of these curves, both polarities, each with one term more than the one before."""
    gate_laws: dict[str, Fit[PolynomialGateLaw] | None]
    """Polarity -> fit of I(V_g), or None if the curves do not support one."""

    def gate_bias(self, polarity: str) -> float | None:
        """Gate bias (V) of the unit current, if the gate law is known."""
        law = self.gate_laws[polarity]
        return None if law is None else float(law.model.gate_bias(self.conditions.unit_current))


def simulated_neuron(
    corner: str | None, temperature: float | None, progress: OnProgress = silent
) -> tuple[NeuronModel, int]:
    """The neuron of the default card under these conditions, and the fan-in of its unit weight."""
    conditions = NeuronConditions(corner or "tt", 27.0 if temperature is None else temperature)
    return characterised_model(conditions, LAYERS, progress), LAYERS[0]


def of_neuron(conditions: SynapseConditions, model: NeuronModel) -> SynapseConditions:
    """The same with V_th of a neuron's read-out."""
    return replace(
        conditions, voltage_scale=model.threshold_voltage, scale_half_width=switch_half_width(model)
    )


def with_figures(result: SynapseFit, model: NeuronModel) -> SynapseFit:
    """The fit with λ and E as a neuron's card has them, with which networks are trained and validated.

    Those of the selector at the membrane stay: no neuron has it.
    """
    if result.conditions.order != ORDERS[0]:
        return result
    found = {name: reversal(model, name, result.conditions.unit_current) for name in ("n", "p")}
    figures = {
        f"lambda_{name}": _estimate(records["reversal_coefficient"]) for name, records in found.items()
    } | {
        "e_plus": _estimate(found["n"]["reversal_potential"]),
        "e_minus": _estimate(found["p"]["reversal_potential"]),
    }
    return replace(result, figures=replace(result.figures, **figures))


def _estimate(record: ParameterRecord) -> Estimate:
    ends = record.interval or (-math.inf, math.inf)
    return Estimate(record.value, record.unit, ends, record.identifiable, record.reason)


def simulated_table(conditions: SynapseConditions, progress: OnProgress = silent) -> pd.DataFrame:
    """Curves of both polarities from the bench ``neuron_synapse``; what is in the store is not run again.

    ParameterError if the corner is not the PDK's; SimulationError, PdkError or StoreError if the curves
    cannot be had.
    """
    from cimspice.campaign import run_bench
    from cimspice.pdk import CORNERS, Conditions

    corner = "tt" if conditions.corner is None else conditions.corner
    _one_of("--corner", corner, CORNERS)
    tables = []
    for polarity, (start, stop) in GATE_BIAS.items():
        tables.append(
            run_bench(
                "neuron_synapse",
                {"polarity": polarity, "circuit": {"order": conditions.order or ORDERS[0]}, **MEMBRANE},
                Conditions(corner, 27.0 if conditions.temperature is None else conditions.temperature),
                sweep={"gate_bias": {"start": start, "stop": stop, "step": GATE_STEP}},
                progress=progress,
            )
        )
    origin = [table.attrs["provenance"] for table in tables]
    return _joined(tables, {**origin[0], "digest": [each["digest"] for each in origin]})


def measured_table(files: Sequence[str], ignore_others: bool = False) -> pd.DataFrame:
    """Curves from CSV files in the user's own units; ``n=FILE`` or ``p=FILE`` says a whole file's polarity.
    ``ignore_others``: columns of other things, and rows of the other polarity, are left out, not refused.

    TableError if a file cannot be used, naming file, row, column, value and remedy.
    """
    tables = []
    for name in files:
        polarity, mark, path = name.partition("=")
        known = mark and polarity in ("n", "p") and not Path(name).exists()
        source, said = (path, {"polarity": polarity}) if known else (name, {})
        try:
            try:
                table = read_measured(source, SCHEMAS["synapse"], constants=said, ignore_others=ignore_others)
            except TableError as error:
                if not ignore_others or "is a column too" not in error.message:
                    raise
                table = read_measured(source, SCHEMAS["synapse"], where=said, ignore_others=True)
        except TableError as error:
            if "lacks the column 'polarity'" not in error.message:
                raise
            raise TableError(
                error.message,
                place=error.place,
                remedy=f"add it (n or p), or say that all of the file is of one: --csv n={name}",
            ) from None
        tables.append(table)
    joined = _joined(tables, {"measured": [table.attrs["provenance"] for table in tables]})
    keys = [
        name for name, column in SCHEMAS["synapse"].columns.items() if column.coordinate and name in joined
    ]
    if joined.duplicated(keys).sum() > sum(table.duplicated(keys).sum() for table in tables):
        raise TableError(
            "two of the files hold the same point", place="--csv", remedy="give the files of one device only"
        )
    joined.attrs["measured"] = True
    return joined


def fit_synapse(table: pd.DataFrame, conditions: SynapseConditions) -> SynapseFit:
    """Fit figures, models and gate laws to a table of both polarities.

    TableError if a polarity or a condition is missing or not unique, or no curve lies near the unit current.
    """
    figures = reversal_figures(
        table,
        conditions.selection("n"),
        unit_current=conditions.unit_current,
        scale_half_width=conditions.scale_half_width,
    )
    curves, rows, laws = {}, [], {}
    for polarity in ("n", "p"):
        selection = conditions.selection(polarity)
        curves[polarity] = _near(synapse_curves(table, selection), conditions.unit_current)
        biases = [curve.gate_bias for curve in curves[polarity]]
        near = table[(table["polarity"] == polarity) & table["gate_bias"].isin(biases)]
        near.attrs.update(table.attrs)
        rows += _models(near, selection, len(biases), conditions.unit_current)
        laws[polarity] = _gate_law(near, selection, len(biases))
    return SynapseFit(conditions, table, figures, curves, tuple(rows), laws)


def _models(
    table: pd.DataFrame, selection: CurveSelection, curves: int, unit_current: float
) -> list[ModelRow]:
    # more powers of ln I0 than there are curves to distinguish them would be empty precision
    degree = min(3, curves - 1)
    fits: dict[str, Callable[[], Fit[Any]]] = {
        "constant E": lambda: ReversalSynapse.fit(table, selection),
        "E(I)": lambda: CurrentDependentSynapse.fit(
            table, selection, degree=degree, reference_current=unit_current
        ),
        "E(I, v)": lambda: VoltageDependentSynapse.fit(
            table, selection, current_degree=degree, reference_current=unit_current
        ),
    }
    rows = []
    for term, fit in fits.items():
        try:
            rows.append(ModelRow(selection.polarity, term, fit()))
        except FitError as error:
            rows.append(ModelRow(selection.polarity, term, None, error.message))
    return rows


def _gate_law(table: pd.DataFrame, selection: CurveSelection, curves: int) -> Fit[PolynomialGateLaw] | None:
    degree = min(8, curves - 2)
    if degree < 1:
        return None
    try:
        return PolynomialGateLaw.fit(table, selection, degree=degree)
    except FitError:
        return None


def _near(curves: list[Curve], unit_current: float) -> list[Curve]:
    low, high = (factor * unit_current for factor in SPREAD)
    return [curve for curve in curves if low <= curve.current_at_reset <= high]


def _joined(tables: Sequence[pd.DataFrame], provenance: Mapping[str, Any]) -> pd.DataFrame:
    """One table with the agreed columns that the tables have, and provenance."""
    known = [name for name in SCHEMAS["synapse"].columns if any(name in table for table in tables)]
    for table in tables:
        lacking = [name for name in known if name not in table]
        if lacking:
            raise TableError(
                f"one of the files has the column {lacking[0]!r} and another has not",
                place="--csv",
                remedy="give all files the same columns",
            )
    joined = pd.concat([table[known] for table in tables], ignore_index=True)
    joined.attrs = {"provenance": dict(provenance)}
    return joined


def _one_of(option: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        near = get_close_matches(value, allowed, n=1)
        raise ParameterError(
            f"{value!r} is not known" + (f", did you mean {near[0]!r}?" if near else ""),
            place=option,
            remedy=f"use one of {', '.join(allowed)}",
        )
