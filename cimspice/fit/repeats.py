"""Points that were measured several times: their noise, and whether they are of one device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from cimspice.arrays import checked_count, kept_array
from cimspice.errors import TableError
from cimspice.fit.table import TableSchema

CONFIDENCE = 0.95
_CHANCE = 1e-4
"""Probability of the signs below which the rows of one value are not of the same device as the others."""


def noise(table: pd.DataFrame, schema: TableSchema) -> dict[str, Any] | None:
    """Standard deviation of repeated points about their means, None where no point is repeated.

    Returns
    -------
    ``column``, ``unit``, ``standard_deviation`` with its 95 % ``interval``, ``relative`` (the same of each
    value divided by its point's mean; None where a mean is zero), ``points`` that are repeated, and
    ``degrees_of_freedom``.
    """
    name = schema.measured
    groups = table.groupby(_keys(table, schema), sort=False)[name]
    mean, count = groups.transform("mean"), groups.transform("size")
    left = (table[name] - mean)[count > 1].to_numpy()
    points = int((groups.size() > 1).sum())
    freedom = left.size - points
    if freedom < 1:
        return None
    deviation = float(np.sqrt(np.sum(left**2) / freedom))
    tails = special.chdtri(freedom, np.array([0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]))
    means = mean[count > 1].to_numpy()
    relative = float(np.sqrt(np.sum((left / means) ** 2) / freedom)) if np.all(means) else None
    return {
        "column": name,
        "unit": schema.columns[name].unit,
        "standard_deviation": deviation,
        "interval": [float(end) for end in deviation * np.sqrt(freedom / tails)],
        "relative": relative,
        "points": points,
        "degrees_of_freedom": freedom,
    }


@dataclass(frozen=True, eq=False)
class MeanNoise:
    """How certain the means of repeated readings are."""

    voltage: np.ndarray
    """At which was read (V), shape (n,)."""
    deviation: np.ndarray
    """Standard deviation of each mean as a share of it, shape (..., n)."""
    degrees_of_freedom: int
    """Of the readings that say so."""

    def __post_init__(self) -> None:
        for name, low in (("voltage", -np.inf), ("deviation", 0.0)):
            shape = ("n",) if name == "voltage" else (..., len(self.voltage))
            array = kept_array(f"{name} of repeated readings", getattr(self, name), shape, low=low)
            object.__setattr__(self, name, array)
        checked_count("degrees of freedom", self.degrees_of_freedom, low=1)


def mean_noise(readings: pd.DataFrame, keys: Sequence[str], column: str) -> tuple[pd.Series, int] | None:
    """Standard deviations of the means of repeated readings, as shares of them; None if none is repeated.

    The noise of single readings is the same for all or goes with the value, whichever is more probable.

    Returns
    -------
    By ``keys``, and the degrees of freedom.
    """
    groups = readings.groupby(list(keys))[column]
    mean, count = groups.mean(), groups.size()
    freedom = int((count - 1).sum())
    if freedom < 1 or not mean.all():
        return None
    squares = groups.var(ddof=1).fillna(0.0) * (count - 1)
    found = []
    for size in (pd.Series(1.0, index=mean.index), mean.abs()):
        level = float((squares / size**2).sum()) / freedom
        deviance = freedom * np.log(max(level, 1e-300)) + float(((count - 1) * 2 * np.log(size)).sum())
        found.append((deviance, np.sqrt(level) * size / mean.abs() / np.sqrt(count)))
    return min(found, key=lambda entry: entry[0])[1], freedom


def refuse_mixture(
    table: pd.DataFrame, others: Mapping[str, Sequence[str]], schema: TableSchema, place: str
) -> None:
    """Refuse repeated points that a column of the file that is not read (a die, a device) distinguishes.

    TableError where the rows of one value of such a column lie above the mean of their points, or below it,
    more often than chance allows.
    """
    keys = _keys(table, schema)
    if schema.measured not in table or not keys or not table.duplicated(keys).any():
        return
    values = table[schema.measured]
    means = values.groupby([table[key] for key in keys]).transform("mean")
    signs = np.sign((values - means).to_numpy())
    for header, cells in others.items():
        known = pd.Series(cells, index=table.index)
        if not 1 < known.nunique() <= len(known) / 2:
            continue
        for value in known.unique():
            own = signs[(known == value).to_numpy()]
            above, below = int((own > 0).sum()), int((own < 0).sum())
            if above + below and stats.binomtest(above, above + below).pvalue < _CHANCE:
                raise TableError(
                    f"a point appears twice, and it is not the same device: where {header} is {value}, "
                    f"{schema.measured} is {'above' if above > below else 'below'} the others at "
                    f"{max(above, below)} of {above + below} points",
                    place=place,
                    remedy=f"choose its rows: --where {header}={value}",
                )


def _keys(table: pd.DataFrame, schema: TableSchema) -> list[str]:
    return [name for name, column in schema.columns.items() if column.coordinate and name in table]
