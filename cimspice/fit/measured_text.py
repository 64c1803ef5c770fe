"""The text of a measured file as instruments and spreadsheets write it: encoding, separator, numbers."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mode

import numpy as np

from cimspice.errors import TableError

OVERFLOW = 9.9e37
"""Instruments write 9.91E+37 for no value and 9.9E+37 for one beyond the range (SCPI)."""
_OVERFLOW_WORDS = re.compile(
    r"[+-]?(9[.,]9\d*E\+?37|OVLD|OVFL|OVRFLW|O\.?L|OVERFLOW|OVERLOAD|OVERRANGE)", re.I
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.ASCII | re.I)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_COMMENT = re.compile(r"\s*#(?!N/A|(?:NUM|REF|NULL|VALUE|DIV/0)!|NAME\?)")
"""A line that begins with #, unless that is a spreadsheet's error."""
_SEPARATORS = (";", "\t", ",", " ")
_SPACES = re.compile(r"\s+(?![(\[])")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Line:
    """A line that holds something; ``comment`` where it begins with #."""

    number: int
    cells: list[str]
    comment: bool

    @property
    def has_numbers(self) -> bool:
        return not self.comment and any(map(is_number, self.cells))


def read_lines(data: bytes, path: Path) -> list[Line]:
    """The lines of a file that hold something, split into cells.

    TableError for bytes that are no text, an empty file, and a line that is not CSV.
    """
    text = _decode(data, path)
    content = [(k, line) for k, line in enumerate(re.split("\r\n|\r|\n", text), start=1) if line.strip()]
    separator = ""
    if content and (stated := re.fullmatch(r'"?sep=(.)"?', content[0][1].strip("\r\n"), re.I)):
        separator, content = stated[1], content[1:]
    if all(_COMMENT.match(line) for _, line in content):
        raise TableError("the file is empty", place=str(path), remedy="give a header line and rows of data")
    separator = separator or _separator([line for _, line in content], path)
    return [
        Line(k, _split(line.lstrip(" #") if comment else line, separator, f"{path}, row {k}"), comment)
        for k, line in content
        for comment in [bool(_COMMENT.match(line))]
    ]


def _decode(data: bytes, path: Path) -> str:
    """UTF-8, or what a byte order mark or the zeros of UTF-16 say; else the Windows code page 1252."""
    name = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not name and len(data) > 1 and b"\x00" in data[:2]:
        name = "utf-16-be" if data[0] == 0 else "utf-16-le"
    for encoding in (name,) if name else ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            place = error.start
        else:
            if "\x00" not in text:
                return text
            place = len(text[: text.index("\x00")].encode(encoding))
    raise TableError(
        f"byte {place} is not text",
        place=str(path),
        remedy="save the file as CSV, in UTF-8 if you can choose",
    )


def _separator(lines: Sequence[str], path: Path) -> str:
    """The separator that leaves most cells numbers, in lines of as many cells as most have, and of equal ones
    fewest others; without numbers, the first that the file has.
    """
    rows = [line for line in lines if not _COMMENT.match(line)]
    sample = rows[:50] + rows[-50:]
    counts = {}
    for mark in _SEPARATORS:
        split = [row for line in sample if any(map(is_number, row := _split(line, mark, str(path))))]
        width = mode(map(len, split)) if split else 0
        cells = [cell for row in split if len(row) == width > 1 for cell in row]
        numbers = sum(map(is_number, cells))
        counts[mark] = numbers, numbers - sum(map(bool, cells))
    best = max(_SEPARATORS, key=lambda mark: counts[mark])
    present = next((mark for mark in _SEPARATORS[:3] if any(mark in line for line in rows)), ",")
    return best if counts[best][0] else present


def _split(line: str, separator: str, place: str) -> list[str]:
    if separator == " ":
        return _SPACES.split(line.strip())
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise TableError(f"not a line of CSV: {error}", place=place) from None
    return [cell.strip() for cell in cells]


def is_number(cell: str) -> bool:
    """Whether a cell is a number in either spelling of decimals, or an overflow."""
    cell = cell.replace("−", "-")
    return any(form.fullmatch(cell) for form in (_NUMBER, _DECIMAL_COMMA, _OVERFLOW_WORDS))


def is_overflow(cell: str) -> bool:
    """Whether an instrument writes this where it has no value."""
    if _OVERFLOW_WORDS.fullmatch(cell):
        return True
    return bool(_NUMBER.fullmatch(cell)) and OVERFLOW <= abs(float(cell)) < np.inf


def decimal_mark(cells: Sequence[str]) -> str:
    """A comma if numbers are written with it and none with a point."""
    commas = any(_DECIMAL_COMMA.fullmatch(cell.replace("−", "-")) for cell in cells)
    points = any(_NUMBER.fullmatch(cell.replace("−", "-")) and "." in cell for cell in cells)
    return "," if commas and not points else "."


def read_number(cell: str, mark: str, unit: str, place: str) -> float:
    """The number of a cell. TableError for what is no number, such as one with the other decimal mark."""
    text = cell.replace("−", "-")
    if mark == "," and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(text):
        raise TableError(
            f"{cell!r} has a decimal comma, other cells a point",
            place=place,
            remedy=f"write {cell.replace(',', '.')} with a decimal point",
        )
    if _NUMBER.fullmatch(text):
        return float(text)
    what = "the cell is empty" if not cell else f"{cell!r} is not a number"
    raise TableError(what, place=place, remedy=f"write a number in {unit}, or leave the row out")


def resolutions(cells: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Standard deviations of rounding to the digits that a column is written with, in its own unit.

    A column with the same number of decimals throughout has one; any other as many significant digits
    everywhere as in its longest number.
    """
    forms = [re.fullmatch(r"[^\deE]*(\d*)[.,]?(\d*)(?:[eE]([+-]?\d+))?", cell) for cell in cells]
    digits = [(form[1], form[2], form[3]) if form else ("", "", None) for form in forms]
    if len({len(decimals) for _, decimals, _ in digits}) == 1 and all(power is None for *_, power in digits):
        steps = np.full(len(cells), 10.0 ** -len(digits[0][1]))
    else:
        longest = max(len((whole + decimals).lstrip("0")) for whole, decimals, _ in digits)
        size = np.abs(values)
        smallest = np.min(size[size > 0], initial=np.inf)
        steps = 10.0 ** (np.floor(np.log10(np.where(size > 0, size, smallest))) - (longest - 1))
        steps = np.where(np.isfinite(steps), steps, 0.0)
    return steps / np.sqrt(12)
