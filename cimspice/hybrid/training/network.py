"""A chain of dense and convolution layers whose weighted sums crossbars form, with forward and backward
pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.hybrid.emulator.chips import LayerShape
from cimspice.hybrid.emulator.columns import NOMINAL, Design, Deviations
from cimspice.hybrid.model.readout import Ideal
from cimspice.hybrid.training.column_layer import ColumnLayer
from cimspice.network.convolution import output_size, padded, strided
from cimspice.network.graph import Network, Node
from cimspice.network.operations import conv_settings

Back = Callable[[Array], Array]
KNOWN = ("dense", "conv", "relu", "max_pool", "flatten")


class ColumnNetwork:
    """A network on crossbars; its first convolution keeps ideal sums, since few of its rows are used.

    Parameters
    ----------
    network
        A chain of dense, conv, relu, max_pool and flatten nodes.
    design
        Crossbars and read-out of every layer.
    x
        Inputs (samples, *input_shape), for the first steps of quantisation.

    Raises
    ------
    ParameterError
        For another operation, a node that does not take the one before it, or groups of a convolution.
    """

    def __init__(self, network: Network, design: Design, x: Array) -> None:
        self.network = network
        self.layers: dict[str, ColumnLayer] = {}
        self._back: list[Back] = []
        self._gradients: list[list[Array]] = []
        before, values = "input", network.values(x)
        for node in network.nodes:
            refused = node.operation not in KNOWN or node.inputs != (before,)
            if refused or (node.operation == "conv" and conv_settings(node)[3] != 1):
                raise ParameterError(
                    f"layer {node.name!r} ({node.operation}) cannot be trained on columns",
                    place=network.name,
                    remedy=f"give a chain of {', '.join(KNOWN)}, convolutions in one group",
                )
            if node.operation in ("dense", "conv"):
                weights = node.arrays["weights"]
                self.layers[node.name] = ColumnLayer.started(
                    weights.reshape(len(weights), -1),
                    node.arrays.get("bias", np.zeros(len(weights))),
                    self._design(node, design),
                    np.maximum(values[before], 0),
                )
            before = node.name

    @property
    def parameters(self) -> list[Array]:
        """Of all layers, in order; each layer has five."""
        return [array for layer in self.layers.values() for array in layer.parameters]

    @property
    def scale_factors(self) -> int:
        """How many are stored."""
        return sum(layer.scale.size for layer in self.layers.values() if layer.design.readout.scaled)

    @property
    def layer_shapes(self) -> dict[str, LayerShape]:
        """What chips are drawn for."""
        return {
            name: (layer.design, layer.weights.shape[1], len(layer.weights))
            for name, layer in self.layers.items()
        }

    def with_readout(
        self, design: Design | Mapping[str, Design], *, public_scale_gradient: bool = False
    ) -> ColumnNetwork:
        """A copy with its weights and steps on other crossbars, read in another way, each layer in its own
        where they are given by name; scale factors are 1."""
        other = copy(self)
        nodes = {node.name: node for node in self.network.nodes}
        other.layers = {
            name: layer.with_readout(
                self._design(nodes[name], design[name] if isinstance(design, Mapping) else design),
                public_scale_gradient=public_scale_gradient,
            )
            for name, layer in self.layers.items()
        }
        return other

    def _design(self, node: Node, design: Design) -> Design:
        """Of a layer; the first one keeps ideal sums if it is a convolution."""
        first = node is self.network.weight_layers[0] and node.operation == "conv"
        return replace(design, readout=Ideal()) if first else design

    def start_scales(self, x: Array, *, least_squares: bool = False) -> None:
        """First scale factors of every layer from these inputs, each layer behind the one before it."""
        self._run(
            x.astype(np.float32),
            {},
            None,
            before=lambda layer, rows: layer.start_scale(rows, least_squares=least_squares),
        )

    def forward(
        self, x: Array, chip: dict[str, Deviations] | None = None, rng: np.random.Generator | None = None
    ) -> Array:
        """Outputs (..., samples, classes) of inputs (samples, *input_shape) on a nominal chip, on one, or on
        several, which are then the first axis."""
        return self._run(x.astype(np.float32), chip or {}, rng)

    def backward(self, error: Array) -> list[Array]:
        """Gradients of ``parameters`` from ∂loss/∂outputs (samples, classes) of the last forward pass."""
        self._gradients = []
        for back in reversed(self._back):
            error = back(error)
        return [array for found in reversed(self._gradients) for array in found]

    def column_reads(self, x: Array) -> dict[str, Array]:
        """What enters each layer, (samples · positions, inputs)."""
        seen: dict[str, Array] = {}
        names = {id(layer): name for name, layer in self.layers.items()}
        self._run(
            x.astype(np.float32), {}, None, before=lambda layer, rows: seen.update({names[id(layer)]: rows})
        )
        return seen

    def _run(
        self,
        value: Array,
        chip: dict[str, Deviations],
        rng: np.random.Generator | None,
        before: Callable[[ColumnLayer, Array], Any] | None = None,
    ) -> Array:
        self._back = []
        for node in self.network.nodes:
            if node.name in self.layers:
                value, back = self._weighted(node, value, chip.get(node.name, NOMINAL), rng, before)
            elif node.operation == "relu":
                positive = value > 0
                value, back = value * positive, (lambda error, positive=positive: error * positive)
            elif node.operation == "max_pool":
                value, back = _pool(value, node.settings)
            else:
                value, back = _flatten(value, len(self.network.shapes[node.inputs[0]]))
            self._back.append(back)
        return value

    def _weighted(
        self,
        node: Node,
        value: Array,
        chip: Deviations,
        rng: np.random.Generator | None,
        before: Callable[[ColumnLayer, Array], Any] | None,
    ) -> tuple[Array, Back]:
        layer = self.layers[node.name]
        if node.operation == "dense":
            rows, restore, down = value, lambda sums: sums, lambda error: error
            up = down
        else:
            rows, restore, up, down = _unfolded(value, node)
        if before is not None:
            before(layer, rows)

        def back(error: Array) -> Array:
            found, by_rows = layer.backward(up(error))
            self._gradients.append(found)
            return down(by_rows)

        return restore(layer.forward(rows, chip, rng)), back


def _unfolded(value: Array, node: Node) -> tuple[Array, Back, Back, Back]:
    """Patches (..., samples · positions, inputs) of images (..., samples, channels, *spatial); from sums
    to images; from errors of images to those of sums; and from errors of patches to those of images."""
    kernel = node.arrays["weights"].shape[2:]
    stride, padding, dilation, _ = conv_settings(node)
    *lead, samples, channels = value.shape[: -len(kernel)]
    spatial = value.shape[-len(kernel) :]
    images = padded(value.reshape(-1, channels, *spatial), padding)
    size = output_size(spatial, kernel, stride, padding, dilation)
    places = np.stack(list(strided(images, kernel, stride, dilation)), axis=2)
    rows = np.moveaxis(places.reshape(len(images), channels * places.shape[2], -1), 1, 2)
    axis = -1 - len(kernel)

    def restore(sums: Array) -> Array:
        return np.moveaxis(sums.reshape(*lead, samples, *size, -1), -1, axis)

    def up(error: Array) -> Array:
        return np.moveaxis(error, axis, -1).reshape(-1, error.shape[axis])

    def down(error: Array) -> Array:
        whole = np.zeros_like(images)
        parts = np.moveaxis(error.reshape(len(images), -1, channels, places.shape[2]), (3, 1), (0, 3))
        for part, seen in zip(parts, strided(whole, kernel, stride, dilation), strict=True):
            seen += part.reshape(seen.shape)
        axes = len(kernel)
        inner = (slice(a, a + n) for a, n in zip(padding[:axes], spatial, strict=True))
        return whole[(slice(None), slice(None), *inner)]

    return rows.reshape(*lead, -1, rows.shape[-1]), restore, up, down


def _pool(value: Array, settings: Any) -> tuple[Array, Back]:
    """Largest value of each window; windows must tile the image."""
    kernel: Sequence[int] = settings["kernel"]
    axes = len(kernel)
    if any(settings.get("padding", ())) or tuple(settings.get("stride", kernel)) != tuple(kernel):
        raise ParameterError(
            f"a pool of {kernel} with stride {settings.get('stride', kernel)}",
            place="max_pool",
            remedy="give windows side by side, without padding",
        )
    split = [part for size, k in zip(value.shape[-axes:], kernel, strict=True) for part in (size // k, k)]
    windows = value.reshape(*value.shape[:-axes], *split)
    inner = tuple(range(-1, -2 * axes, -2))
    largest = windows.max(axis=inner, keepdims=True)
    chosen = windows == largest
    share = chosen / chosen.sum(axis=inner, keepdims=True)

    def back(error: Array) -> Array:
        return (share * error.reshape(largest.shape)).reshape(value.shape).astype(np.float32)

    return largest.reshape(*value.shape[:-axes], *split[::2]), back


def _flatten(value: Array, axes: int) -> tuple[Array, Back]:
    flat = value.reshape(*value.shape[: value.ndim - axes], -1)
    return flat, lambda error: error.reshape(value.shape)
