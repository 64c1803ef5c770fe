"""Where a grid was not simulated: places to check a fit at, and how wide a feature may lie there."""

from collections.abc import Collection, Sequence
from itertools import cycle, islice

import numpy as np
from scipy.spatial import KDTree

from cimspice.campaign.hyperparameters import Samples
from cimspice.campaign.lattice import Lattice
from cimspice.campaign.selection import Place

_CANDIDATES = 4000
_TRIES = 20  # draws for each place on an end of an axis


def unseen_places(lattice: Lattice, known: Collection[Place], count: int, seed: Sequence[int]) -> list[Place]:
    """Places far from all that was simulated: up to half of them at the first and last values of the axes,
    the others one after another where the nearest point is farthest. Fewer than ``count`` if no more are
    free.
    """
    ends = _at_ends(lattice, known, count // 2, seed)
    free = lattice.scatter(_CANDIDATES, (*seed, 1), {*known, *ends})
    candidates = lattice.samples(free)
    distance = _distance(candidates, lattice.samples([*known, *ends]))
    picked: list[Place] = []
    for _ in range(min(count - len(ends), len(free))):
        best = int(np.argmax(distance))
        picked.append(free[best])
        apart = np.abs(candidates.inputs - candidates.inputs[best]).max(axis=1)
        distance = np.where(
            candidates.category == candidates.category[best], np.minimum(distance, apart), distance
        )
        distance[best] = -1.0
    return [*ends, *picked]


def unseen_width(lattice: Lattice, known: Collection[Place], seed: Sequence[int]) -> float:
    """Side of the widest cube, as a fraction of every axis's range, that holds no simulated point of some
    category: a feature as narrow as this may be there. Sought at 4000 places, the whole of a small grid.
    """
    free = lattice.scatter(_CANDIDATES, seed, set(known))
    if not free:
        return 0.0
    return float(min(2 * _distance(lattice.samples(free), lattice.samples([*known])).max(), 1.0))


def _at_ends(lattice: Lattice, known: Collection[Place], count: int, seed: Sequence[int]) -> list[Place]:
    """Places at the first and last values of the axes in turn, drawn at random otherwise."""
    faces = []
    for axis in lattice.inputs:
        values = lattice.coordinates[axis]
        assert values is not None  # it is an input
        faces += [(axis, int(np.argmin(values))), (axis, int(np.argmax(values)))]
    generator = np.random.default_rng([*seed, 0])
    found: dict[Place, None] = {}
    for axis, end in islice(cycle(faces), _TRIES * count):
        place = [int(generator.integers(size)) for size in lattice.sizes]
        place[axis] = end
        if len(found) < count and tuple(place) not in known:
            found[tuple(place)] = None
    return list(found)


def _distance(places: Samples, known: Samples) -> np.ndarray:
    """To the nearest known place of the same category, along the axis on which it is farthest; 1 if there is
    none.
    """
    found = np.ones(len(places.category))
    for category in np.unique(places.category):
        own, there = known.inputs[known.category == category], places.category == category
        if len(own):
            found[there] = KDTree(own).query(places.inputs[there], p=np.inf)[0]
    return found
