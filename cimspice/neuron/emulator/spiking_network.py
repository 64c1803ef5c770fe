"""Layers of RC-Spike neurons, pipelined: one layer's firing phase is the next one's accumulation phase."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import checked_count, values
from cimspice.errors import ParameterError
from cimspice.network.decisions import earliest
from cimspice.neuron.emulator.reversal import checked_times
from cimspice.neuron.emulator.spiking_layer import SpikingLayer


@dataclass(frozen=True)
class NetworkTrace:
    """What every layer did with a batch.

    ``membranes`` and ``spike_times`` hold one array (batch, out) per layer: v(1) at the end of its
    accumulation phase and the spike times of its firing phase, in [0, 1] of that phase. ``inputs`` is
    (batch, in). Arrays are of the library of the inputs and weights.
    """

    inputs: Any
    membranes: tuple[Any, ...]
    spike_times: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class SpikingNetwork:
    """A feed-forward list of :class:`SpikingLayer`; input and output are spike times in [0, 1]."""

    layers: Sequence[SpikingLayer]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ParameterError(
                "a network without layers", place="SpikingNetwork.layers", remedy="give at least one"
            )
        for number, (before, after) in enumerate(zip(self.layers[:-1], self.layers[1:], strict=True)):
            if before.outputs != after.inputs:
                raise ParameterError(
                    f"layer {number} has {before.outputs} neurons, the next {after.inputs} inputs",
                    place=f"SpikingNetwork.layers[{number + 1}]",
                    remedy="make the weights (out, in) of neighbours fit",
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of neurons per layer."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    def trace(self, times: Any) -> NetworkTrace:
        """Membranes and spike times of every layer for input spike times (batch, in)."""
        inputs = checked_times(times, self.layers[0].inputs)
        membranes, spikes = [], []
        current = inputs
        for layer in self.layers:
            membranes.append(layer.membrane(current))
            current = layer.ramp.spike_times(membranes[-1])
            spikes.append(current)
        return NetworkTrace(inputs, tuple(membranes), tuple(spikes))

    def __call__(self, times: Any) -> Any:
        """Output spike times (batch, out) for input spike times (batch, in)."""
        return self.trace(times).spike_times[-1]

    def decisions(self, times: Any, classes: int | None = None) -> np.ndarray:
        """Class of each sample (batch,): earliest of the first ``classes`` outputs (default: all); −1 where
        none of them spikes, or two are earliest at exactly the same time.
        """
        known = self.sizes[-1]
        wanted = known if classes is None else checked_count("classes", classes, high=known)
        return earliest(values(self(times))[:, :wanted], phase=1.0)
