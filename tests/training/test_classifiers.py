"""Gradients of the plain networks that are trained here, against differences of the loss."""

import numpy as np
import pytest

from cimspice.training import classifiers, convolutional

SHAPES = ((8, 1, 3, 3), (16, 8, 3, 3), (10, 256))


def loss(weights, biases, images, labels):
    """Mean cross-entropy and weight decay, written out anew."""
    values = images
    for kernel, bias in zip(weights[:2], biases[:2], strict=True):
        around = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
        values = np.zeros((len(images), len(kernel), 8, 8)) + bias[:, None, None]
        for row, column in np.ndindex(3, 3):
            seen = around[:, :, row : row + 8, column : column + 8]
            values = values + np.einsum("oc,nchw->nohw", kernel[:, :, row, column], seen)
        values = np.maximum(values, 0)
    pooled = values.reshape(len(images), 16, 4, 2, 4, 2).max(axis=(3, 5)).reshape(len(images), -1)
    outputs = pooled @ weights[2].T + biases[2]
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    decay = 0.5e-4 * sum((weight**2).sum() for weight in weights)
    return -np.log(shares[np.arange(len(labels)), labels]).mean() + decay


@pytest.mark.parametrize("which", range(6))
def test_gradients_of_the_convolution_network_are_differences_of_its_loss(which):
    rng = np.random.default_rng(which)
    weights = [rng.normal(0, 0.3, shape) for shape in SHAPES]
    biases = [rng.normal(0, 0.1, shape[0]) for shape in SHAPES]
    images, labels = rng.uniform(size=(5, 1, 8, 8)), rng.integers(0, 10, 5)
    gradient = convolutional._gradients(weights, biases, images, labels)[which]
    array = [*weights, *biases][which]
    for _ in range(5):
        at, losses = tuple(rng.integers(0, size) for size in array.shape), []
        for step in (1e-6, -2e-6):
            array[at] += step
            losses.append(loss(weights, biases, images, labels))
        array[at] += 1e-6
        assert gradient[at] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-5, abs=1e-7)


def test_halves_of_the_digits_share_no_sample_and_every_digit_is_in_both():
    data = classifiers.digits_split(1)
    assert (len(data.x_train), len(data.x_test)) == (898, 899)
    assert np.abs(np.bincount(data.y_train) - np.bincount(data.y_test)).max() <= 1
    assert 0 <= data.x_train.min() <= data.x_train.max() <= 1
