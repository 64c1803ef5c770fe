"""Tables that models are fitted on: which columns, in which units, within which plausible bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cimspice.errors import TableError

RESOLUTION, DEVIATION = "standard deviation of digits", "standard deviation given"
"""Columns of a measured table of any kind, in the unit of what is measured: that of rounding to the digits it
is written with, and that which the user gave."""
_NAME = re.compile(r"[^\W_][\w .:/()+-]{0,99}\Z")
"""A word of a table. It begins with a letter or digit: as a formula it does nothing in a spreadsheet."""


@dataclass(frozen=True)
class Column:
    """One column: ``unit`` (SI) and plausible bounds of a number, or the ``choices`` of a word.

    The bounds are wide; they exist to catch a column in millivolts that says volts. ``names`` are other
    headers accepted in a user's file.
    """

    unit: str = ""
    low: float = -np.inf
    high: float = np.inf
    choices: tuple[str, ...] = ()
    required: bool = True
    coordinate: bool = True
    names: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        return bool(self.unit)


@dataclass(frozen=True)
class TableSchema:
    """The columns of a kind of table. Rows with equal coordinates are duplicates.

    A measured table may have them, as repeats; where ``numbered``, every row is one of its own there too.
    """

    name: str
    columns: Mapping[str, Column]
    numbered: bool = False

    @property
    def measured(self) -> str:
        """The column that a fit explains: the first that is no coordinate."""
        return next((name for name, one in self.columns.items() if one.is_number and not one.coordinate), "")

    def with_deviation(self) -> TableSchema:
        """The same with the column of standard deviations."""
        unit = self.columns[self.measured].unit
        return replace(self, columns={**self.columns, DEVIATION: _deviation(unit)})

    def validate(self, frame: pd.DataFrame, source: str = "table", *, strict: bool = True) -> pd.DataFrame:
        """A copy of ``frame`` with the known columns, checked and in SI units (float64).

        ``strict`` refuses unknown columns, as in a user's file, where they are mostly misspelt ones;
        otherwise they are left out (a column that distinguishes rows then shows as duplicated points).

        Raises
        ------
        TableError
            Missing or unknown column, text, NaN, infinity, implausible size, unknown word, no rows,
            duplicated points; the message names the row (by its index label), column, value and remedy.
        """
        if frame.empty:
            raise TableError(
                f"the {self.name} table has no rows", place=source, remedy="give at least one row of data"
            )
        columns = {**self.columns, **dict.fromkeys((RESOLUTION, DEVIATION), _deviation("1"))}
        unknown = [str(column) for column in frame.columns if column not in columns]
        if unknown and strict:
            raise TableError(
                f"unknown column {unknown[0]!r} in the {self.name} table",
                place=source,
                remedy=f"remove or rename it; known columns are {', '.join(self.columns)}",
            )
        checked = {}
        for name, column in columns.items():
            if name in frame.columns:
                check = self._numbers if column.is_number else self._words
                checked[name] = check(name, column, frame[name], source)
            elif column.required:
                raise TableError(
                    f"the {self.name} table lacks the column {name!r}",
                    place=source,
                    remedy=f"add it{f' in {column.unit}' if column.unit else ''}; "
                    f"the table has {', '.join(map(str, frame.columns))}",
                )
        result = pd.DataFrame(checked)
        result.attrs.update(frame.attrs)
        if self.numbered or not frame.attrs.get("measured"):
            self._refuse_duplicates(result, frame.index, source)
        return result

    def rows(self, frame: pd.DataFrame, **wanted: float | str | None) -> pd.DataFrame:
        """The validated rows of one condition: those where each named column has the wanted value.

        A wanted value of None means that the column, if there is one, must hold a single value: data of two
        corners must never be mixed silently.
        """
        source = f"{self.name} table"
        frame = self.validate(frame, source, strict=False)
        for name, value in wanted.items():
            if name not in frame.columns:
                continue
            present = list(pd.unique(frame[name]))
            if value is None and len(present) > 1:
                raise TableError(
                    f"the table holds several values of {name}: {', '.join(map(str, present))}",
                    place=source,
                    remedy=f"say which one to fit: {name}={present[0]!r}",
                )
            if value is not None:
                frame = frame.loc[frame[name] == value]
                if frame.empty:
                    raise TableError(
                        f"the table has no rows with {name} = {value!r}",
                        place=source,
                        remedy=f"it has {', '.join(map(str, present))}",
                    )
        return frame

    def _numbers(self, name: str, column: Column, values: pd.Series, source: str) -> np.ndarray:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        for row in np.flatnonzero(~np.isfinite(numbers)).tolist():
            raise TableError(
                f"{values.iloc[row]} is not a finite number",
                place=f"{source}, row {values.index[row]}, column {name!r}",
                remedy="correct the value or leave the row out",
            )
        for row in np.flatnonzero((numbers < column.low) | (numbers > column.high)).tolist():
            raise TableError(
                f"{numbers[row]:.6g} {column.unit} is outside {column.low:g} to {column.high:g}",
                place=f"{source}, row {values.index[row]}, column {name!r}",
                remedy=f"check the unit: the column is in {column.unit}",
            )
        return numbers

    def _words(self, name: str, column: Column, values: pd.Series, source: str) -> np.ndarray:
        words = values.to_numpy(dtype=object)
        for row, word in enumerate(words):
            known = isinstance(word, str) and (
                word in column.choices if column.choices else _NAME.match(word)
            )
            if not known:
                allowed = ", ".join(column.choices) if column.choices else "a name of letters and digits"
                raise TableError(
                    f"{word!r} is not {'one of ' if column.choices else ''}{allowed}",
                    place=f"{source}, row {values.index[row]}, column {name!r}",
                    remedy=f"write {allowed}",
                )
        return words

    def _refuse_duplicates(self, frame: pd.DataFrame, labels: pd.Index, source: str) -> None:
        keys = [name for name in frame.columns if name in self.columns and self.columns[name].coordinate]
        repeated = frame.duplicated(keys, keep=False).to_numpy()
        if repeated.any():
            second = int(np.flatnonzero(frame.duplicated(keys).to_numpy())[0])
            same = (frame[keys] == frame[keys].iloc[second]).all(axis=1).to_numpy()
            first = int(np.flatnonzero(same)[0])
            point = ", ".join(f"{key} = {frame[key].iloc[second]}" for key in keys)
            raise TableError(
                f"the point {point} appears twice",
                place=f"{source}, rows {labels[first]} and {labels[second]}",
                remedy="choose one of them, average them, or split them into several tables",
            )


def _deviation(unit: str) -> Column:
    return Column(unit=unit, low=0.0, required=False, coordinate=False)


def _voltage(*names: str, coordinate: bool = True) -> Column:
    return Column(unit="V", low=-20.0, high=20.0, names=names, coordinate=coordinate)


_GATE = _voltage("gate_voltage", "vg", "v_g", "vgs", "v_gs")
_DRAIN = _voltage("drain_voltage", "vd", "v_d", "vds", "v_ds")
_CURRENT = Column(
    unit="A", low=-1.0, high=1.0, names=("drain_current", "id", "i_d", "ids", "i_ds"), coordinate=False
)
_POLARITY = Column(choices=("n", "p"))
_CONDITIONS = {
    "corner": Column(required=False),
    "temperature": Column(unit="degC", low=-273.15, high=500.0, required=False),
}
ORDERS = ("memory_at_membrane", "selector_at_membrane")

SYNAPSE = TableSchema(
    "synapse",
    {
        "polarity": _POLARITY,
        "order": Column(choices=ORDERS, required=False),
        "gate_bias": _GATE,
        "membrane_voltage": _DRAIN,
        "current": _CURRENT,
        **_CONDITIONS,
    },
)
GATE_LAW = TableSchema(
    "gate_law",
    {
        **SYNAPSE.columns,
        "polarity": replace(_POLARITY, required=False),
        "membrane_voltage": replace(_DRAIN, required=False),
    },
)
CAPACITANCE = TableSchema(
    "capacitance",
    {
        "membrane_voltage": _voltage(),
        "capacitance": Column(unit="F", low=0.0, high=1e-6, coordinate=False),
        **_CONDITIONS,
    },
)
DISCHARGER = TableSchema(
    "discharger",
    {
        "membrane_voltage": _DRAIN,
        "current": _CURRENT,
        **_CONDITIONS,
    },
)
COMPARATOR = TableSchema(
    "comparator",
    {
        "slope": Column(unit="V/s", low=0.0, high=1e12),
        "delay": Column(unit="s", low=-1.0, high=1.0, coordinate=False),
        "threshold": _voltage(coordinate=False),
        **_CONDITIONS,
    },
)
INJECTION = TableSchema(
    "injection",
    {
        "polarity": _POLARITY,
        "gate_bias": _GATE,
        "membrane_voltage": _voltage(),
        "edge": Column(choices=("on", "off")),
        "charge": Column(unit="C", low=-1e-6, high=1e-6, coordinate=False),
        **_CONDITIONS,
    },
)
TRACE = TableSchema(
    "trace",
    {
        "time": Column(unit="s", low=-1e3, high=1e3),
        "membrane_voltage": _voltage(coordinate=False),
        **_CONDITIONS,
    },
)
SCHEMAS = {
    schema.name: schema
    for schema in (SYNAPSE, GATE_LAW, CAPACITANCE, DISCHARGER, COMPARATOR, INJECTION, TRACE)
}
"""Every schema by its name."""
