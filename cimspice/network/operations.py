"""What each operation of a network computes, in numpy: ``(node, *values) -> value``.

Values have the batch as their first axis; axes in a node's settings count it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.network.convolution import convolve, output_size, padded, patches, strided, windows

if TYPE_CHECKING:
    from cimspice.network.graph import Node

Operation = Callable[..., np.ndarray]
WEIGHTED = ("dense", "conv")
"""Operations whose weighted sums a circuit can form."""


def weighted_sums(node: Node, x: np.ndarray, layer: Any = None) -> np.ndarray:
    """Output of a dense or conv node; ``layer`` (for a conv of several groups one each) forms the sums in
    place of its weights, the bias is added to them unless the layer absorbs it.

    A layer that is linear in its clipped inputs says so with a ``matrix``: a convolution then runs with that
    in place of its weights.
    """
    weights, bias = node.arrays["weights"], node.arrays.get("bias")
    first = layer[0] if isinstance(layer, Sequence) else layer
    if "bias" in getattr(first, "absorbs", ()):
        bias = None
    if node.operation == "dense":
        rows = x.reshape(-1, x.shape[-1])
        sums = (rows @ weights.T if first is None else first(rows)).reshape(*x.shape[:-1], len(weights))
        return sums if bias is None else sums + bias
    places = conv_settings(node)
    if layer is None:
        sums = convolve(x, weights, *places)
    else:
        sums = _layered_conv(x, weights, layer if isinstance(layer, Sequence) else (layer,), places)
    return sums if bias is None else sums + bias.reshape(-1, *[1] * (x.ndim - 2))


def conv_settings(node: Node) -> tuple[Any, Any, Any, int]:
    """Stride, padding, dilation and groups."""
    s = node.settings
    axes = node.arrays["weights"].ndim - 2
    ones = (1,) * axes
    return (
        s.get("stride", ones),
        s.get("padding", (0,) * 2 * axes),
        s.get("dilation", ones),
        s.get("groups", 1),
    )


def _layered_conv(
    x: np.ndarray, weights: np.ndarray, layers: Sequence[Any], places: tuple[Any, Any, Any, int]
) -> np.ndarray:
    stride, padding, dilation, groups = places
    kernel = weights.shape[2:]
    size = output_size(x.shape[2:], kernel, stride, padding, dilation)
    found = []
    for layer, part in zip(layers, np.split(x, groups, axis=1), strict=True):
        matrix = getattr(layer, "matrix", None)
        if matrix is not None:
            own = np.asarray(matrix).reshape(-1, *weights.shape[1:])
            found.append(convolve(layer.clip(part), own, stride, padding, dilation, 1))
        else:
            rows = [layer(chunk) for chunk in patches(part, kernel, stride, padding, dilation)]
            sums = np.concatenate(rows).reshape(len(x), *size, -1)
            found.append(np.moveaxis(sums, -1, 1))
    return np.concatenate(found, axis=1)


def pool_settings(node: Node) -> tuple[Any, Any, Any, Any]:
    """Kernel, padding, stride and dilation of a max or average pool."""
    s, kernel = node.settings, node.settings["kernel"]
    return kernel, s.get("padding", ()), s.get("stride", kernel), s.get("dilation", (1,) * len(kernel))


def _pooled(settings: Mapping[str, Any], x: np.ndarray, fill: float) -> np.ndarray:
    """Windows (batch, channels, *positions, *kernel) of ``x`` with ``fill`` in its padding."""
    kernel = settings["kernel"]
    ones = (1,) * len(kernel)
    around = padded(x, settings.get("padding", ones[:0]), fill)
    return windows(around, kernel, settings.get("stride", kernel), settings.get("dilation", ones))


def _max_pool(node: Node, x: np.ndarray) -> np.ndarray:
    kernel, padding, stride, dilation = pool_settings(node)
    parts = strided(padded(x, padding, -np.inf), kernel, stride, dilation)
    found = next(parts).copy()
    for part in parts:
        np.maximum(found, part, out=found)
    return found


def _average_pool(node: Node, x: np.ndarray) -> np.ndarray:
    """Mean over what of a window lies in the input or in ``counted``, that part of the padding that counts
    as zeros."""
    settings, axes = node.settings, _last(node)
    padding = settings.get("padding", (0,) * 2 * len(axes))
    counted = settings.get("counted", (0,) * len(padding))
    mask = padded(np.ones((1, 1, *x.shape[2:])), counted, 1.0)
    beyond = tuple(a - b for a, b in zip(padding, counted, strict=True))
    places = _pooled({**settings, "padding": beyond}, mask, 0.0).sum(axis=axes)
    return _pooled(settings, x, 0.0).sum(axis=axes) / places


def _last(node: Node) -> tuple[int, ...]:
    """Axes of the kernel in windows."""
    return tuple(range(-len(node.settings["kernel"]), 0))


def _spatial(x: np.ndarray) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


def _pair(formula: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Operation:
    """Of two values, or of one and the node's array ``left`` or ``right``."""

    def compute(node: Node, *values: np.ndarray) -> np.ndarray:
        if "left" in node.arrays:
            return formula(node.arrays["left"], *values)
        return formula(*values, *([node.arrays["right"]] if "right" in node.arrays else []))

    return compute


def _per_channel(array: np.ndarray, x: np.ndarray) -> np.ndarray:
    return array.reshape(-1, *[1] * (x.ndim - 2))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _softmax(node: Node, x: np.ndarray) -> np.ndarray:
    axis = node.settings.get("axis", -1)
    share = np.exp(x - x.max(axis=axis, keepdims=True))
    return share / share.sum(axis=axis, keepdims=True)


def _slice(node: Node, x: np.ndarray) -> np.ndarray:
    """``ranges``: axis -> (start, stop, step), as Python counts."""
    cut = [slice(None)] * x.ndim
    for axis, bounds in node.settings["ranges"].items():
        cut[axis] = slice(*bounds)
    return x[tuple(cut)]


def _pad(node: Node, x: np.ndarray) -> np.ndarray:
    ends, mode = node.settings["ends"], node.settings.get("mode", "constant")
    if mode == "constant":
        return np.pad(x, ends, constant_values=node.settings.get("value", 0.0))
    return np.pad(x, ends, mode=mode)


def _resize(node: Node, x: np.ndarray) -> np.ndarray:
    """Nearest neighbour: ``places``: axis -> which element each output takes."""
    for axis, taken in node.settings["places"].items():
        x = np.take(x, taken, axis=axis)
    return x


def _scaled(node: Node, name: str, x: np.ndarray) -> np.ndarray:
    """An array of quantisation, one number or one along the setting ``axis``."""
    array = node.arrays[name]
    if array.size == 1:
        return array.reshape(())
    return array.reshape(-1, *[1] * (x.ndim - 1 - node.settings["axis"] % x.ndim))


def _quantise(node: Node, x: np.ndarray) -> np.ndarray:
    whole = np.rint(x / _scaled(node, "scale", x)) + _scaled(node, "zero", x)
    return np.clip(whole, node.settings["low"], node.settings["high"])


OPERATIONS: dict[str, Operation] = {
    "dense": weighted_sums,
    "conv": weighted_sums,
    "relu": lambda node, x: np.maximum(x, 0.0),
    "leaky_relu": lambda node, x: np.where(x < 0, node.settings["slope"] * x, x),
    "clip": lambda node, x: np.clip(x, node.settings.get("low", -np.inf), node.settings.get("high", np.inf)),
    "sigmoid": lambda node, x: _sigmoid(x),
    "tanh": lambda node, x: np.tanh(x),
    "hard_sigmoid": lambda node, x: np.clip(node.settings["slope"] * x + node.settings["offset"], 0.0, 1.0),
    "hard_swish": lambda node, x: x * np.clip(x / 6 + 0.5, 0.0, 1.0),
    "mish": lambda node, x: x * np.tanh(np.logaddexp(0.0, x)),
    "softmax": _softmax,
    "batch_normalisation": lambda node, x: (
        x * _per_channel(node.arrays["scale"], x) + _per_channel(node.arrays["shift"], x)
    ),
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "global_max_pool": lambda node, x: x.max(axis=_spatial(x), keepdims=True),
    "global_average_pool": lambda node, x: x.mean(axis=_spatial(x), keepdims=True),
    "mean": lambda node, x: x.mean(axis=node.settings["axes"], keepdims=node.settings.get("keep", True)),
    "add": _pair(np.add),
    "sub": _pair(np.subtract),
    "mul": _pair(np.multiply),
    "div": _pair(np.divide),
    "concat": lambda node, *values: np.concatenate(values, axis=node.settings["axis"]),
    "slice": _slice,
    "pad": _pad,
    "resize": _resize,
    "transpose": lambda node, x: x.transpose(node.settings["axes"]),
    "flatten": lambda node, x: x.reshape(len(x), -1),
    "reshape": lambda node, x: x.reshape(len(x), *node.settings["shape"]),
    "quantise": _quantise,
    "dequantise": lambda node, x: (x - _scaled(node, "zero", x)) * _scaled(node, "scale", x),
}
"""Squeeze and unsqueeze are a reshape; identity and dropout are no node."""
