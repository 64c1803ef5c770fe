"""Arrays of numbers in files of others: NumPy archives and arrays, safetensors, CSV. Nothing is unpickled."""

from __future__ import annotations

import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from cimspice.documents import parse_json
from cimspice.errors import TableError
from cimspice.files import open_plain

_LARGEST_FILE = 8 * 2**30
_LARGEST_CSV = 2**30
_LARGEST_HEADER = 100 * 2**20
DAMAGED = (
    ValueError, EOFError, KeyError, TypeError, RuntimeError, OverflowError, SyntaxError, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What readers raise of a file that is not what its ending says."""
_SAFE = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "|b1",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class FileArray:
    """An array that a file says it holds; ``read()`` gives it as it is."""

    name: str
    shape: tuple[int, ...]
    kind: str
    place: str
    read: Callable[[], np.ndarray]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(str, self.shape))}{',' if len(self.shape) == 1 else ''})"

    def numbers(self) -> np.ndarray:
        """Its numbers, double precision.

        Raises
        ------
        TableError
            If they cannot be read, are not real, or not finite, or there are none.
        """
        if self.kind not in "fiub" or min(self.shape, default=1) <= 0:
            what = f"has the shape {self.shape}" if self.kind in "fiub" else "does not hold real numbers"
            raise self._refused(what, "leave it out of the file")
        try:
            array = np.asarray(self.read(), dtype=float)
        except (OSError, MemoryError, *DAMAGED) as error:  # a header may claim what the file does not hold
            raise self._refused(f"cannot be read: {error}", "save it again") from None
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            where = ", ".join(map(str, wrong[0]))
            raise self._refused(
                f"is {array[tuple(wrong[0])]} at ({where}), {len(wrong)} of {array.size} are not finite",
                "give finite numbers only",
            )
        return array

    def _refused(self, what: str, remedy: str) -> TableError:
        return TableError(f"the array {self.name!r} {what}", place=self.place, remedy=remedy)


def arrays_in(path: str | Path) -> tuple[FileArray, ...]:
    """Arrays of an .npz, .npy, .safetensors or .csv file in its order, by their headers alone.

    A CSV file is one array of two axes, without a header.

    Raises
    ------
    TableError
        If the file cannot be read or is of another kind.
    """
    path = Path(path)
    readers = {".npz": _archive, ".npy": _array, ".csv": _text, ".safetensors": _safetensors}
    ending = path.suffix.lower()
    remedy = f"give {', '.join(readers)}"
    if ending not in readers:
        raise TableError(f"arrays in a {ending or 'nameless'} file", place=str(path), remedy=remedy)
    try:
        with open_plain(path, _LARGEST_CSV if ending == ".csv" else _LARGEST_FILE):
            pass
        found = readers[ending](path)
    except OSError as error:
        raise TableError(
            f"cannot read the arrays: {error.strerror or error}", place=str(path), remedy=remedy
        ) from None
    except DAMAGED as error:
        raise TableError(f"not a file of arrays: {error}", place=str(path), remedy=remedy) from None
    return tuple(found)


def _array(path: Path) -> list[FileArray]:
    def read() -> np.ndarray:
        return np.load(path, mmap_mode="r", allow_pickle=False)

    array = read()
    return [FileArray(path.stem, array.shape, array.dtype.kind, str(path), read)]


def _archive(path: Path) -> list[FileArray]:
    """Shapes from the headers alone: an archive may unpack to far more than it takes on disk."""
    entries: list[FileArray] = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            name = member.removesuffix(".npy")
            if any(name == known.name for known in entries):
                raise ValueError(f"two arrays have the name {name!r}")
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(file)
            if prod(shape) * dtype.itemsize > min(archive.getinfo(member).file_size, _LARGEST_FILE):
                raise ValueError(f"the array {name!r} says {shape}, which it does not hold")
            entries.append(
                FileArray(name, shape, dtype.kind, str(path), lambda name=name: _member(path, name))
            )
    return entries


def _member(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as archive:
        return archive[name]


def _safetensors(path: Path) -> list[FileArray]:
    """The format's own header: a length, JSON with type, shape and place of each array, then the numbers."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _LARGEST_HEADER):
            raise ValueError(f"its header says a length of {length} bytes")
        header = parse_json(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    entries = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, shape = np.dtype(_SAFE[entry["dtype"]]), tuple(entry["shape"])
        first, last = (8 + length + int(offset) for offset in entry["data_offsets"])
        known = all(isinstance(axis, int) and axis >= 0 for axis in shape)
        if not known or last > size or first < 8 + length or last - first != prod(shape) * dtype.itemsize:
            raise ValueError(f"the array {name!r} says {shape}, which it does not hold")
        brain = entry["dtype"] == "BF16"

        def read(
            first: int = first, dtype: np.dtype = dtype, shape: tuple[int, ...] = shape, brain: bool = brain
        ) -> np.ndarray:
            array = np.fromfile(path, dtype, prod(shape), offset=first)
            if brain:  # the upper half of a single
                array = (array.astype(np.uint32) << 16).view(np.float32)
            return array.reshape(shape)

        entries.append(FileArray(name, shape, "f" if brain else dtype.kind, str(path), read))
    return entries


def _text(path: Path) -> list[FileArray]:
    array = csv_numbers(path)
    return [FileArray(path.stem, array.shape, array.dtype.kind, str(path), lambda: array)]


def csv_numbers(path: Path, skipped: int = 0) -> np.ndarray:
    """Rows of a CSV file behind the first ``skipped``; ValueError for what is no number."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if b"_" in line and number > skipped:  # 0_5 would be read as 5, as in Python's own numbers
                raise ValueError(f"row {number} has '_', which is in no number")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a file without data, which is refused later
        return np.loadtxt(path, delimiter=",", ndmin=2, encoding="utf-8-sig", comments=None, skiprows=skipped)
