"""Loss of a whole network and its gradient, back-propagated from output spikes to every weight."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.network import line_times
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.reversal import checked_times
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.training.circuit_pass import CircuitPass
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
    final_range: tuple[float, float] | None = None
    """``excursion_weight``, ``excursion_range``, ``final_range``: weight of the penalty on membranes outside
    a range: the first at every event (DSTD: at every edge of an interval), the other at the end of the phase
    (None: the first there, too). A final range within 0 to 1 guards spikes against both ends of the firing
    phase."""
    leak: float = 0.0
    """Share of the read-out's slope that the gradient keeps where the read-out is clipped (v outside [0, 1]),
    so that silent and saturated neurons can return. 0 is the exact gradient."""
    discretisation: Discretisation | None = None
    """None solves exactly; otherwise DSTD."""
    circuit: NeuronModel | None = None
    """The emulated circuit, in place of the law of E±; excursions then count at the phase's end alone."""

    def __post_init__(self) -> None:
        place = "Objective"
        checked_number("e_plus", self.e_plus, above=0, infinite=True, place=place)
        checked_number("e_minus", self.e_minus, below=0, infinite=True, place=place)
        checked_number("temperature", self.temperature, above=0, place=place)
        checked_number("reference_time", self.reference_time, place=place)
        checked_number("leak", self.leak, low=0, high=1, place=place)
        for name in ("temporal_weight", "excursion_weight"):
            checked_number(name, getattr(self, name), low=0, place=place)
        for name in ("excursion_range", "final_range"):
            if (value := getattr(self, name)) is None:
                continue
            low, high = checked_array(name, value, (2,), infinite=True)
            if not low < high:
                raise ParameterError(
                    f"{name} is {low:g} to {high:g}", place=place, remedy="give (lowest, highest)"
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
        if self.circuit is not None:
            current = line_times(self.circuit, current, len(weights[0]))
        for number, matrix in enumerate(weights):
            fan_out = len(weights[number + 1]) if number + 1 < len(weights) else 0
            passes.append(self._pass(current, matrix, fan_out, offset))
            current = self._spikes(passes[-1])
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
            done = passes[number]
            slope = done.slope if isinstance(done, CircuitPass) else self.ramp.slope(v)
            grad_membrane = grad_spikes * slope * passing
            grad_path = None
            if self.excursion_weight:
                ending, grad_ending = excursion_penalty(v, *(self.final_range or self.excursion_range))
                loss += self.excursion_weight * ending
                grad_membrane = grad_membrane + self.excursion_weight * grad_ending
                if not isinstance(done, CircuitPass):
                    under_way, grad_path = excursion_penalty(done.path, *self.excursion_range)
                    loss += self.excursion_weight * under_way
                    grad_path = self.excursion_weight * grad_path
            if isinstance(done, CircuitPass):
                grad_spikes, grad_weights = done.backward(grad_membrane)
            else:
                grad_spikes, grad_weights = done.backward(grad_membrane, grad_path)
            gradients.append(grad_weights)
        return loss, gradients[::-1]

    def _pass(
        self, times: np.ndarray, weights: np.ndarray, fan_out: int, offset: float
    ) -> ExactPass | DstdPass | CircuitPass:
        if self.circuit is not None:
            return CircuitPass.forward(self.circuit, times, weights, fan_out)
        inverse = np.where(weights >= 0, 1.0 / self.e_plus, 1.0 / self.e_minus)
        if self.discretisation is None:
            return ExactPass.forward(times, weights, inverse)
        path = bool(self.excursion_weight)
        return DstdPass.forward(times, weights, inverse, self.discretisation, offset, path)

    def _spikes(self, done: ExactPass | DstdPass | CircuitPass) -> np.ndarray:
        """Output spikes in phases."""
        return done.spikes if isinstance(done, CircuitPass) else self.ramp.spike_times(done.membrane)
