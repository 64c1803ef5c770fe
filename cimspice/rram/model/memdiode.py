"""Memdiode: two opposed diodes behind a series resistance, their size set by a state that relaxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.fit.model import register
from cimspice.rram.model.device import RramDevice, units
from cimspice.rram.model.root import rising_root


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Memdiode(RramDevice):
    """I = I₀(λ) [e^(β α V_d) − e^(−(1−β) α V_d)] with V_d = V − R_s I; dλ/dt = (1−λ)/τ_set − λ/τ_reset.

    I₀, α, R_s go linearly in λ from the most resistive to the most conductive state; τ_set = T_s e^(−V/V_s)
    and τ_reset = T_r e^(V/V_r). Temperature has no part in these equations. ``pdk/rram/memdiode.toml`` gives
    meaning, unit, bounds and source of each parameter.

    References
    ----------
    F. L. Aguirre, J. Suñé, E. Miranda, Micromachines 13 (2022) 330.
    """

    kind: ClassVar[str] = "rram_memdiode"
    parameter_set: ClassVar[str] = "memdiode"
    parameter_units: ClassVar[Mapping[str, str]] = units("memdiode")
    set_time: float
    set_voltage: float
    reset_time: float
    reset_voltage: float
    current_min: float
    current_max: float
    slope_min: float
    slope_max: float
    resistance_min: float
    resistance_max: float
    asymmetry: float

    def current(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        inner, scale, forward, backward, _ = self._inner(voltage, state)
        return scale * (np.exp(forward * inner) - np.exp(-backward * inner))

    def slope(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        inner, scale, forward, backward, resistance = self._inner(voltage, state)
        diode = scale * (forward * np.exp(forward * inner) + backward * np.exp(-backward * inner))
        return diode / (1 + resistance * diode)

    def _inner(self, voltage: ArrayLike, state: ArrayLike) -> tuple[np.ndarray, ...]:
        """Voltage behind the series resistance (bracketed Newton), and the coefficients of this state."""
        voltage, state = np.broadcast_arrays(np.asarray(voltage, float), np.asarray(state, float))
        scale = self.current_min + (self.current_max - self.current_min) * state
        slope = self.slope_min + (self.slope_max - self.slope_min) * state
        resistance = self.resistance_min + (self.resistance_max - self.resistance_min) * state
        forward, backward = self.asymmetry * slope, (1 - self.asymmetry) * slope

        def excess(inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            up, down = np.exp(forward * inner), np.exp(-backward * inner)
            rise = resistance * scale * (forward * up + backward * down)
            return inner + resistance * scale * (up - down) - voltage, 1 + rise

        inner = rising_root(excess, np.minimum(voltage, 0.0), np.maximum(voltage, 0.0))
        return inner, scale, forward, backward, resistance

    def velocity(self, voltage: ArrayLike, state: ArrayLike, temperature: ArrayLike = 27.0) -> np.ndarray:
        state, voltage = np.asarray(state, dtype=float), np.asarray(voltage, dtype=float)
        rising = (1 - state) * np.exp(voltage / self.set_voltage) / self.set_time
        falling = state * np.exp(-voltage / self.reset_voltage) / self.reset_time
        return rising - falling + 0.0 * np.asarray(temperature)
