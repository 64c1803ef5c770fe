"""Bytes that wait between layers: how many a schedule needs.

Stored are the maps of layers with matrices and sums; maps that pooling, upsampling, slices and concatenation
give are formed as they are read. A pixel, one byte a channel, lives from the end of its MVM to the end of the
last that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.schedule.engine import Array, Layer, ready
from cimspice.schedule.graph import BASE, INPUT, Graph, Node


def is_stored(node: Node) -> bool:
    """Whether the layer's map waits in a buffer."""
    return node.kind in BASE or node.kind == "add"


@dataclass(frozen=True, eq=False)
class Buffered:
    """Bytes that wait, over time: after each of ``times`` so many."""

    times: Array
    bytes: Array

    @property
    def peak(self) -> int:
        """Most bytes at once."""
        return int(self.bytes.max(initial=0))

    @property
    def peak_time(self) -> float:
        """When that is first so."""
        return float(self.times[self.bytes.argmax()]) if len(self.bytes) else 0.0


def _over_time(times: Array, changes: Array) -> Buffered:
    order = np.argsort(times, kind="stable")
    times, total = times[order], np.cumsum(changes[order])
    last = np.append(np.flatnonzero(np.diff(times)), len(times) - 1) if len(times) else np.arange(0)
    return Buffered(times[last], total[last])


def live_bytes(graph: Graph, images: Sequence[Mapping[str, Layer]]) -> tuple[Buffered, dict[str, Buffered]]:
    """Of all stored maps together, and of each."""
    events: dict[str, list[Array]] = {node.name: [] for node in graph.nodes if is_stored(node)}
    for layers in images:
        born, read = lives(graph, layers)
        for name, found in events.items():
            alive = read[name] > born[name]
            found.append(np.stack([born[name][alive], read[name][alive]]))
    times, changes, each = [], [], {}
    for name, found in events.items():
        both = np.concatenate(found, axis=1)
        channels = graph.by_name[name].channels
        change = np.repeat([[channels], [-channels]], both.shape[1], axis=1)
        each[name] = _over_time(both.ravel(), change.ravel())
        times.append(both.ravel())
        changes.append(change.ravel())
    return _over_time(np.concatenate(times), np.concatenate(changes)), each


def lives(graph: Graph, layers: Mapping[str, Layer]) -> tuple[dict[str, Array], dict[str, Array]]:
    """When the pixels of each map are there, and when they are read for the last time (0: never)."""
    done = {INPUT: np.zeros((graph.height, graph.width), dtype=np.int64)}
    for node in graph.nodes:
        done[node.name] = layers[node.name].done if node.name in layers else ready(graph, node, done)
    read = {node.name: np.zeros(done[node.name].shape) for node in graph.by_name.values()}
    for node in reversed(graph.nodes):
        ends = layers[node.name].end if node.name in layers else done[node.name]
        if not is_stored(node):
            ends = np.where(read[node.name] > 0, read[node.name], ends)
        for source in graph.inputs_of(node):
            spread_back(node, source, ends, read[source.name])
    born = {name: layers[name].end if name in layers else times for name, times in done.items()}
    return born, read


def spread_back(node: Node, source: Node, values: Array, into: Array) -> None:
    """Maxima of ``values`` (of a layer's pixels) at all pixels of the source that they read."""
    if node.kind in ("conv", "pool") and not node.is_plain:
        top, left, bottom, right = node.padding
        height, width = into.shape
        rows = _scattered(values, node.kernel[0], node.stride[0], node.dilation[0], height + top + bottom)
        both = _scattered(rows.T, node.kernel[1], node.stride[1], node.dilation[1], width + left + right).T
        np.maximum(into, both[top : top + height, left : left + width], out=into)
    elif node.kind == "gather":
        for rows in np.atleast_2d(np.asarray(node.rows)):
            for columns in np.atleast_2d(np.asarray(node.columns)):
                inside = np.ix_(rows >= 0, columns >= 0)
                np.maximum.at(into, np.ix_(rows[rows >= 0], columns[columns >= 0]), values[inside])
    elif node.kind in ("dense", "global_pool"):
        np.maximum(into, values.max(), out=into)
    else:
        if into.shape != values.shape:  # one pixel for all
            values = np.broadcast_to(values.max(), into.shape)
        np.maximum(into, values, out=into)


def _scattered(values: Array, kernel: int, stride: int, dilation: int, length: int) -> Array:
    found = np.zeros((length, values.shape[1]), dtype=values.dtype)
    span = (len(values) - 1) * stride + 1
    for place in range(0, kernel * dilation, dilation):
        part = found[place : place + span : stride]
        np.maximum(part, values, out=part)
    return found
