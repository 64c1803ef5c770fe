"""Weights with which the emulated circuit spikes when a trained network says: least squares, layer by layer.

Every neuron is a problem of its own: its spikes depend on its own weights alone. All neurons of a layer are
solved at once by Levenberg and Marquardt's method (Marquardt, J. SIAM 11, 1963, 431-441) with exact
derivatives (:mod:`~cimspice.neuron.emulator.sensitivity`). A soft-L1 loss keeps the few spikes that no weight
can bring in time from moving all others. Weights are the variables, not gate biases: spikes are nearly linear
in them, and one that changes its sign goes over to the other polarity of synapse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.network import line_times, with_bias_line
from cimspice.neuron.emulator.sensitivity import Sensitivity, sensitivity
from cimspice.neuron.mapping import LayerMapping, map_layer, weight_range, weight_slopes
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.training.circuit_pass import STEP
from cimspice.progress import OnProgress, Progress, silent

_SCALE = 1e-3  # of a phase: errors beyond it count linearly
_ITERATIONS, _ENOUGH = 30, 1e-3
"""Most iterations; share of the loss that an iteration must still take away from a neuron."""
_FIRST_DAMPING, _LAST_DAMPING = 1e-3, 1e4


@dataclass(frozen=True, eq=False)
class Calibration:
    """One layer's programming, and how near its spikes come to those that were wanted."""

    mapping: LayerMapping
    errors: Array
    """Spike minus wanted spike (s) of the calibration samples, (samples, neurons)."""
    iterations: int


def calibrate(
    model: NeuronModel,
    weights: Sequence[Array],
    spikes: Array,
    wanted: Sequence[Array],
    progress: OnProgress = silent,
    *,
    bias_lines: bool = False,
) -> tuple[Calibration, ...]:
    """Calibrate every layer on the spikes that the calibrated layers before it give.

    Parameters
    ----------
    model
        The neuron's model: what the circuit will do.
    weights
        The trained network's, (neurons, inputs) of each layer: where the search starts.
    spikes
        Input spikes of the calibration samples in [0, 1], (samples, inputs).
    wanted
        Spike times of each layer of the trained network for them, in phases, (samples, neurons) each.
    bias_lines
        Whether every layer has one input more, a line that spikes when the phase starts: its synapses take
        up what the edges of spikes add to a membrane whenever they come, which no weight of an input that
        comes at any time can.
    """
    spikes = checked_array("input spikes", spikes, ("samples", weights[0].shape[1]), low=0, high=1)
    times = line_times(model, spikes, len(weights[0])) * model.phase
    fans = [len(matrix) for matrix in weights[1:]] + [0]
    done = []
    for number, (matrix, fan_out, target) in enumerate(zip(weights, fans, wanted, strict=True)):
        progress(Progress(stage=f"calibrate layer {number}"))
        if bias_lines:
            matrix = np.column_stack([matrix, np.zeros(len(matrix))])
            times = with_bias_line(model, times, len(matrix))
        target = checked_array("wanted spikes", target, (len(times), len(matrix)), low=0, high=1)
        problem = _Layer(model, fan_out, times, target * model.phase)
        found, times = problem.solved(matrix)
        done.append(found)
    return tuple(done)


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer's problem: times of its inputs and of its spikes (s)."""

    model: NeuronModel
    fan_out: int
    times: Array
    wanted: Array

    @property
    def scale(self) -> float:
        return _SCALE * self.model.phase

    def at(self, weights: Array) -> tuple[Sensitivity, Array, LayerMapping]:
        """Spikes with their derivatives, ∂t/∂weight (s), and the programming."""
        mapping = map_layer(self.model, weights)
        layer = NeuronLayer(self.model, mapping.polarity, mapping.program, self.fan_out, STEP)
        found = sensitivity(layer, self.times)
        return found, found.by_program * weight_slopes(self.model, mapping), mapping

    def solved(self, weights: Array) -> tuple[Calibration, Array]:
        """The layer's calibration from a start, and its spikes (s)."""
        weights = self._possible(weights)
        found, slopes, _ = self.at(weights)
        times = found.times
        loss = self._loss(times)
        damping = np.full(len(loss), _FIRST_DAMPING)
        count = 0
        while count < _ITERATIONS:
            count += 1
            tried = self._possible(weights + self._step(times, slopes, damping))
            there, there_slopes, _ = self.at(tried)
            tried_loss = self._loss(there.times)
            better = tried_loss < loss
            gain = np.where(better, 1 - tried_loss / np.where(loss > 0, loss, 1.0), 0.0)
            damping = np.where(better, damping / 5, damping * 5)
            weights = np.where(better[:, None], tried, weights)
            times = np.where(better, there.times, times)
            slopes = np.where(better[:, None], there_slopes, slopes)
            loss = np.where(better, tried_loss, loss)
            if np.where(better, gain < _ENOUGH, damping > _LAST_DAMPING).all():
                break
        return Calibration(map_layer(self.model, weights), times - self.wanted, count), times

    def _possible(self, weights: Array) -> Array:
        """Weights that a synapse can carry: neither beyond its range nor so small that it is left out."""
        negative, positive = weight_range(self.model, weights.shape[1])
        low, high = (
            np.where(weights < 0, negative[0], positive[0]),
            np.where(weights < 0, negative[1], positive[1]),
        )
        return np.where(weights < 0, -1.0, 1.0) * np.clip(np.abs(weights), low, high)

    def _loss(self, times: Array) -> Array:
        """Soft-L1 loss of every neuron."""
        return np.sum(np.sqrt(1 + ((times - self.wanted) / self.scale) ** 2) - 1, axis=0)

    def _step(self, times: Array, slopes: Array, damping: Array) -> Array:
        """Damped Gauss-Newton steps of the weights, (neurons, inputs)."""
        errors = times - self.wanted
        share = 1 / np.sqrt(1 + (errors / self.scale) ** 2)
        slopes = np.moveaxis(slopes, 0, 1)  # (neurons, samples, inputs)
        weighted = slopes * share.T[..., None]
        normal = np.swapaxes(weighted, 1, 2) @ slopes
        gradient = np.einsum("nsi,sn->ni", weighted, errors)
        size = np.einsum("nii->ni", normal)
        # a synapse that no sample uses has no slope, and a neuron that never spikes none at all
        size = np.maximum(size, np.maximum(1e-9 * size.max(axis=1, keepdims=True), np.finfo(float).tiny))
        inputs = np.arange(size.shape[1])
        normal[:, inputs, inputs] += damping[:, None] * size
        return -np.linalg.solve(normal, gradient[..., None])[..., 0]
