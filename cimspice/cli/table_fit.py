"""What ``cimspice fit`` does to any table: read it, fit a model that was named, keep card and figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.campaign.load import check_file, read_run, read_table
from cimspice.errors import ParameterError, TableError
from cimspice.files import write_atomically
from cimspice.fit.card import ModelCard
from cimspice.fit.fit import Fit
from cimspice.fit.measured import read_measured
from cimspice.fit.named import Recipe, recipe
from cimspice.fit.noise import BY_COLUMN, WEIGHTINGS
from cimspice.fit.prepare import prepare
from cimspice.fit.repeats import noise
from cimspice.fit.table import DEVIATION
from cimspice.screen.output import console, print_json

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
    fixed: Mapping[str, str] | None = None,
    weight: str = "",
) -> TableFit:
    """Fit a run folder, its ``table.parquet`` or a CSV file.

    Raises
    ------
    TableError, ParameterError, FitError
        With file, row or column, value and remedy.
    """
    known = recipe(model)
    held = {name: _number(name, text) for name, text in (fixed or {}).items()}
    weighting, schema = weight, known.schema
    if weight and weight not in WEIGHTINGS:
        weighting, schema, columns = BY_COLUMN, schema.with_deviation(), {**columns, DEVIATION: weight}
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
        table = prepare(frame, schema, columns=columns, where=where, constants=given, place=str(source))
    else:
        check_file(source)
        table = read_measured(
            source,
            schema,
            constants=given,
            columns=columns,
            units=units,
            where=where,
            ignore_others=True,
        )
    origin = {**where, "columns": dict(columns)}
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
    told = {name: value for name, value in {**origin, **conditions}.items() if value is not None}
    told |= {"fixed": dict(fixed)} if fixed else {}
    repeats = (
        noise(table, known.schema) if table.attrs.get("measured") and not known.schema.numbered else None
    )
    told |= {"noise": repeats} if repeats else {}
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
                "parameters": {name: estimate.as_dict() for name, estimate in fit.figures().items()},
                "identifiable": fit.identifiable,
                "noise": result.card.provenance.get("noise"),
                "residual": vars(fit.residual),
                "ranges": {name: vars(seen) for name, seen in fit.model.ranges.items()},
                "provenance": result.card.provenance,
                "files": dict(files),
            }
        )
        return
    screen = console()
    screen.print(f"{result.recipe.kind}: {result.recipe.title}", markup=False)
    for name, estimate in fit.figures().items():
        screen.print(f"  {name} = {estimate}", markup=False)
    left = fit.residual
    screen.print(
        f"residual: rms {left.rms:.4g} {left.unit}, largest {left.maximum:.4g}; {left.percent:.3g} % of the "
        f"{left.full_scale}; {left.observations} observations",
        markup=False,
    )
    for sentence in _remarks(result.card.provenance):
        screen.print(sentence, markup=False)
    seen = "; ".join(f"{name} {known}" for name, known in fit.model.ranges.items())
    screen.print(f"fitted on: {seen}", markup=False)
    for path in files.values():
        screen.print(f"  {path}", markup=False)


def _remarks(origin: Mapping[str, Any]) -> Iterator[str]:
    """What was done with the rows, where anything was."""
    if lost := origin.get("overflow_rows"):
        shown = ", ".join(map(str, lost[:10])) + (" ..." if len(lost) > 10 else "")
        yield f"left out: {len(lost)} rows with an overflow of the instrument (9.91E+37): row {shown}"
    if found := origin.get("polarity_from"):
        yield f"polarity {origin['polarity']}: by {found}"
    if "current_sign" in origin:
        yield "the currents are negative: their magnitudes were fitted"
    if outside := origin.get("rows_outside_window"):
        yield f"left out: {outside} rows outside the window of membrane voltages"
    if weighting := origin.get("weighting"):
        yield f"noise: {weighting}"
    if found := origin.get("noise"):
        low, high = found["interval"]
        relative = "" if found["relative"] is None else f", {100 * found['relative']:.3g} % of the value"
        yield (
            f"repeats of {found['points']} points: standard deviation of {found['column']} "
            f"{found['standard_deviation']:.4g} [{low:.4g}, {high:.4g}] {found['unit']}{relative}"
        )
    if "samples" in origin:
        yield f"each row is the mean of {origin['samples']} samples"
