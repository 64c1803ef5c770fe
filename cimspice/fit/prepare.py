"""From any table of simulations to the one that a model is fitted to: columns, rows, samples."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import pandas as pd

from cimspice.errors import TableError
from cimspice.fit.table import TableSchema

SAMPLE = "sample"


def prepare(
    frame: pd.DataFrame,
    schema: TableSchema,
    *,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    place: str = "table",
) -> pd.DataFrame:
    """The rows and columns that a schema asks for.

    Parameters
    ----------
    frame
        In SI units; ``attrs["units"]`` may say which.
    schema
        The columns that are needed. One is also found under its other names.
    columns
        Column of the schema -> column of the frame, where that is another.
    where
        Column of the frame -> value that the rows must have, as a value or as text.
    constants
        Columns of the schema that the frame lacks, because they are the same throughout.
    place
        For messages.

    Returns
    -------
    pandas.DataFrame
        Columns of the schema; of Monte Carlo samples, unless one was chosen, the mean at each point, with
        their number in ``attrs["samples"]``.

    Raises
    ------
    TableError
        A column that is not there (with those that could be it), of another unit, or without rows.
    """
    columns = dict(columns or {})
    chosen = _chosen(frame, where or {}, place)
    found: dict[str, str] = {}
    for name, column in schema.columns.items():
        taken = columns.get(name) or next((own for own in (name, *column.names) if own in frame), None)
        if taken is None or (name not in columns and taken in columns.values()):
            if column.required and name not in (constants or {}):
                raise _lacking(name, schema, frame, place)
            continue
        if taken not in frame:
            raise TableError(
                f"there is no column {taken!r} to take {name!r} from",
                place=place,
                remedy=f"the table has {', '.join(map(str, frame.columns))}",
            )
        _check_unit(name, taken, column.unit, frame, place)
        found[name] = taken
    table = pd.DataFrame({name: chosen[taken] for name, taken in found.items()})
    for name, value in (constants or {}).items():
        if name in found:
            raise TableError(
                f"{name} is given as a constant and is a column too", place=place, remedy="use --where"
            )
        table[name] = value
    table.attrs = dict(frame.attrs)
    return _mean_of_samples(table, chosen, schema)


def _chosen(frame: pd.DataFrame, where: Mapping[str, Any], place: str) -> pd.DataFrame:
    for name, wanted in where.items():
        if name not in frame:
            near = get_close_matches(name, map(str, frame.columns), n=1)
            raise TableError(
                f"there is no column {name!r} to choose rows by"
                + (f", did you mean {near[0]!r}?" if near else ""),
                place=place,
                remedy=f"the table has {', '.join(map(str, frame.columns))}",
            )
        kept = frame[_equal(frame[name], wanted)]
        if kept.empty:
            present = ", ".join(map(str, frame[name].unique()[:8]))
            raise TableError(f"no row has {name} = {wanted}", place=place, remedy=f"it has {present}")
        frame = kept
    return frame


def _equal(values: pd.Series, wanted: Any) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        try:
            return values == float(wanted)
        except (TypeError, ValueError):
            return pd.Series(False, index=values.index)
    return values.astype(str).str.lower() == str(wanted).lower()


def _lacking(name: str, schema: TableSchema, frame: pd.DataFrame, place: str) -> TableError:
    units = frame.attrs.get("units", {})
    column = schema.columns[name]
    likely = [
        str(other)
        for other in frame.columns
        if other not in schema.columns
        and pd.api.types.is_numeric_dtype(frame[other]) == column.is_number
        and _alike(units.get(other, column.unit), column.unit)
    ]
    could = f": it could be {', '.join(map(repr, likely[:5]))} (--column {name}=...)" if likely else ""
    return TableError(
        f"the {schema.name} table lacks the column {name!r}{could}",
        place=place,
        remedy=f"{'' if column.is_number else f'with one value for all rows: --option {name}=...; '}"
        f"the table has {', '.join(map(str, frame.columns))}",
    )


def _check_unit(name: str, taken: str, unit: str, frame: pd.DataFrame, place: str) -> None:
    stored = frame.attrs.get("units", {}).get(taken)
    if stored and unit and not _alike(stored, unit):
        raise TableError(
            f"column {taken!r} is in {stored}, {name!r} is in {unit}",
            place=place,
            remedy=f"take another column: --column {name}=...",
        )


def _alike(one: str, other: str) -> bool:
    return {"degC": "°C"}.get(one, one) == {"degC": "°C"}.get(other, other)


def _mean_of_samples(table: pd.DataFrame, chosen: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    if SAMPLE not in chosen or chosen[SAMPLE].nunique() < 2:
        return table
    keys = [name for name in table if schema.columns[str(name)].coordinate]
    mean = table.groupby(keys, sort=False, as_index=False).mean(numeric_only=True)
    mean.attrs = {**table.attrs, "samples": int(chosen[SAMPLE].nunique())}
    return mean[list(table.columns)]
