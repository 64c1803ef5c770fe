"""Weights trained further for the circuit that they are put on, with its own forward pass.

Every batch goes through the emulated circuit, errors go back straight through it (`gradients`), the weights
change in software and are mapped again. Where chips differ, each batch meets another one, so that the weights
fit no chip in particular.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.errors import ParameterError
from cimspice.network.circuit import Circuit, CircuitNetwork, layer_inputs, map_network
from cimspice.network.gradients import gradients
from cimspice.network.graph import Network
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.classifiers import batches, descend, output_errors

EPOCHS, RATE = 20, 0.02


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A network whose weights and biases were trained further.

    Attributes
    ----------
    network
        With these.
    loss
        Mean cross-entropy of each epoch's batches, through the circuit.
    epochs, rate, seed, samples
        Of the training; ``rate`` as `fine_tune` takes it.
    """

    network: Network
    loss: tuple[float, ...]
    epochs: int
    rate: float
    seed: int
    samples: int

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "epochs": self.epochs,
            "rate": self.rate,
            "seed": self.seed,
            "samples": self.samples,
            "loss": list(self.loss),
        }


def fine_tune(
    network: Network,
    circuit: Circuit,
    x: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int = EPOCHS,
    rate: float = RATE,
    seed: int = 0,
    progress: OnProgress = silent,
) -> FineTuned:
    """Train a classifier's weights and biases for the circuit: Adam on batches of 64, cross-entropy.

    Parameters
    ----------
    network
        Its outputs are those of classes; a softmax at its end belongs to the loss.
    circuit
        As of `map_network`; its ranges are calibrated anew with every step.
    x, labels
        Inputs (samples, ...) and their classes (samples,); none that the result is judged by.
    epochs, rate
        Times that every sample is seen; first step of the weights relative to their layer's rms, which falls
        along half a cosine. A bias steps as a weight of an input of rms size would have it.
    seed
        Of the batches and of the chips.

    Raises
    ------
    ParameterError
        For outputs that decide nothing, labels that are no class, an operation without a gradient.
    MappingError
        For weights that cannot be mapped.
    """
    checked_count("epochs", epochs)
    checked_number("rate", rate, above=0)
    checked_count("seed", seed, low=0)
    output = _scores(network)
    x = checked_array("inputs", x, ("samples", *network.input_shape))
    classes = network.shapes[output][0]
    labels = checked_array("labels", labels, (len(x),), low=0, high=classes - 1, whole=True).astype(int)
    sizes = _sizes(network, x)
    scaled = {key: array / sizes[key] for key, array in _arrays(network).items()}
    rng = np.random.default_rng(seed)
    losses: list[float] = []

    def tuned() -> Network:
        return _with(network, {key: array * sizes[key] for key, array in scaled.items()})

    def through_the_circuit(batch: np.ndarray, wanted: np.ndarray) -> list[np.ndarray]:
        mapped = map_network(tuned(), x, circuit.drawn(int(rng.integers(2**32))))
        loss, found = straight_through(mapped, batch, wanted)
        losses.append(loss)
        progress(Progress(stage="fine-tune: batches", done=len(losses), points=epochs * batches(len(x))))
        return [found[name][kind] * size for (name, kind), size in sizes.items()]

    descend(list(scaled.values()), through_the_circuit, x, labels, rng, epochs, rate)
    source = f"{network.source}; fine-tuned on {circuit.family} circuits ({epochs} epochs, seed {seed})"
    return FineTuned(
        replace(tuned(), source=source.removeprefix("; ")),
        tuple(float(np.mean(part)) for part in np.split(np.array(losses), epochs)),
        epochs,
        rate,
        seed,
        len(x),
    )


def straight_through(
    mapped: CircuitNetwork, x: np.ndarray, labels: np.ndarray
) -> tuple[float, dict[str, dict[str, np.ndarray]]]:
    """Mean cross-entropy of a batch (samples, ...) through the circuit, and the gradients of each layer's
    arrays by its name; see `gradients`."""
    output = _scores(mapped.network)
    values = mapped.trace(x).values
    scores = values[output]
    largest = scores.max(axis=1)
    logs = np.log(np.exp(scores - largest[:, None]).sum(axis=1)) + largest
    loss = float(np.mean(logs - scores[np.arange(len(x)), labels]))
    return loss, gradients(mapped, values, output_errors(scores, labels), output)


def _scores(network: Network) -> str:
    """The node whose value cross-entropy takes: the output, or what a softmax there is given."""
    last = network.nodes[-1] if network.nodes else None
    shape = network.shapes[network.output]
    if last is None or len(shape) != 1 or shape[0] < 2 or not network.weight_layers:
        raise ParameterError(
            f"outputs of shape {shape} are no classes",
            place=network.name,
            remedy="fine-tune a network with an output for each of two or more classes",
        )
    by_name = {node.name: node for node in network.nodes}
    node = by_name[network.output]
    return node.inputs[0] if node.operation == "softmax" else node.name


def _sizes(network: Network, x: np.ndarray) -> dict[tuple[str, str], float]:
    """Unit of the steps of each layer's arrays, by name and kind."""
    sizes, inputs = {}, layer_inputs(network, x)
    for node in network.weight_layers:
        size = float(np.sqrt(np.mean(node.arrays["weights"] ** 2))) or 1.0
        seen = float(np.sqrt(np.mean([np.mean(part**2) for part in inputs[node.name]]))) or 1.0
        sizes[node.name, "weights"] = size
        if "bias" in node.arrays:
            sizes[node.name, "bias"] = size * seen
    return sizes


def _arrays(network: Network) -> dict[tuple[str, str], np.ndarray]:
    return {
        (node.name, kind): node.arrays[kind]
        for node in network.weight_layers
        for kind in ("weights", "bias")
        if kind in node.arrays
    }


def _with(network: Network, arrays: Mapping[tuple[str, str], np.ndarray]) -> Network:
    weights, biases = (
        {name: array for (name, one), array in arrays.items() if one == kind} for kind in ("weights", "bias")
    )
    return network.with_weights(weights, biases)
