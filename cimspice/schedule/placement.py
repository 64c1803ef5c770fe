"""Processing elements of each layer, and which layers get more of them."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

import numpy as np

from cimspice.errors import ParameterError
from cimspice.schedule.graph import Graph, Node

Depthwise = Literal["diagonal", "dense", "digital"]
Dense = Literal["include", "exclude"]


@dataclass(frozen=True)
class Elements:
    """Processing elements: crossbars, each as many rows and columns.

    Attributes
    ----------
    rows, columns
        Of cells.
    columns_per_weight
        1 for one cell a weight, 2 for differential pairs, times the slices of the weights.
    depthwise
        Convolutions of several groups as blocks on the crossbars' diagonals, as a matrix with zeros stored,
        or digital, without crossbars.
    dense
        Whether dense layers have crossbars.
    """

    rows: int = 256
    columns: int = 256
    columns_per_weight: int = 1
    depthwise: Depthwise = "diagonal"
    dense: Dense = "exclude"

    def __post_init__(self) -> None:
        for name in ("rows", "columns", "columns_per_weight"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} = {getattr(self, name)}", place="--pe", remedy="give 1 or more")
        if self.columns_per_weight % 2 == 0 and self.columns % 2:
            raise ParameterError(
                f"{self.columns} columns part a differential pair", place="--pe", remedy="give an even number"
            )
        words = {"depthwise": ("diagonal", "dense", "digital"), "dense": ("include", "exclude")}
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}",
                    place=f"--{name}",
                    remedy=f"use {', '.join(allowed)}",
                )

    def uses(self, node: Node) -> bool:
        """Whether the layer has crossbars."""
        if node.kind == "dense":
            return self.dense == "include"
        return node.kind == "conv" and (node.groups == 1 or self.depthwise != "digital")

    def grid(self, graph: Graph, node: Node) -> tuple[int, int]:
        """Crossbars one below the other, and side by side, of one copy of a layer's matrix; of blocks on
        diagonals (1, crossbars)."""
        inputs, outputs = graph.matrix(node)
        columns = self.columns_per_weight * outputs
        if node.groups == 1 or self.depthwise == "dense":
            return -(-node.groups * inputs // self.rows), -(-node.groups * columns // self.columns)
        together = min(self.rows // inputs, self.columns // columns)
        if together:
            return 1, -(-node.groups // together)
        return -(-inputs // self.rows), node.groups * -(-columns // self.columns)

    def count(self, graph: Graph, node: Node) -> int:
        """Crossbars of one copy of a layer."""
        return prod(self.grid(graph, node)) if self.uses(node) else 0


def slowest_first(
    pixels: Sequence[int], costs: Sequence[int], spare: int, *, leftover: bool = False
) -> list[int]:
    """Copies of each layer: spare elements go one copy after another to the layer with most
    ceil(pixels / copies), among equals to the cheaper, then to the earlier, until the first that does not
    fit; with ``leftover`` on to the next that fits. No layer gets more copies than pixels.
    """
    copies = [1] * len(pixels)
    queue = [(-count, cost, number) for number, (count, cost) in enumerate(zip(pixels, costs, strict=True))]
    heapq.heapify(queue)
    while queue:
        load, cost, number = heapq.heappop(queue)
        if load >= -1:
            if leftover:
                continue
            break
        if cost > spare:
            if leftover:
                continue
            break
        spare -= cost
        copies[number] += 1
        heapq.heappush(queue, (-ceil(pixels[number] / copies[number]), cost, number))
    return copies


def least_slowest(pixels: Sequence[int], costs: Sequence[int], spare: int) -> int:
    """The least number of pixels that the busiest copy can have: by bisection."""
    p, c = np.asarray(pixels), np.asarray(costs)
    low, high = 0, int(p.max())  # more than low, at most high
    while high - low > 1:
        middle = (low + high) // 2
        if int(c @ (-(-p // middle) - 1)) <= spare:
            high = middle
        else:
            low = middle
    return high


def least_sum(pixels: Sequence[int], costs: Sequence[int], spare: int) -> list[int]:
    """Copies of each layer so that the sum of ceil(pixels / copies) is least, by dynamic programming over the
    spare elements; of equal sums that with more copies of the earlier layers."""
    best = np.zeros(spare + 1, dtype=np.int64)
    chosen: list[np.ndarray] = []
    for count, cost in zip(reversed(pixels), reversed(costs), strict=True):
        found = best + count
        choice = np.ones(spare + 1, dtype=np.int64)
        for copies in _useful(count, spare // cost + 1):
            used = (copies - 1) * cost
            trial = best[: spare + 1 - used] - (-count // copies)
            better = trial <= found[used:]
            found[used:][better] = trial[better]
            choice[used:][better] = copies
        best = found
        chosen.append(choice)
    copies, left = [], spare
    for choice, cost in zip(reversed(chosen), costs, strict=True):
        copies.append(int(choice[left]))
        left -= (copies[-1] - 1) * cost
    return copies


def _useful(pixels: int, most: int) -> list[int]:
    """Numbers of copies above 1 with which the busiest copy has fewer pixels than with one less."""
    found, copies = [], 1
    while True:
        load = -(-pixels // copies)
        if load == 1:
            return found
        copies = -(-pixels // (load - 1))
        if copies > most:
            return found
        found.append(copies)


def checked_copies(graph: Graph, given: Mapping[str, int], layers: Sequence[Node]) -> list[int]:
    """Copies by name as a list in the layers' order; 1 where none is given.

    Raises
    ------
    ParameterError
        For a layer without crossbars, and more copies than pixels.
    """
    names = [node.name for node in layers]
    for name, copies in given.items():
        if name not in names:
            raise ParameterError(
                f"no layer {name!r} with crossbars",
                place=graph.name,
                remedy=f"choose from {', '.join(names)}",
            )
        pixels = graph.by_name[name].pixels
        if not 1 <= copies <= pixels:
            raise ParameterError(
                f"{copies} copies of layer {name!r}, which has {pixels} pixels",
                place="copies",
                remedy=f"give 1 to {pixels}",
            )
    return [given.get(name, 1) for name in names]
