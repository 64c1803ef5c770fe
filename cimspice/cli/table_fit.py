"""What ``cimspice fit`` does to any table: read it, fit a model that was named, keep card and figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.campaign.load import read_run, read_table
from cimspice.cli.output import console, print_json
from cimspice.errors import ParameterError, TableError
from cimspice.files import write_atomically
from cimspice.models import Fit, ModelCard, read_measured
from cimspice.models.named import Recipe, recipe
from cimspice.models.prepare import prepare

_CONDITIONS = ("corner", "temperature", "order", "polarity", "edge")


@dataclass(frozen=True)
class TableFit:
    """A fit with the table that it was made from, as the model's schema says."""

    recipe: Recipe
    table: pd.DataFrame
    fit: Fit[Any]
    card: ModelCard


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """``["a=b"]`` as a mapping.

    Raises
    ------
    ParameterError
        If a text is not key=value, or a key stands twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals and value) or key in found:
            raise ParameterError(
                f"{text!r} is not {'given once' if key in found else 'key=value'}",
                place=option,
                remedy=f"write {option} key=value, each key once",
            )
        found[key] = value
    return found


def fit_source(
    source: Path,
    model: str,
    *,
    columns: Mapping[str, str],
    units: Mapping[str, str],
    where: Mapping[str, str],
    options: Mapping[str, str],
) -> TableFit:
    """Fit a run folder, its ``table.parquet`` or a CSV file.

    Raises
    ------
    TableError, ParameterError, FitError
        With file, row or column, value and remedy.
    """
    known = recipe(model)
    _check_columns("--column", columns, known)
    _check_columns("--unit", units, known)
    given, options = split(known, options)
    options = known.read_options(options)
    if source.is_dir() or source.suffix == ".parquet":
        if units:
            raise ParameterError(
                "a run's table is in SI units already", place="--unit", remedy="leave it out"
            )
        frame = read_run(source).table if source.is_dir() else read_table(source)
        table = prepare(frame, known.schema, columns=columns, where=where, constants=given, place=str(source))
    else:
        table = read_measured(
            source,
            known.schema,
            constants=given,
            columns=columns,
            units=units,
            where=where,
            ignore_others=True,
        )
    return fit_table(known, table, {**where, "columns": dict(columns)}, options, source)


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
        if name not in known.schema.columns:
            raise ParameterError(
                f"{known.kind} has no column {name!r}",
                place=option,
                remedy=f"it has {', '.join(known.schema.columns)}",
            )


def fit_table(
    known: Recipe, table: pd.DataFrame, origin: Mapping[str, Any], options: Mapping[str, Any], place: object
) -> TableFit:
    """Fit a table in the form of the model's schema; ``origin`` is added to the card's provenance."""
    _refuse_constant(known, table, place)
    conditions = {name: _only(table, name) for name in _CONDITIONS if name in table}
    fit = known.fit(table, {name: value for name, value in conditions.items() if value is not None}, options)
    told = {name: value for name, value in {**origin, **conditions}.items() if value is not None}
    told |= {"samples": table.attrs["samples"]} if "samples" in table.attrs else {}
    return TableFit(known, table, fit, ModelCard.from_fit(fit, told))


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


def write(result: TableFit, card: Path) -> dict[str, Path]:
    """The model card, and a figure of table, model and residuals beside it."""
    from cimspice.report.named_fit_figure import draw_named_fit

    result.card.save(card)
    files = {"card": card}
    files["png"] = write_atomically(
        card.with_suffix(".png"), lambda path: draw_named_fit(result.card, result.table, result.fit, path)
    )
    return files


def show(result: TableFit, files: Mapping[str, Path], *, as_json: bool) -> None:
    """Parameters with intervals, residual and ranges; or all of it as JSON."""
    fit = result.fit
    if as_json:
        print_json(
            {
                "model": result.recipe.kind,
                "rows": len(result.table),
                "parameters": {name: estimate.as_dict() for name, estimate in fit.estimates.items()},
                "identifiable": fit.identifiable,
                "residual": vars(fit.residual),
                "ranges": {name: vars(seen) for name, seen in fit.model.ranges.items()},
                "provenance": result.card.provenance,
                "files": dict(files),
            }
        )
        return
    screen = console()
    screen.print(f"{result.recipe.kind}: {result.recipe.title}", markup=False)
    for name, estimate in fit.estimates.items():
        screen.print(f"  {name} = {estimate}", markup=False)
    left = fit.residual
    screen.print(
        f"residual: rms {left.rms:.4g} {left.unit}, largest {left.maximum:.4g}; {left.percent:.3g} % of the "
        f"{left.full_scale}; {left.observations} observations",
        markup=False,
    )
    seen = "; ".join(f"{name} {known}" for name, known in fit.model.ranges.items())
    screen.print(f"fitted on: {seen}", markup=False)
    if "samples" in result.card.provenance:
        screen.print(f"each row is the mean of {result.card.provenance['samples']} samples", markup=False)
    for path in files.values():
        screen.print(f"  {path}", markup=False)
