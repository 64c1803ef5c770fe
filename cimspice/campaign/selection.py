"""Some points of a specification, chosen one by one, planned like all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.specification import AxisGroup, Specification

Place = tuple[int, ...]
"""Where a point stands: an index into each group's values, then into corners and temperatures."""


@dataclass(frozen=True)
class Selection(Plan):
    """The points at some places of a specification's grid; the order is that of the whole plan."""

    places: tuple[Place, ...] = ()

    @classmethod
    def of(cls, plan: Plan, places: Iterable[Place]) -> Selection:
        """Places of a plan in the order in which that runs them: ``places[point.index]`` is a point's."""
        outer, inner = _order(plan.specification)
        by = (*outer, *_conditions(plan.specification), *inner)
        ordered = sorted(places, key=lambda place: [place[k] for k in by])
        return cls(plan.specification, plan.environment, plan.code, tuple(ordered))

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Point]:
        specification = self.specification
        groups = specification.groups
        outer, inner = _order(specification)
        index = 0
        for slow, same_circuit in _grouped(self.places, outer):
            given = _values(groups, outer, slow)
            loaded = self._load(given)
            for (corner, temperature), places in _grouped(same_circuit, _conditions(specification)):
                conditions = (specification.corners[corner], specification.temperatures[temperature], None)
                rows = [_values(groups, inner, [place[k] for k in inner]) for place in places]
                together = AxisGroup(tuple(rows[0]), tuple(tuple(row.values()) for row in rows))
                for setting in self._settings(loaded, given, [together]):
                    yield self._point(index, setting, conditions)
                    index += 1


def _order(specification: Specification) -> tuple[list[int], list[int]]:
    """Groups that need another circuit, and those that are altered in a loaded one."""
    altered = specification.bench.altered
    groups = list(enumerate(specification.groups))
    inner = [k for k, group in groups if all(name in altered for name in group.names)]
    return [k for k, _ in groups if k not in inner], inner


def _conditions(specification: Specification) -> tuple[int, int]:
    """Indices of corner and temperature."""
    return len(specification.groups), len(specification.groups) + 1


def _grouped(places: Sequence[Place], by: Sequence[int]) -> Iterator[tuple[tuple[int, ...], list[Place]]]:
    """Neighbouring places that are the same in the indices ``by``."""

    def key(place: Place) -> tuple[int, ...]:
        return tuple(place[k] for k in by)

    return ((same, list(members)) for same, members in groupby(places, key))


def _values(groups: Sequence[AxisGroup], chosen: Sequence[int], place: Sequence[int]) -> dict[str, Any]:
    return {
        name: value
        for k, at in zip(chosen, place, strict=True)
        for name, value in zip(groups[k].names, groups[k].values[at], strict=True)
    }
