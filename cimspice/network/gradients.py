"""Gradients of a network's loss, backward through its graph; a circuit's layers are passed straight through.

What a circuit makes of a weighted sum has no useful derivative: levels and converters are stairs. Errors pass
back through the weights that the circuit realises, and what a weight changes is taken to be what its input
says (straight-through).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork, Layer, layer_matrices
from cimspice.network.convolution import padded, strided
from cimspice.network.graph import INPUT, Network, Node
from cimspice.network.operations import OPERATIONS, WEIGHTED, conv_settings, pool_settings

Arrays = Sequence[np.ndarray]
Pullback = Callable[[Node, Arrays, np.ndarray, np.ndarray], Arrays]
"""Node, its inputs, its value and ∂loss/∂value, to ∂loss/∂inputs; samples are the first axis of all."""
Through = Callable[[Node, np.ndarray, np.ndarray], np.ndarray]
"""The same of a weighted node, with its one input and without its value."""


def gradients(
    mapped: CircuitNetwork, values: Mapping[str, np.ndarray], errors: np.ndarray, output: str
) -> dict[str, dict[str, np.ndarray]]:
    """∂loss/∂``weights`` and ∂loss/∂``bias`` of each layer by its node's name.

    Parameters
    ----------
    mapped
        On one chip.
    values
        Of every node, as its circuits made them; see `CircuitNetwork.trace`.
    errors
        ∂loss/∂value of the node ``output``.

    Raises
    ------
    ParameterError
        For an operation through which no gradient is known, naming the layer.
    """
    found = {}

    def through(node: Node, x: np.ndarray, error: np.ndarray) -> np.ndarray:
        found[node.name], passed = _weighted(node, x, error, mapped.layers[node.name])
        return passed

    backward(mapped.network, values, errors, output, through)
    return found


def backward(
    network: Network, values: Mapping[str, np.ndarray], errors: np.ndarray, output: str, through: Through
) -> None:
    """Take ∂loss/∂value of the node ``output`` to every node; ``through`` passes it by weighted nodes.

    Raises
    ------
    ParameterError
        For an operation through which no gradient is known, naming the layer.
    """
    behind = {output: errors}
    for node in reversed(network.nodes):
        if node.name not in behind:
            continue
        error, taken = behind.pop(node.name), [values[name] for name in node.inputs]
        if node.operation in WEIGHTED:
            below = [through(node, taken[0], error)]
        elif node.operation in _PULLBACKS:
            below = _PULLBACKS[node.operation](node, taken, values[node.name], error)
        else:
            raise ParameterError(
                f"no gradient is known through {node.operation!r}",
                place=f"layer {node.name!r}",
                remedy=f"use networks of dense, conv, {', '.join(sorted(_PULLBACKS))}",
            )
        for name, part in zip(node.inputs, below, strict=True):
            if name != INPUT:
                behind[name] = behind[name] + part if name in behind else part


def _weighted(
    node: Node, x: np.ndarray, error: np.ndarray, layers: Sequence[Layer]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Gradients of a dense or conv node's arrays, and of its input."""
    weights = node.arrays["weights"]
    matrices = [_slope(layer, own) for layer, own in zip(layers, layer_matrices(node), strict=True)]
    if node.operation == "dense":
        rows, sums = x.reshape(-1, x.shape[-1]), error.reshape(-1, len(weights))
        arrays, passed = {"weights": sums.T @ layers[0].clip(rows)}, sums @ matrices[0]
        if "bias" in node.arrays:
            arrays["bias"] = sums.sum(axis=0)
        return arrays, passed.reshape(x.shape)
    stride, padding, dilation, groups = conv_settings(node)
    kernel = weights.shape[2:]
    parts = zip(np.split(x, groups, axis=1), np.split(error, groups, axis=1), layers, matrices, strict=True)
    by_weight, passed = [], []
    for part, sums, layer, matrix in parts:
        own = matrix.reshape(len(matrix), -1, *kernel)
        lines = padded(layer.clip(part), padding)
        gradient, back = np.empty_like(own), np.zeros_like(lines)
        flat = sums.reshape(*sums.shape[:2], -1)
        size = sums.shape[2:]
        views = (strided(one, kernel, stride, dilation) for one in (lines, back))
        for place, seen, target in zip(np.ndindex(*kernel), *views, strict=True):
            at = (slice(None), slice(None), *place)
            inputs = seen.reshape(*seen.shape[:2], -1)
            gradient[at] = np.matmul(flat, inputs.swapaxes(1, 2)).sum(axis=0)
            target += np.matmul(own[at].T, flat).reshape(len(x), -1, *size)
        by_weight.append(gradient)
        passed.append(_cropped(back, padding))
    arrays = {"weights": np.concatenate(by_weight)}
    if "bias" in node.arrays:
        arrays["bias"] = error.sum(axis=(0, *range(2, error.ndim)))
    return arrays, np.concatenate(passed, axis=1)


def _slope(layer: Layer, weights: np.ndarray) -> np.ndarray:
    """Weights (outputs, inputs) that errors pass back through: the realised ones; the programmed ones where
    the layer's sums are not those of a matrix."""
    if layer.matrix is not None:
        return np.asarray(layer.matrix)
    return layer.arrays().get("weights", weights[None])[0]


def _cropped(x: np.ndarray, padding: Sequence[int]) -> np.ndarray:
    """Without what `padded` has put around the spatial axes."""
    if not any(padding):
        return x
    axes = len(padding) // 2
    ends = zip(x.shape[2:], padding[:axes], padding[axes:], strict=True)
    return x[(slice(None), slice(None), *(slice(low, size - high) for size, low, high in ends))]


def _by_slope(slope: Callable[[Node, np.ndarray, np.ndarray], np.ndarray]) -> Pullback:
    """Of an operation on each number: ``slope(node, x, value)`` is its derivative."""
    return lambda node, taken, value, error: [error * slope(node, taken[0], value)]


def _moved(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    """Of an operation that only moves numbers: where each comes from is what it does to their numbers."""
    sizes = [one[0].size for one in taken]
    ends = np.cumsum([0, *sizes])
    numbers = [
        np.arange(low, low + size, dtype=float).reshape(1, *one.shape[1:])
        for low, size, one in zip(ends, sizes, taken, strict=False)
    ]
    padding = replace(node, settings={**node.settings, "value": float(ends[-1])})
    source = OPERATIONS[node.operation](padding, *numbers).ravel().astype(int)
    back = np.zeros((ends[-1] + 1, len(error)))
    np.add.at(back, source, error.reshape(len(error), -1).T)
    parts = np.split(back[:-1], ends[1:-1])
    return [part.T.reshape(one.shape) for part, one in zip(parts, taken, strict=True)]


def _pair(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    """Of a sum, difference, product or ratio of two values, or of one and a constant."""
    constants = [[node.arrays[side]] if side in node.arrays else [] for side in ("left", "right")]
    left, right = [*constants[0], *taken, *constants[1]]
    both = {
        "add": lambda: (error, error),
        "sub": lambda: (error, -error),
        "mul": lambda: (error * right, error * left),
        "div": lambda: (error / right, -error * value / right),
    }[node.operation]()
    own = both[len(constants[0]) : 2 - len(constants[1])]
    return [_narrowed(part, one.shape) for part, one in zip(own, taken, strict=True)]


def _narrowed(error: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Summed over the axes along which an operand of ``shape`` was repeated."""
    error = error.sum(axis=tuple(range(error.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and error.shape[axis] > 1)
    return error.sum(axis=repeated, keepdims=True)


def _max_pool(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    """To the first of the largest."""
    kernel, padding, stride, dilation = pool_settings(node)
    around = padded(taken[0], padding, -np.inf)
    back, free = np.zeros_like(around), np.ones(value.shape, bool)
    views = (strided(one, kernel, stride, dilation) for one in (around, back))
    for seen, target in zip(*views, strict=True):
        chosen = free & (seen == value)
        target += np.where(chosen, error, 0.0)
        free &= ~chosen
    return [_cropped(back, padding)]


def _average_pool(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    kernel, padding, stride, dilation = pool_settings(node)
    ones = np.ones((1, 1, *taken[0].shape[2:]))
    inside = sum(strided(padded(ones, padding), kernel, stride, dilation))
    share = error * OPERATIONS["average_pool"](node, ones) / np.maximum(inside, 1.0)
    back = padded(np.zeros_like(taken[0]), padding)
    for target in strided(back, kernel, stride, dilation):
        target += share
    return [_cropped(back, padding)]


def _global_max_pool(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    x = taken[0]
    flat = x.reshape(*x.shape[:2], -1)
    back = np.zeros_like(flat)
    np.put_along_axis(back, flat.argmax(axis=2)[..., None], error.reshape(*x.shape[:2], 1), axis=2)
    return [back.reshape(x.shape)]


def _mean(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    x = taken[0]
    axes = tuple(range(2, x.ndim)) if node.operation == "global_average_pool" else node.settings["axes"]
    kept = x.mean(axis=tuple(axes), keepdims=True).shape
    return [np.broadcast_to(error.reshape(kept) * (error.size / x.size), x.shape)]


def _softmax(node: Node, taken: Arrays, value: np.ndarray, error: np.ndarray) -> Arrays:
    mean = np.sum(error * value, axis=node.settings.get("axis", -1), keepdims=True)
    return [value * (error - mean)]


def _mish_slope(node: Node, x: np.ndarray, value: np.ndarray) -> np.ndarray:
    rise = np.tanh(np.logaddexp(0.0, x))
    return rise + x * (1 - rise**2) * 0.5 * (1 + np.tanh(0.5 * x))


_SLOPES: dict[str, Callable[[Node, np.ndarray, np.ndarray], np.ndarray]] = {
    "relu": lambda node, x, value: (x > 0).astype(float),
    "leaky_relu": lambda node, x, value: np.where(x < 0, node.settings["slope"], 1.0),
    "clip": lambda node, x, value: (x == value).astype(float),
    "sigmoid": lambda node, x, value: value * (1 - value),
    "tanh": lambda node, x, value: 1 - value**2,
    "hard_sigmoid": lambda node, x, value: np.where((value > 0) & (value < 1), node.settings["slope"], 0.0),
    "hard_swish": lambda node, x, value: np.clip(x / 6 + 0.5, 0.0, 1.0) + np.where(np.abs(x) < 3, x / 6, 0.0),
    "mish": _mish_slope,
    "batch_normalisation": lambda node, x, value: (
        node.arrays["scale"].reshape(-1, *[1] * (x.ndim - 2)) * np.ones_like(x)
    ),
}
_PULLBACKS: dict[str, Pullback] = {
    **{name: _by_slope(slope) for name, slope in _SLOPES.items()},
    **dict.fromkeys(("flatten", "reshape", "transpose", "slice", "concat", "pad", "resize"), _moved),
    **dict.fromkeys(("add", "sub", "mul", "div"), _pair),
    **dict.fromkeys(("mean", "global_average_pool"), _mean),
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "global_max_pool": _global_max_pool,
    "softmax": _softmax,
}
