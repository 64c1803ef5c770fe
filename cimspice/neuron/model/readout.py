"""Read-out of the membrane: from its voltage at the start of the firing phase to the output spike's time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from cimspice.arrays import Array


@dataclass(frozen=True, eq=False)
class ReadoutModel:
    """Discharger, comparator and output logic of one neuron with its real fan-in and fan-out, as measured."""

    start_voltage: Array
    """Membrane voltage (V) at the start of the firing phase, strictly increasing, shape (starts,)."""
    spike_time: Array
    """Time (s) of the output spike after the start of the phase, increasing, same shape."""
    ramp_time: Array
    ramp_voltage: Array
    """``ramp_time``, ``ramp_voltage``: trace of the ramp from the highest start voltage: times (s) and
    voltages (V, decreasing), shape (points,)."""
    ramp_bias: float
    """Gate bias (V) of the discharger with which this was measured."""
    switch_voltage: float
    """Membrane voltage (V) at which the output spikes while the ramp runs."""
    delay: float = 0.0
    """From the comparator's decision to the output spike (s), on a falling membrane."""

    @cached_property
    def _time(self) -> PchipInterpolator:
        return PchipInterpolator(self.start_voltage, self.spike_time, extrapolate=False)

    def time(self, voltage: Array) -> Array:
        """Spike time (s) for a membrane at ``voltage`` (V) when the phase starts; the table's ends hold."""
        return self._time(np.clip(voltage, self.start_voltage[0], self.start_voltage[-1]))

    def time_slope(self, voltage: Array) -> Array:
        """Change of the spike time over that of the membrane's voltage (s/V, positive); 0 off the table."""
        inside = (voltage > self.start_voltage[0]) & (voltage < self.start_voltage[-1])
        return np.where(inside, self._time_slope(np.where(inside, voltage, self.start_voltage[0])), 0.0)

    @cached_property
    def _time_slope(self) -> PchipInterpolator:
        return self._time.derivative()

    @cached_property
    def _ramp(self) -> PchipInterpolator:
        return PchipInterpolator(self.ramp_time, self.ramp_voltage)

    @cached_property
    def _ramp_inverse(self) -> PchipInterpolator:
        voltage, index = np.unique(self.ramp_voltage, return_index=True)
        return PchipInterpolator(voltage, self.ramp_time[index])

    def time_on_ramp(self, voltage: Array) -> Array:
        """When the ramp's trace is at ``voltage`` (s, V); its ends hold."""
        return self._ramp_inverse(np.clip(voltage, self.ramp_voltage.min(), self.ramp_voltage.max()))

    def voltage_after(self, voltage: Array, delay: Array | float) -> Array:
        """Membrane voltage (V) a ``delay`` (s) after the ramp left ``voltage`` (V)."""
        return self._ramp(np.minimum(self.time_on_ramp(voltage) + delay, self.ramp_time[-1]))

    def slope(self, voltage: Array) -> Array:
        """dV/dt (V/s, negative) of the ramp at ``voltage`` (V)."""
        return self._ramp.derivative()(self.time_on_ramp(voltage))
