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
    seen, sums = [], []
    values = images.transpose(0, 2, 3, 1)  # channels last: patches are copied in longer pieces
    for kernel, bias in zip(weights[:2], biases[:2], strict=True):
        seen.append(_patches(values))
        sums.append(seen[-1] @ _rows(kernel).T + bias)
        values = np.maximum(sums[-1], 0.0).reshape(len(images), 8, 8, -1)
    quarters = values.reshape(len(images), 4, 2, 4, 2, -1)
    pooled = quarters.max(axis=(2, 4), keepdims=True)
    flat = pooled.reshape(len(images), 16, -1).transpose(0, 2, 1).reshape(len(images), -1)
    delta = output_errors(flat @ weights[2].T + biases[2], labels)
    chosen = quarters == pooled
    back = (delta @ weights[2]).reshape(len(images), -1, 16).transpose(0, 2, 1).reshape(pooled.shape)
    error = (chosen * (back / chosen.sum(axis=(2, 4), keepdims=True))).reshape(sums[1].shape)
    error *= sums[1] > 0
    turned = weights[1][:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    below = _patches(error.reshape(len(images), 8, 8, -1)) @ _rows(turned).T * (sums[0] > 0)
    gradients = [
        decayed(_kernel(below.T @ seen[0], weights[0].shape), weights[0]),
        decayed(_kernel(error.T @ seen[1], weights[1].shape), weights[1]),
        decayed(delta.T @ flat, weights[2]),
    ]
    return [*gradients, below.sum(axis=0), error.sum(axis=0), delta.sum(axis=0)]


def _patches(values: np.ndarray) -> np.ndarray:
    """(samples · height · width, 9 · channels) of ``values`` (samples, height, width, channels)."""
    around = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(1, 2))
    return view.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 9 * values.shape[3])


def _rows(kernel: np.ndarray) -> np.ndarray:
    """(outputs, 9 · channels) of a kernel (outputs, channels, 3, 3), in the order of the patches."""
    return kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)


def _kernel(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What `_rows` was made of."""
    return rows.reshape(shape[0], 3, 3, shape[1]).transpose(0, 3, 1, 2)
