"""Stanford-PKU model of a metal-oxide RRAM: a gap that closes and opens by hops in the enhanced field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.fit.model import register
from cimspice.rram.model.device import RramDevice, stop, stopped_loss, thermal_voltage, units


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class StanfordPku(RramDevice):
    """I = I₀ exp(−g/g₀) sinh(V/V₀), dg/dt = −v₀ exp(−E_a/kT) sinh(γ (a/tox) qV/kT), T = ambient + R_th V I.

    γ = γ₀ − β (g/1 nm)³, and zero below a threshold of the enhanced field γ|V|/tox (a smooth step here). The
    two halves of the sinh end smoothly at their end of the gap's range. ``pdk/rram/stanford_pku.toml`` gives
    meaning, unit, bounds and source of each parameter.

    References
    ----------
    Z. Jiang et al., IEEE Trans. Electron Devices 63 (2016) 1884; X. Guan et al., IEEE Electron Device Lett.
    33 (2012) 1405.
    """

    kind: ClassVar[str] = "rram_stanford_pku"
    parameter_set: ClassVar[str] = "stanford_pku"
    parameter_units: ClassVar[Mapping[str, str]] = units("stanford_pku")
    current_scale: float
    gap_scale: float
    voltage_scale: float
    gap_min: float
    gap_max: float
    velocity_scale: float
    activation_energy: float
    enhancement: float
    enhancement_slope: float
    oxide_thickness: float
    atomic_distance: float
    field_threshold: float
    field_width: float
    thermal_resistance: float
    window: float

    def gap(self, state: ArrayLike) -> np.ndarray:
        """Gap in m."""
        return self.gap_max - (self.gap_max - self.gap_min) * np.asarray(state, dtype=float)

    def current(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        decay = np.exp(-self.gap(state) / self.gap_scale)
        return self.current_scale * decay * np.sinh(np.asarray(voltage) / self.voltage_scale)

    def slope(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        scale = self.current_scale / self.voltage_scale * np.exp(-self.gap(state) / self.gap_scale)
        return scale * np.cosh(np.asarray(voltage) / self.voltage_scale)

    def sinh_read(self, state: ArrayLike) -> tuple[np.ndarray, float]:
        return self.slope(0.0, state) * self.voltage_scale, self.voltage_scale

    def velocity(self, voltage: ArrayLike, state: ArrayLike, temperature: ArrayLike = 27.0) -> np.ndarray:
        state, voltage = np.asarray(state, dtype=float), np.asarray(voltage, dtype=float)
        gamma = self.enhancement - self.enhancement_slope * (self.gap(state) / 1e-9) ** 3
        field = gamma * np.abs(voltage) / self.oxide_thickness
        gamma = gamma * 0.5 * (1 + np.tanh((field - self.field_threshold) / self.field_width))
        barrier = gamma * self.atomic_distance / self.oxide_thickness * voltage
        thermal = thermal_voltage(temperature)
        closing = np.exp((barrier - self.activation_energy) / thermal)
        opening = np.exp((-barrier - self.activation_energy) / thermal)
        opening = stopped_loss(closing, opening, state, self.window)
        net = closing * stop(1 - state, self.window) - opening
        return 0.5 * self.velocity_scale / (self.gap_max - self.gap_min) * net

    def local_temperature(
        self, voltage: ArrayLike, state: ArrayLike, ambient: ArrayLike = 27.0
    ) -> np.ndarray:
        return np.asarray(ambient) + self.thermal_resistance * np.asarray(voltage) * self.current(
            voltage, state
        )
