"""The as-soon-as-possible schedule: per layer two sliding maxima and one cumulative maximum, no events.

Times count matrix-vector products (MVMs). Pixel (y, x) of a layer may start when all that it reads is done;
the input and padding are there at time 0. Pixels of a set run one after the other, and a set is done, for
those that read it, when all its pixels are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from cimspice.errors import ParameterError
from cimspice.schedule.graph import INPUT, Graph, Node

Split = Literal["cyclic", "shared", "stripes"]
Array = np.ndarray


@dataclass(frozen=True)
class Sets:
    """Pixels of a layer that are done together: so many rows and columns of its map; None for all of them."""

    rows: int | None
    columns: int | None

    @classmethod
    def of(cls, text: str) -> Sets:
        """``pixel``, ``row``, ``map``, ``RxC`` or ``RxW`` for whole rows. ParameterError for another."""
        named = {"pixel": cls(1, 1), "row": cls(1, None), "map": cls(None, None)}
        if text in named:
            return named[text]
        found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5}|W)", text)
        if not found:
            raise ParameterError(
                f"sets {text!r}"[:200],
                place="--sets",
                remedy="give pixel, row, map, or rows and columns such as 3x4, or 2xW for two whole rows",
            )
        rows, columns = found.groups()
        return cls(int(rows), None if columns == "W" else int(columns))

    def size(self, node: Node) -> tuple[int, int]:
        """Rows and columns on the map of a layer."""
        return min(self.rows or node.height, node.height), min(self.columns or node.width, node.width)

    def counts(self, node: Node) -> Array:
        """Pixels of each set, in raster order of the sets."""
        tall, wide = (
            np.minimum(size, length - np.arange(0, length, size))
            for length, size in zip((node.height, node.width), self.size(node), strict=True)
        )
        return (tall[:, None] * wide).ravel()


def ready(graph: Graph, node: Node, done: Mapping[str, Array]) -> Array:
    """When each pixel of a layer can start: all that it reads is done."""
    if node.kind in ("conv", "pool"):
        return _window(done[node.inputs[0]], node)
    if node.kind == "gather":
        return _gathered(done[node.inputs[0]], node)
    if node.kind in ("dense", "global_pool"):
        return np.full((node.height, node.width), done[node.inputs[0]].max())
    found = done[node.inputs[0]]
    for name in node.inputs[1:]:
        found = np.maximum(found, done[name])
    return found


def _window(times: Array, node: Node) -> Array:
    """Maxima over the kernel's window, clipped to the map."""
    if node.is_plain:
        return times
    top, left, bottom, right = node.padding
    found = times
    if any(node.padding):
        height, width = times.shape
        found = np.zeros((height + top + bottom, width + left + right), dtype=times.dtype)
        found[top : top + height, left : left + width] = times
    found = _sliding(found, node.kernel[0], node.stride[0], node.dilation[0], node.height)
    return _sliding(found.T, node.kernel[1], node.stride[1], node.dilation[1], node.width).T


def _sliding(times: Array, kernel: int, stride: int, dilation: int, count: int) -> Array:
    span = (count - 1) * stride + 1
    found = times[:span:stride]
    for place in range(dilation, kernel * dilation, dilation):
        own = None if place == dilation else found
        found = np.maximum(found, times[place : place + span : stride], out=own)
    return found


def _gathered(times: Array, node: Node) -> Array:
    """Times of the pixels that are read; 0 of padding."""
    for axis, places in ((0, node.rows), (1, node.columns)):
        seen = []
        for read in np.atleast_2d(np.asarray(places)):
            taken = np.take(times, np.maximum(read, 0), axis=axis)
            seen.append(np.where(np.expand_dims(read, 1 - axis) < 0, 0, taken) if (read < 0).any() else taken)
        times = np.maximum.reduce(seen)
    return times


class Servers:
    """The copies of one layer, whose pixels they compute image after image.

    Parameters
    ----------
    node, copies, sets, split
        The layer, and how its sets are dealt: cyclic, set n to copy n mod copies; shared, the pixels of every
        set in turn to all copies; stripes, to each copy a contiguous part of the sets.
    send
        Time for a pixel on the copy's output port, which sends one after another.
    """

    def __init__(self, node: Node, copies: int, sets: Sets, split: Split, send: float = 0.0) -> None:
        self.node, self.copies, self.sets, self.send = node, copies, sets, send
        self.split: Split = split
        self.tall, self.wide = sets.size(node)
        self.single = self.tall == self.wide == 1
        self.restart()

    @cached_property
    def counts(self) -> Array:
        """Pixels of each set."""
        return self.sets.counts(self.node)

    @cached_property
    def load(self) -> Array:
        """Pixels of an image on each copy."""
        return np.bincount(self.copy, minlength=self.copies)

    @cached_property
    def first(self) -> Array:
        """Number of the first pixel of each set, in the order of the sets."""
        return np.cumsum(self.counts) - self.counts

    @property
    def busiest(self) -> int:
        """Pixels of an image on the copy that has most of them."""
        return int(self.load.max())

    @cached_property
    def order(self) -> Array | None:
        """Pixels in the order of the sets; None for raster order."""
        node = self.node
        if self.wide == node.width or self.single:
            return None
        y, x = np.divmod(np.arange(node.pixels), node.width)
        row, column = y // self.tall, x // self.wide
        return np.lexsort((x, y, column, row))

    @cached_property
    def copy(self) -> Array:
        """Of each pixel, in the order of the sets."""
        copies = self.copies
        if copies == 1:
            return np.zeros(self.node.pixels, dtype=np.intp)
        counts = self.counts
        number = np.arange(len(counts))
        if self.split == "shared":
            return (np.arange(self.node.pixels) - np.repeat(self.first, counts)) % copies
        own = number % copies if self.split == "cyclic" else _stripes(len(counts), copies)
        return np.repeat(own, counts)

    def restart(self) -> None:
        """All copies are free, at time 0."""
        self.free = self.port = np.zeros(self.copies, dtype=np.int64)

    def run(self, ready: Array) -> Layer:
        """One image after those before: ``ready`` of each pixel (height, width)."""
        start = ready.ravel() if self.order is None else ready.ravel()[self.order]
        if not self.single:
            start = np.repeat(np.maximum.reduceat(start, self.first), self.counts)
        end, self.free = self._served(start, self.free, 1)
        done = end
        if self.send:
            done, self.port = self._served(end, self.port, self.send)
        if not self.single:
            done = np.repeat(np.maximum.reduceat(done, self.first), self.counts)
        ends = self._map(end)
        return Layer(ends, ends if done is end else self._map(done), self._copies)

    @cached_property
    def _copies(self) -> Array:
        return self._map(self.copy)

    def starts(self, end: Array) -> Array:
        """When the set of each pixel starts, of the ends of its MVMs (height, width)."""
        ends = end.ravel() if self.order is None else end.ravel()[self.order]
        return self._map(np.repeat(np.minimum.reduceat(ends, self.first) - 1, self.counts))

    def latest(self, times: Array) -> Array:
        """Of each pixel the latest of its set's times (height, width)."""
        found = times.ravel() if self.order is None else times.ravel()[self.order]
        return self._map(np.repeat(np.maximum.reduceat(found, self.first), self.counts))

    def set_steps(self) -> Array:
        """Least steps that the set of each pixel takes (height, width)."""
        steps = -(-self.counts // self.copies) if self.split == "shared" else self.counts
        return self._map(np.repeat(steps, self.counts))

    def members(self) -> list[Array]:
        """Numbers of the pixels of each set, in raster order of the map."""
        order = np.arange(self.node.pixels) if self.order is None else self.order
        return np.split(order, self.first[1:])

    @cached_property
    def jobs(self) -> Array | None:
        """Of several copies, for each a column of pixels, one more number behind the last; None where pixels
        are dealt in turn."""
        copies, pixels = self.copies, self.node.pixels
        if self.single and self.split == "cyclic":
            return None
        jobs = np.full((self.busiest, copies), pixels)
        by_copy = np.argsort(self.copy, kind="stable")
        place = np.arange(pixels) - np.repeat(np.cumsum(self.load) - self.load, self.load)
        jobs[place, self.copy[by_copy]] = by_copy
        return jobs

    def _served(self, start: Array, free: Array, each: float) -> tuple[Array, Array]:
        """Ends of jobs that can start then and take so long on copies that are free then; and when those are
        free again: F_n = (n + 1) t + max(free, max over m <= n of (r_m - m t))."""
        pixels, copies = len(start), self.copies
        jobs = None if copies == 1 else self.jobs
        if jobs is not None:
            own = np.append(start, 0)[jobs]
        elif lacking := -pixels % copies:
            own = np.append(start, [0] * lacking).reshape(-1, copies)
        else:
            own = start.reshape(-1, copies)
        taken, with_own = _taken(len(own), each)
        ends = own - taken
        np.maximum(ends[0], free, out=ends[0])
        np.maximum.accumulate(ends, axis=0, out=ends)
        ends += with_own
        if copies == 1:
            return ends.ravel(), ends[-1]
        after = np.where(self.load > 0, ends[self.load - 1, np.arange(copies)], free)
        if jobs is None:
            return ends.ravel()[:pixels], after
        found = np.empty(pixels + 1, dtype=ends.dtype)
        found[jobs] = ends
        return found[:-1], after

    def _map(self, values: Array) -> Array:
        shape = self.node.height, self.node.width
        if self.order is None:
            return values.reshape(shape)
        found = np.empty_like(values)
        found[self.order] = values
        return found.reshape(shape)


@lru_cache(maxsize=64)
def _taken(jobs: int, each: float) -> tuple[Array, Array]:
    """Time that jobs before each take, and with its own (jobs, 1)."""
    before = each * np.arange(jobs)[:, None]
    return before, before + each


def _stripes(sets: int, copies: int) -> Array:
    """Copy of each set."""
    return np.arange(sets) * copies // sets


@dataclass(frozen=True, eq=False)
class Layer:
    """When the pixels of one layer run, of one image (height, width).

    Attributes
    ----------
    end
        Of each pixel's MVM.
    done
        When readers have each pixel.
    copy
        Which copy computes it.
    """

    end: Array
    done: Array
    copy: Array


def run(
    graph: Graph,
    servers: Mapping[str, Servers],
    images: int = 1,
    space: Mapping[str, Array] | None = None,
) -> list[dict[str, Layer]]:
    """Times of all layers, of one image after another.

    Parameters
    ----------
    graph
        The network.
    servers
        Those of the layers with crossbars.
    images
        How many.
    space
        By layer, when each row has a place in its buffer (images, height), and of the input when it is there;
        always, for those left out.
    """
    found = []
    for each in servers.values():
        each.restart()
    for image in range(images):
        done = {INPUT: np.zeros((graph.height, graph.width), dtype=np.int64)}
        if space is not None and INPUT in space:
            done[INPUT] += space[INPUT][image][:, None]
        layers = {}
        for node in graph.nodes:
            start = ready(graph, node, done)
            if space is not None and node.name in space:
                start = np.maximum(start, space[node.name][image][:, None])
            if node.name in servers:
                layers[node.name] = servers[node.name].run(start)
                start = layers[node.name].done
            done[node.name] = start
        found.append(layers)
    return found


def makespan(images: Sequence[Mapping[str, Layer]]) -> float:
    """When the last pixel of the last image is done."""
    return max(float(layer.done.max()) for layers in images for layer in layers.values())
