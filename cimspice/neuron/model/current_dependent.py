"""A reversal-potential synapse whose reversal potential depends on its current: E±(I)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.fit.curves import UNIT_CURRENT, CurveSelection
from cimspice.fit.fit import Fit
from cimspice.fit.model import register
from cimspice.neuron.model.synapse import Synapse, fit_synapse

# A coefficient of λ known to this (1/V per decade-like step) is known, even if it may be zero.
_RESOLUTION = 0.01


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class CurrentDependentSynapse(Synapse):
    """I = I0 (1 + λ(I0) d), λ(I0) = Σ_j coefficients[j] x^j with x = ln(I0 / reference_current).

    ``coefficients`` (degree + 1,) in 1/V, the first being λ at the reference current; d as in
    :class:`cimspice.neuron.model.synapse.ReversalSynapse`. λ falls as the transistor leaves weak inversion.
    """

    kind: ClassVar[str] = "current_dependent_synapse"
    parameter_units: ClassVar[Mapping[str, str]] = {"coefficients": "1/V"}
    coefficients: np.ndarray
    reference_current: float = UNIT_CURRENT

    def reversal_coefficient(self, current_at_reset: ArrayLike) -> np.ndarray:
        """λ(I0) in 1/V."""
        return np.polynomial.polynomial.polyval(self._logarithm(current_at_reset), self.coefficients)

    def shape(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        return 1 + self.reversal_coefficient(current_at_reset) * self.displacement(membrane_voltage)

    def shape_gradient(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        x, moved = np.broadcast_arrays(self._logarithm(current_at_reset), self.displacement(membrane_voltage))
        return np.stack([moved * x**power for power in range(self.coefficients.size)])

    def shape_slope(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        sign = 1.0 if self.polarity == "n" else -1.0
        voltage = np.asarray(membrane_voltage, dtype=float)
        return sign * self.reversal_coefficient(current_at_reset) * np.ones_like(voltage)

    def _logarithm(self, current_at_reset: ArrayLike) -> np.ndarray:
        return np.log(np.asarray(current_at_reset, dtype=float) / self.reference_current)

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        selection: CurveSelection,
        *,
        degree: int = 2,
        reference_current: float = UNIT_CURRENT,
    ) -> Fit[CurrentDependentSynapse]:
        """Fit λ(I0) of the given degree in ln I0 to all selected curves at once."""

        def terms(moved: np.ndarray, current: np.ndarray) -> np.ndarray:
            return moved[:, None] * np.log(current / reference_current)[:, None] ** np.arange(degree + 1)

        return fit_synapse(
            lambda values, **settings: cls(
                coefficients=values, reference_current=reference_current, **settings
            ),
            table,
            selection,
            terms,
            [f"coefficients[{power}]" for power in range(degree + 1)],
            _RESOLUTION,
        )
