"""A small convolution network of the 8 × 8 digits, trained here in a few seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cimspice.training.classifiers import decayed, descend, output_errors

CHANNELS = (8, 16)
_EPOCHS = 20


def train_convolutional(
    images: np.ndarray, labels: np.ndarray, *, seed: int = 0
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and biases of conv 3 × 3 to 8 channels, conv 3 × 3 to 16, both padded by 1 and rectified, and
    dense to 10 classes behind a max pool of 2.

    ``images`` (samples, 1, 8, 8). Kernels are (outputs, channels, 3, 3), the dense matrix is (10, 256).
    """
    rng = np.random.default_rng(seed)
    shapes = ((CHANNELS[0], 1, 3, 3), (CHANNELS[1], CHANNELS[0], 3, 3), (10, 16 * CHANNELS[1]))
    weights = [rng.normal(0.0, np.sqrt(2 / np.prod(shape[1:])), shape) for shape in shapes]
    biases = [np.zeros(shape[0]) for shape in shapes]
    descend([*weights, *biases], lambda x, y: _gradients(weights, biases, x, y), images, labels, rng, _EPOCHS)
    return weights, biases


def _gradients(
    weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], images: np.ndarray, labels: np.ndarray
) -> list[np.ndarray]:
    patches, sums = [], []
    values = images
    for kernel, bias in zip(weights[:2], biases[:2], strict=True):
        patches.append(_patches(values))
        sums.append(patches[-1] @ kernel.reshape(len(kernel), -1).T + bias)
        values = np.maximum(sums[-1], 0.0).transpose(0, 3, 1, 2)
    quarters = values.reshape(len(values), CHANNELS[1], 4, 2, 4, 2)
    pooled = quarters.max(axis=(3, 5), keepdims=True)
    flat = pooled.reshape(len(values), -1)
    delta = output_errors(flat @ weights[2].T + biases[2], labels)
    by_weight, by_bias = [decayed(delta.T @ flat, weights[2])], [delta.sum(axis=0)]
    chosen = quarters == pooled
    share = (delta @ weights[2]).reshape(pooled.shape) / chosen.sum(axis=(3, 5), keepdims=True)
    error = (chosen * share).reshape(values.shape).transpose(0, 2, 3, 1)
    for kernel, seen, summed in zip(weights[1::-1], patches[::-1], sums[::-1], strict=True):
        error = error * (summed > 0)
        rows = error.reshape(-1, len(kernel))
        own = (rows.T @ seen.reshape(len(rows), -1)).reshape(kernel.shape)
        by_weight.append(decayed(own, kernel))
        by_bias.append(rows.sum(axis=0))
        turned = kernel[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        error = _patches(error.transpose(0, 3, 1, 2)) @ turned.reshape(len(turned), -1).T
    return [*by_weight[::-1], *by_bias[::-1]]


def _patches(values: np.ndarray) -> np.ndarray:
    """(samples, height, width, channels · 9) of ``values`` (samples, channels, height, width)."""
    around = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
    view = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(2, 3))
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(len(values), *values.shape[2:], -1)
