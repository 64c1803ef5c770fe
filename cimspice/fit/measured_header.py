"""Headers of a user's CSV: which column each names, and in which unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cimspice.errors import TableError
from cimspice.fit.measured_text import Line
from cimspice.fit.table import Column, TableSchema
from cimspice.fit.units import parse_unit, to_unit

_CLOSING = (")", "]", "}", ">")
_BRACKETS = re.compile(r"\s*[\[({<]\s*(?P<unit>[^\])}>]*?)\s*[\])}>]")
_INDEX = re.compile(r"[\d,;: ]*")
_BREAK = re.compile(r"[_/ .,:;-]+(?:in )?")
_LETTERS = re.compile(r"\A(?:[fpnuµμm][av]|[FPNU][AV])\Z")
"""Units in letters of one size, as data bases write headers; MA and MV are mega."""
_WITHIN = re.compile(r"[_/ .,:;-]+([fpnuµμm][AVS])(?=[_ .,:;-])")


@dataclass(frozen=True)
class Read:
    """A column of the file: its name in the schema ("" of one that is left out), and its unit there."""

    header: str
    name: str = ""
    column: Column | None = None
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Headers:
    """How headers are understood: see :func:`read_measured`."""

    schema: TableSchema
    columns: dict[str, str]
    units: dict[str, str]
    ignore_others: bool

    def name_and_unit(self, cell: str) -> tuple[str | None, str | None]:
        """Column and unit of a header; (None, None) of an unknown one."""
        stem, unit = split_header(cell)
        for name, header in self.columns.items():
            if header in (cell, stem):
                return name, unit
        synonyms = {
            alias: name for name, column in self.schema.columns.items() for alias in (name, *column.names)
        }
        whole = _plain(cell)
        name, unit = (synonyms[whole], None) if whole in synonyms else (synonyms.get(_plain(stem)), unit)
        return (None, None) if name is None or name in self.columns else (name, unit)

    def known(self, cells: Sequence[str]) -> int:
        """How many cells name a column."""
        return sum(self.name_and_unit(cell)[0] is not None for cell in cells)


def split_header(cell: str) -> tuple[str, str | None]:
    """Name and unit of ``Id (uA)``, ``Id [uA]``, ``Id_uA``, ``Id/uA``, ``Id uA``, ``slope_V_per_us``.

    Brackets hold a unit, unless there is only a number in them (``V[1]``); without them a unit is what stands
    behind a break and can be one. More words may follow: ``Id (uA) at 1 V``, ``Id_uA_up``.
    """
    last = ""
    for match in _BRACKETS.finditer(cell):
        if match.start() and not _INDEX.fullmatch(match["unit"]):
            last = match["unit"]
            if _is_unit(last):
                return cell[: match.start()] + cell[match.end() :], last
    text = _BRACKETS.sub(lambda match: match[0] if _INDEX.fullmatch(match["unit"]) else "", cell)
    text = text.replace("_per_", "/")
    for found in _BREAK.finditer(text):
        tail = _LETTERS.sub(lambda unit: unit[0].lower()[:-1] + unit[0][-1].upper(), text[found.end() :])
        if found.start() and tail.strip("()") not in ("m", "1", "%") and _is_unit(tail):
            return text[: found.start()], tail
    within = _WITHIN.search(text)
    if within:
        return text[: within.start()] + text[within.end() :], within[1]
    return (text.strip(), last) if last and cell.rstrip().endswith(_CLOSING) else (cell, None)


def _is_unit(text: str) -> bool:
    return bool(parse_unit(text)) or text in ("degC", "°C")


def find_header(lines: Sequence[Line], names: Headers, path: Path) -> tuple[Line, list[Line]]:
    """The line with the names, and the lines behind it.

    Lines before it, as instruments write them, are passed over: the header is the line before numbers that
    names most columns of the table. Where no line does, it is the first of as many cells as the numbers have.

    TableError if the file has no header and ``names`` does not give the columns' numbers instead.
    """
    best, most = -1, 0
    for k, line in enumerate(lines):
        if line.has_numbers:
            continue
        known = names.known(line.cells)
        below = next((after for after in lines[k + 1 :] if not is_units_row(after)), None)
        fits = below is not None and below.has_numbers and len(below.cells) == len(line.cells) > 1
        if known > most or (best < 0 and fits and not line.comment):
            best, most = k, known
    wanted = names.columns.values()
    if most == 0 and wanted and all(header.isdecimal() for header in wanted):
        rows = [line for line in lines if line.has_numbers and len(line.cells) >= max(map(int, wanted))]
        if rows:
            width = len(rows[0].cells)
            return Line(rows[0].number, [str(k) for k in range(1, width + 1)], False), rows
    if best >= 0:
        return lines[best], [line for line in lines[best + 1 :] if not line.comment]
    first = next((line for line in lines if line.has_numbers), lines[0])
    if not first.has_numbers:
        return first, []
    raise TableError(
        f"the file has no header: it begins with {', '.join(first.cells[:6])}",
        place=f"{path}, row {first.number}",
        remedy="add a line with the columns' names and units, or give the columns by number and their units "
        "(--column current=2 --unit current=uA)",
    )


def read_header(lines: Sequence[Line], names: Headers, path: Path) -> tuple[list[Read], list[Line]]:
    """The file's columns, and the rows of data."""
    schema = names.schema
    header, rows = find_header(lines, names, path)
    cells = header.cells[: max((k for k, cell in enumerate(header.cells, 1) if cell), default=0)]
    place = f"{path}, row {header.number}"
    for name, wanted in names.columns.items():
        if all(names.name_and_unit(cell)[0] != name for cell in cells):
            raise TableError(
                f"there is no column {wanted!r} to take {name!r} from",
                place=place,
                remedy=f"the file has {', '.join(cells)}",
            )
    units: list[str | None] = [None] * len(cells)
    below = next((k for k, line in enumerate(lines) if line is header), -1) + 1
    if 0 < below < len(lines) and is_units_row(lines[below]):
        row = lines[below]
        units = [cell.strip("[]() ") or None for cell in [*row.cells, *[""] * len(cells)][: len(cells)]]
        rows = [line for line in rows if line.cells != row.cells]
    rows = [line for line in rows if line.cells != header.cells]  # written anew before each sweep
    columns: list[Read] = []
    for cell, unit_below in zip(cells, units, strict=True):
        name, unit = names.name_and_unit(cell)
        if name is None and names.ignore_others:
            columns.append(Read(cell))
            continue
        if name is None:
            raise TableError(
                f"unknown column {cell!r}",
                place=place,
                remedy=f"remove or rename it; a {schema.name} table has {_expected(schema)}",
            )
        if any(name == known.name for known in columns):
            raise TableError(f"column {name!r} appears twice", place=place, remedy="remove one of the two")
        column = schema.columns[name]
        if unit and unit_below and parse_unit(unit) != parse_unit(unit_below) and name not in names.units:
            raise TableError(
                f"column {name!r} has two units, {unit!r} in its name and {unit_below!r} below it",
                place=place,
                remedy="keep one",
            )
        unit = names.units.get(name, unit or unit_below)
        columns.append(Read(cell, name, column, *_scale(unit, name, column, f"{place}, column {cell!r}")))
    return columns, rows


def could_be(cell: str, column: Column) -> bool:
    """Whether a header's unit, if it has any, is one of the column's."""
    unit = split_header(cell)[1]
    return column.is_number and (unit is None or to_unit(unit, column.unit) is not None)


def is_units_row(line: Line) -> bool:
    """No cell is a number, and at least one is a unit."""
    return not line.has_numbers and any(_is_unit(cell.strip("[]() ")) for cell in line.cells)


def _plain(name: str) -> str:
    return re.sub(r"[ \-.]+", "_", name.strip()).lower()


def _scale(unit: str | None, name: str, column: Column, place: str) -> tuple[float, float]:
    if unit is None or not column.is_number:
        return 1.0, 0.0
    scale = to_unit(unit, column.unit)
    if scale is None:
        raise TableError(
            f"{unit!r} is not a unit of this column",
            place=place,
            remedy=f"use {column.unit}, with a prefix such as m, u, n or p if you like; if {unit!r} is no "
            f"unit, say which it is: --unit {name}={column.unit}",
        )
    return scale


def _expected(schema: TableSchema) -> str:
    return ", ".join(
        f"{name}_{column.unit}" if column.is_number and column.unit.isalpha() else name
        for name, column in schema.columns.items()
    )
