"""The gate law of a saturated MOSFET from weak to strong inversion, with few parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import FitError
from cimspice.fit.curves import CurveSelection
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve
from cimspice.fit.model import register
from cimspice.fit.ranges import Ranges
from cimspice.neuron.model.gate_law import GateLaw, assemble_gate_law, currents_at_reset


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class EkvGateLaw(GateLaw):
    """I = I_S ln²(1 + exp(x/2)), x = ±(V_g − V_T)/(n φ_t), + for n and − for p (Enz et al. 1995).

    ``log_specific_current`` is ln(I_S / 1 A), ``threshold`` V_T in V as the gate sees it, ``thermal_slope``
    n φ_t in V. Three parameters suit a few measured points and extrapolate sensibly; a simulated table is
    followed better by :class:`cimspice.neuron.model.gate_law.PolynomialGateLaw`.
    """

    kind: ClassVar[str] = "ekv_gate_law"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "log_specific_current": "1",
        "threshold": "V",
        "thermal_slope": "V",
    }
    log_units: ClassVar[Mapping[str, str]] = {"log_specific_current": "A"}
    log_specific_current: float
    threshold: float
    thermal_slope: float

    def log_current(self, gate_bias: ArrayLike) -> np.ndarray:
        return self.log_specific_current + 2 * np.log(np.logaddexp(0.0, self._half(gate_bias)))

    def log_slope(self, gate_bias: ArrayLike) -> np.ndarray:
        return self._sign / (2 * self.thermal_slope) * self._sensitivity(gate_bias)

    def gradient(self, gate_bias: ArrayLike) -> np.ndarray:
        half, sensitivity = self._half(gate_bias), self._sensitivity(gate_bias)
        return np.stack(
            [
                np.ones_like(half),
                -self._sign * sensitivity / (2 * self.thermal_slope),
                -sensitivity * half / self.thermal_slope,
            ]
        )

    @property
    def _sign(self) -> float:
        return 1.0 if self.polarity == "n" else -1.0

    def _half(self, gate_bias: ArrayLike) -> np.ndarray:
        return self._sign * (np.asarray(gate_bias, dtype=float) - self.threshold) / (2 * self.thermal_slope)

    def _sensitivity(self, gate_bias: ArrayLike) -> np.ndarray:
        """∂ln I/∂(x/2) = 2 logistic(x/2)/ln(1 + exp(x/2)); 2 in weak inversion."""
        half = self._half(gate_bias)
        soft = np.logaddexp(0.0, half)
        return 2 * np.exp(half - soft) / soft

    @classmethod
    def fit(cls, table: pd.DataFrame, selection: CurveSelection) -> Fit[EkvGateLaw]:
        """Fit ln I at reset over the gate biases of a synapse table; residuals are relative (of the current).

        Where all points lie in weak inversion, I_S and V_T cannot be separated, and the fit says so.
        """
        biases, currents, noise = currents_at_reset(table, selection)
        logarithms = np.log(currents)
        seen = Ranges.seen({"gate_bias": "V"}, gate_bias=biases)
        points = np.unique(biases)
        if points.size < 2:
            raise FitError("a gate law needs several gate biases", remedy="sweep the gate bias")
        means = np.array([np.mean(logarithms[biases == point]) for point in points])
        steepest = float(np.max(np.abs(np.diff(means) / np.diff(points))))
        strong = float(biases[np.argmax(currents)])

        def build(values: np.ndarray) -> EkvGateLaw:
            return cls(
                polarity=selection.polarity,
                log_specific_current=float(values[0]),
                threshold=float(values[1]),
                thermal_slope=float(values[2]),
                ranges=seen,
            )

        sign = 1.0 if selection.polarity == "n" else -1.0
        starts = []
        for back in (0.0, 0.1, 0.3):  # the threshold lies somewhat below the strongest bias, or beyond it
            trial = np.array([0.0, strong - sign * back, 1 / steepest])
            trial[0] = float(np.mean(logarithms - build(trial).log_current(biases)))
            starts.append(trial)
        solution = solve(
            lambda values: build(values).log_current(biases) - logarithms,
            starts,
            names=tuple(cls.parameter_units),
            scale=1.0,
            jacobian=lambda values: build(values).gradient(biases).T,
            noise=noise,
            per=1 / currents,
        )
        return assemble_gate_law(build(solution.values), solution, table)
