"""Loss of a whole network and its gradient, back-propagated from output spikes to every weight."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.reversal import checked_times
from cimspice.neuron.training.dstd_gradient import DstdPass
from cimspice.neuron.training.exact_gradient import ExactPass


def decision_loss(
    spike_times: np.ndarray, labels: np.ndarray, temperature: float
) -> tuple[float, np.ndarray]:
    """Cross-entropy of softmax(−t/τ): the earliest output spike is the decision.

    ``spike_times`` (batch, classes) in phases, ``labels`` (batch,) from 0, ``temperature`` τ in phases.
    Returns the mean over the batch and its gradient (batch, classes).
    """
    shape = (len(spike_times),)
    labels = checked_array("labels", labels, shape, low=0, high=spike_times.shape[1] - 1, whole=True)
    logits = -(spike_times - spike_times.min(axis=1, keepdims=True)) / temperature
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    batch = np.arange(len(labels))
    wanted = np.maximum(shares[batch, labels], np.finfo(float).tiny)
    gradient = shares
    gradient[batch, labels] -= 1.0
    return float(-np.log(wanted).mean()), -gradient / (temperature * len(labels))


def temporal_penalty(spike_times: np.ndarray, reference: float) -> tuple[float, np.ndarray]:
    """Σ over outputs of (t − reference)², mean over the batch, with its gradient; times in phases."""
    distance = spike_times - reference
    return float(np.sum(distance**2) / len(distance)), 2.0 * distance / len(distance)


def excursion_penalty(membranes: np.ndarray, low: float, high: float) -> tuple[float, np.ndarray]:
    """Σ over neurons (and instants) of squared distance outside [low, high], mean over the batch; gradient.

    ``membranes`` is v, (batch, out) or (instants, batch, out), in thresholds.
    """
    outside = membranes - np.clip(membranes, low, high)
    batch = membranes.shape[-2]
    return float(np.sum(outside**2) / batch), 2.0 * outside / batch


@dataclass(frozen=True)
class Objective:
    """What is minimised and how the neuron is solved while doing so."""

    e_plus: float
    e_minus: float
    """``e_plus``, ``e_minus``: reversal potentials of the synapses, normalised."""
    ramp: Ramp = field(default_factory=Ramp)
    """Read-out."""
    temperature: float = 0.07
    """τ_soft of the decision's softmax, in phases."""
    temporal_weight: float = 0.0
    reference_time: float = 0.9
    """``temporal_weight``, ``reference_time``: γ and t_ref of the temporal penalty."""
    excursion_weight: float = 0.0
    excursion_range: tuple[float, float] = (-0.05, 0.95)
    """``excursion_weight``, ``excursion_range``: weight of the penalty on membranes outside the range, at the
    end of the phase and at every event (DSTD: at every edge of an interval) before it."""
    leak: float = 0.0
    """Share of the read-out's slope that the gradient keeps where the read-out is clipped (v outside [0, 1]),
    so that silent and saturated neurons can return. 0 is the exact gradient."""
    discretisation: Discretisation | None = None
    """None solves exactly; otherwise DSTD."""

    def __post_init__(self) -> None:
        place = "Objective"
        checked_number("e_plus", self.e_plus, above=0, infinite=True, place=place)
        checked_number("e_minus", self.e_minus, below=0, infinite=True, place=place)
        checked_number("temperature", self.temperature, above=0, place=place)
        checked_number("reference_time", self.reference_time, place=place)
        checked_number("leak", self.leak, low=0, high=1, place=place)
        for name in ("temporal_weight", "excursion_weight"):
            checked_number(name, getattr(self, name), low=0, place=place)
        low, high = checked_array("excursion_range", self.excursion_range, (2,), infinite=True)
        if not low < high:
            raise ParameterError(
                f"excursion_range is {low:g} to {high:g}", place=place, remedy="give (lowest, highest)"
            )

    def evaluate(
        self,
        weights: Sequence[np.ndarray],
        times: np.ndarray,
        labels: np.ndarray,
        *,
        offset: float = 0.0,
        jitter: Sequence[np.ndarray] | None = None,
    ) -> tuple[float, list[np.ndarray]]:
        """Loss and its gradient per weight matrix.

        ``times`` (batch, in), ``labels`` (batch,); ``offset`` of DSTD's intervals; ``jitter`` is added to
        each layer's output spike times (batch, out), which stay in [0, 1].
        """
        passes, spikes = [], []
        current = checked_times(times, np.shape(weights[0])[1])
        for number, matrix in enumerate(weights):
            inverse = np.where(matrix >= 0, 1.0 / self.e_plus, 1.0 / self.e_minus)
            if self.discretisation is None:
                passes.append(ExactPass.forward(current, matrix, inverse))
            else:
                passes.append(DstdPass.forward(current, matrix, inverse, self.discretisation, offset))
            current = self.ramp.spike_times(passes[-1].membrane)
            if jitter is not None:
                current = np.clip(current + jitter[number], 0.0, 1.0)
            spikes.append(current)
        loss, grad_spikes = decision_loss(current, labels, self.temperature)
        penalty, grad_penalty = temporal_penalty(current, self.reference_time)
        loss += self.temporal_weight * penalty
        grad_spikes = grad_spikes + self.temporal_weight * grad_penalty

        gradients = []
        for number in reversed(range(len(weights))):
            v = passes[number].membrane
            passing = np.where(
                (v > 0) & (v < 1) & (spikes[number] > 0) & (spikes[number] < 1), 1.0, self.leak
            )
            grad_membrane = grad_spikes * self.ramp.slope(v) * passing
            grad_path = None
            if self.excursion_weight:
                ending, grad_ending = excursion_penalty(v, *self.excursion_range)
                under_way, grad_path = excursion_penalty(passes[number].path, *self.excursion_range)
                loss += self.excursion_weight * (ending + under_way)
                grad_membrane = grad_membrane + self.excursion_weight * grad_ending
                grad_path = self.excursion_weight * grad_path
            grad_spikes, grad_weights = passes[number].backward(grad_membrane, grad_path)
            gradients.append(grad_weights)
        return loss, gradients[::-1]
