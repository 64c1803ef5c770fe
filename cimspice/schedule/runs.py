"""Networks larger than the chip: layers in runs that fit, programmed one after another for a batch of images.

Each run holds one copy of each of its layers. It is programmed, then all images of the batch pass through it
across layers; its maps wait for the next run. Crossbars are programmed side by side, the cells of one of them
one after another: every cell that the run's tiles use is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.errors import ParameterError
from cimspice.schedule.engine import Array, Servers, Sets, Split, ready
from cimspice.schedule.graph import INPUT, Graph, Node
from cimspice.schedule.placement import Elements

_SIMULATED = 3  # images; each further one follows after the same time


@dataclass(frozen=True)
class Write:
    """Of one cell: time (s), energy (J)."""

    time: float
    energy: float


@dataclass(frozen=True)
class Run:
    """Layers that are on the chip together.

    Attributes
    ----------
    layers
        Names.
    pes, cells
        Crossbars and cells that are written.
    program_seconds, steps
        Of programming, and of all images in MVMs.
    """

    layers: tuple[str, ...]
    pes: int
    cells: int
    program_seconds: float
    steps: float


def cut(
    graph: Graph,
    elements: Elements,
    pes: int,
    *,
    images: int,
    sets: Sets,
    split: Split,
    mvm_time: float,
    write: Write,
) -> list[Run]:
    """The runs of least time for a batch of images on so many crossbars: by dynamic programming over where
    the layers, in their order, are cut. All in one run, which is never written again, where they fit.

    Raises
    ------
    ParameterError
        If a single layer needs more crossbars than there are.
    """
    layers = [node for node in graph.base if elements.uses(node)]
    costs = [elements.count(graph, node) for node in layers]
    largest = int(np.argmax(costs))
    if costs[largest] > pes:
        raise ParameterError(
            f"{pes} crossbars, of which layer {layers[largest].name!r} alone needs {costs[largest]}",
            place="--pes",
            remedy=f"give {costs[largest]} or more",
        )
    once = sum(costs) <= pes
    best: list[tuple[float, int]] = [(0.0, 0)] + [(np.inf, 0)] * len(layers)
    made: dict[tuple[int, int], Run] = {}
    for first in range(len(layers)):
        for last, steps in _steps(graph, layers, first, costs, pes, images, sets, split):
            own = layers[first:last]
            cells = [_cells(graph, elements, node) for node in own]
            seconds = 0.0 if once else max(tile for _, tile in cells) * write.time
            made[first, last] = Run(
                tuple(node.name for node in own),
                sum(costs[first:last]),
                sum(n for n, _ in cells),
                seconds,
                steps,
            )
            if not once or last - first == len(layers):
                total = best[first][0] + seconds + steps * mvm_time
                best[last] = min(best[last], (total, first), key=lambda one: one[0])
    found, last = [], len(layers)
    while last:
        first = best[last][1]
        found.append(made[first, last])
        last = first
    return found[::-1]


def _cells(graph: Graph, elements: Elements, node: Node) -> tuple[int, int]:
    """Of all of a layer's tiles, and of the largest of them."""
    inputs, outputs = graph.matrix(node)
    columns = outputs * elements.columns_per_weight
    together = 1
    if node.groups > 1 and elements.depthwise == "dense":
        inputs, columns = inputs * node.groups, columns * node.groups
    elif node.groups > 1:
        together = max(1, min(elements.rows // inputs, elements.columns // columns, node.groups))
    groups = node.groups if elements.depthwise != "dense" else 1
    return groups * inputs * columns, together * min(inputs, elements.rows) * min(columns, elements.columns)


def _steps(
    graph: Graph,
    layers: Sequence[Node],
    first: int,
    costs: Sequence[int],
    pes: int,
    images: int,
    sets: Sets,
    split: Split,
) -> list[tuple[int, float]]:
    """Of runs that begin with a layer and fit, where each ends and its steps for all images."""
    count = min(images, _SIMULATED)
    done: list[dict[str, Array]] = [{} for _ in range(count)]
    ends, used, last, found = np.zeros(count), 0, first, []
    begun = False
    for node in (graph.by_name[INPUT], *graph.nodes):
        begun = begun or node is layers[first]
        number = last if last < len(layers) and node is layers[last] else None
        if begun and number is not None:
            used += costs[number]
            if used > pes:
                break
            servers = Servers(node, 1, sets, split)
            for image in range(count):
                times = servers.run(ready(graph, node, done[image]))
                done[image][node.name] = times.done
                ends[image] = max(ends[image], times.done.max())
            last += 1
            each = ends[-1] - ends[-2] if count > 1 else 0.0
            found.append((last, float(ends[-1] + each * (images - count))))
            continue
        for image in range(count):
            done[image][node.name] = (
                ready(graph, node, done[image])
                if begun
                else np.zeros((node.height, node.width), dtype=np.int64)
            )
    return found
