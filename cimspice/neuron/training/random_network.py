"""Networks of random weights by the law of E±, which nobody trained."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import ramp_beta, reversal_potentials

GUARD = (0.08, 0.92)
"""Membranes at the phase's end (in thresholds) whose spikes keep off both ends of the firing phase."""
_ROUNDS = 4


def random_weights(layers: Sequence[int], rng: np.random.Generator) -> list[Array]:
    """Weights (neurons, inputs) of every layer: normal with mean 1/inputs and standard deviation 0.6/√inputs,
    so that v(1) of a neuron with uniform input spikes has mean 0.5 and standard deviation about 0.35."""
    return [
        rng.normal(1 / inputs, 0.6 / np.sqrt(inputs), (neurons, inputs))
        for inputs, neurons in pairwise(layers)
    ]


def random_network(
    model: NeuronModel, weights: Sequence[Array], guarded_on: Array | None = None
) -> SpikingNetwork:
    """The network by the law of E±, of the current at the weights' root mean square.

    With ``guarded_on``, input spikes in phases (samples, inputs), each neuron's weights are drawn towards
    their mean, 1/inputs, as far as its membranes need to stay within :data:`GUARD` for these samples: what
    training for a calibrated circuit does, too.
    """
    size = np.sqrt(np.mean(np.concatenate([matrix.ravel() for matrix in weights]) ** 2))
    unit = model.unit_current(weights[0].shape[1])
    e_plus, e_minus = reversal_potentials(model, size * unit)
    ramp = Ramp(ramp_beta(model))
    layers, spikes = [], guarded_on
    for matrix in weights:
        layer = SpikingLayer(matrix, e_plus, e_minus, ramp)
        if spikes is not None:
            layer = _guarded(layer, spikes)
            spikes = layer(spikes)
        layers.append(layer)
    return SpikingNetwork(layers)


def _guarded(layer: SpikingLayer, spikes: Array) -> SpikingLayer:
    mean = 1 / layer.inputs
    about = layer.weights - mean
    share, made = np.ones(len(about)), layer
    for _ in range(_ROUNDS):  # membranes are nearly linear in the weights
        distance = made.membrane(spikes) - 0.5
        beyond = np.max(
            np.where(distance < 0, distance / (GUARD[0] - 0.5), distance / (GUARD[1] - 0.5)), axis=0
        )
        share = np.minimum(1.0, share / beyond)
        made = SpikingLayer(mean + share[:, None] * about, layer.e_plus, layer.e_minus, layer.ramp)
    return made
