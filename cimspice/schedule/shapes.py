"""Operations of a network as layers of a graph: what each pixel of their maps reads.

The last two axes of a value are its map, those before them its channels; a value of two axes is one row of
pixels, of one axis a single pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from cimspice.network.graph import Network
from cimspice.network.onnx_node import Unsupported
from cimspice.schedule.graph import INPUT, Builder, Graph

_PAIRS = ("add", "sub", "mul", "div")


def from_network(network: Network) -> Graph:
    """The graph of a network that is in memory."""
    made = Shapes(network.name, network.name, network.input_shape)
    for node in network.nodes:
        arrays = {name: array.shape for name, array in node.arrays.items()}
        try:
            made.layer(node.name, node.operation, node.inputs, node.settings, arrays)
        except Unsupported as error:
            raise made.builder.error(
                f"layer {node.name!r} ({node.operation}) {error}", error.remedy
            ) from None
    return made.graph(network.name)


class Shapes:
    """Layers one after another; ``sizes`` has the whole shape of each value for one sample."""

    def __init__(self, name: str, place: str, input_shape: Sequence[int]) -> None:
        self.sizes: dict[str, tuple[int, ...]] = {INPUT: tuple(input_shape)}
        self.builder = Builder(name, *_as_map(input_shape))
        self.builder.place = place

    def graph(self, name: str) -> Graph:
        """All layers so far."""
        self.builder.name = name
        return self.builder.graph()

    def layer(
        self,
        name: str,
        operation: str,
        inputs: Sequence[str],
        settings: Mapping[str, Any],
        arrays: Mapping[str, tuple[int, ...]],
    ) -> None:
        """One more operation, with the shapes of its arrays.

        Raises
        ------
        ParameterError
            If it does not fit what it reads.
        Unsupported
            If pixels are no longer seen behind it.
        """
        self.builder.source(name, inputs[0])
        shape = self.sizes[inputs[0]]
        if operation == "conv":
            shape = self._conv(name, inputs[0], shape, settings, arrays["weights"])
        elif operation == "dense":
            outputs, width = arrays["weights"]
            if shape != (width,):
                raise Unsupported(
                    f"multiplies {shape} by a matrix for ({width},)", "flatten the value before"
                )
            self.builder.whole("dense", outputs, inputs[0], name)
            shape = (outputs,)
        elif operation in ("max_pool", "average_pool"):
            self._pool(name, operation, inputs[0], shape, settings)
            node = self.builder.nodes[name]
            shape = (shape[0], *(node.height, node.width)[2 - len(settings["kernel"]) :])
        elif operation in _PAIRS and len(inputs) > 1:
            self.builder.join("add", inputs, name, operation)
            shape = tuple(np.broadcast_shapes(*(self.sizes[each] for each in inputs)))
        elif operation == "concat":
            shape = self._concat(name, inputs, settings["axis"] - 1)
        elif operation in ("slice", "pad", "resize"):
            shape = self._moved(name, operation, inputs[0], shape, settings)
        else:
            shape = self._other(name, operation, inputs[0], shape, settings, arrays)
        self.sizes[name] = shape

    def _conv(
        self,
        name: str,
        source: str,
        shape: tuple[int, ...],
        settings: Mapping[str, Any],
        weights: tuple[int, ...],
    ) -> tuple[int, ...]:
        outputs, inputs, *kernel = weights
        groups = settings.get("groups", 1)
        if inputs * groups != shape[0]:
            raise self.builder.error(
                f"layer {name!r} has weights for {inputs} channels in each of {groups} groups and reads "
                f"{shape[0]} channels",
                "give groups that divide the channels, and weights to match",
            )
        own, stride, padding, dilation = _places(kernel, shape, settings)
        self.builder.conv(
            outputs, own, stride, padding, source, name, groups=groups, dilation=dilation, rectified=False
        )
        node = self.builder.nodes[name]
        return outputs, *(node.height, node.width)[2 - len(kernel) :]

    def _pool(
        self, name: str, operation: str, source: str, shape: tuple[int, ...], settings: Mapping[str, Any]
    ) -> None:
        kernel = settings["kernel"]
        own, stride, padding, dilation = _places(kernel, shape, {"stride": kernel, **settings})
        self.builder.pool(own, stride, padding, source, name, operation=operation, dilation=dilation)

    def _concat(self, name: str, inputs: Sequence[str], axis: int) -> tuple[int, ...]:
        shapes = [self.sizes[each] for each in inputs]
        axis %= len(shapes[0])
        if axis in _spatial(shapes[0]):
            raise Unsupported("joins maps side by side")
        self.builder.join("concat", inputs, name)
        whole = list(shapes[0])
        whole[axis] = sum(shape[axis] for shape in shapes)
        return tuple(whole)

    def _moved(
        self, name: str, operation: str, source: str, shape: tuple[int, ...], settings: Mapping[str, Any]
    ) -> tuple[int, ...]:
        """Elements of other places along some axes."""
        taken = [np.arange(size) for size in shape]
        for axis in range(len(shape)):
            if operation == "slice" and axis + 1 in settings["ranges"]:
                taken[axis] = taken[axis][slice(*settings["ranges"][axis + 1])]
            elif operation == "resize" and axis + 1 in settings["places"]:
                taken[axis] = np.asarray(settings["places"][axis + 1])
            elif operation == "pad":
                mode = settings.get("mode", "constant")
                ends = settings["ends"][axis + 1]
                shifted = np.pad(taken[axis] + 1, ends, mode=mode)  # padding with a constant reads 0 - 1
                taken[axis] = shifted - 1
        found = tuple(part.shape[-1] for part in taken)
        if min(found) < 1:
            raise Unsupported("leaves nothing")
        channels = _as_map(found)[0]
        spatial = [taken[axis] for axis in _spatial(shape)]
        whole = (np.arange(shape[axis]) for axis in _spatial(shape))
        if all(map(np.array_equal, spatial, whole)):
            kind = "slice" if operation == "slice" else "element_wise"
            self.builder.same_pixels(kind, source, name, channels, operation)
            return found
        rows, columns = [np.zeros(1, dtype=int)] * (2 - len(spatial)) + spatial
        self.builder.gather(name, source, rows, columns, channels, operation)
        return found

    def _other(
        self,
        name: str,
        operation: str,
        source: str,
        shape: tuple[int, ...],
        settings: Mapping[str, Any],
        arrays: Mapping[str, tuple[int, ...]],
    ) -> tuple[int, ...]:
        """Operations that keep pixels in their places, or read the whole map."""
        own, spatial = shape, _spatial(shape)
        whole = False
        if operation.startswith("global_"):
            shape, whole = (shape[0], *[1] * len(spatial)), True
        elif operation == "mean":
            axes = {axis - 1 for axis in settings["axes"]}
            whole = bool(axes & set(spatial))
            kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
            shape = tuple(kept if settings.get("keep", True) else
                          [size for axis, size in enumerate(shape) if axis not in axes])  # fmt: skip
        elif operation == "softmax":
            axes = settings.get("axis", -1)
            whole = any(axis % (len(shape) + 1) - 1 in spatial for axis in np.ravel(axes))
        elif operation == "transpose":
            order = [axis - 1 for axis in settings["axes"][1:]]
            shape = tuple(shape[axis] for axis in order)
            whole = tuple(order[-len(spatial) :] if spatial else ()) != spatial
        elif operation in ("flatten", "reshape"):
            shape = (prod(shape),) if operation == "flatten" else tuple(settings["shape"])
            whole = _as_map(shape)[1:] != _as_map(own)[1:]
        elif operation in _PAIRS:
            (constant,) = arrays.values()
            shape = tuple(np.broadcast_shapes((1, *shape), constant))[1:]
            if _as_map(shape)[1:] != _as_map(own)[1:]:
                raise Unsupported("spreads a value over a larger map")
        channels, height, width = _as_map(shape)
        if whole:
            self.builder.whole(
                "global_pool", channels, source, name, size=(height, width), operation=operation
            )
        else:
            self.builder.same_pixels("element_wise", source, name, channels, operation)
        return shape


def _spatial(shape: Sequence[int]) -> tuple[int, ...]:
    """Axes of a sample that are its map."""
    rank = len(shape)
    return tuple(range(max(1, rank - 2), rank))


def _as_map(shape: Sequence[int]) -> tuple[int, int, int]:
    """Channels, height, width."""
    spatial = [shape[axis] for axis in _spatial(shape)]
    height, width = [1] * (2 - len(spatial)) + spatial
    return prod(shape[: len(shape) - len(spatial)]), height, width


def _places(kernel: Sequence[int], shape: tuple[int, ...], settings: Mapping[str, Any]) -> list[Any]:
    """Kernel, stride, padding, dilation along rows and columns."""
    axes = len(kernel)
    if axes not in (1, 2) or len(shape) != axes + 1:
        raise Unsupported(f"has a kernel of {axes} axes for a sample of {len(shape)}", "give maps of pixels")
    ones = (1,) * axes
    stride, dilation = settings.get("stride", ones), settings.get("dilation", ones)
    padding = settings.get("padding", (0,) * 2 * axes)
    if axes == 1:
        return [(1, *kernel), (1, *stride), (0, padding[0], 0, padding[1]), (1, *dilation)]
    return [tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)]
