"""A schedule by events, with an explicit set of what each set of pixels reads: no maxima, no cumulative sums.

Shares no code with the package but the graph of layers: dependencies are found pixel by pixel from the
definition of each layer, sets are dealt to queues, and a heap of events runs them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque

from cimspice.schedule.graph import Graph, Node


def pixels_read(graph: Graph, node: Node, y: int, x: int) -> list[tuple[str, int, int]]:
    """Pixels of the maps that pixel (y, x) of a layer reads."""
    found = []
    for source in graph.inputs_of(node):
        if node.kind in ("conv", "pool"):
            top, left = y * node.stride[0] - node.padding[0], x * node.stride[1] - node.padding[1]
            places = [
                (top + i * node.dilation[0], left + j * node.dilation[1])
                for i in range(node.kernel[0])
                for j in range(node.kernel[1])
            ]
        elif node.kind == "gather":
            places = [
                (int(rows[y]), int(columns[x]))
                for rows in (node.rows if node.rows.ndim > 1 else [node.rows])
                for columns in (node.columns if node.columns.ndim > 1 else [node.columns])
            ]
        elif node.kind in ("dense", "global_pool"):
            places = [(i, j) for i in range(source.height) for j in range(source.width)]
        else:
            places = [(min(y, source.height - 1), min(x, source.width - 1))]
        found += [(source.name, i, j) for i, j in places if 0 <= i < source.height and 0 <= j < source.width]
    return found


def sets_of(node: Node, tall: int | None, wide: int | None) -> list[list[tuple[int, int]]]:
    """Pixels of each set in raster order of the sets."""
    tall, wide = tall or node.height, wide or node.width
    return [
        [
            (y, x)
            for y in range(top, min(top + tall, node.height))
            for x in range(left, min(left + wide, node.width))
        ]
        for top in range(0, node.height, tall)
        for left in range(0, node.width, wide)
    ]


def run_events(
    graph: Graph, copies: dict[str, int], tall: int | None, wide: int | None, split: str
) -> dict[str, dict[tuple[int, int], int]]:
    """When each pixel's MVM ends, by layer; ``copies`` are those of the layers with crossbars."""
    nodes = {node.name: node for node in graph.nodes}
    unit_of, units, queues = {}, {}, {}
    for name, node in nodes.items():
        parts = sets_of(node, tall, wide) if name in copies else sets_of(node, 1, 1)
        for number, pixels in enumerate(parts):
            units[name, number] = pixels
            unit_of.update({(name, *pixel): (name, number) for pixel in pixels})
        for copy in range(copies.get(name, 0)):
            queues[name, copy] = deque()
        for number, pixels in enumerate(parts if name in copies else ()):
            for index, pixel in enumerate(pixels):
                if split == "cyclic":
                    copy = number % copies[name]
                elif split == "shared":
                    copy = index % copies[name]
                else:
                    copy = number * copies[name] // len(parts)
                queues[name, copy].append((number, pixel))
    waits, readers = {}, defaultdict(list)
    for (name, number), pixels in units.items():
        read = {
            unit_of[place]
            for pixel in pixels
            for place in pixels_read(graph, nodes[name], *pixel)
            if place[0] != "input"
        }
        waits[name, number] = len(read)
        for unit in read:
            readers[unit].append((name, number))
    left = {unit: len(pixels) for unit, pixels in units.items()}
    ends: dict[str, dict[tuple[int, int], int]] = {name: {} for name in copies}
    busy = dict.fromkeys(queues, False)
    events: list[tuple[int, int, object]] = []
    count = 0

    def push(time, what):
        nonlocal count
        count += 1
        heapq.heappush(events, (time, count, what))

    def begin(queue, time):
        if busy[queue] or not queues[queue]:
            return
        number, pixel = queues[queue][0]
        if waits[queue[0], number] == 0:
            queues[queue].popleft()
            busy[queue] = True
            push(time + 1, ("end", queue, number, pixel))

    def finish(unit, time):
        for reader in readers[unit]:
            waits[reader] -= 1
            if waits[reader] == 0:
                if reader[0] in copies:
                    for copy in range(copies[reader[0]]):
                        begin((reader[0], copy), time)
                else:
                    finish(reader, time)

    for unit, number in list(waits.items()):
        if number == 0 and unit[0] not in copies:
            push(0, ("digital", unit))
    for queue in queues:
        begin(queue, 0)
    while events:
        time, _, (kind, *what) = heapq.heappop(events)
        if kind == "digital":
            finish(what[0], time)
            continue
        queue, number, pixel = what
        busy[queue] = False
        ends[queue[0]][pixel] = time
        unit = (queue[0], number)
        left[unit] -= 1
        if left[unit] == 0:
            finish(unit, time)
        begin(queue, time)
    return ends
