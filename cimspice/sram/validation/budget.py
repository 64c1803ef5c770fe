"""How much of the error each term of the bit lines' model removes, on words that ngspice has simulated."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cimspice.arrays import Array
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.currents import CellCurrents

Emulate = Callable[[BitLines], Array]
"""Discharge (V) of both lines of every word under a model, shape (words, 2)."""


@dataclass(frozen=True)
class BudgetRow:
    """One model against ngspice; errors in percent of full scale, ``scales`` granted to it."""

    name: str
    title: str
    rmse_percent: float
    worst_percent: float
    scales: int


def ideal_sum(sums: Array, measured: Array, *, both: bool) -> Array:
    """The ideal weighted sum with its best scale (V), shape (words, 2).

    Parameters
    ----------
    sums
        Sum of codes on each line, shape (words, 2).
    measured
        What ngspice gave (V), shape (words, 2); the scales are fitted to it, on the very same words.
    both
        Grant a second scale for the other line's sum: the lines are coupled.
    """
    own, other = sums.astype(float).ravel(), sums[:, ::-1].astype(float).ravel()
    terms = np.column_stack([own, other] if both else [own])
    return (terms @ np.linalg.lstsq(terms, measured.ravel(), rcond=None)[0]).reshape(measured.shape)


def _alone(currents: CellCurrents) -> CellCurrents:
    """Tables in which neither the other line nor the side that stores 1 matters."""
    zero = np.repeat(currents.alone[:, None], len(currents.other), axis=1)
    return CellCurrents(currents.voltage, currents.other, zero, np.zeros_like(zero))


def ladder(model: BitLines) -> list[tuple[str, str, BitLines, int]]:
    """Models from simple to full, each with a term more than the one above: (name, title, model, scales)."""
    line = replace(
        model,
        currents=_alone(model.currents),
        capacitance_slope=0.0,
        capacitance_curvature=0.0,
        lift_zero=0.0,
        lift_one=0.0,
        correction_slope=0.0,
        correction_sensitivity=0.0,
        resistance=0.0,
        leakage=0.0,
        width_correction=np.zeros_like(model.width_correction),
    )
    width = replace(line, width_correction=model.width_correction)
    short = replace(width, correction_slope=model.correction_slope)
    short = replace(short, correction_sensitivity=model.correction_sensitivity)
    charge = replace(short, capacitance_slope=model.capacitance_slope)
    charge = replace(charge, capacitance_curvature=model.capacitance_curvature)
    lifted = replace(charge, lift_zero=model.lift_zero, lift_one=model.lift_one)
    wire = replace(lifted, resistance=model.resistance)
    leak = replace(wire, leakage=model.leakage)
    return [
        ("current", "+ current that falls with its line", line, 1),
        ("width", "+ what a pulse's edges take off its width", width, 0),
        ("closing", "+ which depends on line and cell", short, 0),
        ("capacitance", "+ capacitance that depends on voltage", charge, 0),
        ("lift", "+ charge that open word lines give", lifted, 0),
        ("resistance", "+ resistance of the bit line", wire, 0),
        ("leakage", "+ leakage of closed cells", leak, 0),
        ("full", "+ both lines' voltages in every cell", model, 0),
    ]


def error_budget(model: BitLines, emulate: Emulate, sums: Array, measured: Array) -> list[BudgetRow]:
    """The ladder against ngspice, in percent of the largest discharge measured."""
    rows = [
        _row("ideal", "weighted sum of codes", ideal_sum(sums, measured, both=False), measured, 1),
        _row(
            "coupled", "+ what the other line takes along", ideal_sum(sums, measured, both=True), measured, 2
        ),
    ]
    for name, title, ablation, scales in ladder(model):
        predicted = emulate(ablation)
        if scales:
            predicted = predicted * float((predicted * measured).sum() / (predicted**2).sum())
        rows.append(_row(name, title, predicted, measured, scales))
    return rows


def _row(name: str, title: str, predicted: Array, measured: Array, scales: int) -> BudgetRow:
    error = 100 * (predicted - measured) / measured.max()
    return BudgetRow(name, title, float(np.sqrt(np.mean(error**2))), float(np.abs(error).max()), scales)
