"""The SKY130 spiking neuron (Sakemi et al., arXiv 2412.09010)."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.neuron.emulator.layer import NeuronLayer
    from cimspice.neuron.emulator.network import NeuronNetwork
    from cimspice.neuron.emulator.spiking_layer import SpikingLayer
    from cimspice.neuron.emulator.spiking_network import SpikingNetwork
    from cimspice.neuron.family import (
        card,
        characterise,
        check,
        map,
        measured,
        model_of,
        network,
        simulate,
        validate,
    )
    from cimspice.neuron.family import circuit as neuron_circuit
    from cimspice.neuron.mapping import LayerMapping, map_layer, realised_weights
    from cimspice.neuron.model.ekv import EkvGateLaw
    from cimspice.neuron.model.neuron import NeuronModel
    from cimspice.neuron.model.ramp import Ramp
    from cimspice.neuron.model.synapse import ReversalSynapse
    from cimspice.neuron.report.budget import draw_budget
    from cimspice.neuron.training import train, train_digits, train_iris
    from cimspice.neuron.training.trained import TrainedNetwork
    from cimspice.neuron.validation import (
        CircuitRun,
        NeuronValidation,
        Programmed,
        calibrated,
        neuron_figures,
        report_of,
    )

__all__ = [
    "CircuitRun",
    "EkvGateLaw",
    "LayerMapping",
    "NeuronLayer",
    "NeuronModel",
    "NeuronNetwork",
    "NeuronValidation",
    "Programmed",
    "Ramp",
    "ReversalSynapse",
    "SpikingLayer",
    "SpikingNetwork",
    "TrainedNetwork",
    "calibrated",
    "card",
    "characterise",
    "check",
    "draw_budget",
    "map",
    "map_layer",
    "measured",
    "model_of",
    "network",
    "neuron_circuit",
    "neuron_figures",
    "realised_weights",
    "report_of",
    "simulate",
    "train",
    "train_digits",
    "train_iris",
    "validate",
]
__getattr__, __dir__ = lazy(__name__)
