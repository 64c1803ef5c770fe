"""Fit a model that was named to a table or to a measured file, as a command or a card asks for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.errors import ParameterError, TableError
from cimspice.fit.card import ModelCard
from cimspice.fit.fit import Fit
from cimspice.fit.measured import read_measured
from cimspice.fit.named import Recipe, recipe
from cimspice.fit.noise import BY_COLUMN, WEIGHTINGS
from cimspice.fit.prepare import prepare
from cimspice.fit.repeats import noise
from cimspice.fit.table import DEVIATION, TableSchema

_CONDITIONS = ("corner", "temperature", "order", "polarity", "edge")


@dataclass(frozen=True)
class FitOptions:
    """How a table is read and fitted, as options of ``cimspice fit`` say."""

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    """``columns``, ``units``, ``where``: the model's column -> the table's; column -> its unit; column -> the
    value that rows must have."""
    options: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    """``options``, ``fixed``: of the model's own fit; parameters that are not fitted (SI), all as text."""
    weight: str = ""
    """``absolute``, ``relative``, a column of standard deviations, or nothing."""

    def read(
        self, source: Path, schema: TableSchema, constants: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """A measured file in the form of a schema. TableError with file, row, column, value and remedy."""
        return read_measured(
            source,
            schema,
            constants=constants,
            columns=self.columns,
            units=self.units,
            where=self.where,
            ignore_others=True,
        )

    def read_unfitted(
        self, source: Path, schema: TableSchema, constants: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The same of values that are taken as they are; refuses what only a fit can follow.

        ParameterError or TableError for options of a fit, and as :meth:`read`.
        """
        given = {"--option": self.options, "--fix": self.fixed, "--weight": self.weight}
        for name, value in given.items():
            if value:
                raise ParameterError(
                    "the measured values are taken as they are", place=name, remedy="leave it out"
                )
        return self.read(source, schema, constants)


@dataclass(frozen=True)
class TableFit:
    """A fit with the table that it was made from, as the model's schema says."""

    recipe: Recipe
    table: pd.DataFrame
    fit: Fit[Any]
    card: ModelCard


def fit_measured(source: Path, model: str, given: FitOptions, table: pd.DataFrame | None = None) -> TableFit:
    """Fit a model of this kind to a measured file, or to a ``table`` that was read from ``source``.

    TableError, ParameterError or FitError with file, row or column, value and remedy.
    """
    known = recipe(model)
    held = {name: _number(name, text) for name, text in given.fixed.items()}
    weighting, schema, columns = given.weight, known.schema, given.columns
    if weighting and weighting not in WEIGHTINGS:
        weighting, schema, columns = BY_COLUMN, schema.with_deviation(), {**columns, DEVIATION: weighting}
    _check_columns("--column", columns, known)
    _check_columns("--unit", given.units, known)
    constants, options = split(known, given.options)
    options = known.read_options(options)
    if table is None:
        table = replace(given, columns=columns).read(source, schema, constants)
    else:
        table = prepare(
            table, schema, columns=columns, where=given.where, constants=constants, place=str(source)
        )
    origin = {**given.where, "columns": dict(columns)}
    return fit_table(known, table, origin, options, source, fixed=held, weighting=weighting)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"{name} = {text!r} is not a number", place="--fix", remedy="in SI units")
    return value


def words(known: Recipe) -> tuple[str, ...]:
    """Columns of words that a model's table has, such as ``polarity``."""
    return tuple(name for name, column in known.schema.columns.items() if not column.is_number)


def split(known: Recipe, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options that stand for a column of one word, and those of the model's own fit."""
    columns = words(known)
    given = {name: value for name, value in options.items() if name in columns}
    return given, {name: value for name, value in options.items() if name not in columns}


def _check_columns(option: str, given: Mapping[str, str], known: Recipe) -> None:
    for name in given:
        if name not in (*known.schema.columns, DEVIATION):
            raise ParameterError(
                f"{known.kind} has no column {name!r}",
                place=option,
                remedy=f"it has {', '.join(known.schema.columns)}",
            )


def fit_table(
    known: Recipe,
    table: pd.DataFrame,
    origin: Mapping[str, Any],
    options: Mapping[str, Any],
    place: object,
    *,
    fixed: Mapping[str, float] | None = None,
    weighting: str = "",
) -> TableFit:
    """Fit a table in the form of the model's schema; ``origin`` is added to the card's provenance."""
    _refuse_constant(known, table, place)
    table = known.completed(table)
    conditions = {name: _only(table, name) for name in _CONDITIONS if name in table}
    given = {name: value for name, value in conditions.items() if value is not None}
    fit = known.fit(table, given, options, fixed=fixed, weighting=weighting)
    stated = {name: value for name, value in {**origin, **conditions}.items() if value is not None}
    stated |= {"fixed": dict(fixed)} if fixed else {}
    repeats = (
        noise(table, known.schema) if table.attrs.get("measured") and not known.schema.numbered else None
    )
    stated |= {"noise": repeats} if repeats else {}
    stated |= {"samples": table.attrs["samples"]} if "samples" in table.attrs else {}
    return TableFit(known, table, fit, ModelCard.from_fit(fit, stated))


def _only(table: pd.DataFrame, name: str) -> Any:
    values = table[name].unique().tolist()
    return values[0] if len(values) == 1 else None


def _refuse_constant(known: Recipe, table: pd.DataFrame, place: object) -> None:
    """A table in which what is fitted does not vary says nothing about a law of several parameters."""
    for name, column in known.schema.columns.items():
        if name not in table or not column.is_number or column.coordinate or len(table) < 3:
            continue
        if table[name].nunique() == 1 and name != "threshold":
            raise TableError(
                f"column {name!r} is {table[name].iloc[0]:g} in all {len(table)} rows",
                place=str(place),
                remedy="take another column (--column), or other rows (--where)",
            )
