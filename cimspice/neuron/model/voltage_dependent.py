"""A reversal-potential synapse whose reversal potential depends on the membrane voltage too: E±(I, v)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike

from cimspice.fit.curves import UNIT_CURRENT, CurveSelection
from cimspice.fit.fit import Fit
from cimspice.fit.model import register
from cimspice.neuron.model.synapse import Synapse, fit_synapse

_RESOLUTION = 0.01


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class VoltageDependentSynapse(Synapse):
    """I = I0 (1 + Σ_ij coefficients[i,j] (d/V_th)^(i+1) x^j), x = ln(I0 / reference_current).

    ``coefficients`` (voltage_degree, current_degree + 1), dimensionless: the reversal coefficient and its
    curvature, each a polynomial in the logarithm of the current; d as in
    :class:`cimspice.neuron.model.synapse.ReversalSynapse`. With voltage degree 1 this is
    :class:`cimspice.neuron.model.current_dependent.CurrentDependentSynapse`.
    """

    kind: ClassVar[str] = "voltage_dependent_synapse"
    parameter_units: ClassVar[Mapping[str, str]] = {"coefficients": "1"}
    coefficients: np.ndarray
    reference_current: float = UNIT_CURRENT

    def shape(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        step, x = self._coordinates(current_at_reset, membrane_voltage)
        return 1 + step * polynomial.polyval2d(step, x, self.coefficients)

    def shape_gradient(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        step, x = self._coordinates(current_at_reset, membrane_voltage)
        return np.moveaxis(_terms(step, x, *self.coefficients.shape), -1, 0)

    def shape_slope(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        step, x = self._coordinates(current_at_reset, membrane_voltage)
        sign = 1.0 if self.polarity == "n" else -1.0
        weights = self.coefficients * np.arange(1, self.coefficients.shape[0] + 1)[:, None]
        return sign / self.voltage_scale * polynomial.polyval2d(step, x, weights)

    def _coordinates(
        self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        step = self.displacement(membrane_voltage) / self.voltage_scale
        x = np.log(np.asarray(current_at_reset, dtype=float) / self.reference_current)
        step, x = np.broadcast_arrays(step, x)
        return step, x

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        selection: CurveSelection,
        *,
        voltage_degree: int = 3,
        current_degree: int = 3,
        reference_current: float = UNIT_CURRENT,
    ) -> Fit[VoltageDependentSynapse]:
        """Fit the surface to all selected curves at once; ``current_degree=0`` suits a single curve."""
        shape = (voltage_degree, current_degree + 1)
        return fit_synapse(
            lambda values, **settings: cls(
                coefficients=values.reshape(shape), reference_current=reference_current, **settings
            ),
            table,
            selection,
            lambda moved, current: _terms(
                moved / selection.voltage_scale, np.log(current / reference_current), *shape
            ),
            [f"coefficients[{i},{j}]" for i, j in np.ndindex(*shape)],
            _RESOLUTION,
        )


def _terms(step: np.ndarray, x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """(…, rows × columns): step^(i+1) x^j, the last axis in the order of the flattened coefficients."""
    powers = step[..., None] ** np.arange(1, rows + 1)
    logarithms = x[..., None] ** np.arange(columns)
    return (powers[..., :, None] * logarithms[..., None, :]).reshape(*step.shape, rows * columns)
