"""What each layer's weighted sums change at a network's output: derivatives, backward through its graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork, Layer
from cimspice.network.convolution import folded, patches
from cimspice.network.gradients import backward
from cimspice.network.graph import Node
from cimspice.network.operations import conv_settings

_STEP = 1e-6
"""Of a derivative, relative to the rms of what is changed."""
_AT_ONCE = 2**14
"""Inputs of a layer without a matrix that are emulated at once."""
_LARGEST = 2**27
"""Numbers."""


def output_slopes(mapped: CircuitNetwork, x: np.ndarray) -> dict[str, np.ndarray]:
    """By layer, ∂output/∂sums (samples, outputs, channels, pixels) for inputs x (samples, ...).

    Raises
    ------
    ParameterError
        For more numbers than memory holds, and an operation through which no derivative is known.
    """
    network = mapped.network
    values = mapped.trace(x).values
    outputs = values[network.output][0].size
    for node in network.weight_layers:
        if values[node.name].size * outputs > _LARGEST:
            raise ParameterError(
                f"{values[node.name][0].size} sums for {outputs} outputs and {len(x)} inputs",
                place=f"layer {node.name!r}",
                remedy="run whole inputs: --samples without --tiles",
            )
    found: dict[str, list[np.ndarray]] = {node.name: [] for node in network.weight_layers}
    first = network.weight_layers[0].name

    def through(node: Node, x: np.ndarray, error: np.ndarray) -> np.ndarray:
        by_pixel = error if node.operation == "conv" else np.moveaxis(error, -1, 1)
        found[node.name].append(by_pixel.reshape(*by_pixel.shape[:2], -1))
        if node.name == first:
            return np.zeros(x.shape)
        return _passed(node, x[:1], error, mapped.layers[node.name])

    for sample in range(len(x)):
        own = {
            name: np.broadcast_to(value[sample], (outputs, *value.shape[1:]))
            for name, value in values.items()
        }
        each = np.eye(outputs).reshape(own[network.output].shape)
        backward(network, own, each, network.output, through)
    return {name: np.stack(parts) for name, parts in found.items()}


def _passed(node: Node, x: np.ndarray, error: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
    """∂loss/∂inputs, shape (losses, ...), of one sample's inputs x (1, ...) from ∂loss/∂sums."""
    if node.operation == "dense":
        rows = error.reshape(len(error), -1, error.shape[-1])
        return _back(layers[0], x.reshape(-1, x.shape[-1]), rows).reshape(len(error), *x.shape[1:])
    geometry, kernel, passed = conv_settings(node)[:3], node.arrays["weights"].shape[2:], []
    parts = zip(layers, *(np.split(one, len(layers), axis=1) for one in (x, error)), strict=True)
    for layer, part, sums in parts:
        vectors = np.concatenate(list(patches(part, kernel, *geometry)))
        rows = np.swapaxes(sums.reshape(*sums.shape[:2], -1), 1, 2)
        shape = (len(error), *part.shape[1:])
        passed.append(folded(_back(layer, vectors, rows), shape, kernel, *geometry))
    return np.concatenate(passed, axis=1)


def _back(layer: Layer, x: np.ndarray, error: np.ndarray) -> np.ndarray:
    """∂loss/∂inputs (losses, n, inputs) from ∂loss/∂sums (losses, n, outputs), for inputs x (n, inputs)."""
    step = _STEP * (float(np.sqrt(np.mean(x**2))) or 1.0)
    if layer.matrix is not None:
        return (error @ layer.matrix) * ((layer.clip(x + step) - layer.clip(x)) / step)
    found, count = np.empty((len(error), *x.shape)), x.shape[1]
    together = max(1, _AT_ONCE // count)
    for first in range(0, len(x), together):
        own = slice(first, first + together)
        here = x[own]
        moved = here[:, None] + step * np.eye(count)
        sums = layer(moved.reshape(-1, count)).reshape(len(here), count, -1)
        slopes = (sums - layer(here)[:, None]) / step
        found[:, own] = np.einsum("lno,nio->lni", error[:, own], slopes, optimize=True)
    return found
