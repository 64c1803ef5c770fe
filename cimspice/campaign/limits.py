"""Limits: `[[limit]]` of a campaign file, which rows of a table keep them, and the yield."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Number
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, FiniteFloat, model_validator

from cimspice.errors import TableError

WITHIN = "within_limits"
"""Column that a table with limits has: whether the row keeps all of them."""

SAMPLE = "sample"
"""Column that a table of Monte Carlo has."""

CONFIDENCE = 0.95
"""Of the yield's interval."""

_PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "k": 3, "M": 6, "G": 9}


class Limit(BaseModel):
    """``[[limit]]``: what one column's values have to keep.

    Attributes
    ----------
    column
        A column of the table.
    minimum, maximum
        Both allowed; one may be missing.
    typical
        What is expected; shown beside the median, and does not decide anything.
    unit
        Of the numbers here: the column's, with or without a prefix from f to G; the column's if not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    minimum: FiniteFloat | None = None
    typical: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _sense(self) -> Limit:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give minimum, maximum or both")
        given = [value for value in (self.minimum, self.typical, self.maximum) if value is not None]
        if given != sorted(given):
            raise ValueError("minimum, typical, maximum must rise in this order")
        return self

    def in_unit(self, unit: str) -> Limit:
        """The same limit in the column's unit.

        Raises
        ------
        ValueError
            If this limit's unit is no multiple of it.
        """
        if self.unit is None or self.unit == unit:
            return self.model_copy(update={"unit": unit})
        prefix = self.unit.removesuffix(unit)
        if not unit or prefix == self.unit or prefix not in _PREFIXES:
            raise ValueError(f"the column's unit is {unit or 'none (a pure number)'}")
        scaled = {
            name: float(Decimal(repr(value)).scaleb(_PREFIXES[prefix]))
            for name in ("minimum", "typical", "maximum")
            if (value := getattr(self, name)) is not None
        }
        return self.model_copy(update={**scaled, "unit": unit})

    def kept(self, values: pd.Series) -> pd.Series:
        """Whether each value is within; what is not a number is not."""
        kept = values.notna()
        if self.minimum is not None:
            kept &= values >= self.minimum
        if self.maximum is not None:
            kept &= values <= self.maximum
        return kept


@dataclass(frozen=True)
class Share:
    """How many pass: ``passed`` of ``count``."""

    passed: int
    count: int

    @property
    def fraction(self) -> float:
        """nan of none."""
        return self.passed / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the true share, if these are random draws; 0 and 1 of none."""
        return wilson_interval(self.passed, self.count)


@dataclass(frozen=True)
class Yield:
    """Which Monte Carlo samples keep a limit (or all); a sample passes where all its rows do."""

    conditions: tuple[tuple[dict[str, Any], Share], ...]
    """Values of the conditions that vary, and the samples there. Empty without Monte Carlo."""
    everywhere: Share
    """Samples that pass under all conditions. One that was not measured under all of them is counted only if
    it fails. Without Monte Carlo: points; they were chosen and not drawn, so they bound no share."""

    @property
    def worst(self) -> tuple[dict[str, Any], Share]:
        """The condition with the smallest share, the first of several; without Monte Carlo all points."""
        found = [entry for entry in self.conditions if entry[1].count]
        return min(found, key=lambda entry: entry[1].fraction, default=({}, self.everywhere))

    @property
    def kept(self) -> bool:
        """Whether all that was measured passes."""
        shares = [share for _, share in self.conditions] or [self.everywhere]
        return all(share.passed == share.count for share in shares)


@dataclass(frozen=True)
class LimitResult:
    """One limit, in the column's unit; smallest, median and largest value of the column; the yield."""

    limit: Limit
    smallest: float
    median: float
    largest: float
    result: Yield


def wilson_interval(passed: int, points: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds of a proportion of which ``passed`` of ``points`` were seen.

    ValueError if the counts are impossible.

    References
    ----------
    Wilson, J. Am. Stat. Assoc. 22 (1927) 209. Unlike mean plus or minus sigma, it has a width at 0 and 1.
    """
    if not 0 <= passed <= points:
        raise ValueError(f"{passed} of {points} points cannot have passed")
    if points == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = passed / points, z * z / points
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / points + weight / (4 * points))
    low = 0.0 if passed == 0 else centre - half
    return low, 1.0 if passed == points else centre + half


def judge(
    table: pd.DataFrame, point: Sequence[int], limits: Sequence[Limit], conditions: Sequence[str] = ()
) -> tuple[pd.Series, list[LimitResult], Yield]:
    """Hold a table against limits.

    TableError if a column does not hold numbers.

    Parameters
    ----------
    table
        Has the limits' columns.
    point
        Which point each row is of, shape (rows,).
    limits
        In the columns' units.
    conditions
        Columns that say under which conditions a row was measured, ``sample`` among them if there are any.

    Returns
    -------
    tuple
        Whether each row keeps all limits; each limit's result; the yield over all limits together.
    """
    owner = np.asarray(point, dtype=int)

    def yield_of(kept: pd.Series) -> Yield:
        if SAMPLE in conditions:
            return sample_yield(kept, table[list(conditions)])
        points = len(np.unique(owner))
        return Yield((), Share(points - len(np.unique(owner[~kept.to_numpy(dtype=bool)])), points))

    within = pd.Series(True, index=table.index, name=WITHIN)
    results = []
    for limit in limits:
        values = table[limit.column]
        spread = _spread(values)
        kept = limit.kept(values)
        within &= kept
        results.append(LimitResult(limit, *spread, yield_of(kept)))
    return within, results, yield_of(within)


def sample_yield(kept: pd.Series, conditions: pd.DataFrame) -> Yield:
    """Yield of Monte Carlo samples.

    Parameters
    ----------
    kept
        Whether each row keeps the limit.
    conditions
        Under which conditions each row was measured: the column ``sample``, and any others; ``point``, which
        is none, is left out.
    """
    others = conditions.drop(columns=[SAMPLE, *({"point"} & {*conditions.columns})])
    others = others.apply(lambda column: column.map(_comparable) if column.dtype == object else column)
    varied = [str(name) for name in others if others[name].nunique(dropna=False) > 1]
    key = others[varied].assign(**{SAMPLE: conditions[SAMPLE], "": kept.to_numpy(dtype=bool)})
    passes = key.groupby([*varied, SAMPLE], sort=False, dropna=False)[""].all().reset_index()
    shares: list[tuple[dict[str, Any], Share]] = []
    by = passes.groupby(varied or (lambda _: 0), sort=False, dropna=False)[""].agg(["sum", "size"])
    for where, passed, count in zip(by.index, by["sum"], by["size"], strict=True):
        values = where if isinstance(where, tuple) else (where,)
        shares.append((dict(zip(varied, values, strict=False)), Share(int(passed), int(count))))
    each = passes.groupby(SAMPLE, sort=False)[""].agg(["all", "size"])
    known = each[~each["all"] | (each["size"] == len(shares))]
    return Yield(tuple(shares), Share(int(known["all"].sum()), len(known)))


def _comparable(value: Any) -> Any:
    """Numbers and words as they are, anything else as text."""
    return value if isinstance(value, str | Number | None) else repr(value)


def _spread(values: pd.Series) -> tuple[float, float, float]:
    try:
        numbers = values.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise TableError(f"column {values.name!r} holds no numbers: it cannot have limits") from error
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return math.nan, math.nan, math.nan
    return float(numbers.min()), float(np.median(numbers)), float(numbers.max())
