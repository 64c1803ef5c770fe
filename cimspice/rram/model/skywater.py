"""Filament model of SkyWater's ReRAM cell: two competing hops in the field, and a heated filament."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.fit.model import register
from cimspice.rram.model.device import RramDevice, stop, stopped_loss, thermal_voltage, units


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class SkywaterReram(RramDevice):
    """I = I₀ exp(−gap/g₀) sinh(V/V₀); the filament grows by vacancy generation, shrinks by recombination.

    d filament/dt = v₀ [exp(−(E_g − b)/kT) − exp(−(E_r + b)/kT)] with b = γ (a/tox) qV and γ = γ₀ + γ₁
    (gap/1 nm)³. The temperature rise follows C dT/dt = V I − C T/τ. Each of the two hops ends smoothly at its
    end of the filament's range, and neither barrier falls below zero. The parameters are the Stanford/ASU
    defaults, not a calibration to silicon: ``pdk/rram/skywater.toml`` gives meaning, unit, bounds and source.

    References
    ----------
    P.-Y. Chen, S. Yu, IEEE Trans. Electron Devices 62 (2015) 4022.
    """

    kind: ClassVar[str] = "rram_skywater"
    parameter_set: ClassVar[str] = "skywater"
    variables: ClassVar[tuple[str, ...]] = ("state", "temperature_rise")
    parameter_units: ClassVar[Mapping[str, str]] = units("skywater")
    oxide_thickness: float
    filament_min: float
    filament_max: float
    filament_reference: float
    current_scale: float
    voltage_scale: float
    generation_energy: float
    recombination_energy: float
    velocity_scale: float
    enhancement: float
    enhancement_slope: float
    atomic_distance: float
    heat_capacity: float
    heat_time: float
    window: float
    barrier_softness: float

    @property
    def span(self) -> float:
        """Range of the filament's thickness in m."""
        return self.filament_max - self.filament_min

    def filament(self, state: ArrayLike) -> np.ndarray:
        """Thickness of the filament in m."""
        return self.filament_min + self.span * np.asarray(state, dtype=float)

    def current(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        gap = self.oxide_thickness - self.filament(state)
        decay = np.exp(-gap / (self.oxide_thickness - self.filament_reference))
        return self.current_scale * decay * np.sinh(np.asarray(voltage) / self.voltage_scale)

    def slope(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        gap = self.oxide_thickness - self.filament(state)
        decay = np.exp(-gap / (self.oxide_thickness - self.filament_reference))
        scaled = np.asarray(voltage) / self.voltage_scale
        return self.current_scale / self.voltage_scale * decay * np.cosh(scaled)

    def sinh_read(self, state: ArrayLike) -> tuple[np.ndarray, float]:
        return self.slope(0.0, state) * self.voltage_scale, self.voltage_scale

    def velocity(self, voltage: ArrayLike, state: ArrayLike, temperature: ArrayLike = 27.0) -> np.ndarray:
        state = np.asarray(state, dtype=float)
        gap = self.oxide_thickness - self.filament(state)
        gamma = self.enhancement + self.enhancement_slope * (gap / 1e-9) ** 3
        barrier = gamma * self.atomic_distance / self.oxide_thickness * np.asarray(voltage)
        thermal = thermal_voltage(temperature)
        growth = np.exp(-self._floored(self.generation_energy - barrier) / thermal)
        loss = np.exp(-self._floored(self.recombination_energy + barrier) / thermal)
        loss = stopped_loss(growth, loss, state, self.window)
        return self.velocity_scale / self.span * (growth * stop(1 - state, self.window) - loss)

    def _floored(self, barrier: np.ndarray) -> np.ndarray:
        """A barrier in eV, kept above zero by a smooth floor."""
        return self.barrier_softness * np.logaddexp(0.0, barrier / self.barrier_softness)

    def local_temperature(
        self, voltage: ArrayLike, state: ArrayLike, ambient: ArrayLike = 27.0
    ) -> np.ndarray:
        power = np.asarray(voltage) * self.current(voltage, state)
        return np.asarray(ambient) + power * self.heat_time / self.heat_capacity

    def rates(self, voltage: ArrayLike, variables: np.ndarray, ambient: ArrayLike = 27.0) -> np.ndarray:
        state, rise = variables
        velocity = self.velocity(voltage, state, ambient + np.maximum(rise, 0.0))
        power = np.asarray(voltage) * self.current(voltage, state)
        return np.stack([velocity, power / self.heat_capacity - rise / self.heat_time])
