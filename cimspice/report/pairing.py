"""Which rows of two runs belong together: by their conditions, and by what was swept within a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cimspice.report.page_study import SAMPLE, Study

_DIGITS = 12  # of a condition, to find rows that belong together


@dataclass(frozen=True)
class Pairing:
    """Which rows of two runs belong together."""

    names: list[str]
    """Columns that say so, without that of the samples."""
    rows_a: np.ndarray
    rows_b: np.ndarray
    """``rows_a``, ``rows_b``: positions (m,) of the rows that belong together."""
    keys_a: np.ndarray
    keys_b: np.ndarray
    """``keys_a``, ``keys_b``: number of its conditions, for every row of A and of B."""
    conditions: pd.DataFrame
    """Values of ``names`` by that number."""

    @classmethod
    def of(cls, a: Study, b: Study) -> Pairing:
        tables = (a.table, b.table)
        shared = [name for name in dict.fromkeys((*a.varied, *b.varied)) if all(name in t for t in tables)]
        along = [name for name in dict.fromkeys((*a.coordinates, *b.coordinates)) if name not in shared]
        keys = pd.concat(
            [_comparable(table, [*shared, *(name for name in along if name in table)]) for table in tables],
            ignore_index=True,
        )
        keys["_run"] = np.repeat([0, 1], [len(table) for table in tables])
        for name in along:  # only as many as distinguish the rows: what else lies along a point is compared
            if all(name in table for table in tables) and keys.duplicated(["_run", *shared]).any():
                shared.append(name)
        keys["_nth"] = keys.groupby(["_run", *shared], sort=False, dropna=False).cumcount()
        names = [name for name in shared if name != SAMPLE]
        numbers = _numbers(keys, names)
        row = _numbers(keys, [*shared, "_nth"])
        one, two = row[: len(a.table)], row[len(a.table) :]
        _, rows_a, rows_b = np.intersect1d(one, two, assume_unique=True, return_indices=True)
        order = np.argsort(rows_a)
        values = pd.concat([table[names] for table in tables], ignore_index=True)
        return cls(
            names,
            rows_a[order],
            rows_b[order],
            numbers[: len(a.table)],
            numbers[len(a.table) :],
            values.iloc[np.unique(numbers, return_index=True)[1]],
        )

    def place(self, study: Study, key: int) -> tuple[dict[str, Any], str]:
        """Conditions of a number, and these in words."""
        where = {name: self.conditions[name].iloc[key] for name in self.names}
        return where, study.named(self.names, list(where.values()))


def _numbers(keys: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """A number from 0 for every combination of values, by first appearance."""
    if not names:
        return np.zeros(len(keys), dtype=int)
    return keys.groupby(list(names), sort=False, dropna=False).ngroup().to_numpy()


def _comparable(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Numbers without their last digits: what differs by rounding is the same condition."""
    found = table[list(names)].copy()
    for name in names:
        if pd.api.types.is_float_dtype(table[name]):
            values, places = np.unique(table[name].to_numpy(float), return_inverse=True)
            found[name] = np.array([float(f"{value:.{_DIGITS}g}") for value in values])[places]
    return found
