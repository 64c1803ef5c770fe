"""The figures by which a synapse is known: λ and E of both polarities at the unit-weight current."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cimspice.errors import TableError
from cimspice.fit.curves import UNIT_CURRENT, VOLTAGE_SCALE_HALF_WIDTH, CurveSelection, synapse_curves
from cimspice.fit.fit import Estimate, Fit
from cimspice.neuron.model.current_dependent import CurrentDependentSynapse


@dataclass(frozen=True)
class ReversalFigures:
    """λ_N, λ_P in 1/V, E⁺, E⁻ (normalised), the residual of the linear law in percent of I0.

    ``residual_percent`` is that of the worse polarity. ``fits`` holds the fit of each polarity.
    """

    lambda_n: Estimate
    lambda_p: Estimate
    e_plus: Estimate
    e_minus: Estimate
    residual_percent: Estimate
    fits: Mapping[str, Fit[CurrentDependentSynapse]]

    def as_dict(self) -> dict[str, Any]:
        """JSON form: name -> :meth:`Estimate.as_dict`."""
        names = ("lambda_n", "lambda_p", "e_plus", "e_minus", "residual_percent")
        return {name: getattr(self, name).as_dict() for name in names}


def potential(polarity: str, coefficient: float, voltage_scale: float) -> float:
    """E = ±1/(λ V_th), positive for n, from λ (1/V) and V_th (V)."""
    return (1.0 if polarity == "n" else -1.0) / (coefficient * voltage_scale)


def potential_half_width(
    polarity: str, coefficient: tuple[float, float], voltage_scale: tuple[float, float]
) -> float:
    """Half-width of the 95 % interval of :func:`potential`, from values and half-widths of λ and V_th, which
    come from tables of their own."""
    relative = (width / value for value, width in (coefficient, voltage_scale))
    return abs(potential(polarity, coefficient[0], voltage_scale[0])) * math.hypot(*relative)


def reversal_figures(
    table: pd.DataFrame,
    selection: CurveSelection | None = None,
    *,
    unit_current: float = UNIT_CURRENT,
    scale_half_width: float = VOLTAGE_SCALE_HALF_WIDTH,
) -> ReversalFigures:
    """Extract λ and E of both polarities at the unit-weight current (A).

    The definition: over the window (0.43 to 1.36 V) a straight line I = I0 (1 + λ d) is fitted to the current
    of a gate bias, with I0 and λ free, d = V − V0 for n and V0 − V for p, V0 = 1.3 V; E = ±1/(λ V_th). The
    curves around the unit current, two on either side where there are so many, are fitted together, λ being a
    polynomial in ln I0 through them, so that the figure does not depend on the grid of gate biases.
    ``selection``'s polarity and ``near_current`` are not used; ``scale_half_width`` (V) is that of the 95 %
    interval of its V_th.

    Raises
    ------
    TableError
        Bad table, or the unit current does not lie between two measured curves.
    """
    selection = selection or CurveSelection("n")
    fits, coefficients, potentials = {}, {}, {}
    for polarity in ("n", "p"):
        chosen = replace(selection, polarity=polarity, near_current=None)
        near = _enclosing(table, chosen, unit_current)
        degree = near["gate_bias"].nunique() - 1
        fit = CurrentDependentSynapse.fit(near, chosen, degree=degree, reference_current=unit_current)
        fits[polarity] = fit
        coefficients[polarity] = found = fit.estimates["coefficients[0]"]
        scale = selection.voltage_scale, scale_half_width
        value, half = potential(polarity, found.value, scale[0]), (found.interval[1] - found.interval[0]) / 2
        half = potential_half_width(polarity, (found.value, half), scale)
        potentials[polarity] = Estimate(
            value, "1", (value - half, value + half), found.identifiable, found.reason
        )
    worse = max(fits.values(), key=lambda fit: fit.residual.percent).residual
    return ReversalFigures(
        lambda_n=coefficients["n"],
        lambda_p=coefficients["p"],
        e_plus=potentials["n"],
        e_minus=potentials["p"],
        residual_percent=Estimate(worse.percent, "%", worse.interval),
        fits=fits,
    )


def _enclosing(table: pd.DataFrame, selection: CurveSelection, unit_current: float) -> pd.DataFrame:
    """The rows of the gate biases around the unit current, or of the one that has it."""
    curves = synapse_curves(table, selection)
    currents = np.array([curve.current_at_reset for curve in curves])
    above = int(np.searchsorted(currents, unit_current))
    if above < currents.size and np.isclose(currents[above], unit_current, rtol=1e-3, atol=0):
        chosen = [above]
    elif 0 < above < currents.size:
        chosen = list(range(max(above - 2, 0), min(above + 2, currents.size)))
    else:
        low, high = curves[0], curves[-1]
        raise TableError(
            f"the unit current {unit_current:.4g} A lies outside the {selection.polarity} curves, "
            f"{low.current_at_reset:.4g} A ({low.gate_bias} V) to {high.current_at_reset:.4g} A "
            f"({high.gate_bias} V)",
            place="synapse table, column 'gate_bias'",
            remedy="sweep the gate bias until the unit current is enclosed, or give another unit current",
        )
    biases = [curves[k].gate_bias for k in chosen]
    return table[(table["polarity"] == selection.polarity) & table["gate_bias"].isin(biases)]
