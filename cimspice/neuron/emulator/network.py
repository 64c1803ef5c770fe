"""A network of circuit neurons, as it is programmed: layers after one another, phase after phase."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.model.mismatch import LayerMismatch
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.wires import Wiring


@dataclass(frozen=True, eq=False)
class NeuronNetwork:
    """The emulated circuit."""

    model: NeuronModel
    """The neuron's model."""
    polarities: Sequence[Array]
    programs: Sequence[Array]
    """``polarities``, ``programs``: per layer, shape (neurons, inputs): see :class:`NeuronLayer`."""
    step: float = NeuronLayer.step
    """Of time (s), as :class:`NeuronLayer` takes it."""
    mismatch: Sequence[LayerMismatch] | None = None
    """Threshold shifts of a chip, per layer."""
    bias_lines: bool = False
    """Whether the last input of every layer is a line of its own that spikes when the phase starts."""
    wires: Wiring | None = None
    """Of all layers, as :class:`NeuronLayer` takes them."""

    layers: tuple[NeuronLayer, ...] = field(init=False, repr=False)
    """Each knows how many neurons its outputs drive."""

    def __post_init__(self) -> None:
        if not len(self.polarities) or len(self.polarities) != len(self.programs):
            raise ParameterError(
                f"{len(self.polarities)} polarities and {len(self.programs)} programs",
                place="NeuronNetwork",
                remedy="give one of each for every layer, and at least one layer",
            )
        driven = [*(len(polarity) for polarity in self.polarities[1:]), 0]
        layers = tuple(
            NeuronLayer(self.model, polarity, program, fan_out, self.step, mismatch=own, wires=self.wires)
            for polarity, program, fan_out, own in zip(
                self.polarities, self.programs, driven, self.mismatch or [None] * len(driven), strict=True
            )
        )
        for number, (before, after) in enumerate(pairwise(layers)):
            if after.fan_in != len(before.polarity) + self.bias_lines:
                lines = " and a bias line" if self.bias_lines else ""
                there = f"{len(before.polarity)} neurons{lines}"
                raise ParameterError(
                    f"layer {number} has {there}, the next {after.fan_in} inputs",
                    place=f"NeuronNetwork.polarities[{number + 1}]",
                    remedy="make the matrices (neurons, inputs) of neighbours fit",
                )
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "polarities", tuple(layer.polarity for layer in layers))
        object.__setattr__(self, "programs", tuple(layer.program for layer in layers))

    def line_times(self, spikes: Array) -> Array:
        """Seconds at which the input lines cross half the supply, from spikes as fractions of a phase.

        Both (batch, inputs); 1 means no spike.

        Raises
        ------
        ParameterError
            If a spike is not finite or not in [0, 1].
        """
        inputs = self.layers[0].fan_in - self.bias_lines
        spikes = checked_array("input spikes", spikes, ("batch", inputs), low=0, high=1)
        neurons, phase = len(self.layers[0].polarity), self.model.phase
        late = self.wires.output_delay[neurons] / phase if self.wires else 0.0
        return np.minimum(line_times(self.model, spikes, neurons) + late * (spikes < 1), 1.0) * phase

    def __call__(self, spikes: Array) -> list[tuple[Array, Array]]:
        """Per layer, membrane voltage at the end of accumulation (V) and output spikes (s after the start of
        the firing phase; the phase's length where there is none), both (batch, neurons).
        """
        times, results = self.line_times(spikes), []
        for layer in self.layers:
            voltage, times = layer(self.with_bias(layer, times))
            results.append((voltage, times))
        return results

    def with_bias(self, layer: NeuronLayer, times: Array) -> Array:
        """Lines of a layer's inputs (s), (batch, inputs), and its bias line as the last, if there is one."""
        return with_bias_line(self.model, times, len(layer.polarity)) if self.bias_lines else times


def with_bias_line(model: NeuronModel, times: Array, neurons: int) -> Array:
    """Times (s) at which lines that drive ``neurons`` neurons cross half the supply, (batch, inputs), and as
    the last column that of a line that spikes when the phase starts."""
    return np.column_stack([times, np.full(len(times), model.driver_delay[neurons])])


def line_times(model: NeuronModel, spikes: Array, neurons: int) -> Array:
    """When lines that drive ``neurons`` neurons cross half the supply, for pulses at ``spikes``; both in
    phases, 1 where there is none."""
    delayed = np.minimum(spikes + model.driver_delay[neurons] / model.phase, 1.0)
    return np.where(spikes < 1, delayed, 1.0)
