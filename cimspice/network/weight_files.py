"""Networks from files of arrays alone: dense layers whose names pair and whose shapes follow one another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from cimspice.errors import TableError
from cimspice.network.array_files import FileArray, arrays_in
from cimspice.network.dense import dense_network
from cimspice.network.graph import Network

_PAIRS = (
    ("weights", "biases"), ("weights", "bias"), ("weight", "bias"), ("coefs", "intercepts"),
    ("coef", "intercept"), ("kernel", "bias"), ("W", "b"), ("w", "b"),
)  # fmt: skip
_OUTPUTS_FIRST, _INPUTS_FIRST = ("weight",), ("coefs", "coef", "kernel")  # as PyTorch; scikit-learn and Keras
_RUNNING = re.compile(r"running_(mean|var)|moving_(mean|variance)")
_REMEDY = (
    "name them in pairs (W1 and b1, coefs_0 and intercepts_0, layer.weight and layer.bias), export the "
    "network as ONNX, or say its layers in a network file (TOML)"
)


def from_arrays(path: str | Path) -> Network:
    """Dense layers from .npz or .safetensors, rectified in between; or one from .npy or .csv, a matrix
    (outputs, inputs).

    Weights are arrays whose names have a part ``W``, ``weight``, ``coefs`` or ``kernel``; their biases those
    with ``b``, ``bias`` or ``intercepts`` in its place. Layers follow by the numbers in their names, else in
    the file's order. Whether matrices are (outputs, inputs) or (inputs, outputs), the same for all, is found
    from shapes that follow one another, or where both ways fit from the names. What was found and supposed is
    in the network's remarks.

    Raises
    ------
    TableError
        If the file cannot be read, if names or shapes do not make a network, or make more than one.
    """
    path = Path(path)
    arrays = arrays_in(path)
    if path.suffix.lower() in (".npy", ".csv"):
        return _one_matrix(path, arrays[0])
    layers = _paired(arrays, path)
    matrices = [weights for weights, _ in layers]
    turned, reason = _orientation(layers, path)
    weights = [array.numbers().T if turned else array.numbers() for array in matrices]
    biases = [None if bias is None else bias.numbers().reshape(-1) for _, bias in layers]
    used = {array.name for pair in layers for array in pair if array is not None}
    left = [str(array) for array in arrays if array.name not in used]
    order = "(inputs, outputs)" if turned else "(outputs, inputs)"
    remarks = [f"matrices are {order}: {reason}"]
    if len(layers) > 1:
        remarks.append("ReLU between the layers and nothing after the last: the file does not say")
    if left:
        remarks.append(f"not taken for layers: {', '.join(left[:8])}{' ...' if len(left) > 8 else ''}")
    return dense_network(
        path.name, weights, biases, f"the file {path.name}", remarks, names=[each.name for each in matrices]
    )


def _one_matrix(path: Path, array: FileArray) -> Network:
    matrix = array.numbers()
    if matrix.ndim != 2:
        raise TableError(
            f"one array of shape {matrix.shape}", place=str(path), remedy="give a matrix (outputs, inputs)"
        )
    remarks = ("one layer without bias, its matrix taken as (outputs, inputs)",)
    return dense_network(path.name, [matrix], [None], f"the file {path.name}", remarks)


def _paired(arrays: Sequence[FileArray], path: Path) -> list[tuple[FileArray, FileArray | None]]:
    """Weights with their biases, in order."""
    by_name = {array.name: array for array in arrays}
    found: list[tuple[FileArray, FileArray | None]] = []
    for array in arrays:
        biases = [bias for bias in _bias_names(array.name) if bias in by_name]
        if _RUNNING.search(array.name) or (_bias_names(array.name) and len(array.shape) != 2):
            raise TableError(
                f"{array} belongs to no dense layer: a convolution or normalisation needs more than arrays",
                place=str(path),
                remedy="export the network as ONNX, or say its layers in a network file (TOML)",
            )
        if _bias_names(array.name):
            found.append((array, by_name[biases[0]] if biases else None))
    if not found:
        shown = ", ".join(map(str, arrays[:8])) or "no array at all"
        raise TableError(f"no weights by their names: {shown}", place=str(path), remedy=_REMEDY)
    numbers = [[int(part) for part in re.findall(r"\d+", weights.name)] for weights, _ in found]
    if all(numbers) and len({len(each) for each in numbers}) == 1:
        found = [found[place] for place in sorted(range(len(found)), key=lambda place: numbers[place])]
    return found


def _bias_names(name: str) -> list[str]:
    """Names of the bias of the weights ``name``; none if they are none."""
    found = []
    for weight, bias in _PAIRS:
        parts = re.split(rf"(?<![A-Za-z]){weight}(?![A-Za-z])", name)
        if len(parts) > 1:
            found.append(weight.join(parts[:-1]) + bias + parts[-1])
    return found


def _orientation(layers: Sequence[tuple[FileArray, FileArray | None]], path: Path) -> tuple[bool, str]:
    """Whether matrices are (inputs, outputs), and why."""
    fits = [all(_follows(layers, turned)) for turned in (False, True)]
    if fits[0] != fits[1]:
        return fits[1], "only so their shapes follow one another"
    shown = ", ".join(f"{weights}{'' if bias is None else f' with {bias}'}" for weights, bias in layers)
    if not any(fits):
        raise TableError(f"shapes that do not follow one another: {shown}", place=str(path), remedy=_REMEDY)
    for turned, words in ((False, _OUTPUTS_FIRST), (True, _INPUTS_FIRST)):
        if all(_named(weights.name, words) for weights, _ in layers):
            return turned, "both ways fit, their names say so"
    raise TableError(
        f"matrices that fit as (outputs, inputs) and as (inputs, outputs): {shown}",
        place=str(path),
        remedy="name them .weight and .bias for (outputs, inputs), coefs_ and intercepts_ for (inputs, "
        "outputs), or say the orientation in a network file (TOML)",
    )


def _follows(layers: Sequence[tuple[FileArray, FileArray | None]], turned: bool) -> list[bool]:
    sizes = [weights.shape[::-1] if turned else weights.shape for weights, _ in layers]
    chain = [after[1] == before[0] for before, after in pairwise(sizes)]
    return chain + [
        bias is None or (int(np.prod(bias.shape)) == size[0] == max(bias.shape, default=0))
        for (_, bias), size in zip(layers, sizes, strict=True)
    ]


def _named(name: str, words: Sequence[str]) -> bool:
    return any(re.search(rf"(?<![A-Za-z]){word}(?![A-Za-z])", name) for word in words)
