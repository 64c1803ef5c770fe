"""Convolution of any number of spatial axes, and the patches of its input that a circuit multiplies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np


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


def convolve(
    x: np.ndarray,
    weights: np.ndarray,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> np.ndarray:
    """Weighted sums (batch, outputs, *positions) of ``x`` (batch, channels, *spatial) by ``weights``
    (outputs, channels / groups, *kernel): a product for each place of the kernel, none of them copied out.
    """
    outputs, channels, *kernel = weights.shape
    size = output_size(x.shape[2:], kernel, stride, padding, dilation)
    surrounded = padded(x, padding)
    sums = np.zeros((len(x), groups, outputs // groups, prod(size)))
    for place in np.ndindex(*kernel):
        offsets = (p * d for p, d in zip(place, dilation, strict=True))
        seen = tuple(
            slice(o, o + (s - 1) * step + 1, step) for o, s, step in zip(offsets, size, stride, strict=True)
        )
        part = surrounded[(slice(None), slice(None), *seen)].reshape(len(x), groups, channels, -1)
        sums += weights[(slice(None), slice(None), *place)].reshape(groups, -1, channels) @ part
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
