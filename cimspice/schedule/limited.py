"""Schedules on buffers of few rows: back-pressure, and layers that wait for one another for ever.

A pixel of row y starts only when row y - rows was read for the last time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cimspice.errors import ParameterError
from cimspice.schedule.buffers import is_stored, lives
from cimspice.schedule.engine import Array, Layer, Servers, run
from cimspice.schedule.graph import Graph, Node


def run_limited(
    graph: Graph,
    servers: Mapping[str, Servers],
    rows: Mapping[str, int],
    images: int = 1,
    arrival: Mapping[str, Array] | None = None,
) -> list[dict[str, Layer]]:
    """Times of all layers on buffers of so many rows, by stored map; ``arrival`` of the input as in
    `cimspice.schedule.engine.run`.

    The last reads of one schedule bound the starts of the next until nothing changes: the least times that
    keep to all bounds.

    Raises
    ------
    ParameterError
        If layers wait for one another for ever: with the layers and the rows that they need.
    """
    needed = rows_needed(graph, servers, rows, min(images, 2))
    if needed:
        first = next(iter(needed))
        raise ParameterError(
            f"buffer of {rows[first]} rows of layer {first!r}: layers wait for one another for ever",
            place="--buffer-rows",
            remedy="give at least " + ", ".join(f"{each} rows of {name!r}" for name, each in needed.items()),
        )
    space = {name: np.zeros((images, graph.by_name[name].height), dtype=np.int64) for name in rows}
    while True:
        found = run(graph, servers, images, {**space, **(arrival or {})})
        reads = [lives(graph, layers)[1] for layers in found]
        bound = {}
        for name, count in rows.items():
            freed = np.concatenate([read[name].max(axis=1) for read in reads])
            late = np.concatenate([np.zeros(count, dtype=freed.dtype), freed])[: len(freed)]
            bound[name] = late.reshape(space[name].shape)
        if all(np.array_equal(bound[name], space[name]) for name in rows):
            return found
        space = bound


def rows_needed(
    graph: Graph, servers: Mapping[str, Servers], rows: Mapping[str, int], images: int
) -> dict[str, int]:
    """Buffers that are too small whatever the times, and the rows that they need; of layers that wait for one
    another the last that is full gets one row more, until none waits for ever."""
    actors = [node for node in graph.nodes if is_stored(node) or not _is_read(graph, node)]
    tall = {node.name: servers[node.name].tall if node.name in servers else 1 for node in graph.nodes}
    reads = {node.name: _units(graph, node, tall[node.name]) for node in actors}
    height = {node.name: images * node.height for node in actors}
    waiting = {name: np.zeros(images * graph.by_name[name].height, dtype=int) for name in height}
    for node in actors:
        for unit in reads[node.name]:
            for name, (low, high) in unit.items():
                for image in range(images):
                    waiting[name][image * graph.by_name[name].height :][low:high] += 1
    limit, made, raised = dict(rows), dict.fromkeys(height, 0), {}
    while any(made[name] < height[name] for name in height):
        progress, full = False, ""
        for node in actors:
            while made[node.name] < height[node.name]:
                image, row = divmod(made[node.name], node.height)
                last = min(row + tall[node.name], node.height)
                unit = reads[node.name][row // tall[node.name]]
                ends = {name: image * graph.by_name[name].height + high for name, (_, high) in unit.items()}
                if any(made[name] < end for name, end in ends.items()):
                    break
                if node.name in limit:
                    top = image * node.height + last - limit[node.name]
                    if waiting[node.name][: max(top, 0)].any():
                        full = node.name
                        break
                for name, (low, high) in unit.items():
                    waiting[name][image * graph.by_name[name].height :][low:high] -= 1
                made[node.name] += last - row
                progress = True
        if not progress:
            limit[full] += 1
            raised[full] = limit[full]
    return raised


def _is_read(graph: Graph, node: Node) -> bool:
    return any(node.name in other.inputs for other in graph.nodes)


def _units(graph: Graph, node: Node, tall: int) -> list[dict[str, tuple[int, int]]]:
    """Of each unit of rows of a map, the rows that it reads, first and behind the last, by stored map."""
    return [
        _rows_read(graph, node, range(first, min(first + tall, node.height)))
        for first in range(0, node.height, tall)
    ]


def _rows_read(graph: Graph, node: Node, rows: Sequence[int]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for source in graph.inputs_of(node):
        low, high = 0, source.height
        if node.kind in ("conv", "pool"):
            low = max(rows[0] * node.stride[0] - node.padding[0], 0)
            span = (node.kernel[0] - 1) * node.dilation[0] + 1
            high = min(rows[-1] * node.stride[0] - node.padding[0] + span, source.height)
        elif node.kind == "gather":
            places = np.atleast_2d(np.asarray(node.rows))[:, rows[0] : rows[-1] + 1]
            places = places[places >= 0]
            low, high = (int(places.min()), int(places.max()) + 1) if places.size else (0, 0)
        elif node.kind not in ("dense", "global_pool") and source.height == node.height:
            low, high = rows[0], rows[-1] + 1
        if low >= high:
            continue
        below = {source.name: (low, high)} if is_stored(source) else {}
        if not below and source.kind != "input":
            below = _rows_read(graph, source, range(low, high))
        for name, (first, last) in below.items():
            before = found.get(name, (first, last))
            found[name] = min(first, before[0]), max(last, before[1])
    return found
