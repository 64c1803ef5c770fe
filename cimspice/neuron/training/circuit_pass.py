"""A layer of the emulated circuit, forward and backward, as training uses it: the measured tables in place of
the law of E±."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.sensitivity import Sensitivity, sensitivity
from cimspice.neuron.mapping import map_layer, weight_slopes
from cimspice.neuron.model.neuron import NeuronModel

STEP = 40e-9
"""The emulator's time step (s) where derivatives are taken: spikes move by less than 0.01 ns from those with
its usual 5 ns."""


@dataclass(frozen=True)
class CircuitPass:
    """Forward pass with what the backward pass needs."""

    model: NeuronModel
    found: Sensitivity
    weight_slopes: np.ndarray
    """∂program/∂weight, (out, in)."""

    @classmethod
    def forward(cls, model: NeuronModel, times: np.ndarray, weights: np.ndarray, fan_out: int) -> CircuitPass:
        """Spikes on the layer's lines (batch, in) in phases, normalised weights (out, in), and how many
        neurons each output drives."""
        mapping = map_layer(model, weights)
        layer = NeuronLayer(model, mapping.polarity, mapping.program, fan_out, STEP)
        return cls(model, sensitivity(layer, times * model.phase), weight_slopes(model, mapping))

    @property
    def membrane(self) -> np.ndarray:
        """v at the end of accumulation, in thresholds, (batch, out)."""
        return (self.model.rest_voltage - self.found.voltage) / self.model.threshold_voltage

    @property
    def spikes(self) -> np.ndarray:
        """Output spikes, in phases, (batch, out)."""
        return self.found.times / self.model.phase

    @property
    def slope(self) -> np.ndarray:
        """∂spike/∂v, as :attr:`spikes`; of spikes that do not come that of an even ramp."""
        slope = -self.found.time_slope * self.model.threshold_voltage / self.model.phase
        return np.where(slope == 0, -1.0, slope)

    def backward(self, grad_membrane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂L/∂times (batch, in) and ∂L/∂weights (out, in) from ∂L/∂v."""
        found = self.found
        grad_voltage = -grad_membrane / self.model.threshold_voltage
        grad_times = np.einsum("bn,bni->bi", grad_voltage, found.voltage_by_input) * self.model.phase
        comes = found.time_slope > 0
        # a charge at turn-off moves the spike as a voltage would
        turn_off = found.turn_off * (comes / np.where(comes, found.time_slope, 1.0))[..., None]
        grad_program = np.einsum("bn,bni->ni", grad_voltage, found.voltage_by_program + turn_off)
        return grad_times, grad_program * self.weight_slopes
