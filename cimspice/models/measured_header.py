"""Headers of a user's CSV: which column each names, and in which unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cimspice.errors import TableError
from cimspice.models.table import Column, TableSchema

_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_PREFIXES |= {"µ": 1e-6, "μ": 1e-6}  # the micro sign and the Greek letter
_HEADER = re.compile(r"^\s*(?P<name>.+?)\s*[\[(]\s*(?P<unit>[^\])]*)\s*[\])]\s*$")
DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+([eE][+-]?\d+)?$")


@dataclass(frozen=True)
class Headers:
    """How headers are understood: see :func:`read_measured`."""

    schema: TableSchema
    columns: dict[str, str]
    units: dict[str, str]
    ignore_others: bool

    def name_and_unit(self, cell: str) -> tuple[str | None, str | None]:
        """Column and unit of a header; (None, None) of an unknown one."""
        for name, header in self.columns.items():
            match = _HEADER.match(cell)
            if cell == header or (match and match["name"] == header):
                return name, match["unit"].strip() or None if match else None
        name, unit = _name_and_unit(cell, self.schema)
        return (None, None) if name in self.columns else (name, unit)


def read_header(lines, names: Headers, path: Path):
    """Columns as (name, factor to SI or None for words, column), an ignored one as ("", None, None), and the
    rows of data.
    """
    schema = names.schema
    number, header = lines[0]
    for name, wanted in names.columns.items():
        if all(names.name_and_unit(cell)[0] != name for cell in header):
            raise TableError(
                f"there is no column {wanted!r} to take {name!r} from",
                place=f"{path}, row {number}",
                remedy=f"the file has {', '.join(header)}",
            )
    rows = lines[1:]
    units: list[str | None] = [None] * len(header)
    if rows and _is_units_row(rows[0][1], len(header)):
        units, rows = [cell.strip("[]() ") or None for cell in rows[0][1]], rows[1:]
    columns = []
    for cell, unit_below in zip(header, units, strict=True):
        name, unit = names.name_and_unit(cell)
        if name is None and names.ignore_others:
            columns.append(("", None, None))
            continue
        if name is None:
            raise TableError(
                f"unknown column {cell!r}",
                place=f"{path}, row {number}",
                remedy=f"remove or rename it; a {schema.name} table has {_expected(schema)}",
            )
        if any(name == known for known, _, _ in columns):
            raise TableError(
                f"column {name!r} appears twice",
                place=f"{path}, row {number}",
                remedy="remove one of the two",
            )
        column = schema.columns[name]
        if unit and unit_below and unit != unit_below:
            raise TableError(
                f"column {name!r} has two units, {unit!r} in its name and {unit_below!r} below it",
                place=f"{path}, row {number}",
                remedy="keep one",
            )
        unit, unit_below = (names.units[name], None) if name in names.units else (unit, unit_below)
        factor = _factor(unit or unit_below, column, f"{path}, row {number}, column {cell!r}")
        columns.append((name, factor, column))
    return columns, rows


def could_be(cell: str, column: Column) -> bool:
    """Whether a header's unit, if it has any, is one of the column's."""
    match = _HEADER.match(cell)
    unit = match["unit"] if match else cell.rpartition("_")[2]
    split = _split_unit(unit)
    return column.is_number and (split is None or split[0] == column.unit)


def _is_units_row(cells: list[str], width: int) -> bool:
    """No cell is a number, and at least one is a unit."""
    if len(cells) != width or any(_is_number(cell) for cell in cells):
        return False
    return any(_split_unit(cell.strip("[]() ")) is not None for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return bool(DECIMAL_COMMA.match(cell))
    return True


def _name_and_unit(cell: str, schema: TableSchema) -> tuple[str | None, str | None]:
    """Column name (through its synonyms) and unit of a header cell; (None, None) for an unknown one."""
    synonyms = {alias: name for name, column in schema.columns.items() for alias in (name, *column.names)}
    match = _HEADER.match(cell)
    if match:
        name = synonyms.get(match["name"].strip().lower().replace(" ", "_"))
        return (name, match["unit"].strip() or None) if name else (None, None)
    plain = cell.strip().replace(" ", "_")
    if plain.lower() in synonyms:
        return synonyms[plain.lower()], None
    stem, _, unit = plain.rpartition("_")
    if stem.lower() in synonyms and unit:
        return synonyms[stem.lower()], unit
    if stem.lower().endswith("_v_per") and unit:  # slope_V_per_us
        return synonyms.get(stem[: -len("_v_per")].lower()), f"{stem[-5]}/{unit}"
    return None, None


def _split_unit(unit: str) -> tuple[str, float] | None:
    """SI unit and factor of a unit with a prefix, None if it is not one."""
    if unit in ("C", "degC", "°C", "K"):
        return unit, 1.0
    numerator, slash, denominator = unit.partition("/")
    base = numerator[-1:]
    if base not in ("V", "A", "F", "C", "S", "s") or numerator[:-1] not in _PREFIXES:
        return None
    factor = _PREFIXES[numerator[:-1]]
    if not slash:
        return base, factor
    if denominator[-1:] != "s" or denominator[:-1] not in _PREFIXES:
        return None
    return f"{base}/s", factor / _PREFIXES[denominator[:-1]]


def _factor(unit: str | None, column: Column, place: str) -> float | None:
    if not column.is_number:
        return None
    if unit is None:
        return 1.0
    split = _split_unit(unit)
    if split is not None and column.unit == "degC" and split[0] in ("C", "°C", "degC"):
        return 1.0
    if split is None or split[0] != column.unit:
        raise TableError(
            f"{unit!r} is not a unit of this column",
            place=place,
            remedy=f"use {column.unit}, with a prefix such as m, u, n or p if you like",
        )
    return split[1]


def _expected(schema: TableSchema) -> str:
    return ", ".join(
        f"{name}_{column.unit}" if column.is_number and column.unit.isalpha() else name
        for name, column in schema.columns.items()
    )
