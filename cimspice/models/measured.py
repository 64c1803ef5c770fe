"""Reading a user's CSV of measured curves into a validated table in SI units."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cimspice.errors import TableError
from cimspice.files import read_plain
from cimspice.models.measured_header import DECIMAL_COMMA, Headers, could_be, read_header
from cimspice.models.table import Column, TableSchema

LARGEST_FILE = 256 << 20  # bytes


def read_measured(
    path: str | Path,
    schema: TableSchema,
    *,
    constants: Mapping[str, str | float] | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    ignore_others: bool = False,
) -> pd.DataFrame:
    """Read a CSV file of measured data.

    The first line names the columns, each with its unit: ``gate_bias_mV``, ``gate_bias (mV)`` or ``gate_bias
    [mV]``; or the names stand alone and the second line holds the units; a number column with no unit at all
    is taken to be in SI units. Fields are separated by commas, semicolons or tabs, decimals by a point. Lines
    that start with ``#`` are comments.

    Parameters
    ----------
    path
        The file (UTF-8).
    schema
        The kind of table, for instance :data:`cimspice.models.table.SYNAPSE`.
    constants
        Columns that the file lacks because they are the same throughout, such as ``{"polarity": "n"}``.
    columns
        Column of the schema -> header of the file that it stands under, where that is another.
    units
        Column of the schema -> its unit in the file, where that does not say it.
    where
        Header (or column of the schema) -> text or number: only rows that have it are read.
    ignore_others
        Leave out columns that the schema does not know, instead of refusing them.

    Returns
    -------
    A table as :meth:`TableSchema.validate` returns it; ``attrs["provenance"]`` has the file's name and
    digest.

    Raises
    ------
    TableError
        Naming file, row (the line number in the file), column, value and remedy.
    """
    path = Path(path)
    try:
        data = read_plain(path, LARGEST_FILE)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise TableError(
            f"cannot read the file: {error.strerror}",
            place=str(path),
            remedy="give a CSV file that may be read",
        ) from None
    except UnicodeDecodeError as error:
        raise TableError(
            f"byte {error.start} is not UTF-8", place=str(path), remedy="save the file as CSV in UTF-8"
        ) from None
    lines = _lines(text, path)
    names = Headers(schema, dict(columns or {}), dict(units or {}), ignore_others)
    read, rows = read_header(lines, names, path)
    rows = _chosen(lines[0], read, rows, where or {}, path)
    frame = {name: [] for name, _, _ in read if name}
    for line, cells in rows:
        _check_width(cells, read, line, path)
        for cell, (name, factor, column) in zip(cells, read, strict=True):
            if not name:
                continue
            value = _number(cell, factor, column, f"{path}, row {line}, column {name!r}") if factor else cell
            frame[name].append(value)
    if not rows:
        raise TableError(
            "the file has a header but no data", place=str(path), remedy="give at least one row of data"
        )
    table = pd.DataFrame(frame, index=[line for line, _ in rows])
    _tell_missing(table, schema, constants or {}, lines[0][1], read, path)
    for name, value in (constants or {}).items():
        if name in table.columns:
            raise TableError(
                f"{name} is given as a constant and is a column too",
                place=str(path),
                remedy="leave out one of the two",
            )
        table[name] = value
    table.attrs["provenance"] = {
        "measured_file": path.name,
        "measured_file_digest": hashlib.sha256(data).hexdigest(),
    }
    return schema.validate(table, str(path))


def _lines(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that holds something."""
    content = [(k, line) for k, line in enumerate(text.splitlines(), start=1) if line.strip()]
    content = [(k, line) for k, line in content if not line.lstrip().startswith("#")]
    if not content:
        raise TableError("the file is empty", place=str(path), remedy="give a header line and rows of data")
    delimiter = next((mark for mark in (";", "\t") if mark in content[0][1]), ",")
    cells = []
    for k, line in content:
        try:
            cells.append((k, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]))
        except csv.Error as error:
            raise TableError(f"not a line of CSV: {error}", place=f"{path}, row {k}") from None
    return cells


def _chosen(header, read, rows, where: Mapping[str, str], path: Path):
    """The rows that have the wanted values."""
    number, cells = header
    known = {cell: k for k, cell in enumerate(cells)}
    known |= {name: k for k, (name, _, _) in enumerate(read) if name}
    for name, wanted in where.items():
        if name not in known:
            raise TableError(
                f"there is no column {name!r} to choose rows by",
                place=f"{path}, row {number}",
                remedy=f"the file has {', '.join(cells)}",
            )
        at = known[name]
        kept = [(line, row) for line, row in rows if at < len(row) and _same(row[at], wanted)]
        if not kept:
            present = list(dict.fromkeys(row[at] for _, row in rows if at < len(row)))[:8]
            raise TableError(
                f"no row has {name} = {wanted}", place=str(path), remedy=f"it has {', '.join(present)}"
            )
        rows = kept
    return rows


def _same(cell: str, wanted: str) -> bool:
    try:
        return float(cell) == float(wanted)
    except ValueError:
        return cell == wanted


def _tell_missing(table, schema: TableSchema, constants, header, read, path: Path) -> None:
    """Refuse a file that lacks a column; say which of its others could be it."""
    for name, column in schema.columns.items():
        if not column.required or name in table.columns or name in constants:
            continue
        others = [cell for cell, (known, _, _) in zip(header, read, strict=True) if not known]
        likely = [cell for cell in others if could_be(cell, column)]
        could = f": it could be {', '.join(map(repr, likely[:5]))} (--column {name}=...)" if likely else ""
        raise TableError(
            f"the {schema.name} table lacks the column {name!r}{could}",
            place=str(path),
            remedy=f"add it{f' in {column.unit}' if column.unit else ''}; "
            f"{'' if column.is_number else f'with one value for all rows: --option {name}=...; '}"
            f"the file has {', '.join(header)}",
        )


def _number(cell: str, factor: float, column: Column, place: str) -> float:
    try:
        return float(cell) * factor
    except ValueError:
        pass
    if DECIMAL_COMMA.match(cell):
        raise TableError(
            f"{cell!r} has a decimal comma",
            place=place,
            remedy=f"write {cell.replace(',', '.')} with a decimal point",
        )
    what = "the cell is empty" if not cell else f"{cell!r} is not a number"
    raise TableError(what, place=place, remedy=f"write a number in {column.unit}, or leave the row out")


def _check_width(cells, columns, line: int, path: Path) -> None:
    if len(cells) != len(columns):
        raise TableError(
            f"{len(cells)} values for {len(columns)} columns: {','.join(cells)!r}",
            place=f"{path}, row {line}",
            remedy="give one value per column; if decimals are written with a comma, write them with a point",
        )
