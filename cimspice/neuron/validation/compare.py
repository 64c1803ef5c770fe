"""Model against circuit: errors of spike times per layer, the worst sample, agreement of decisions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.network.decisions import agreement, earliest, undecided


@dataclass(frozen=True, eq=False)
class Comparison:
    """Spike times of a model beside the circuit's, aligned."""

    model: tuple[Array, ...]
    circuit: tuple[Array, ...]
    """``model``, ``circuit``: per layer, (samples, neurons), seconds after the start of the layer's firing
    phase."""
    phase: float
    """Length of a phase (s)."""

    def __post_init__(self) -> None:
        shapes = [layer.shape for layer in self.model], [layer.shape for layer in self.circuit]
        if shapes[0] != shapes[1]:
            raise ParameterError(f"model has layers {shapes[0]}, circuit {shapes[1]}")

    def errors(self, layer: int) -> Array:
        """Model minus circuit (s), (samples, neurons); a spike that does not come counts as one at the
        phase's end."""
        return self.model[layer] - self.circuit[layer]

    def rmse(self, layer: int) -> float:
        """Root mean square error of a layer's spike times (s)."""
        return float(np.sqrt(np.mean(self.errors(layer) ** 2)))

    @property
    def hidden_rmse(self) -> float:
        """Root mean square error (s) over all layers but the last; of the last if it is the only one."""
        hidden = [self.errors(layer).ravel() for layer in range(len(self.model) - 1)] or [
            self.errors(-1).ravel()
        ]
        return float(np.sqrt(np.mean(np.concatenate(hidden) ** 2)))

    @property
    def output_rmse(self) -> float:
        """Root mean square error (s) of the last layer."""
        return self.rmse(-1)

    @property
    def worst(self) -> tuple[float, int]:
        """Largest error (s) of any spike in any layer, and its sample."""
        largest = np.max([np.abs(self.errors(layer)).max(axis=1) for layer in range(len(self.model))], axis=0)
        sample = int(np.argmax(largest))
        return float(largest[sample]), sample

    @property
    def _decisions(self) -> tuple[Array, Array]:
        return earliest(self.model[-1], self.phase), earliest(self.circuit[-1], self.phase)

    @property
    def decisions_agree(self) -> float:
        """Share of samples in which the earliest output is the same neuron; one that is silent decides
        nothing."""
        return agreement(*self._decisions)

    @property
    def undecided(self) -> float:
        """Share of samples in which no output of model or circuit spikes, or two are earliest together."""
        return undecided(*self._decisions)

    @property
    def spiking(self) -> float:
        """Share of the circuit's spikes, all layers, that come within the phase: the others agree too
        easily."""
        return float(np.mean(np.concatenate([layer.ravel() for layer in self.circuit]) < self.phase))


def rmse(times: Sequence[Array] | Array, reference: Sequence[Array] | Array) -> float:
    """Root mean square difference of two sets of spike times (s)."""
    return float(np.sqrt(np.mean((np.asarray(times) - np.asarray(reference)) ** 2)))
