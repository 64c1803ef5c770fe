"""A user's own weights: NumPy archives and arrays, and CSV."""

from __future__ import annotations

import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from cimspice.crossbar.programming.networks import Layer, Network, random_inputs
from cimspice.errors import TableError
from cimspice.files import open_plain

_LARGEST_FILE = 8 * 2**30
_LARGEST_CSV = 2**30
_REMEDY = (
    "give .npz, .npy or .csv with matrices (outputs, inputs) or kernels (channels out, channels in, ...)"
)


def network_from_file(path: Path, seed: int = 0) -> Network:
    """Every array of two or more dimensions is a layer, in the file's order; all axes behind the first are
    inputs. Arrays of fewer dimensions (biases) are left out. A CSV file is one matrix without a header.

    Raises
    ------
    TableError
        If the file cannot be read, has no matrix, or one that is empty or does not hold real numbers. Values
        are checked when a layer is programmed.
    """
    readers = {".npz": _archive, ".npy": _array, ".csv": _text}
    if path.suffix.lower() not in readers:
        raise TableError(f"weights in a {path.suffix or 'nameless'} file", place=str(path), remedy=_REMEDY)
    try:
        with open_plain(path, _LARGEST_CSV if path.suffix.lower() == ".csv" else _LARGEST_FILE):
            pass
        found = readers[path.suffix.lower()](path)
    except OSError as error:
        raise TableError(
            f"cannot read the weights: {error.strerror or error}", place=str(path), remedy=_REMEDY
        ) from None
    except _DAMAGED as error:
        raise TableError(f"not a file of weights: {error}", place=str(path), remedy=_REMEDY) from None
    layers = tuple(
        _layer(name, shape, partial(_finite, name, load, path), (seed, number))
        for number, (name, shape, dtype, load) in enumerate(found)
        if len(shape) >= 2 and _usable(name, shape, dtype, path)
    )
    if not layers:
        names = ", ".join(f"{name} {shape}" for name, shape, *_ in found[:5]) or "no array at all"
        raise TableError(f"no array of two or more dimensions: {names}", place=str(path), remedy=_REMEDY)
    left = [name for name, shape, *_ in found if len(shape) < 2]
    note = f"; left out: {', '.join(left[:5])}{' ...' if len(left) > 5 else ''}" if left else ""
    return Network(
        path.name,
        layers,
        f"the file {path.name}{note}",
        "64 drawn inputs per layer, Gaussian of zero mean",
    )


_DAMAGED = (
    ValueError, EOFError, KeyError, TypeError, RuntimeError, OverflowError, SyntaxError, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
Entry = tuple[str, tuple[int, ...], np.dtype, Callable[[], np.ndarray]]


def _layer(name: str, shape: tuple[int, ...], load: Callable[[], np.ndarray], seed: tuple[int, int]) -> Layer:
    inputs = int(np.prod(shape[1:]))
    return Layer(
        name,
        shape[0],
        inputs,
        lambda: np.asarray(load(), dtype=np.float64).reshape(shape[0], inputs),
        lambda: random_inputs(inputs, "gaussian", (*seed, 1)),
    )


def _usable(name: str, shape: tuple[int, ...], dtype: np.dtype, path: Path) -> bool:
    if min(shape) <= 0 or dtype.kind not in "fiub":
        what = f"holds {dtype}, not real numbers"
        if min(shape) <= 0:
            what = "is empty" if min(shape) == 0 else f"has the shape {shape}"
        raise TableError(f"the array {name!r} {what}", place=str(path), remedy="leave it out of the file")
    return True


def _finite(name: str, load: Callable[[], np.ndarray], path: Path) -> np.ndarray:
    try:
        array = load()
    except (OSError, MemoryError, *_DAMAGED) as error:  # a header may claim what the file does not hold
        raise TableError(
            f"the array {name!r} cannot be read: {error}", place=str(path), remedy=_REMEDY
        ) from None
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = ", ".join(map(str, wrong[0]))
        raise TableError(
            f"the weight at ({place}) of the array {name!r} is {array[tuple(wrong[0])]}",
            place=str(path),
            remedy="give finite weights only",
        )
    return array


def _array(path: Path) -> list[Entry]:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return [(path.stem, array.shape, array.dtype, lambda: np.load(path, mmap_mode="r", allow_pickle=False))]


def _archive(path: Path) -> list[Entry]:
    """Shapes from the headers alone: an archive may unpack to far more than it takes on disk."""
    entries: list[Entry] = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            name = member.removesuffix(".npy")
            if any(name == known for known, *_ in entries):
                raise ValueError(f"two arrays have the name {name!r}")
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(file)
            entries.append((name, shape, dtype, lambda name=name: _member(path, name)))
    return entries


def _member(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as archive:
        return archive[name]


def _text(path: Path) -> list[Entry]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if b"_" in line:  # 0_5 would be read as 5, as in Python's own numbers
                raise ValueError(f"row {number} has '_', which is in no number")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a file without data, which is refused below
        array = np.loadtxt(path, delimiter=",", ndmin=2, encoding="utf-8-sig", comments=None)
    return [(path.stem, array.shape, array.dtype, lambda: array)]
