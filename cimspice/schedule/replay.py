"""Proof of a schedule: its MVMs run in its order, on buffers that hold NaN until they are written.

A set reads what it needs when it starts, and readers see it when it is done. What is formed digitally is
formed from the buffers as it is read. The plain run computes the same sets layer by layer; a schedule is
right if the two are equal bit by bit, and as early as it can be if any layer one step earlier reads what is
not written yet.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from cimspice.network.graph import Network
from cimspice.network.graph import Node as NetworkNode
from cimspice.network.operations import OPERATIONS
from cimspice.schedule.engine import Array, Layer, Servers
from cimspice.schedule.graph import BASE, INPUT, Graph, Node

_LARGEST = 1021.0  # of the integers in the maps, which stay exact
Sums = Callable[[Array], Array]
"""Weighted sums (n, outputs) of what a kernel covers (n, inputs)."""


@dataclass(frozen=True)
class Replay:
    """What a run in the schedule's order gave.

    Attributes
    ----------
    max_difference
        Largest from the plain run; NaN if it read what was not written.
    missing_reads
        MVMs that read a value before it was written.
    mvms
        How many ran.
    """

    max_difference: float
    missing_reads: int
    mvms: int


def check_reads(
    graph: Graph,
    servers: Mapping[str, Servers],
    layers: Mapping[str, Layer],
    arrival: Mapping[str, Array] | None = None,
) -> tuple[Replay, dict[str, int]]:
    """All reads of a schedule at the times at which its sets start, with one channel of random integers in
    every map; and by layer, how many MVMs would read too early if it ran one step earlier.

    ``arrival`` is that of the input's rows.

    When a value is there follows here from the writes alone, place of the kernel by place, by none of the
    schedule's own maxima.
    """
    rng = np.random.default_rng(0)
    values: dict[str, Array] = {INPUT: rng.integers(-8, 9, (graph.height, graph.width)).astype(float)}
    plain = dict(values)
    written: dict[str, Array] = {INPUT: np.zeros((graph.height, graph.width))}
    if arrival is not None:
        written[INPUT] += arrival[INPUT][0][:, None]
    missing, early, mvms = 0, {}, 0
    for node in graph.nodes:
        reads = list(_reads(graph, node))
        if node.name not in servers:
            for maps, beyond in ((written, 0.0), (values, -_LARGEST), (plain, -_LARGEST)):
                maps[node.name] = np.maximum.reduce([take(maps[name], beyond) for name, take in reads])
            continue
        start = servers[node.name].starts(layers[node.name].end)
        late, earlier = np.zeros(start.shape, dtype=bool), np.zeros(start.shape, dtype=bool)
        sums, right = np.zeros(start.shape), np.zeros(start.shape)
        for name, take in reads:
            when, weight = take(written[name], 0.0), float(rng.integers(-3, 4))
            late |= when > start
            earlier |= when > start - 1
            sums += weight * np.where(when > start, np.nan, take(values[name], 0.0))
            right += weight * take(plain[name], 0.0)
        values[node.name], plain[node.name] = np.fmod(sums, _LARGEST), np.fmod(right, _LARGEST)
        written[node.name] = layers[node.name].done
        missing += int(late.sum())
        early[node.name] = int(earlier.sum())
        mvms += node.pixels
    differences = [np.max(np.abs(values[name] - plain[name])) for name in early]
    return Replay(float(np.max(differences)), missing, mvms), early


def _reads(graph: Graph, node: Node) -> Iterator[tuple[str, Callable[[Array, float], Array]]]:
    """Name of the map, and what each pixel of the layer (height, width) takes of it, a place of the kernel
    each; beyond the map it takes the second argument."""
    shape = node.height, node.width
    for source in graph.inputs_of(node):
        if node.kind in ("conv", "pool"):
            for place in np.ndindex(*node.kernel):
                yield source.name, partial(_window_place, node, place)
        elif node.kind == "gather":
            for rows, columns in product(_reads_of(node.rows), _reads_of(node.columns)):
                yield source.name, partial(_gather_place, rows, columns)
        elif node.kind in ("dense", "global_pool"):
            yield source.name, lambda values, _: np.full(shape, values.max())
        else:
            yield source.name, lambda values, _: np.broadcast_to(values, shape)


def _window_place(node: Node, place: tuple[int, ...], values: Array, beyond: float) -> Array:
    around = values
    if any(node.padding):
        top, left, bottom, right = node.padding
        around = np.pad(values, ((top, bottom), (left, right)), constant_values=beyond)
    y, x = (p * d for p, d in zip(place, node.dilation, strict=True))
    return around[
        y : y + (node.height - 1) * node.stride[0] + 1 : node.stride[0],
        x : x + (node.width - 1) * node.stride[1] + 1 : node.stride[1],
    ]


def _reads_of(places: Array | None) -> Array:
    return np.atleast_2d(np.asarray(places))


def _gather_place(rows: Array, columns: Array, values: Array, beyond: float) -> Array:
    seen = np.append(np.append(values, np.full((1, values.shape[1]), beyond), axis=0),
                     np.full((len(values) + 1, 1), beyond), axis=1)  # fmt: skip
    return seen[np.ix_(rows, columns)]  # -1 is the last


class Emulation:
    """Layers of a graph as they run: what their sets compute, with all channels.

    Parameters
    ----------
    graph, servers
        The network, and which sets run.
    sums
        Of each layer with a matrix, one function for each group of channels.
    x
        Input (channels, height, width).
    network
        What its other layers compute; without it those of a published network: rectifiers behind
        convolutions, maxima of pools and of whole maps, sums.
    """

    def __init__(
        self,
        graph: Graph,
        servers: Mapping[str, Servers],
        sums: Mapping[str, Sequence[Sums]],
        x: Array,
        network: Network | None = None,
    ) -> None:
        self.graph, self.servers, self.sums, self.x = graph, servers, sums, x
        self.operations: dict[str, NetworkNode] = (
            {node.name: node for node in network.nodes} if network else {}
        )
        self.members = {name: each.members() for name, each in servers.items()}
        self.maps: dict[str, Array] = {}
        self.missing = self.mvms = 0

    def plain(self) -> dict[str, Array]:
        """Maps (channels, height, width) of the layers with crossbars, one layer after the other."""
        self._clear()
        for node in self.graph.nodes:
            for pixels in self.members.get(node.name, ()):
                self._write(node, pixels, self._compute(node, pixels))
        return self.maps

    def in_order(self, layers: Mapping[str, Layer], earlier: str = "") -> dict[str, Array]:
        """The same in the order of a schedule; the layer ``earlier`` runs one step earlier than it says."""
        self._clear()
        queue = []
        for number, (name, sets) in enumerate(self.members.items()):
            start, done = self.servers[name].starts(layers[name].end).ravel(), layers[name].done.ravel()
            shift = name == earlier
            queue += [
                (start[p[0]] - shift, number, index, name, done[p[0]] - shift) for index, p in enumerate(sets)
            ]
        waiting: list[tuple[float, int, Node, Array, Array]] = []
        for start, _, index, name, done in sorted(queue):
            while waiting and waiting[0][0] <= start:
                self._write(*heapq.heappop(waiting)[2:])
            node, pixels = self.graph.by_name[name], self.members[name][index]
            heapq.heappush(waiting, (done, self.mvms, node, pixels, self._compute(node, pixels)))
        while waiting:
            self._write(*heapq.heappop(waiting)[2:])
        return self.maps

    def replay(self, layers: Mapping[str, Layer], earlier: str = "") -> Replay:
        """Both, and what they differ in."""
        right = self.plain()
        found = self.in_order(layers, earlier)
        difference = np.max([np.max(np.abs(found[name] - right[name])) for name in self.servers])
        return Replay(float(difference), self.missing, self.mvms)

    def _clear(self) -> None:
        self.missing = self.mvms = 0
        self.maps = {
            name: np.full((node.channels, node.height, node.width), np.nan)
            for name, node in self.graph.by_name.items() if name in self.servers
        }  # fmt: skip
        self.maps[INPUT] = self.x

    def _write(self, node: Node, pixels: Array, values: Array) -> None:
        self.maps[node.name].reshape(node.channels, -1)[:, pixels] = values.T

    def _compute(self, node: Node, pixels: Array) -> Array:
        """Values (pixels, channels) of a set on crossbars."""
        seen = self._covered(node, pixels)
        self.mvms += len(pixels)
        self.missing += int(np.isnan(seen).any(axis=1).sum())
        return self._summed(node, seen)

    def _summed(self, node: Node, seen: Array) -> Array:
        """Weighted sums; NaN of what covers NaN, which emulators refuse."""
        unwritten = np.any(np.isnan(seen), axis=1)
        parts = np.split(np.where(unwritten[:, None], 0, seen), node.groups, axis=1)
        found = np.concatenate([one(x) for one, x in zip(self.sums[node.name], parts, strict=True)], axis=1)
        found[unwritten] = np.nan
        return np.maximum(found, 0.0) if node.rectified else found

    def _covered(self, node: Node, pixels: Array) -> Array:
        """What the kernel covers at some pixels (pixels, channels x kernel)."""
        (source,) = self.graph.inputs_of(node)
        if node.kind == "dense":
            return self._values(source, 0, source.height, 0, source.width).reshape(1, -1)
        rows, columns = np.divmod(pixels, node.width)
        box = int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
        patches = self._patches(node, source, *box, 0.0)
        return patches[rows - box[0], columns - box[2]].reshape(len(pixels), -1)

    def _patches(
        self, node: Node, source: Node, top: int, bottom: int, left: int, right: int, beyond: float
    ) -> Array:
        """What the kernel covers (rows, columns, channels, *kernel) at some pixels of a conv or pool."""
        span = [(k - 1) * d + 1 for k, d in zip(node.kernel, node.dilation, strict=True)]
        y, x = top * node.stride[0] - node.padding[0], left * node.stride[1] - node.padding[1]
        seen = self._region(
            source,
            y, y + (bottom - top - 1) * node.stride[0] + span[0],
            x, x + (right - left - 1) * node.stride[1] + span[1],
            beyond,
        )  # fmt: skip
        view = np.lib.stride_tricks.sliding_window_view(seen, span, (1, 2))  # pyright: ignore[reportCallIssue, reportArgumentType]
        view = view[:, :: node.stride[0], :: node.stride[1], :: node.dilation[0], :: node.dilation[1]]
        return view.transpose(1, 2, 0, 3, 4)

    def _region(self, node: Node, top: int, bottom: int, left: int, right: int, beyond: float) -> Array:
        """A part of a map (channels, rows, columns), with ``beyond`` outside it."""
        inside = max(top, 0), min(bottom, node.height), max(left, 0), min(right, node.width)
        found = np.full((node.channels, bottom - top, right - left), beyond)
        if inside[0] < inside[1] and inside[2] < inside[3]:
            y, x = slice(inside[0] - top, inside[1] - top), slice(inside[2] - left, inside[3] - left)
            found[:, y, x] = self._values(node, *inside)
        return found

    def _values(self, node: Node, top: int, bottom: int, left: int, right: int) -> Array:
        if node.name in self.maps:
            return self.maps[node.name][:, top:bottom, left:right]
        sources = self.graph.inputs_of(node)
        operation = self.operations.get(node.name)
        if node.kind in BASE:  # digital
            box = np.add.outer(np.arange(top, bottom) * node.width, np.arange(left, right))
            found = self._summed(node, self._covered(node, box.ravel()))
            return found.T.reshape(node.channels, *box.shape)
        if node.kind == "pool":
            mean = (operation.operation if operation else node.operation) == "average_pool"
            patch = self._patches(node, sources[0], top, bottom, left, right, 0.0 if mean else -np.inf)
            return np.moveaxis(patch.mean((3, 4)) if mean else patch.max((3, 4)), 2, 0)
        if node.kind == "gather":
            places = _reads_of(node.rows)[:, top:bottom], _reads_of(node.columns)[:, left:right]
            (y, below), (x, beside) = ((max(int(one.min()), 0), int(one.max()) + 1) for one in places)
            seen = self._values(sources[0], y, max(below, y), x, max(beside, x))
            around = np.pad(seen, ((0, 0), (0, 1), (0, 1)))  # -1 is the last
            pairs = product(*places)
            taken = [around[:, np.maximum(r - y, -1)[:, None], np.maximum(c - x, -1)] for r, c in pairs]
            return np.mean(taken, axis=0, dtype=around.dtype)
        if node.kind == "global_pool":
            whole = self._values(sources[0], 0, sources[0].height, 0, sources[0].width)
            if operation is not None:
                value = OPERATIONS[operation.operation](operation, whole[None])[0]
                return value.reshape(node.channels, node.height, node.width)[:, top:bottom, left:right]
            return whole.mean((1, 2), keepdims=True)
        taken = [
            self._values(
                one,
                *((top, bottom) if one.height == node.height else (0, 1)),
                *((left, right) if one.width == node.width else (0, 1)),
            )
            for one in sources
        ]
        if operation is not None:
            return OPERATIONS[operation.operation](operation, *(one[None] for one in taken))[0]
        if node.kind == "add":
            return np.maximum(sum(taken), 0.0)
        if node.kind == "concat":
            return np.concatenate(taken)
        return taken[0][: node.channels]


def random_sums(graph: Graph, seed: int = 0) -> dict[str, list[Sums]]:
    """Random weights in single precision, scaled so that values keep their size."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Sums]] = {}
    for node in graph.base:
        inputs, outputs = graph.matrix(node)
        scale = np.float32(np.sqrt(2 / inputs))
        matrices = [scale * rng.standard_normal((inputs, outputs), np.float32) for _ in range(node.groups)]
        found[node.name] = [partial(_product, matrix) for matrix in matrices]
    return found


def _product(matrix: Array, x: Array) -> Array:
    return x @ matrix
