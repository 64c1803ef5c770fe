"""Convolution of any number of spatial axes, and the patches of its input that a circuit multiplies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

_CACHE = 2**20
"""Memory of what one product of a convolution multiplies (byte)."""


def output_size(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> tuple[int, ...]:
    """Positions of the kernel along each spatial axis; ``padding`` is (begin..., end...)."""
    axes = len(kernel)
    ends = zip(size, kernel, stride, padding[:axes], padding[axes:], dilation, strict=True)
    found = tuple((s + a + b - d * (k - 1) - 1) // step + 1 for s, k, step, a, b, d in ends)
    if min(found) < 1:
        raise ValueError(f"a kernel of {tuple(kernel)} does not fit into an input of {tuple(size)}")
    return found


def padded(x: np.ndarray, padding: Sequence[int], value: float = 0.0) -> np.ndarray:
    """``x`` (batch, channels, *spatial) with ``value`` around its spatial axes."""
    if not any(padding):
        return x
    axes = len(padding) // 2
    ends = [(0, 0)] * (x.ndim - axes) + list(zip(padding[:axes], padding[axes:], strict=True))
    return np.pad(x, ends, constant_values=value)


def windows(
    x: np.ndarray, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> np.ndarray:
    """View (batch, channels, *positions, *kernel) of a padded ``x`` (batch, channels, *spatial)."""
    axes = tuple(range(2, x.ndim))
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    steps = (slice(None, None, step) for step in (*stride, *dilation))
    return view[(slice(None), slice(None), *steps)]


def strided(
    x: np.ndarray, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Iterator[np.ndarray]:
    """Views (batch, channels, *positions) of a padded ``x``: what each place of the kernel sees in turn."""
    size = output_size(x.shape[2:], kernel, stride, (0,) * 2 * len(kernel), dilation)
    for place in np.ndindex(*kernel):
        seen = (
            slice(p * d, p * d + (n - 1) * by + 1, by)
            for p, d, n, by in zip(place, dilation, size, stride, strict=True)
        )
        yield x[(slice(None), slice(None), *seen)]


def convolve(
    x: np.ndarray,
    weights: np.ndarray,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> np.ndarray:
    """Weighted sums (batch, outputs, *positions) of ``x`` (batch, channels, *spatial) by ``weights``
    (outputs, channels / groups, *kernel).

    A few samples at a time are written out, place of the kernel by place, so that the product finds them in
    the cache.
    """
    outputs, channels, *kernel = weights.shape
    size = output_size(x.shape[2:], kernel, stride, padding, dilation)
    surrounded, inputs = padded(x, padding), channels * prod(kernel)
    step = max(1, min(len(x), _CACHE // (8 * groups * inputs * prod(size))))
    seen = np.empty((step, x.shape[1], prod(kernel), *size))
    by_group = weights.reshape(groups, -1, inputs)
    sums = np.empty((len(x), groups, outputs // groups, prod(size)))
    for first in range(0, len(x), step):
        part = surrounded[first : first + step]
        for number, found in enumerate(strided(part, kernel, stride, dilation)):
            seen[: len(part), :, number] = found
        laid_out = seen[: len(part)].reshape(len(part), groups, inputs, -1)
        np.matmul(by_group, laid_out, out=sums[first : first + step])
    return sums.reshape(len(x), outputs, *size)


def patches(
    x: np.ndarray,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    limit: int = 2**27,
) -> Iterator[np.ndarray]:
    """What the kernel covers at each position, (n, channels · kernel) at a time: samples one after another,
    of each its positions in row order, inputs in the order of ``weights.reshape(outputs, -1)``.

    ``limit`` is the memory of one chunk (byte); one sample's patches are never divided.
    """
    size = output_size(x.shape[2:], kernel, stride, padding, dilation)
    inputs = x.shape[1] * prod(kernel)
    step = max(1, limit // (8 * inputs * prod(size)))
    axes = len(kernel)
    order = (0, *range(2, 2 + axes), 1, *range(2 + axes, 2 + 2 * axes))
    for first in range(0, len(x), step):
        view = windows(padded(x[first : first + step], padding), kernel, stride, dilation)
        yield view.transpose(order).reshape(-1, inputs)


def folded(
    rows: np.ndarray,
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> np.ndarray:
    """The adjoint of `patches`: sums (shape) over all positions of what rows (n, channels · kernel) have for
    each input of a batch of this shape."""
    axes = len(kernel)
    size = output_size(shape[2:], kernel, stride, padding, dilation)
    ends = list(zip(padding[:axes], padding[axes:], strict=True))
    around = np.zeros((*shape[:2], *(s + a + b for s, (a, b) in zip(shape[2:], ends, strict=True))))
    by_place = rows.reshape(shape[0], prod(size), shape[1], prod(kernel)).transpose(3, 0, 2, 1)
    for seen, part in zip(strided(around, kernel, stride, dilation), by_place, strict=True):
        seen += part.reshape(seen.shape)
    return around[(..., *(slice(a, a + s) for s, (a, _) in zip(shape[2:], ends, strict=True)))]
