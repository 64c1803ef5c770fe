"""How the cells of a chip differ: read current and trip voltage as one correlated distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, kept_array
from cimspice.errors import FitError

FACTORS = ("log_current_0", "log_current_1", "trip_0", "trip_1")
"""ln α of a cell that stores 0 and that stores 1, and its trip voltage (V) in either state."""


@dataclass(frozen=True, eq=False)
class CellVariation:
    """Normal distribution of ``FACTORS`` over the cells of a chip.

    A cell's own transistors decide both: the access transistor whose threshold sets the current of one state
    also sets how easily the other state is lost, so the factors are correlated.
    """

    mean: Array
    covariance: Array
    """``mean``, ``covariance``: shapes (4,), (4, 4)."""
    samples: int = 0
    """Cells it was taken from; 0 if there is no variation."""
    sensitivity: Array | None = None
    """d ln α / d threshold (1/V) of the conducting side's pass and pull-down transistors, shape (2,)."""

    def __post_init__(self) -> None:
        for name, shape in (("mean", (4,)), ("covariance", (4, 4)), ("sensitivity", (2,))):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, kept_array(f"{name} of a variation", value, shape))

    @classmethod
    def none(cls, trip_voltage: float = 0.0) -> CellVariation:
        """All cells alike."""
        return cls(np.array([0.0, 0.0, trip_voltage, trip_voltage]), np.zeros((4, 4)))

    @classmethod
    def fit(cls, log_current: Array, trip: Array, sensitivity: Array | None = None) -> CellVariation:
        """Distribution of a population.

        FitError if there are fewer than ten cells.

        Parameters
        ----------
        log_current, trip
            ln α and trip voltage (V), each of shape (cells, 2): storing 0, storing 1.
        sensitivity
            Kept as it is.
        """
        if len(log_current) < 10:
            raise FitError(f"{len(log_current)} cells say nothing about their spread", remedy="simulate 100")
        factors = np.column_stack([log_current, trip])
        return cls(factors.mean(axis=0), np.cov(factors.T), len(factors), sensitivity)

    @property
    def trip_mean(self) -> float:
        """Mean trip voltage (V) over both states."""
        return float(self.mean[2:].mean())

    @property
    def trip_deviation(self) -> float:
        """Standard deviation of the trip voltage (V)."""
        return float(np.sqrt(np.diag(self.covariance)[2:].mean()))

    @property
    def current_deviation(self) -> float:
        """Standard deviation of ln α."""
        return float(np.sqrt(np.diag(self.covariance)[:2].mean()))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Cells of a chip: ln α and trip voltage (V), each of shape (*shape, 2) for stored 0 and 1."""
        # The Cholesky factor of a covariance that may be singular
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.clip(values, 0.0, None))
        drawn = self.mean + rng.standard_normal((*shape, 4)) @ root.T
        return drawn[..., :2], drawn[..., 2:]
