"""A column of 6T cells with a comparator on its lines: which rows are what, and the law of its second
decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.errors import FitError, ParameterError


@dataclass(frozen=True)
class Column:
    """Rows of a column: two for each weight, then dummy cells, then spare ones.

    With the inputs, ``dummies`` cells take the bit line down, by half a unit of the partial sum each; for
    the second decision twice as many take its complement down.
    """

    weights: int = 64
    dummies: int = 3
    rows: int = 144

    def __post_init__(self) -> None:
        checked_count("weights", self.weights, place="Column")
        require_threshold(self.dummies, "Column.dummies")
        if 2 * self.weights + 3 * self.dummies > self.rows:
            raise ParameterError(
                f"{self.weights} weights of two cells and {3 * self.dummies} dummy cells on {self.rows} rows",
                place="Column.rows",
                remedy=f"give {2 * self.weights + 3 * self.dummies} rows or more",
            )

    @property
    def threshold(self) -> float:
        """Of both decisions, plus and minus (units of the partial sum)."""
        return self.dummies / 2

    @property
    def first_dummies(self) -> Array:
        """Their rows."""
        return 2 * self.weights + np.arange(self.dummies)

    @property
    def second_dummies(self) -> Array:
        """Their rows."""
        return 2 * self.weights + self.dummies + np.arange(2 * self.dummies)

    def positions(self, rows: Array) -> Array:
        """Places of rows along the bit line, 0 at the comparator to 1."""
        return (rows + 0.5) / self.rows


def require_threshold(dummies: int, place: str) -> None:
    """ParameterError for a number of dummy cells whose threshold a sum can meet."""
    if checked_count("dummies", dummies, place=place) % 2 == 0:
        raise ParameterError(
            f"{dummies} dummy cells make a threshold of {dummies / 2:g}, which sums can meet",
            place=place,
            remedy="use an odd number",
        )


@dataclass(frozen=True, eq=False)
class SecondRead:
    """Difference of the lines at the second strobe from what they stood at before the first.

    Between the two, the comparator's input transistors keep some charge of the lines, and the dummy cells
    pull; both depend on the lines' voltages alone. So the difference is a polynomial of second order in
    the first difference and the first mean discharge (V).
    """

    coefficients: Array
    """Of 1, d, m, d², d m, m²: V, 1, 1, 1/V, 1/V, 1/V."""
    residual_rms: float
    """Of the reads that it was fitted to (V)."""
    largest_difference: float
    least_discharge: float
    largest_discharge: float
    """``largest_difference``, ``least_discharge``, ``largest_discharge``: among these reads (V)."""

    @classmethod
    def fit(cls, discharge: Array, second: Array) -> SecondRead:
        """From discharges (reads, 2) of both lines at the first strobe, and differences (reads,) at the
        second.

        FitError for fewer than twelve reads.
        """
        if len(second) < 12:
            raise FitError(f"{len(second)} reads for six coefficients", remedy="simulate twelve or more")
        terms = _terms(discharge)
        coefficients = np.linalg.lstsq(terms, second, rcond=None)[0]
        left = second - terms @ coefficients
        return cls(
            coefficients,
            float(np.sqrt(left @ left / (len(left) - terms.shape[1]))),
            float(np.abs(terms[:, 1]).max()),
            float(terms[:, 2].min()),
            float(terms[:, 2].max()),
        )

    def __call__(self, discharge: Array) -> Array:
        """Difference at the second strobe (V), (...,), for discharges (..., 2) at the first."""
        return _terms(discharge) @ self.coefficients

    def outside(self, discharge: Array) -> Array:
        """Whether reads lie beyond those that it was fitted to, (...,)."""
        _, difference, mean = np.moveaxis(_terms(discharge)[..., :3], -1, 0)
        beyond = np.abs(difference) > self.largest_difference
        return beyond | (mean < self.least_discharge) | (mean > self.largest_discharge)


@dataclass(frozen=True, eq=False)
class LineLaw:
    """What the lines make of a partial sum s with a open weights, in cells, at either decision.

    Polynomials of second order in s and a: compression as the lines fall, and thresholds that are not
    quite those of the dummy cells' number. A decision compares with the nominal threshold.
    """

    upper: Array
    lower: Array
    """``upper``, ``lower``: coefficients of 1, s, a, s², s·a, a² for the decisions against θ and −θ."""

    @classmethod
    def fit(cls, sums: Array, active: Array, difference: Array, threshold: float) -> LineLaw:
        """From differences of the lines at both strobes (V), (reads, 2), of these sums and numbers of open
        weights."""
        s, a = np.asarray(sums, float), np.asarray(active, float)
        terms = np.stack([np.ones_like(s), s, a, s * s, s * a, a * a], axis=1)
        found = []
        for each, theta in zip(difference.T, (threshold, -threshold), strict=True):
            unit = np.polyfit(s, each, 1)[0]
            found.append(np.linalg.lstsq(terms, each / unit + theta, rcond=None)[0])
        return cls(*found)

    def at(self, decision: Array, sums: Array, active: Array) -> Array:
        """``upper`` or ``lower`` of partial sums; both are broadcast."""
        one, s, a, ss, sa, aa = decision.astype(np.float32)
        return (one + a * active + aa * active**2) + (s + sa * active + ss * sums) * sums


def _terms(discharge: Array) -> Array:
    """1, d, m, d², d m, m² with d the complement's discharge minus the bit line's."""
    d, m = discharge[..., 1] - discharge[..., 0], discharge.mean(axis=-1)
    return np.stack([np.ones_like(d), d, m, d * d, d * m, m * m], axis=-1)
