"""A network on so many crossbars: copies, schedules, baselines, bound, buffers and energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np

from cimspice.errors import ParameterError
from cimspice.progress import OnProgress, silent
from cimspice.schedule.buffers import Buffered, is_stored, live_bytes
from cimspice.schedule.element_card import ElementCard
from cimspice.schedule.engine import Layer, Servers, Sets, Split, makespan, run
from cimspice.schedule.graph import INPUT, Graph, Node
from cimspice.schedule.limited import run_limited
from cimspice.schedule.placement import Elements, checked_copies, least_sum, slowest_first
from cimspice.schedule.search import least_time

Objective = Literal["slowest", "sum", "makespan"]
_MOST_SPARE = 100_000
_MOST_IMAGES = 10_000


@dataclass(frozen=True)
class Settings:
    """How a network is scheduled.

    Attributes
    ----------
    elements
        The crossbars.
    extra
        How many more than the network needs.
    sets, split
        See `cimspice.schedule.engine`.
    objective
        What copies make least: the slowest layer, the sum of all layers, or the time of the schedule itself.
    leftover
        Spare crossbars that do not fit the slowest layer go to the next that they fit.
    images
        One after another through the same crossbars.
    link
        Bytes per second of each copy's output port; None for no limit.
    buffer_rows
        Rows of every stored map that its buffer has, or of maps by name; None for no limit.
    copies
        By layer, in the place of those that the objective gives.
    row_time
        From one row of the input to the next (s), counted in whole MVMs; 0 where all of it is there at once.
    """

    elements: Elements = field(default_factory=Elements)
    extra: int = 0
    sets: str = "row"
    split: Split = "cyclic"
    objective: Objective = "slowest"
    leftover: bool = False
    images: int = 1
    link: float | None = None
    buffer_rows: int | Mapping[str, int] | None = None
    copies: Mapping[str, int] | None = None
    row_time: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (("extra", 0, _MOST_SPARE), ("images", 1, _MOST_IMAGES)):
            if not low <= getattr(self, name) <= high:
                raise ParameterError(
                    f"{name} = {getattr(self, name)}", place=f"--{name}", remedy=f"give {low} to {high}"
                )
        words = {"objective": ("slowest", "sum", "makespan"), "split": ("cyclic", "shared", "stripes")}
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"{name} {getattr(self, name)!r}"[:200],
                    place=f"--{name}",
                    remedy=f"use {', '.join(allowed)}",
                )
        if self.link is not None and not self.link > 0:
            raise ParameterError(
                f"a link of {self.link} bytes per second", place="--link", remedy="give a number above 0"
            )
        if not 0 <= self.row_time <= 1:
            raise ParameterError(
                f"rows of the input every {self.row_time:g} s", place="--row-time", remedy="give 0 to 1"
            )
        Sets.of(self.sets)


@dataclass(frozen=True, eq=False)
class Schedule:
    """A network's schedule and all that is compared with it. Times count MVMs.

    Raises
    ------
    ParameterError
        For settings that do not fit the network.
    """

    graph: Graph
    settings: Settings = field(default_factory=Settings)
    card: ElementCard = field(default_factory=ElementCard)
    progress: OnProgress = silent

    @cached_property
    def layers(self) -> tuple[Node, ...]:
        """Those with crossbars."""
        found = tuple(node for node in self.graph.base if self.settings.elements.uses(node))
        if not found:
            raise ParameterError(
                "no layer has crossbars", place=self.graph.name, remedy="use --dense include or --depthwise"
            )
        return found

    @cached_property
    def costs(self) -> list[int]:
        """Crossbars of one copy of each layer."""
        return [self.settings.elements.count(self.graph, node) for node in self.layers]

    @property
    def pixels(self) -> list[int]:
        """Of each layer."""
        return [node.pixels for node in self.layers]

    @property
    def present(self) -> int:
        """Crossbars on the chip."""
        return sum(self.costs) + self.settings.extra

    @cached_property
    def copies(self) -> list[int]:
        """Of each layer."""
        given = self.settings
        if given.copies is not None:
            found = checked_copies(self.graph, given.copies, self.layers)
            if self._used(found) > self.present:
                raise ParameterError(
                    f"{self._used(found)} crossbars of {self.present}",
                    place="copies",
                    remedy="give fewer copies",
                )
            return found
        if given.objective == "sum":
            return least_sum(self.pixels, self.costs, given.extra)
        found = slowest_first(self.pixels, self.costs, given.extra, leftover=given.leftover)
        if given.objective == "slowest":
            return found
        return least_time(self._time_of, self.pixels, self.costs, given.extra, found, progress=self.progress)

    def _used(self, copies: list[int]) -> int:
        return int(np.dot(self.costs, copies))

    @property
    def used(self) -> int:
        """Crossbars that hold a copy."""
        return self._used(self.copies)

    def servers(self, copies: list[int] | None = None, *, link: bool = True) -> dict[str, Servers]:
        """Of each layer, with the settings' link or without."""
        sets, rate = Sets.of(self.settings.sets), self.settings.link if link else None
        seconds = 0.0 if rate is None else 1 / rate / self.card.time_per_mvm
        return {
            node.name: Servers(node, count, sets, self.settings.split, seconds * node.channels)
            for node, count in zip(self.layers, copies or self.copies, strict=True)
        }

    @cached_property
    def _known_servers(self) -> dict[tuple[str, int], Servers]:
        return {}

    def _time_of(self, copies: list[int]) -> float:
        """Steps of one image with these copies, without limits of buffers and links."""
        sets, split = Sets.of(self.settings.sets), self.settings.split
        for node, count in zip(self.layers, copies, strict=True):
            if (node.name, count) not in self._known_servers:
                self._known_servers[node.name, count] = Servers(node, count, sets, split)
        used = {
            node.name: self._known_servers[node.name, count]
            for node, count in zip(self.layers, copies, strict=True)
        }
        return makespan(run(self.graph, used, space=self.arrival))

    @cached_property
    def arrival(self) -> dict[str, np.ndarray] | None:
        """When each row of the input is there (images, height), by the input's name; None for at once."""
        if not self.settings.row_time:
            return None
        shape = self.settings.images, self.graph.height
        rows = np.arange(1, prod(shape) + 1).reshape(shape)
        mvms = np.round(rows * (self.settings.row_time / self.card.time_per_mvm), 6)  # 10, not 11 of 10 MVMs
        return {INPUT: np.ceil(mvms).astype(np.int64)}

    @cached_property
    def times(self) -> list[dict[str, Layer]]:
        """Of all layers, of one image after another."""
        rows = self.buffer_rows
        if rows is None:
            return run(self.graph, self.servers(), self.settings.images, self.arrival)
        return run_limited(self.graph, self.servers(), rows, self.settings.images, self.arrival)

    @cached_property
    def buffer_rows(self) -> dict[str, int] | None:
        """By stored map; None for no limit."""
        given = self.settings.buffer_rows
        stored = [node.name for node in self.graph.nodes if is_stored(node)]
        if given is None:
            return None
        found = dict.fromkeys(stored, given) if isinstance(given, int) else dict(given)
        for name, rows in found.items():
            if name not in stored:
                raise ParameterError(
                    f"no stored map {name!r}"[:200],
                    place="--buffer-rows",
                    remedy=f"choose from {', '.join(stored)}"[:500],
                )
            if rows < 1:
                raise ParameterError(
                    f"{rows} rows of {name!r}", place="--buffer-rows", remedy="give 1 or more"
                )
        return found

    @cached_property
    def steps(self) -> float:
        """Of the cross-layer schedule of all images."""
        return makespan(self.times)

    @property
    def work(self) -> int:
        """MVMs of all crossbars for an image."""
        return int(np.dot(self.costs, self.pixels))

    @property
    def bytes_sent(self) -> tuple[int, int]:
        """Of an image: through output ports, and sums that crossbars below the first send to be added."""
        grids = [self.settings.elements.grid(self.graph, node) for node in self.layers]
        sizes = [node.pixels * node.channels for node in self.layers]
        return sum(sizes), sum((tall - 1) * size for (tall, _), size in zip(grids, sizes, strict=True))

    def layer_by_layer(self, copies: list[int] | None = None) -> int:
        """Steps of an image, one layer at a time, by default without copies."""
        counts = copies or [1] * len(self.layers)
        return sum(-(-p // d) for p, d in zip(self.pixels, counts, strict=True))

    @cached_property
    def best_layer_by_layer(self) -> int:
        """Steps with the copies that are best for it, on the same crossbars."""
        return self.layer_by_layer(least_sum(self.pixels, self.costs, self.settings.extra))

    @property
    def bound(self) -> tuple[int, str]:
        """Least steps with these copies, whatever the order: the slowest layer's, and that layer."""
        loads = [-(-p // d) for p, d in zip(self.pixels, self.copies, strict=True)]
        slowest = int(np.argmax(loads))
        return loads[slowest], self.layers[slowest].name

    @property
    def interval(self) -> float:
        """Steps between images: of the last two, or of a single image those of the busiest copy or of the
        input's rows."""
        images = self.times
        if len(images) > 1:
            return makespan(images) - makespan(images[:-1])
        busiest = max(one.busiest * max(1, one.send) for one in self.servers().values())
        return float(busiest if self.arrival is None else max(busiest, self.arrival[INPUT].max()))

    @cached_property
    def buffers(self) -> tuple[Buffered, dict[str, Buffered]]:
        """Bytes that wait over time, of all stored maps and of each."""
        return live_bytes(self.graph, self.times)

    def utilisation(self, steps: float, images: int, present: int) -> float:
        """Share of the crossbars' time in which they compute."""
        return self.work * images / (present * steps)

    def one_more(self) -> list[dict[str, Any]]:
        """What one more copy of each of the slowest layers would bring."""
        base, found = self._time_of(self.copies), []
        loads = np.array([-(-p // d) for p, d in zip(self.pixels, self.copies, strict=True)])
        for place in np.argsort(-loads, kind="stable")[:5].tolist():
            if self.copies[place] >= self.pixels[place]:
                continue
            more = [count + (number == place) for number, count in enumerate(self.copies)]
            steps = self._time_of(more)
            found.append(
                {
                    "layer": self.layers[place].name,
                    "pes": self.costs[place],
                    "steps": steps,
                    "saved": base - steps,
                }
            )
        return found

    def without_link(self) -> list[dict[str, Layer]]:
        """`times` on links without a limit."""
        servers = self.servers(link=False)
        if self.buffer_rows is None:
            return run(self.graph, servers, self.settings.images, self.arrival)
        return run_limited(self.graph, servers, self.buffer_rows, self.settings.images, self.arrival)
