"""VTEAM: a memristor whose state moves as a power of the voltage beyond a threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.fit.model import register
from cimspice.rram.model.device import RramDevice, stop, units


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Vteam(RramDevice):
    """I = V / R(w), R linear in w; dw/dt = k_on (v/v_on − 1)^α_on below v_on, k_off (v/v_off − 1)^α_off above
    v_off.

    The paper's voltage v is −V: here, as in all models, a positive voltage makes the device more conductive.
    Motion ends smoothly at both ends. Temperature has no part in these equations. ``pdk/rram/vteam.toml``
    gives meaning, unit, bounds and source of each parameter.

    References
    ----------
    S. Kvatinsky et al., IEEE Trans. Circuits Syst. II 62 (2015) 786.
    """

    kind: ClassVar[str] = "rram_vteam"
    parameter_set: ClassVar[str] = "vteam"
    parameter_units: ClassVar[Mapping[str, str]] = units("vteam")
    resistance_on: float
    resistance_off: float
    length: float
    rate_on: float
    rate_off: float
    power_on: float
    power_off: float
    threshold_on: float
    threshold_off: float
    window: float

    def current(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        return np.asarray(voltage) * self.slope(voltage, state)

    def slope(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        resistance = self.resistance_off - (self.resistance_off - self.resistance_on) * np.asarray(state)
        return 1 / resistance + 0.0 * np.asarray(voltage)

    def velocity(self, voltage: ArrayLike, state: ArrayLike, temperature: ArrayLike = 27.0) -> np.ndarray:
        state, published = np.asarray(state, dtype=float), -np.asarray(voltage, dtype=float)
        to_on = np.maximum(published / self.threshold_on - 1, 0.0) ** self.power_on
        to_off = np.maximum(published / self.threshold_off - 1, 0.0) ** self.power_off
        rising = -self.rate_on * to_on * stop(1 - state, self.window)
        falling = self.rate_off * to_off * stop(state, self.window)
        return (rising - falling) / self.length + 0.0 * np.asarray(temperature)
