"""The grid of a campaign as a space to choose from: inputs from 0 to 1, and categories."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from scipy.stats import qmc

from cimspice.campaign.hyperparameters import Samples
from cimspice.campaign.selection import Place
from cimspice.campaign.specification import Specification


@dataclass(frozen=True)
class Lattice:
    """Axes of a specification: those of numbers are inputs, all others (corners, words) make the category."""

    sizes: tuple[int, ...]
    """Values on each axis: of the sweep's groups, then corners, temperatures."""
    coordinates: tuple[np.ndarray | None, ...]
    """For each axis its values scaled to 0 … 1, (size,); None where it is no axis of numbers. Geometric axes
    are scaled in their logarithm; zipped ones by the first of their parameters that is a number."""

    @classmethod
    def of(cls, specification: Specification) -> Lattice:
        """The lattice of a specification."""
        scaled = [_zipped(group.values) for group in specification.groups]
        sizes = [len(group.values) for group in specification.groups]
        return cls(
            (*sizes, len(specification.corners), len(specification.temperatures)),
            (*scaled, None, _scaled(specification.temperatures)),
        )

    @property
    def points(self) -> int:
        """All of the grid."""
        return prod(self.sizes)

    @property
    def inputs(self) -> list[int]:
        """Axes that are inputs: of numbers, and of more than one."""
        return [k for k, values in enumerate(self.coordinates) if values is not None]

    @property
    def kinds(self) -> list[int]:
        """Axes that make the category."""
        return [k for k, values in enumerate(self.coordinates) if values is None and self.sizes[k] > 1]

    @property
    def categories(self) -> int:
        """Number of categories."""
        return prod(self.sizes[k] for k in self.kinds)

    def samples(self, places: Sequence[Place]) -> Samples:
        """Inputs and category of places."""
        at = np.array(places, dtype=int).reshape(len(places), len(self.sizes))
        columns = [values[at[:, k]] for k, values in enumerate(self.coordinates) if values is not None]
        category = np.zeros(len(places), dtype=int)
        for k in self.kinds:
            category = category * self.sizes[k] + at[:, k]
        return Samples(np.stack(columns, axis=1), category)

    def spread(self, count: int, seed: int, taken: set[Place]) -> list[Place]:
        """Places that fill the space evenly, all categories alike: a Sobol sequence, shifted at random and
        rounded to the grid. Fewer than ``count`` if no more are free.
        """
        shift = np.random.default_rng(seed).random(len(self.inputs))
        sobol = qmc.Sobol(len(self.inputs), scramble=False)
        return self._draw(count, lambda rows: (sobol.random(rows) + shift) % 1.0, taken)

    def scatter(self, count: int, seed: Sequence[int], taken: set[Place]) -> list[Place]:
        """Places drawn at random, all categories alike. Fewer than ``count`` if no more are free."""
        generator = np.random.default_rng(list(seed))
        return self._draw(count, lambda rows: generator.random((rows, len(self.inputs))), taken)

    def _draw(self, count: int, source: Callable[[int], np.ndarray], taken: set[Place]) -> list[Place]:
        if self.points - len(taken) <= 4 * count:  # most of a small grid: no use in drawing until it is met
            free = [place for place in product(*map(range, self.sizes)) if place not in taken]
            order = np.random.default_rng(len(free)).permutation(len(free))[:count]
            return [free[k] for k in order]
        inputs, kinds = self.inputs, list(product(*(range(self.sizes[k]) for k in self.kinds)))
        chosen: dict[Place, None] = {}
        drawn = 0
        while len(chosen) < count:
            for row in source(1 << max(count - 1, 1).bit_length()):
                place = [0] * len(self.sizes)
                for k, value in zip(inputs, row, strict=True):
                    place[k] = self._nearest(k, float(value))
                for k, value in zip(self.kinds, kinds[drawn % len(kinds)], strict=True):
                    place[k] = value
                drawn += 1
                if tuple(place) not in taken:
                    chosen[tuple(place)] = None
                if len(chosen) == count:
                    break
        return list(chosen)

    def _nearest(self, axis: int, value: float) -> int:
        values = self.coordinates[axis]
        assert values is not None  # only asked of inputs
        return int(np.argmin(np.abs(values - value)))


def _zipped(rows: Sequence[tuple[object, ...]]) -> np.ndarray | None:
    for column in zip(*rows, strict=True):
        scaled = _scaled(column)
        if scaled is not None:
            return scaled
    return None


def _scaled(values: Sequence[object]) -> np.ndarray | None:
    """Numbers scaled to 0 … 1, of a geometric axis in their logarithm; None of words, or of a single one."""
    if len(values) < 2 or not all(_is_number(value) for value in values):
        return None
    array = np.array(values, dtype=float)
    if array.min() > 0 and len(array) > 2:
        ordered = np.sort(array)
        steps, ratios = np.diff(ordered), np.diff(np.log(ordered))
        if np.std(ratios) / np.mean(ratios) < 0.1 * np.std(steps) / np.mean(steps):
            array = np.log(array)
    return (array - array.min()) / np.ptp(array)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
