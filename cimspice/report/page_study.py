"""What the columns of a run are to each other: fixed, varied, swept along within a point, measured."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.limits import SAMPLE, WITHIN
from cimspice.campaign.load import Run
from cimspice.report.quantity import compact, quantity, words

_LARGEST = 1e100  # of a number: no measurement, and arithmetic on it overflows
_MARKS = (WITHIN, "relaxed")  # what a campaign itself says of a row


@dataclass(frozen=True)
class Study:
    """A run's table with the roles of its columns."""

    table: pd.DataFrame
    """The rows; lists and tables among the conditions are text, truth values are 0 and 1."""
    units: dict[str, str]
    """Of every column, ``""`` where there is none."""
    fixed: dict[str, Any]
    """Conditions of one value, with it."""
    varied: tuple[str, ...]
    """Conditions of several values."""
    coordinates: tuple[str, ...]
    """Measured columns that say where within a point a row was measured: a swept voltage, a time, an edge."""
    quantities: tuple[str, ...]
    """The other measured columns that are numbers: what the run was for."""
    provenance: dict[str, Any]
    """Where the table says it is from."""

    @classmethod
    def of(cls, run: Run) -> Study:
        """The study of a run."""
        table = run.table.copy()
        attributes, table.attrs = table.attrs, {}  # pandas copies them deeply with every part of a table
        conditions = list(attributes["conditions"])
        for name in table.columns:
            if table[name].dtype == object:
                table[name] = table[name].map(_hashable)
            elif pd.api.types.is_bool_dtype(table[name]):
                table[name] = table[name].astype(float)
            elif pd.api.types.is_float_dtype(table[name]):
                values = table[name].astype(float)
                table[name] = values.where(values.abs() < _LARGEST)
        several = [name for name in conditions if table[name].nunique(dropna=False) > 1]
        points = table.groupby(several, sort=False, dropna=False) if several else None
        rows = len(table) if points is None else int(points.size().max()) if len(table) else 0
        abscissae = {figure.x for figure in run.record.figures}
        measured = [name for name in table.columns if name not in (*conditions, *_MARKS)]
        along = [
            name for name in measured if rows > 1 and _is_coordinate(table, points, name, name in abscissae)
        ]
        return cls(
            table=table,
            units={name: attributes["units"].get(name, "") for name in table.columns},
            fixed={name: table[name].iloc[0] for name in conditions if name not in several and len(table)},
            varied=tuple(several),
            coordinates=tuple(along),
            quantities=tuple(
                name
                for name in measured
                if name not in along
                and pd.api.types.is_numeric_dtype(table[name])
                and table[name].notna().any()
            ),
            provenance=attributes.get("provenance", {}),
        )

    def unit(self, column: str) -> str:
        return self.units.get(column, "")

    def show(self, column: str, value: Any) -> str:
        """A value of a column with its unit; a sample with its name, as its number says nothing alone."""
        shown = quantity(value, self.unit(column))
        return f"{words(column)} {shown}" if column == SAMPLE else shown

    def named(self, columns: Sequence[str], values: Sequence[Any]) -> str:
        """``corner ss, temperature 85 °C``."""
        return ", ".join(
            self.show(name, value) if name == SAMPLE else f"{words(name)} {self.show(name, value)}"
            for name, value in zip(columns, values, strict=True)
        )

    def groups(self, columns: Sequence[str]) -> Groups:
        """The rows by the values of some columns; one group of all rows for no columns."""
        if not columns:
            return Groups(self.table, (), np.arange(len(self.table)), np.array([0, len(self.table)]))
        numbers = self.table.groupby(list(columns), sort=False, dropna=False).ngroup().to_numpy()
        order = np.argsort(numbers, kind="stable")
        starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        return Groups(self.table, tuple(columns), order, np.append(starts, len(order)))

    def others(self, *names: str) -> tuple[str, ...]:
        """Varied conditions except these."""
        return tuple(name for name in self.varied if name not in names)


@dataclass(frozen=True)
class Groups(Sequence[tuple[tuple[Hashable, ...], pd.DataFrame]]):
    """Groups of rows with the values they share, each made when it is asked for: there may be 100,000."""

    table: pd.DataFrame
    columns: tuple[str, ...]
    order: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> tuple[tuple[Hashable, ...], pd.DataFrame]:  # pyright: ignore[reportIncompatibleMethodOverride] (no slices)
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = self.table.iloc[self.order[self.starts[index] : self.starts[index + 1]]]
        return tuple(rows[name].iloc[0] for name in self.columns), rows

    def evenly(self, most: int) -> list[tuple[tuple[Hashable, ...], pd.DataFrame]]:
        """At most so many of them, evenly chosen."""
        count = min(most, len(self))
        return [self[index] for index in np.linspace(0, len(self) - 1, count).round().astype(int).tolist()]


def ordered(column: pd.Series) -> list[Any]:
    """Values of a column: numbers rising, words as they come."""
    values = column.drop_duplicates().tolist()
    return sorted(values) if pd.api.types.is_numeric_dtype(column) else values


def _hashable(value: Any) -> Any:
    """Lists and tables as text, which can be compared; text and nothing as they are."""
    return compact(value) if isinstance(value, dict | list | tuple | np.ndarray) else value


def _is_coordinate(table: pd.DataFrame, points: Any, name: str, abscissa: bool) -> bool:
    if not pd.api.types.is_numeric_dtype(table[name]) or abscissa:
        return True
    if points is None:
        return False
    # The same values at every point, as of a sweep: nothing that was measured does that.
    return bool(points[name].nunique().min() == table[name].nunique() > 1)
