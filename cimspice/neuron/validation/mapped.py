"""A network as it is programmed into the circuit, and the ways to get there from trained weights."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.circuit.network import LayerProgramming
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.neuron.mapping import LayerMapping, map_layer
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.wires import Wiring
from cimspice.neuron.training.calibration import calibrate
from cimspice.neuron.training.trained import TrainedNetwork
from cimspice.neuron.validation.budget import search
from cimspice.neuron.validation.compare import rmse
from cimspice.progress import OnProgress, silent

Mapping = Literal["scale", "calibrated", "trained"]
"""Trained for E± and mapped with one scale; trained for E± and calibrated; trained through the circuit."""


@dataclass(frozen=True, eq=False)
class Programmed:
    """A network as it is programmed."""

    model: NeuronModel
    mappings: tuple[LayerMapping, ...]
    """Per layer."""
    scales: dict[str, float] = field(default_factory=dict)
    """The factors that were searched, by name."""
    bias_lines: bool = False
    """Whether the last input of every layer is a line that spikes when the phase starts."""
    wires: Wiring | None = None
    """Of its layers; none: ideal ones."""

    @property
    def polarities(self) -> list[Array]:
        return [mapping.polarity for mapping in self.mappings]

    @property
    def programs(self) -> list[Array]:
        return [mapping.program for mapping in self.mappings]

    @property
    def clipped(self) -> int:
        """How many weights were beyond the largest current."""
        return int(sum(mapping.clipped.sum() for mapping in self.mappings))

    def network(self) -> NeuronNetwork:
        """The emulated circuit."""
        return NeuronNetwork(
            self.model, self.polarities, self.programs, bias_lines=self.bias_lines, wires=self.wires
        )

    def programming(self) -> list[LayerProgramming]:
        """What a netlist is made from."""
        sizes = [mapping.polarity.shape[0] for mapping in self.mappings] + [0]
        return [
            LayerProgramming(
                ramp_bias=self.model.readouts[mapping.polarity.shape[1], sizes[layer + 1]].ramp_bias,
                polarity=mapping.polarity.tolist(),
                program=mapping.program.tolist(),
                bias_line=self.bias_lines,
            )
            for layer, mapping in enumerate(self.mappings)
        ]


def programmed(
    model: NeuronModel, weights: Sequence[Array], scales: Sequence[float] | Array = (1.0,)
) -> Programmed:
    """Program every layer, all with the same factors: one for both signs, or (positive, negative)."""
    plus, minus = float(scales[0]), float(scales[-1])
    mappings = tuple(map_layer(model, layer, scale_plus=plus, scale_minus=minus) for layer in weights)
    return Programmed(model, mappings, {"scale_plus": plus, "scale_minus": minus})


def searched(model: NeuronModel, trained: TrainedNetwork, spikes: Array, count: int) -> Programmed:
    """Map a trained network with the scales (1: physical mapping, 2: conventional) that bring the
    circuit's outputs nearest to the trained network's own on ``spikes``.

    The full model stands for the circuit in the search.
    """
    wanted = trained.network()(spikes) * model.phase

    def error(logarithms: Array) -> float:
        network = programmed(model, trained.weights, np.exp(logarithms)).network()
        return rmse(network(spikes)[-1][1], wanted) / model.phase

    with warnings.catch_warnings():  # scales that are only tried may lead anywhere
        warnings.simplefilter("ignore", ModelRangeWarning)
        found = search(error, count)
    return programmed(model, trained.weights, np.exp(found))


def calibrated(
    model: NeuronModel,
    network: SpikingNetwork,
    weights: Sequence[Array],
    spikes: Array,
    progress: OnProgress = silent,
    *,
    bias_lines: bool = False,
) -> Programmed:
    """Map a network so that the emulated circuit's spikes are the network's own on ``spikes``."""
    wanted = network.trace(spikes).spike_times
    layers = calibrate(model, weights, spikes, wanted, progress, bias_lines=bias_lines)
    return Programmed(model, tuple(layer.mapping for layer in layers), bias_lines=bias_lines)


def checked_mapping(
    wanted: str | None, conditions: Conditions, *possible: Mapping, bias_lines: bool = False
) -> Mapping:
    """The mapping that is asked for, of those that are ``possible`` (default: all), or the usual one of this
    kind of synapse. Bias lines are there for calibrated circuits alone."""
    known: tuple[Mapping, ...] = possible or get_args(Mapping)
    resistors = conditions.synapse == "resistor"
    if wanted is None:
        wanted = "scale" if resistors else "calibrated"
    if wanted not in known:
        raise ParameterError(
            f"mapping {wanted!r} is not possible here", place="mapping", remedy=f"use {' or '.join(known)}"
        )
    if resistors and wanted != "scale":
        raise ParameterError(
            f"mapping {wanted!r} needs derivatives, which the emulated resistor synapse does not have",
            place="mapping",
            remedy="use scale, or MOSFET synapses",
        )
    if bias_lines and wanted != "calibrated":
        raise ParameterError(
            f"bias lines with mapping {wanted!r}",
            place="bias lines",
            remedy="leave them out, or map with calibrated: their weights are found on the emulated circuit",
        )
    return known[known.index(wanted)]
