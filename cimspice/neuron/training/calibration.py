"""Weights with which the emulated circuit spikes when a trained network says: least squares, layer by layer.

Every neuron is a problem of its own: its spikes depend on its own weights alone. All neurons of a layer are
solved at once by Levenberg and Marquardt's method (Marquardt, J. SIAM 11, 1963, 431-441) with exact
derivatives (:mod:`~cimspice.neuron.emulator.sensitivity`). A soft-L1 loss keeps the few spikes that no weight
can bring in time from moving all others. Weights are the variables, not gate biases: spikes are nearly linear
in them, and one that changes its sign goes over to the other polarity of synapse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.network import line_times, with_bias_line
from cimspice.neuron.emulator.sensitivity import sensitivity
from cimspice.neuron.mapping import LayerMapping, map_layer, weight_range, weight_slopes
from cimspice.neuron.model.mismatch import LayerMismatch
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.training.circuit_pass import STEP
from cimspice.progress import OnProgress, Progress, silent

_SCALE = 1e-3  # of a phase: errors beyond it count linearly
_ITERATIONS, _CHIP_ITERATIONS, _ENOUGH = 30, 8, 1e-3
"""Most iterations, and of a chip; share of the loss that an iteration must still take away from a neuron."""
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
class ChipCalibration:
    """Calibration of one chip after another from the spikes that are measured on it.

    Of the chip nothing else is known: derivatives are those of the nominal circuit at its own calibration.
    """

    model: NeuronModel
    weights: tuple[Array, ...]
    """Of the nominal circuit, (neurons, inputs) of each layer: where every search starts."""
    times: Array
    """Spikes (s) on the input lines, (samples, inputs)."""
    wanted: tuple[Array, ...]
    """Spikes (s) of each layer that are wanted, (samples, neurons)."""
    slopes: tuple[Array, ...]
    """∂t/∂weight (s) of each layer, (samples, neurons, inputs)."""

    @classmethod
    def of(
        cls, model: NeuronModel, nominal: Sequence[LayerMapping], spikes: Array, wanted: Sequence[Array]
    ) -> ChipCalibration:
        """Of a nominal circuit's programming, for spikes and wanted spikes as of :func:`calibrate`."""
        weights = tuple(mapping.realised for mapping in nominal)
        first = times = line_times(model, spikes, len(weights[0])) * model.phase
        targets = tuple(layer * model.phase for layer in wanted)
        slopes = []
        for number, matrix in enumerate(weights):
            times, found, _ = _Layer(model, _fan_out(weights, number), times, targets[number]).at(matrix)
            slopes.append(found)
        return cls(model, weights, first, targets, tuple(slopes))

    def __call__(self, chip: Sequence[LayerMismatch]) -> tuple[Calibration, ...]:
        """The programming of a chip whose layers have these shifts: they make the spikes that are measured,
        each layer's after those before it are calibrated."""
        times, done = self.times, []
        for number, (weights, own) in enumerate(zip(self.weights, chip, strict=True)):
            fan_out = _fan_out(self.weights, number)
            layer = _Layer(self.model, fan_out, times, self.wanted[number], own, self.slopes[number])
            found, times = layer.solved(weights, _CHIP_ITERATIONS)
            done.append(found)
        return tuple(done)


def _fan_out(weights: Sequence[Array], layer: int) -> int:
    return len(weights[layer + 1]) if layer + 1 < len(weights) else 0


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer's problem: times of its inputs and of its spikes (s)."""

    model: NeuronModel
    fan_out: int
    times: Array
    wanted: Array
    chip: LayerMismatch | None = None
    slopes: Array | None = None
    """``chip``, ``slopes``: whose spikes are measured, with derivatives of another circuit; or neither."""

    @property
    def scale(self) -> float:
        return _SCALE * self.model.phase

    def at(self, weights: Array) -> tuple[Array, Array, LayerMapping]:
        """Spikes (s), ∂t/∂weight (s), and the programming."""
        mapping = map_layer(self.model, weights)
        layer = NeuronLayer(
            self.model, mapping.polarity, mapping.program, self.fan_out, STEP, mismatch=self.chip
        )
        if self.slopes is not None:
            return layer(self.times)[1], self.slopes, mapping
        found = sensitivity(layer, self.times)
        return found.times, found.by_program * weight_slopes(self.model, mapping), mapping

    def solved(self, weights: Array, iterations: int = _ITERATIONS) -> tuple[Calibration, Array]:
        """The layer's calibration from a start, and its spikes (s)."""
        weights = self._possible(weights)
        times, slopes, _ = self.at(weights)
        loss = self._loss(times)
        damping = np.full(len(loss), _FIRST_DAMPING)
        count = 0
        while count < iterations:
            count += 1
            tried = self._possible(weights + self._step(times, slopes, damping))
            there, there_slopes, _ = self.at(tried)
            tried_loss = self._loss(there)
            better = tried_loss < loss
            gain = np.where(better, 1 - tried_loss / np.where(loss > 0, loss, 1.0), 0.0)
            damping = np.where(better, damping / 5, damping * 5)
            weights = np.where(better[:, None], tried, weights)
            times = np.where(better, there, times)
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
