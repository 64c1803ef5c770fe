"""Access transistor of a 1T1R cell: a symmetric charge-sheet law with body effect, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import TableError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve
from cimspice.fit.model import register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import TableSchema
from cimspice.rram.model.access_law import AccessLaw
from cimspice.rram.model.device import thermal_voltage
from cimspice.rram.model.tables import RRAM_ACCESS

_SMOOTH = 0.02
_FLOOR = 0.01
"""Currents below this share of the largest count by their absolute error."""
_START = {
    "log_gain": 0.0,
    "threshold": 0.75,
    "body_factor": 0.5,
    "surface_potential": 0.75,
    "slope_factor": 1.1,
    "mobility_loss": 0.2,
    "mobility_curvature": -0.01,
    "velocity_saturation": 1.0,
    "channel_modulation": 0.2,
    "modulation_voltage": 0.3,
    "drain_lowering": 0.02,
}


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class AccessTransistor(AccessLaw):
    """I = β n (q_s² − q_d²)/2 · (1 + a ln √(1 + (V_DS/b)²)) / [(1 + θ₁ Q + θ₂ Q²)(1 + ν |q_s − q_d|)].

    Q = q_s + q_d, and q = 2 s φ_t ln(1 + exp((V_P − V)/(2 s φ_t))) at source and drain; V_P is the pinch-off
    voltage with body effect (all voltages against the body), n = 1 + γ/(2 √(φ + V_P)). Changes sign when
    drain and source change places. ``temperature`` in °C is that of the table.

    References
    ----------
    C. Enz, F. Krummenacher, E. Vittoz, Analog Integr. Circuits Signal Process. 8 (1995) 83; the factors for
    mobility, velocity and channel length are empirical.
    """

    kind: ClassVar[str] = "rram_access_transistor"
    schema: ClassVar[TableSchema] = RRAM_ACCESS
    parameter_units: ClassVar[Mapping[str, str]] = {
        "log_gain": "1",
        "threshold": "V",
        "body_factor": "V^0.5",
        "surface_potential": "V",
        "slope_factor": "1",
        "mobility_loss": "1/V",
        "mobility_curvature": "1/V^2",
        "velocity_saturation": "1/V",
        "channel_modulation": "1",
        "modulation_voltage": "V",
        "drain_lowering": "1",
    }
    log_units: ClassVar[Mapping[str, str]] = {"log_gain": "A/V^2"}
    log_gain: float
    threshold: float
    body_factor: float
    surface_potential: float
    slope_factor: float
    mobility_loss: float
    mobility_curvature: float
    velocity_saturation: float
    channel_modulation: float
    modulation_voltage: float
    drain_lowering: float
    temperature: float = 27.0

    def current(
        self, gate_voltage: ArrayLike, drain_voltage: ArrayLike, source_voltage: ArrayLike
    ) -> np.ndarray:
        """Current in A from drain to source; voltages in V against the body, broadcast."""
        gate, drain, source = (
            np.asarray(v, dtype=float) for v in (gate_voltage, drain_voltage, source_voltage)
        )
        self._check(gate_voltage=gate, drain_voltage=drain, source_voltage=source)
        across = drain - source
        pinch, slope = self._pinch_off(gate + self.drain_lowering * (np.hypot(across, _SMOOTH) - _SMOOTH))
        unit = 2 * self.slope_factor * thermal_voltage(self.temperature)
        at_source, at_drain = (unit * np.logaddexp(0.0, (pinch - v) / unit) for v in (source, drain))
        both = at_source + at_drain
        mobility = 1 + self.mobility_loss * both + self.mobility_curvature * both**2
        saturation = 1 + self.velocity_saturation * np.abs(at_source - at_drain)
        length = 1 + 0.5 * self.channel_modulation * np.log1p((across / self.modulation_voltage) ** 2)
        charge = slope * both * (at_source - at_drain) / 2
        return np.exp(self.log_gain) * charge * length / (mobility * saturation)

    def _pinch_off(self, gate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pinch-off voltage in V and slope factor of the body effect."""
        body, surface = self.body_factor, self.surface_potential
        above = np.maximum(gate - self.threshold + surface + body * np.sqrt(surface), 1e-3)
        pinch = above - surface - body * (np.sqrt(above + body**2 / 4) - body / 2)
        return pinch, 1 + body / (2 * np.sqrt(np.maximum(surface + pinch, 0.05)))

    @classmethod
    def fit(
        cls, table: pd.DataFrame, *, corner: str | None = None, temperature: float | None = None
    ) -> Fit[AccessTransistor]:
        """Fit to currents over gate, drain and source. Residuals are relative to I + 1 % of the largest I."""
        rows = RRAM_ACCESS.rows(table, corner=corner, temperature=temperature)
        columns = ("gate_voltage", "drain_voltage", "source_voltage")
        volts = [rows[name].to_numpy() for name in columns]
        current = rows["current"].to_numpy()
        largest = float(np.max(np.abs(current)))
        if largest == 0:
            raise TableError(
                "all currents are zero", place="rram_access table", remedy="sweep the gate above threshold"
            )
        celsius = float(rows["temperature"].iloc[0]) if "temperature" in rows else 27.0
        seen = Ranges.seen(dict.fromkeys(columns, "V"), **dict(zip(columns, volts, strict=True)))
        names = tuple(cls.parameter_units)
        scale = np.abs(current) + _FLOOR * largest

        def build(values: np.ndarray, ranges: Ranges | None = None) -> AccessTransistor:
            numbers = dict(zip(names, map(float, values), strict=True))
            return cls(**numbers, temperature=celsius, ranges=ranges or Ranges())

        start = np.array([*_START.values()])
        start[0] = np.log(largest / np.max(np.abs(build(start).current(*volts))))
        solution = solve(
            lambda values: (build(values).current(*volts) - current) / scale,
            start,
            names=names,
            scale=1.0,
            noise=Noise.of(rows, "current"),
            per=1 / scale,
        )
        model = build(solution.values, seen)
        return Fit.assemble(
            model,
            solution,
            full_scale=1.0,
            full_scale_name="current + 1 % of the largest",
            unit="1",
            table=table,
        )
