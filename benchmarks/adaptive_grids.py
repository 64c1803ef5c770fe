"""How well full grids know a circuit between their points, by density and interpolator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.interpolate import NdBSpline, make_interp_spline

from cimspice.campaign.gaussian_process import GaussianProcess, fit_hyperparameters
from cimspice.campaign.hyperparameters import Hyperparameters, Samples

DEGREES = {"linear": 1, "cubic": 3, "quintic": 5}
PROCESSES = {"process": True, "process, axes apart": False}
_SEARCHED = 800  # points that hyperparameters are sought on, as in the campaign
_STRIDES = (1, 2, 4)


@dataclass(frozen=True)
class Grid:
    """ln of a quantity on a full grid: axes by name, and for each corner an array over them."""

    axes: dict[str, np.ndarray]
    logarithms: dict[str, np.ndarray]

    @classmethod
    def of(cls, table: pd.DataFrame, names: Sequence[str], corner: str, column: str) -> Grid:
        """From the table of a campaign."""
        axes = {name: np.sort(table[name].unique()) for name in names}
        shape = [len(values) for values in axes.values()]
        cubes = {
            str(key): np.log(rows.sort_values(list(names))[column].to_numpy()).reshape(shape)
            for key, rows in table.groupby(corner, sort=False)
        }
        return cls(axes, cubes)

    @property
    def points(self) -> int:
        return len(self.logarithms) * int(np.prod([len(values) for values in self.axes.values()]))

    def thinned(self, strides: Sequence[int]) -> Grid:
        """Every so many values of each axis; both ends stay."""
        cut = tuple(slice(None, None, stride) for stride in strides)
        axes = {name: values[part] for (name, values), part in zip(self.axes.items(), cut, strict=True)}
        return Grid(axes, {key: cube[cut] for key, cube in self.logarithms.items()})

    def at(self, axis: str, value: float) -> Grid:
        """The part at one value of an axis."""
        names = list(self.axes)
        place = int(np.argmin(np.abs(self.axes[axis] - value)))
        axes = {name: values for name, values in self.axes.items() if name != axis}
        return Grid(axes, {key: cube.take(place, names.index(axis)) for key, cube in self.logarithms.items()})

    def frame(self) -> pd.DataFrame:
        """Every point as a row, with its ``logarithm``."""
        rows = np.stack(np.meshgrid(*self.axes.values(), indexing="ij"), axis=-1).reshape(-1, len(self.axes))
        frames = [
            pd.DataFrame(rows, columns=list(self.axes)).assign(corner=key, logarithm=cube.ravel())
            for key, cube in self.logarithms.items()
        ]
        return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True)
class GridError:
    """Error of a full grid with each interpolator, and the best; ``unbeaten``: no smaller grid is as good."""

    points: int
    shape: tuple[int, ...]
    errors: dict[str, float]
    interpolator: str
    error: float
    unbeaten: bool


def spline_prediction(grid: Grid, table: pd.DataFrame, degree: int) -> np.ndarray:
    """exp of a tensor spline, on each axis of the degree or of what its values allow."""
    predicted = np.empty(len(table))
    for corner, cube in grid.logarithms.items():
        rows = (table["corner"] == corner).to_numpy()
        coefficients, knots, degrees = cube, [], []
        for axis, values in enumerate(grid.axes.values()):
            allowed = min(degree, len(values) - 1)
            spline = make_interp_spline(values, coefficients, allowed, axis=axis)
            # the coefficients come with their axis first
            coefficients = np.moveaxis(spline.c, 0, axis)
            knots.append(spline.t)
            degrees.append(spline.k)
        places = table.loc[rows, list(grid.axes)].to_numpy()
        predicted[rows] = np.exp(NdBSpline(tuple(knots), coefficients, tuple(degrees))(places))
    return predicted


def process_prediction(
    grid: Grid, table: pd.DataFrame, samples: Callable[[pd.DataFrame], Samples], *, mixed: bool
) -> np.ndarray:
    """exp of the Gaussian process of an adaptive campaign, given all points of the grid; or of one that does
    not mix the axes, as their values lie along them.
    """
    frame = grid.frame()
    given, values = samples(frame), frame["logarithm"].to_numpy()[:, None]
    few = np.random.default_rng(1).permutation(len(values))[:_SEARCHED]
    starts = Hyperparameters.starts(given.inputs.shape[1], len(grid.logarithms), mixed=mixed)
    settings = fit_hyperparameters(Samples(given.inputs[few], given.category[few]), values[few], starts)
    return np.exp(GaussianProcess(given, values, settings).predict(samples(table))[:, 0])


def best_grid_errors(
    whole: Grid,
    table: pd.DataFrame,
    error: Callable[[np.ndarray], float],
    samples: Callable[[pd.DataFrame], Samples],
) -> list[GridError]:
    """The whole grid first, then its thinned ones, which the processes, the slowest, are not tried on."""
    found: list[tuple[Grid, dict[str, float]]] = []
    for strides in product(_STRIDES, repeat=len(whole.axes)):
        sizes = [len(values) for values in whole.axes.values()]
        if any(
            (size - 1) % stride or (size - 1) // stride < 2
            for size, stride in zip(sizes, strides, strict=True)
        ):
            continue
        grid = whole.thinned(strides)
        errors = {name: error(spline_prediction(grid, table, degree)) for name, degree in DEGREES.items()}
        if not found:
            for name, mixed in PROCESSES.items():
                errors[name] = error(process_prediction(grid, table, samples, mixed=mixed))
        found.append((grid, errors))
    best = [min(errors.values()) for _, errors in found]
    return [
        GridError(
            points=grid.points,
            shape=(len(grid.logarithms), *(len(values) for values in grid.axes.values())),
            errors=errors,
            interpolator=min(errors, key=errors.__getitem__),
            error=lowest,
            unbeaten=all(other > lowest or small.points >= grid.points
                         for (small, _), other in zip(found, best, strict=True) if small is not grid),
        )
        for (grid, errors), lowest in zip(found, best, strict=True)
    ]  # fmt: skip
