"""Reading a user's CSV of measured curves into a validated table in SI units."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cimspice.errors import TableError
from cimspice.files import read_plain
from cimspice.fit.measured_header import Headers, Read, could_be, read_header, split_header
from cimspice.fit.measured_text import Line, decimal_mark, is_overflow, read_lines, read_number, resolutions
from cimspice.fit.repeats import refuse_mixture
from cimspice.fit.table import RESOLUTION, TableSchema

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
    """Read a CSV file of measured data, as an instrument or a spreadsheet wrote it.

    One line names the columns, each with its unit: ``gate_bias_mV``, ``gate_bias (mV)``, ``gate_bias [mV]``,
    ``gate_bias/mV``; or the next line holds the units; a number column with no unit at all is taken to be in
    SI units. Lines before it that name no column are passed over, and so are lines that start with ``#``.
    Fields are separated by commas, semicolons, tabs or spaces; decimals have a point, or all of them a comma.
    The text is UTF-8, UTF-16 or Windows' code page 1252. Rows in which a number is an instrument's overflow
    (9.91E+37, OVLD) are left out.

    Parameters
    ----------
    path
        The file.
    schema
        The kind of table, for instance :data:`cimspice.fit.table.SYNAPSE`.
    constants
        Columns that the file lacks because they are the same throughout, such as ``{"polarity": "n"}``.
    columns
        Column of the schema -> header of the file that it stands under, where that is another; its number,
        counted from 1, in a file without headers.
    units
        Column of the schema -> its unit in the file, where that does not say it.
    where
        Header (or column of the schema) -> text or number: only rows that have it are read.
    ignore_others
        Leave out columns that the schema does not know, instead of refusing them.

    Returns
    -------
    A table as :meth:`TableSchema.validate` returns it; ``attrs["provenance"]`` has the file's name and
    digest, and the lines that were left out. Rows may repeat a point: they give the noise. The column
    :data:`cimspice.fit.table.RESOLUTION` is added.

    Raises
    ------
    TableError
        Naming file, row (the line number in the file), column, value and remedy.
    """
    path = Path(path)
    try:
        data = read_plain(path, LARGEST_FILE)
    except OSError as error:
        raise TableError(
            f"cannot read the file: {error.strerror}",
            place=str(path),
            remedy="give a CSV file that may be read",
        ) from None
    names = Headers(schema, dict(columns or {}), dict(units or {}), ignore_others)
    read, rows = read_header(read_lines(data, path), names, path)
    if not rows:
        raise TableError(
            "the file has a header but no data", place=str(path), remedy="give at least one row of data"
        )
    rows = [_fitted_to(row, len(read), path) for row in rows]
    rows = _chosen(read, rows, where or {}, path)
    numbers = [k for k, one in enumerate(read) if one.column is not None and one.column.is_number]
    lost = [row.number for row in rows if any(is_overflow(row.cells[k]) for k in numbers)]
    rows = [row for row in rows if row.number not in set(lost)]
    if not rows:
        raise TableError("every row is an overflow", place=str(path), remedy="measure in a wider range")
    frame = {one.name: _column(one, k, rows, path) for k, one in enumerate(read) if one.name}
    table = pd.DataFrame(frame, index=[row.number for row in rows])
    _report_missing(table, schema, constants or {}, read, path)
    for name, value in (constants or {}).items():
        if name in table.columns:
            raise TableError(
                f"{name} is given as a constant and is a column too",
                place=str(path),
                remedy="leave out one of the two",
            )
        table[name] = value
    if schema.measured in table:
        k = next(k for k, one in enumerate(read) if one.name == schema.measured)
        cells = [row.cells[k] for row in rows]
        values = (table[schema.measured].to_numpy() - read[k].offset) / read[k].factor
        table[RESOLUTION] = resolutions(cells, values) * read[k].factor
    table.attrs["provenance"] = {
        "measured_file": path.name,
        "measured_file_digest": hashlib.sha256(data).hexdigest(),
        **({"overflow_rows": lost} if lost else {}),
    }
    table.attrs["measured"] = True
    others = {one.header: [row.cells[k] for row in rows] for k, one in enumerate(read) if not one.name}
    refuse_mixture(table, others, schema, str(path))
    return schema.validate(table, str(path))


def _column(read: Read, k: int, rows: Sequence[Line], path: Path) -> list[float] | list[str]:
    """SI numbers or words of a column."""
    cells = [row.cells[k] for row in rows]
    if read.column is None or not read.column.is_number:
        return cells
    mark = decimal_mark(cells)
    return [
        read_number(cell, mark, read.column.unit, f"{path}, row {row.number}, column {read.name!r}")
        * read.factor
        + read.offset
        for cell, row in zip(cells, rows, strict=True)
    ]


def _fitted_to(row: Line, width: int, path: Path) -> Line:
    """The row without the empty cells that a separator at its end makes."""
    cells = row.cells[:width] if not any(row.cells[width:]) else row.cells
    if len(cells) != width:
        raise TableError(
            f"{len(cells)} values for {width} columns: {','.join(cells)!r}",
            place=f"{path}, row {row.number}",
            remedy="give one value per column; if decimals are written with a comma, separate the values "
            "with semicolons",
        )
    return Line(row.number, cells, row.comment)


def _chosen(read: Sequence[Read], rows: list[Line], where: Mapping[str, str], path: Path) -> list[Line]:
    """The rows that have the wanted values."""
    known = {
        key: k for k, one in enumerate(read) for key in (split_header(one.header)[0], one.name, one.header)
    }
    for name, wanted in where.items():
        if name not in known:
            raise TableError(
                f"there is no column {name!r} to choose rows by",
                place=str(path),
                remedy=f"the file has {', '.join(one.header for one in read)}",
            )
        at = known[name]
        mark = decimal_mark([row.cells[at] for row in rows])
        kept = [row for row in rows if _same(row.cells[at], wanted, mark)]
        if not kept:
            present = list(dict.fromkeys(row.cells[at] for row in rows))[:8]
            raise TableError(
                f"no row has {name} = {wanted}", place=str(path), remedy=f"it has {', '.join(present)}"
            )
        rows = kept
    return rows


def _same(cell: str, wanted: str, mark: str) -> bool:
    try:
        return read_number(cell, mark, "", "") == float(wanted)
    except ValueError:
        return cell == wanted


def _report_missing(
    table: pd.DataFrame,
    schema: TableSchema,
    constants: Mapping[str, object],
    read: Sequence[Read],
    path: Path,
) -> None:
    """Refuse a file that lacks a column; say which of its others could be it."""
    for name, column in schema.columns.items():
        if not column.required or name in table.columns or name in constants:
            continue
        others = [one.header for one in read if not one.name]
        likely = [cell for cell in others if could_be(cell, column)]
        could = f": it could be {', '.join(map(repr, likely[:5]))} (--column {name}=...)" if likely else ""
        raise TableError(
            f"the {schema.name} table lacks the column {name!r}{could}",
            place=str(path),
            remedy=f"add it{f' in {column.unit}' if column.unit else ''}; "
            f"{'' if column.is_number else f'with one value for all rows: --option {name}=...; '}"
            f"the file has {', '.join(one.header for one in read)}",
        )
