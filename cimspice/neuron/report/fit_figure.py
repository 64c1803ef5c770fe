"""Figure of a synapse's fit: curves with the models, their residuals, and λ over the current."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cimspice.fit.curves import Curve, CurveSelection
from cimspice.neuron.model.synapse import Synapse
from cimspice.report.colours import colours_of
from cimspice.report.quantity import quantity
from cimspice.report.style import legend_above, legend_beside, save, sheet

if TYPE_CHECKING:
    from cimspice.neuron.characterisation.synapse_fit import SynapseFit

_LINES = (":", "--", "-")
_TITLES = {"n": "n: discharges the membrane", "p": "p: charges the membrane"}
_SHOWN = (0.25, 0.5, 0.75, 1.0, 1.25)
"""Curves drawn, as multiples of the unit current: the nearest measured ones."""


def draw_synapse_fit(result: SynapseFit, folder: Path, name: str = "synapse_fit") -> list[Path]:
    """Draw the fit of both polarities as PNG and SVG into ``folder``; gives the two paths.

    Rows: current over membrane voltage, points measured and lines of the models, a colour for each gate bias;
    residuals of the same curves in percent of the current at reset; λ of each curve alone over its current,
    with the models' λ.
    """
    with sheet(10.0, 8.0) as canvas:
        grid = canvas.subplots(3, 2, sharex="row", height_ratios=(3, 2, 2))
        for column, polarity in enumerate(("n", "p")):
            upper, middle, lower = grid[:, column]
            models = {
                row.term: row.fit.model for row in result.models if row.polarity == polarity and row.fit
            }
            shown = _nearest(result.curves[polarity], result.conditions.unit_current)
            colours = colours_of(shown, graded=True)
            selection = result.conditions.selection(polarity)
            _currents(upper, shown, colours, models, selection)
            _residuals(middle, shown, colours, models, selection)
            _coefficients(lower, result, polarity, models, selection)
            upper.set_title(_TITLES[polarity])
            biases = [
                Line2D([], [], color=colour, label=quantity(curve.gate_bias, "V"))
                for curve, colour in zip(shown, colours, strict=True)
            ]
            legend_beside(upper, biases, "gate bias")
        legend_above(canvas, _keys(models))
        for row, words in enumerate(("current (nA)", "model − curve\n(% of current at reset)", "λ (1/V)")):
            grid[row, 0].set_ylabel(words)
        return save(canvas, folder, name)


def _keys(models: Collection[str]) -> list[Line2D]:
    """Entries of the legend: what is measured, and the line of each model."""
    return [
        Line2D([], [], color="0.3", marker=".", linestyle="none", label="curve; λ of a line through it"),
        *(
            Line2D([], [], color="0.3", linestyle=line, label=term)
            for term, line in zip(models, _LINES, strict=False)
        ),
        Line2D(
            [], [], color="black", marker="D", linestyle="none", markersize=4, label="λ at the unit current"
        ),
    ]


def _nearest(curves: Sequence[Curve], unit_current: float) -> list[Curve]:
    """The measured curves nearest to the shown multiples of the unit current, each once."""
    currents = np.log([curve.current_at_reset for curve in curves])
    chosen = {int(np.argmin(np.abs(currents - np.log(unit_current * factor)))) for factor in _SHOWN}
    return [curves[index] for index in sorted(chosen)]


def _voltage(curve: Curve, selection: CurveSelection) -> np.ndarray:
    sign = 1.0 if selection.polarity == "n" else -1.0
    return selection.reset_voltage + sign * curve.displacement


def _fitted(model: Synapse, curve: Curve, voltage: np.ndarray) -> np.ndarray:
    """The model's current with the current at reset that suits this curve best."""
    shape = model.shape(curve.current_at_reset, voltage)
    return shape * float(shape @ curve.current / (shape @ shape))


def _currents(
    axes: Axes, curves: Sequence[Curve], colours: Sequence[Any], models: dict[str, Synapse],
    selection: CurveSelection,
) -> None:  # fmt: skip
    for curve, colour in zip(curves, colours, strict=True):
        voltage = _voltage(curve, selection)
        few = slice(None, None, max(len(voltage) // 20, 1))
        axes.plot(voltage[few], curve.current[few] * 1e9, ".", color=colour, markersize=5)
        for model, line in zip(models.values(), _LINES, strict=False):
            fitted = _fitted(model, curve, voltage) * 1e9
            axes.plot(voltage, fitted, color=colour, linestyle=line, linewidth=1.0)
    axes.set_ylim(bottom=0)


def _residuals(
    axes: Axes, curves: Sequence[Curve], colours: Sequence[Any], models: dict[str, Synapse],
    selection: CurveSelection,
) -> None:  # fmt: skip
    for model, line in zip(models.values(), _LINES, strict=False):
        for curve, colour in zip(curves, colours, strict=True):
            voltage = _voltage(curve, selection)
            error = 100 * (_fitted(model, curve, voltage) - curve.current) / curve.current_at_reset
            axes.plot(voltage, error, color=colour, linestyle=line, linewidth=1.0)
    axes.axhline(0.0, color="0.3", linewidth=0.6)
    axes.set_xlabel("membrane voltage (V)")


def _coefficients(
    axes: Axes, result: SynapseFit, polarity: str, models: dict[str, Synapse], selection: CurveSelection
) -> None:
    curves = result.curves[polarity]
    currents = np.array([curve.current_at_reset for curve in curves])
    alone = []
    for curve in curves:
        slope, at_reset = np.polyfit(curve.displacement, curve.current, 1)
        alone.append(slope / at_reset)
    axes.plot(currents * 1e9, alone, ".", color="0.3")
    for model, line in zip(models.values(), _LINES[:2], strict=False):
        slope = np.abs(model.shape_slope(currents, selection.reset_voltage))
        axes.plot(currents * 1e9, slope, color="0.3", linestyle=line)
    figure = result.figures.lambda_n if polarity == "n" else result.figures.lambda_p
    unit = result.conditions.unit_current * 1e9
    axes.plot([unit], [figure.value], "D", color="black", markersize=4)
    axes.set_xscale("log")
    axes.set_xlabel("current at reset (nA)")
