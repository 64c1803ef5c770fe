"""A Gaussian process over continuous inputs and a category, whose categories may be shifted in the inputs.

A process corner is mostly a shift of thresholds: the same surface, moved along a gate voltage, plus an offset
and a smaller difference of its own. So the covariance of two points x, x' of the categories c, c' is

    a² k((w + s_c) − (w' + s_c')) + b² [c = c'] k_c(w − w')

with learned shifts s, w the inputs with a learned stretch of one end of each axis, an offset per category as
a trend that is estimated with it, and rational quadratic correlations k with a length scale per input: a
mixture of scales, for what is steep in one place (a transistor in weak inversion) and flat in another. All
hyperparameters maximise the posterior density.

References
----------
Rasmussen, Williams, Gaussian Processes for Machine Learning, MIT Press 2006: eq. 2.40-2.41 (trend), 4.19
(correlation), 5.8-5.9 (likelihood and its gradient). Dubrule, Math. Geol. 15 (1983) 687 (leave-one-out with
a trend).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from cimspice.campaign.hyperparameters import Hyperparameters, Samples

_JITTER = 1e-12  # of the variance: what keeps the factorisation exact to rounding
_OFFSET = 10.0  # width of the prior of a category's offset, in spreads of an output
_ITERATIONS = 200
_SCALE_MIXTURE = 3.0  # alpha of the correlation: the larger, the nearer to a single length scale


def correlation(squared_distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rational quadratic correlation, and its derivative with respect to the squared distance."""
    base = 1 + squared_distance / (2 * _SCALE_MIXTURE)
    power = base ** (-_SCALE_MIXTURE - 1)
    return power * base, -0.5 * power


@dataclass(frozen=True)
class _Part:
    """One part of a covariance, with what its gradient needs; ``difference`` is (inputs, n, m)."""

    covariance: np.ndarray
    slope: np.ndarray
    difference: np.ndarray
    weights: np.ndarray


def _parts(one: Samples, other: Samples, settings: Hyperparameters) -> list[_Part]:
    common, own = settings.parts
    shifts = settings.shifts
    same = one.category[:, None] == other.category[None, :]
    here, there = settings.warped(one.inputs)[0], settings.warped(other.inputs)[0]
    found = []
    for (variance, weights), shift, mask in ((common, shifts, None), (own, np.zeros_like(shifts), same)):
        left, right = here + shift[one.category], there + shift[other.category]
        difference = left.T[:, :, None] - right.T[:, None, :]
        likeness, slope = correlation(np.einsum("dij,d->ij", difference**2, weights))
        scale = variance if mask is None else variance * mask
        found.append(_Part(scale * likeness, scale * slope, difference, weights))
    return found


def covariance(one: Samples, other: Samples, settings: Hyperparameters) -> np.ndarray:
    """Covariance (n, m) of two sets of samples, without noise."""
    common, own = _parts(one, other, settings)
    return common.covariance + own.covariance


class GaussianProcess:
    """The process, given observations.

    Parameters
    ----------
    samples
        Where.
    values
        What, (n, outputs): outputs are independent processes of one covariance, each in units of its own
        spread.
    settings
        Hyperparameters.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is not positive definite: two samples are the same.
    """

    def __init__(self, samples: Samples, values: np.ndarray, settings: Hyperparameters) -> None:
        self.samples, self.settings = samples, settings
        self._mean, self._scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-300)
        self._observed = (values - self._mean) / self._scale
        matrix = covariance(samples, samples, settings)
        matrix[np.diag_indices(len(matrix))] += settings.noise + _JITTER * matrix[0, 0]
        self._factor = linalg.cho_factor(matrix, lower=True)
        self._trend = _offsets(samples, settings.categories)
        self._solved_trend = linalg.cho_solve(self._factor, self._trend)
        self._information = linalg.cho_factor(
            self._trend.T @ self._solved_trend + _offset_precision(settings)
        )
        self._offsets = linalg.cho_solve(self._information, self._solved_trend.T @ self._observed)
        self._weights = linalg.cho_solve(self._factor, self._observed - self._trend @ self._offsets)

    def predict(self, samples: Samples) -> np.ndarray:
        """Mean (k, outputs)."""
        mean = covariance(samples, self.samples, self.settings) @ self._weights
        return self._mean + self._scale * (mean + _offsets(samples, self.settings.categories) @ self._offsets)

    def uncertainty(self, samples: Samples) -> np.ndarray:
        """Covariance (k, k) of what is not known at some places, in units of an output's variance."""
        cross = covariance(self.samples, samples, self.settings)
        solved = linalg.solve_triangular(self._factor[0], cross, lower=True)
        left = _offsets(samples, self.settings.categories) - cross.T @ self._solved_trend
        trend = left @ linalg.cho_solve(self._information, left.T)
        return covariance(samples, samples, self.settings) - solved.T @ solved + trend

    @property
    def scale(self) -> np.ndarray:
        """Spread of each output, (outputs,): what :meth:`uncertainty` is in units of."""
        return self._scale

    def leave_one_out(self) -> tuple[np.ndarray, np.ndarray]:
        """What each observation is off the prediction from all others (n, outputs), and the variance that was
        expected of it (n,), both in units of an output's spread.
        """
        inverse = linalg.cho_solve(self._factor, np.eye(len(self._observed)))
        left = inverse - self._solved_trend @ linalg.cho_solve(self._information, self._solved_trend.T)
        variance = 1 / np.diag(left)
        return (left @ self._observed) * variance[:, None], variance


def _offsets(samples: Samples, categories: int) -> np.ndarray:
    return (samples.category[:, None] == np.arange(categories)).astype(float)


def _offset_precision(settings: Hyperparameters) -> np.ndarray:
    """Of the prior of the offsets: wide, so that a category without any observation does no harm."""
    return np.eye(settings.categories) / _OFFSET**2


def fit_hyperparameters(
    samples: Samples, values: np.ndarray, starts: list[Hyperparameters]
) -> Hyperparameters:
    """The hyperparameters of the largest posterior density that a search from the starts finds."""
    observed = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-300)
    best, lowest = starts[0], np.inf
    for start in starts:
        found = optimize.minimize(
            lambda numbers, start=start: _cost(
                samples, observed, Hyperparameters(numbers, start.inputs, start.categories)
            ),
            start.values,
            jac=True,
            method="L-BFGS-B",
            bounds=start.bounds(),
            options={"maxiter": _ITERATIONS},
        )
        if found.fun < lowest:
            best, lowest = Hyperparameters(found.x, start.inputs, start.categories), found.fun
    return best


def _cost(samples: Samples, observed: np.ndarray, settings: Hyperparameters) -> tuple[float, np.ndarray]:
    """−ln of the posterior density of hyperparameters, and its gradient; the outputs' mean, so that the
    prior's weight does not depend on their number.
    """
    parts = _parts(samples, samples, settings)
    matrix = parts[0].covariance + parts[1].covariance
    matrix[np.diag_indices(len(matrix))] += settings.noise + _JITTER * matrix[0, 0]
    try:
        factor = linalg.cho_factor(matrix, lower=True)
    except linalg.LinAlgError:
        return 1e20, np.zeros(len(settings.values))
    inverse = linalg.cho_solve(factor, np.eye(len(matrix)))
    trend = _offsets(samples, settings.categories)
    solved = inverse @ trend
    precision = _offset_precision(settings)
    offsets = linalg.solve(trend.T @ solved + precision, solved.T @ observed, assume_a="pos")
    residual = observed - trend @ offsets
    weights = inverse @ residual
    outputs = observed.shape[1]
    misfit = float(np.sum(residual * weights) + np.sum(offsets * (precision @ offsets)))
    cost = 0.5 * misfit / outputs + float(np.log(np.diag(factor[0])).sum())
    slope = 0.5 * (inverse - weights @ weights.T / outputs)
    prior, gradient = settings.prior()
    return cost + prior, gradient + _cost_gradient(samples, parts, slope, settings)


def _cost_gradient(
    samples: Samples, parts: list[_Part], slope: np.ndarray, settings: Hyperparameters
) -> np.ndarray:
    """Gradient by hyperparameters from ``slope`` (n, n), that by the covariance's elements."""
    gradient: list[float] = []
    for part in parts:
        gradient.append(2 * float(np.sum(slope * part.covariance)))
        pull = np.einsum("ij,ij,dij->d", slope, part.slope, part.difference**2)
        gradient += (-2 * pull * part.weights).tolist()
    gradient.append(2 * settings.noise * float(np.trace(slope)))
    forces = [
        4 * np.einsum("ij,ij,dij->id", slope, part.slope, part.difference) * part.weights for part in parts
    ]
    by_category = _offsets(samples, settings.categories).T @ forces[0]
    by_warp = np.sum((forces[0] + forces[1]) * settings.warped(samples.inputs)[1], axis=0)
    return np.array([*gradient, *by_category[1:].ravel(), *by_warp])
