"""The Gaussian process is the textbook's: against dense algebra, refits, differences, and a known shift."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.campaign import gaussian_process
from cimspice.campaign.gaussian_process import GaussianProcess, covariance, fit_hyperparameters
from cimspice.campaign.hyperparameters import Hyperparameters, Samples


@pytest.fixture
def generator():
    return np.random.default_rng(3)


def some(generator, count=40, inputs=2, categories=3):
    return Samples(generator.random((count, inputs)), generator.integers(0, categories, count))


def settings(generator, inputs=2, categories=3):
    start = Hyperparameters.starts(inputs, categories)[0]
    moved = start.values + 0.1 * generator.normal(size=start.values.size)
    moved[
        2 * (1 + inputs + inputs * (inputs - 1) // 2)
    ] = -4.0  # so much noise that dense algebra is exact to many digits
    return start.moved(moved)


def values(samples):
    one = np.sin(4 * samples.inputs[:, 0] + samples.category) + samples.inputs[:, 1] ** 2
    return np.stack([one, np.cos(one)], axis=1)


def test_the_covariance_is_the_formula(generator):
    samples, given = some(generator, 6), settings(generator)
    common, own = given.values[:4], given.values[4:8]  # ln amplitude, ln lengths, mixing

    def correlation(distance, part):
        amplitude, first, second = np.exp(part[:3])
        scaled = np.array([distance[0] / first, (distance[1] + part[3] * distance[0]) / second])
        return amplitude**2 * (1 + scaled @ scaled / 4) ** -2

    kappa = given.values[-2:]
    for i, j in np.ndindex(6, 6):
        x, y = np.log(1 + samples.inputs[[i, j]] * (np.exp(kappa) - 1)) / kappa
        c, d = samples.category[[i, j]]
        expected = correlation(x + given.shifts[c] - y - given.shifts[d], common)
        expected += correlation(x - y, own) if c == d else 0.0
        assert covariance(samples, samples, given)[i, j] == pytest.approx(expected, rel=1e-12)


def test_prediction_and_uncertainty_are_those_of_dense_algebra(generator):
    """Reference: offsets as part of the covariance (Rasmussen & Williams, 2.40), everything inverted."""
    samples, asked, given = some(generator), some(generator, 5), settings(generator)
    observed = values(samples)
    process = GaussianProcess(samples, observed, given)

    def dense(one, other):
        return covariance(one, other, given) + 100.0 * (one.category[:, None] == other.category)

    inverse = np.linalg.inv(dense(samples, samples) + given.noise * np.eye(len(observed)))
    weights = dense(asked, samples) @ inverse
    mean = observed.mean(axis=0)
    np.testing.assert_allclose(process.predict(asked), mean + weights @ (observed - mean), rtol=1e-5)
    left = dense(asked, asked) - weights @ dense(samples, asked)
    np.testing.assert_allclose(process.uncertainty(asked), left, atol=1e-6)


def test_leave_one_out_is_what_refits_without_each_point_give(generator):
    samples, given = some(generator, 25), settings(generator)
    observed = values(samples)
    errors, variance = GaussianProcess(samples, observed, given).leave_one_out()
    mean, scale = observed.mean(axis=0), observed.std(axis=0)
    for out in (0, 7, 24):
        rest = np.arange(25) != out
        others = Samples(samples.inputs[rest], samples.category[rest])
        process = GaussianProcess(others, (observed[rest] - mean) / scale, given)
        alone = Samples(samples.inputs[[out]], samples.category[[out]])
        np.testing.assert_allclose(
            errors[out], ((observed[out] - mean) / scale - process.predict(alone))[0], rtol=1e-3, atol=1e-6
        )
        assert variance[out] == pytest.approx(process.uncertainty(alone)[0, 0] + given.noise, rel=1e-4)


def test_the_gradient_of_the_likelihood_agrees_with_differences(generator):
    samples, given = some(generator), settings(generator)
    observed = values(samples) / values(samples).std(axis=0)

    def cost(numbers):
        return gaussian_process._cost(samples, observed, given.moved(numbers))

    gradient = cost(given.values)[1]
    steps = 1e-5 * np.eye(gradient.size)
    differences = [(cost(given.values + step)[0] - cost(given.values - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-6 * abs(gradient).max())


def test_a_shifted_category_is_recognised_as_one(generator):
    """Category 1 is category 0 moved by 0.2: learned, it is known where only the other one was seen."""

    def surface(inputs, category):
        return np.exp(-(((inputs[:, 0] + 0.2 * category - 0.6) / 0.3) ** 2)) * (1 + inputs[:, 1] ** 2)

    samples = some(generator, 50, categories=2)
    observed = surface(samples.inputs, samples.category)[:, None]
    found = fit_hyperparameters(samples, observed, Hyperparameters.starts(2, 2))
    assert found.shifts[1] == pytest.approx([0.2, 0.0], abs=0.02)
    asked = some(generator, 300, categories=2)
    predicted = GaussianProcess(samples, observed, found).predict(asked)[:, 0]
    assert np.sqrt(np.mean((predicted - surface(asked.inputs, asked.category)) ** 2)) < 0.01


def test_what_happens_along_a_line_across_two_axes_is_learned_as_one(generator):
    """A knee along x = y, as that of a transistor at the end of saturation, between two of its voltages."""

    def surface(inputs):
        return np.log1p(np.exp(12 * (inputs @ [1.0, -1.0])))[:, None] + inputs[:, :1] ** 2

    samples, asked = some(generator, 40, categories=1), some(generator, 300, categories=1)
    observed, error = surface(samples.inputs), {}
    for mixed in (True, False):
        found = fit_hyperparameters(samples, observed, Hyperparameters.starts(2, 1, mixed=mixed)[:1])
        predicted = GaussianProcess(samples, observed, found).predict(asked)
        error[mixed] = np.sqrt(np.mean((predicted - surface(asked.inputs)) ** 2))
        _, across = found.parts[0].metric
        assert across[0] / across[1] == pytest.approx(-1.0 if mixed else 0.0, abs=0.1)
    assert error[True] < 0.3 * error[False]
