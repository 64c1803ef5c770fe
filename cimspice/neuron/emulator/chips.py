"""Chips of one network: every transistor's threshold shift as the netlist draws it, chips as leading axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.model.mismatch import RAMP, LayerMismatch, MismatchModel
from cimspice.neuron.model.synapse_currents import Polarity

_HALVES: tuple[Polarity, ...] = ("n", "p")


@dataclass(frozen=True, eq=False)
class ChipLayer:
    """Threshold shifts (V) of a layer on several chips."""

    memory: Mapping[Polarity, Array]
    """Of the memory transistors of either half, (chips, neurons, inputs)."""
    neuron: Mapping[str, Array]
    """Transistor of the neuron → (chips, neurons)."""

    @classmethod
    def of(
        cls, model: MismatchModel, shifts: Sequence[Mapping[str, float]], layer: int, shape: tuple[int, int]
    ) -> "ChipLayer":
        """Of a layer (from 0) of (neurons, inputs), from the shifts of each chip, by path in the netlist of
        the network.

        ParameterError for a transistor that is not among them.
        """
        neurons, inputs = shape
        number = layer + 1

        def gathered(names: list[str], shape: tuple[int, ...]) -> Array:
            try:
                values = [[chip[name] for name in names] for chip in shifts]
            except KeyError as error:
                raise ParameterError(
                    f"no threshold shift of {error}",
                    place=f"layer {layer}",
                    remedy="draw chips from the netlist of this network, with MOSFET synapses",
                ) from None
            return np.array(values).reshape(len(shifts), *shape)

        cells = [f"{number}_{neuron}_{source}" for neuron in range(neurons) for source in range(inputs)]
        memory: dict[Polarity, Array] = {
            half: gathered([f"x{half}{cell}.xmemory" for cell in cells], shape) for half in _HALVES
        }
        own = {
            name: gathered([f"xneuron{number}_{neuron}.x{name}" for neuron in range(neurons)], (neurons,))
            for name in (RAMP, *model.delay, *model.reset)
        }
        return cls(memory, own)

    def of_chip(self, model: MismatchModel, chip: int) -> LayerMismatch:
        """Those of one chip."""
        return LayerMismatch(
            model,
            {half: shifts[chip] for half, shifts in self.memory.items()},
            {name: shifts[chip] for name, shifts in self.neuron.items()},
        )


def chip_layers(
    model: MismatchModel, shifts: Sequence[Mapping[str, float]], network: NeuronNetwork
) -> tuple[ChipLayer, ...]:
    """Every layer of a network; see :meth:`ChipLayer.of`."""
    shapes = [layer.polarity.shape for layer in network.layers]
    return tuple(ChipLayer.of(model, shifts, layer, shape) for layer, shape in enumerate(shapes))


def on_chip(
    network: NeuronNetwork, model: MismatchModel, layers: Sequence[ChipLayer], chip: int
) -> NeuronNetwork:
    """The network, programmed as it is, on one of the chips."""
    return replace(network, mismatch=[layer.of_chip(model, chip) for layer in layers])


def chip_spikes(
    network: NeuronNetwork, model: MismatchModel, layers: Sequence[ChipLayer], spikes: Array
) -> tuple[Array, ...]:
    """Spike times (s) of every layer on every chip, (chips, batch, neurons), all programmed alike; ``spikes``
    as :meth:`NeuronNetwork.__call__` takes them."""
    chips = len(layers[0].neuron[RAMP])
    found = [on_chip(network, model, layers, chip)(spikes) for chip in range(chips)]
    return tuple(np.stack([times for _, times in layer]) for layer in zip(*found, strict=True))
