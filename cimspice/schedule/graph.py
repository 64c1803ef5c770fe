"""A network as a schedule sees it: maps of pixels, what each pixel reads, no weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.convolution import output_size

INPUT = "input"
"""Name of the network's input among its maps."""
BASE = ("conv", "dense")
"""Kinds of layers that multiply by a matrix."""
KINDS = (*BASE, "pool", "add", "concat", "slice", "gather", "global_pool", "element_wise")


@dataclass(frozen=True, eq=False)
class Node:
    """One layer; its name is also that of the map it gives.

    Parameters
    ----------
    name
        Unique in its network.
    kind
        conv, dense (reads the whole map), pool, add (any operation on several maps pixel by pixel), concat,
        slice (of channels), gather (pixels taken from other places: upsampling, padding, crops), global_pool
        (any that reads the whole map), element_wise.
    inputs
        Names of the maps it reads.
    channels, height, width
        Of its map.
    kernel, stride, dilation
        Along rows and columns.
    padding
        Above, left, below, right of the map it reads.
    groups
        Of channels that are convolved apart.
    rows, columns
        Of a gather: which row of the input each of its own reads, -1 for padding, (height,), or (2, height)
        where it is interpolated between two; columns likewise.
    rectified
        Whether a rectifier is folded into it.
    operation
        What it computes, in the words of the network it came from.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    channels: int
    height: int
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    rows: np.ndarray | None = None
    columns: np.ndarray | None = None
    rectified: bool = False
    operation: str = ""

    @property
    def pixels(self) -> int:
        """Of its map."""
        return self.height * self.width

    @property
    def is_plain(self) -> bool:
        """Whether each pixel reads the pixel at the same place alone."""
        return self.kernel == self.stride == (1, 1) and not any(self.padding)


@dataclass(frozen=True, eq=False)
class Graph:
    """Layers in an order in which each one's inputs are known."""

    name: str
    channels: int
    height: int
    width: int
    nodes: tuple[Node, ...]

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes, with the input as one of them."""
        own = Node(INPUT, "input", (), self.channels, self.height, self.width)
        return {INPUT: own} | {node.name: node for node in self.nodes}

    @property
    def base(self) -> tuple[Node, ...]:
        """Layers that multiply by a matrix."""
        return tuple(node for node in self.nodes if node.kind in BASE)

    def inputs_of(self, node: Node) -> list[Node]:
        """The nodes whose maps it reads."""
        return [self.by_name[name] for name in node.inputs]

    def matrix(self, node: Node) -> tuple[int, int]:
        """Inputs and outputs of the matrix of one group of a base layer."""
        (source,) = self.inputs_of(node)
        if node.kind == "dense":
            return source.channels * source.pixels, node.channels
        return prod(node.kernel) * source.channels // node.groups, node.channels // node.groups


class Builder:
    """A graph, layer by layer; each method gives the new layer's name.

    Raises
    ------
    ParameterError
        For layers that do not fit those before, naming them and their sizes.
    """

    def __init__(self, name: str, channels: int, height: int, width: int) -> None:
        self.name, self.place = name, name
        self.shape = (channels, height, width)
        self.nodes: dict[str, Node] = {INPUT: Node(INPUT, "input", (), channels, height, width)}
        self.last = INPUT

    def graph(self) -> Graph:
        """What was built; at least one layer with a matrix."""
        nodes = tuple(self.nodes.values())[1:]
        if not any(node.kind in BASE for node in nodes):
            raise self.error("no layer has weights", "give a network with convolutions")
        return Graph(self.name, *self.shape, nodes)

    def error(self, message: str, remedy: str) -> ParameterError:
        """At the network's place."""
        return ParameterError(message, place=self.place, remedy=remedy)

    def add(self, node: Node) -> str:
        """A layer as it is."""
        if node.name in self.nodes:
            raise self.error(f"layer {node.name!r} is there twice", "give each layer a name of its own")
        self.nodes[node.name] = node
        self.last = node.name
        return node.name

    def source(self, name: str, source: str) -> Node:
        """The layer that ``name`` reads."""
        if source not in self.nodes:
            raise self.error(
                f"layer {name!r} takes {source!r}, which no layer before it gives: a cycle, or another order",
                "order the layers so that inputs come first",
            )
        return self.nodes[source]

    def conv(
        self, channels: int, kernel: Any, stride: Any = 1, padding: Any = None, source: str = "",
        name: str = "", *, groups: int = 1, dilation: Any = 1, rectified: bool = True,
    ) -> str:  # fmt: skip
        """A convolution; without ``padding`` as much around the map as gives ceil(size / stride) pixels, more
        of it below and right where it is uneven."""
        name = name or self._free("conv")
        read = self.source(name, source or self.last)
        if read.channels % groups or channels % groups:
            raise self.error(
                f"layer {name!r} has {groups} groups for {read.channels} channels read and {channels} given",
                "give a number of groups that divides both",
            )
        places = self._window(name, read, kernel, stride, padding, dilation)
        return self.add(
            Node(name, "conv", (read.name,), channels, **places, groups=groups, rectified=rectified)
        )

    def pool(
        self, kernel: Any, stride: Any = None, padding: Any = 0, source: str = "", name: str = "",
        *, operation: str = "max_pool", dilation: Any = 1,
    ) -> str:  # fmt: skip
        """A pooling; without ``stride`` windows lie side by side."""
        name = name or self._free("pool")
        read = self.source(name, source or self.last)
        step = kernel if stride is None else stride
        places = self._window(name, read, kernel, step, padding, dilation)
        return self.add(Node(name, "pool", (read.name,), read.channels, **places, operation=operation))

    def _window(
        self, name: str, read: Node, kernel: Any, stride: Any, padding: Any, dilation: Any
    ) -> dict[str, Any]:
        pair = {key: _pair(value) for key, value in
                {"kernel": kernel, "stride": stride, "dilation": dilation}.items()}  # fmt: skip
        if padding is None:
            sizes = zip((read.height, read.width), *pair.values(), strict=True)
            whole = [max(0, (-(-n // step) - 1) * step + d * (k - 1) + 1 - n) for n, k, step, d in sizes]
            padding = (*(each // 2 for each in whole), *(each - each // 2 for each in whole))
        sides = _sides(padding)
        for key, values in (*pair.items(), ("padding", sides)):
            least = 0 if key == "padding" else 1
            if any(isinstance(v, bool) or int(v) != v or v < least for v in values):
                raise self.error(
                    f"layer {name!r}: {key} = {value_text(values)}", f"give whole numbers from {least}"
                )
        try:
            height, width = output_size(
                (read.height, read.width), pair["kernel"], pair["stride"], sides, pair["dilation"]
            )
        except ValueError:
            around = read.height + sides[0] + sides[2], read.width + sides[1] + sides[3]
            raise self.error(
                f"layer {name!r}: a kernel of {value_text(pair['kernel'])} does not fit into its padded "
                f"input of {value_text(around)}",
                "give a larger input or a smaller kernel",
            ) from None
        return {**pair, "padding": sides, "height": height, "width": width}

    def join(self, kind: str, sources: Sequence[str], name: str = "", operation: str = "") -> str:
        """``add`` (channels stay) or ``concat`` (channels are counted up) of maps of one size; a map of one
        pixel is added to all."""
        name = name or self._free(kind)
        read = [self.source(name, source) for source in sources]
        height, width = (max(getattr(node, axis) for node in read) for axis in ("height", "width"))
        channels = max(node.channels for node in read)
        for node in read:
            fits = (node.height, node.width) == (height, width)
            if kind == "add":
                fits = fits or (node.height in (1, height) and node.width in (1, width))
                fits = fits and node.channels in (1, channels)
            if not fits:
                sizes = " and ".join(
                    f"{one.name!r} of {one.channels} x {one.height} x {one.width}" for one in read
                )
                raise self.error(f"layer {name!r} cannot {kind} {sizes}", "give maps of one size")
        channels = sum(node.channels for node in read) if kind == "concat" else channels
        return self.add(Node(name, kind, tuple(sources), channels, height, width, operation=operation))

    def slice(self, channels: int, source: str = "", name: str = "") -> str:
        """So many of the channels."""
        name = name or self._free("slice")
        read = self.source(name, source or self.last)
        if not 1 <= channels <= read.channels:
            raise self.error(
                f"layer {name!r} takes {channels} of the {read.channels} channels of {read.name!r}",
                "take channels that are there",
            )
        return self.same_pixels("slice", read.name, name, channels)

    def same_pixels(
        self, kind: str, source: str, name: str, channels: int | None = None, operation: str = ""
    ) -> str:
        """A slice or an element-wise layer, whose pixels read those at their places."""
        read = self.source(name, source)
        channels = read.channels if channels is None else channels
        return self.add(Node(name, kind, (source,), channels, read.height, read.width, operation=operation))

    def upsample(self, factor: int, source: str = "", name: str = "") -> str:
        """Nearest neighbours."""
        name = name or self._free("upsample")
        read = self.source(name, source or self.last)
        rows, columns = (np.arange(size * factor) // factor for size in (read.height, read.width))
        return self.gather(name, read.name, rows, columns)

    def gather(
        self, name: str, source: str, rows: np.ndarray, columns: np.ndarray,
        channels: int | None = None, operation: str = "",
    ) -> str:  # fmt: skip
        """Pixels of other places."""
        read = self.source(name, source)
        channels = read.channels if channels is None else channels
        return self.add(Node(name, "gather", (source,), channels, rows.shape[-1], columns.shape[-1],
                             rows=rows, columns=columns, operation=operation))  # fmt: skip

    def whole(
        self, kind: str, channels: int, source: str = "", name: str = "", *,
        size: tuple[int, int] = (1, 1), operation: str = "",
    ) -> str:  # fmt: skip
        """A layer every pixel of which reads the whole map: dense, global_pool."""
        name = name or self._free(kind)
        read = self.source(name, source or self.last)
        return self.add(Node(name, kind, (read.name,), channels, *size, operation=operation))

    def _free(self, kind: str) -> str:
        number = sum(node.name.startswith(kind) for node in self.nodes.values()) + 1
        while f"{kind}{number}" in self.nodes:
            number += 1
        return f"{kind}{number}"


def value_text(values: Sequence[Any]) -> str:
    """Sizes as ``3 x 4``."""
    return " x ".join(map(str, values))


def _pair(value: Any) -> tuple[int, int]:
    """Along rows and columns; one number stands for both."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)  # pyright: ignore[reportReturnType]


def _sides(value: Any) -> tuple[int, int, int, int]:
    """Above, left, below, right; of two numbers rows and columns, of one all."""
    sides = _pair(value)
    return (*sides, *sides) if len(sides) == 2 else tuple(sides)  # pyright: ignore[reportReturnType]
