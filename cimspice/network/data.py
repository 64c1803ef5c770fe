"""A user's samples for a network: inputs, and labels where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from cimspice.arrays import checked_array
from cimspice.errors import TableError
from cimspice.files import open_plain
from cimspice.network.array_files import DAMAGED, FileArray, arrays_in, csv_numbers
from cimspice.network.graph import Network

_LARGEST_CSV = 2**30
_FORMS = "give .npz with x (or x_test) and, for labels, y (y_test); .npy with inputs; or .csv, a row for each"


@dataclass(frozen=True, eq=False)
class Data:
    """``x`` (samples, *input_shape) and class numbers ``y`` (samples,), or None."""

    x: np.ndarray
    y: np.ndarray | None = None


def load_data(path: str | Path, network: Network) -> Data:
    """Samples from a file, checked against the network.

    ``.npz`` and ``.safetensors`` hold ``x`` and, if labelled, ``y`` (without these ``x_test`` and
    ``y_test``); ``.npy`` inputs alone; ``.csv`` a row for each sample, inputs in the network's order, with a
    header if its last column is the label ``y``. A sample may be given as one row of all its numbers.

    Raises
    ------
    TableError
        For a file that cannot be read, inputs of another width, numbers that are not finite, labels of
        another number than the samples or that are no class of the network.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        x, y = _rows(path)
    else:
        x, y = _arrays(path)
    return Data(_inputs(x, network, path), None if y is None else _labels(y, len(x), network, path))


def load_training_data(path: str | Path, network: Network) -> Data | None:
    """``x_train`` and ``y_train`` of a file with both, checked as of `load_data`; None for other files."""
    path = Path(path)
    if path.suffix.lower() not in (".npz", ".safetensors"):
        return None
    arrays = _by_name(path)
    if not {"x_train", "y_train"} <= arrays.keys():
        return None
    x = _inputs(arrays["x_train"].numbers(), network, path)
    return Data(x, _labels(arrays["y_train"].numbers(), len(x), network, path))


def _by_name(path: Path) -> dict[str, FileArray]:
    """Arrays of a file; ``X_test`` is ``x_test`` where there is none of that name."""
    arrays = arrays_in(path)
    return {array.name.lower(): array for array in arrays} | {array.name: array for array in arrays}


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    arrays = _by_name(path)
    if path.suffix.lower() == ".npy":
        return next(iter(arrays.values())).numbers(), None
    for inputs, labels in (("x", "y"), ("x_test", "y_test")):
        if inputs in arrays:
            return arrays[inputs].numbers(), arrays[labels].numbers() if labels in arrays else None
    shown = ", ".join(map(str, list(arrays.values())[:8])) or "no array at all"
    raise TableError(f"no inputs x: {shown}", place=str(path), remedy=_FORMS)


def _rows(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    try:
        with open_plain(path, _LARGEST_CSV) as file:
            first = [cell.strip() for cell in file.readline().decode("utf-8-sig").split(",")]
        header = not all(map(_is_number, first))
        rows = csv_numbers(path, int(header))
    except OSError as error:
        raise TableError(
            f"cannot read the samples: {error.strerror or error}", place=str(path), remedy=_FORMS
        ) from None
    except DAMAGED as error:
        raise TableError(f"not a table of numbers: {error}", place=str(path), remedy=_FORMS) from None
    wrong = np.argwhere(~np.isfinite(rows))
    if len(wrong) or not rows.size:
        what = f"{rows[tuple(wrong[0])]} in sample {wrong[0][0] + 1}" if len(wrong) else "no samples"
        raise TableError(what, place=str(path), remedy="give finite numbers, a row for each sample")
    if header and first[-1].lower() in ("y", "label"):
        return rows[:, :-1], rows[:, -1]
    return rows, None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _inputs(x: np.ndarray, network: Network, path: Path) -> np.ndarray:
    wanted = network.input_shape
    if x.shape[1:] != wanted and x.shape[1:] != (prod(wanted),):
        flat = f" or ({prod(wanted)},)" if len(wanted) > 1 else ""
        raise TableError(
            f"samples of shape {x.shape[1:]}",
            place=str(path),
            remedy=f"give (samples, ...) with samples of {wanted}{flat}, as {network.name} takes",
        )
    return x.reshape(len(x), *wanted)


def _labels(y: np.ndarray, samples: int, network: Network, path: Path) -> np.ndarray:
    if y.shape not in ((samples,), (samples, 1)):
        raise TableError(
            f"labels of shape {y.shape} for {samples} samples",
            place=str(path),
            remedy="give y as (samples,), the number of the class of each sample",
        )
    classes = prod(network.shapes[network.output])
    try:
        return checked_array(
            "labels", y.reshape(-1), (samples,), low=0, high=classes - 1, whole=True, error=TableError
        )
    except TableError as error:
        raise TableError(
            error.message, place=str(path), remedy=f"{error.remedy}, the class counted from 0"
        ) from None
