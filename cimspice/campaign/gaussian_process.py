"""A Gaussian process over continuous inputs and a category, whose categories may be shifted in the inputs.

A process corner is mostly a shift of thresholds: the same surface, moved along a gate voltage, plus an offset
and a smaller difference of its own. So the covariance of two points x, x' of the categories c, c' is

    a² k(M ((w + s_c) − (w' + s_c'))) + b² [c = c'] k(N (w − w'))

with learned shifts s, w the inputs with a learned stretch of one end of each axis, an offset per category as
a trend that is estimated with it, and rational quadratic correlations k of learned metrics M, N: a mixture of
scales, for what is steep in one place (a transistor in weak inversion) and flat in another. A metric holds a
length scale per input and mixes inputs: saturation ends, and a cell's two transistors share their current,
along lines across two voltages. All hyperparameters maximise the posterior density.

References
----------
Rasmussen, Williams, Gaussian Processes for Machine Learning, MIT Press 2006: eq. 2.40-2.41 (trend), 4.19
(correlation), 5.8-5.9 (likelihood and its gradient). Dubrule, Math. Geol. 15 (1983) 687 (leave-one-out with
a trend).
"""

import numpy as np
from scipy import linalg, optimize
from scipy.spatial import distance

from cimspice.campaign.hyperparameters import Hyperparameters, Samples

_JITTER = 1e-12  # of the variance: what keeps the factorisation exact to rounding
_OFFSET = 10.0  # width of the prior of a category's offset, in spreads of an output
_ITERATIONS = 200


def correlation(squared_distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rational quadratic correlation of alpha 2, and its derivative with respect to the squared distance."""
    inverse = 1 / (1 + squared_distance / 4)
    square = inverse * inverse
    return square, -0.5 * square * inverse


def covariance(one: Samples, other: Samples, settings: Hyperparameters) -> np.ndarray:
    """Covariance (n, m) of two sets of samples, without noise."""
    common, own = zip(_places(one, settings), _places(other, settings), settings.parts, strict=True)
    total, likeness = (
        part.variance * correlation(distance.cdist(here, there, "sqeuclidean"))[0]
        for here, there, part in (common, own)
    )
    total += likeness * (one.category[:, None] == other.category[None, :])
    return total


def _inputs(samples: Samples, settings: Hyperparameters) -> tuple[np.ndarray, np.ndarray]:
    """Warped inputs (n, d) as the common part sees them, shifted, and as the category's own does."""
    warped = settings.warped(samples.inputs)[0]
    return warped + settings.shifts[samples.category], warped


def _places(samples: Samples, settings: Hyperparameters) -> list[np.ndarray]:
    """The same in the metric of each part."""
    inputs = _inputs(samples, settings)
    return [each @ part.metric.T for each, part in zip(inputs, settings.parts, strict=True)]


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
        inverse = _inverse(self._factor[0])
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
            lambda numbers, start=start: _cost(samples, observed, start.moved(numbers)),
            start.values,
            jac=True,
            method="L-BFGS-B",
            bounds=start.bounds(),
            options={"maxiter": _ITERATIONS},
        )
        if found.fun < lowest:
            best, lowest = start.moved(found.x), found.fun
    return best


def _cost(samples: Samples, observed: np.ndarray, settings: Hyperparameters) -> tuple[float, np.ndarray]:
    """−ln of the posterior density of hyperparameters, and its gradient; the outputs' mean, so that the
    prior's weight does not depend on their number.
    """
    likenesses = _likenesses(samples, settings)
    matrix = likenesses[0][0] + likenesses[1][0]
    matrix[np.diag_indices(len(matrix))] += settings.noise + _JITTER * matrix[0, 0]
    try:
        factor = linalg.cholesky(matrix, lower=True)
    except linalg.LinAlgError:
        return 1e20, np.zeros(len(settings.values))
    inverse = _inverse(factor)
    trend = _offsets(samples, settings.categories)
    solved = inverse @ trend
    precision = _offset_precision(settings)
    offsets = linalg.solve(trend.T @ solved + precision, solved.T @ observed, assume_a="pos")
    residual = observed - trend @ offsets
    weights = inverse @ residual
    outputs = observed.shape[1]
    misfit = float(np.sum(residual * weights) + np.sum(offsets * (precision @ offsets)))
    cost = 0.5 * misfit / outputs + float(np.log(np.diag(factor)).sum())
    slope = 0.5 * (inverse - weights @ weights.T / outputs)
    prior, gradient = settings.prior()
    return cost + prior, gradient + _cost_gradient(samples, likenesses, slope, settings)


def _likenesses(samples: Samples, settings: Hyperparameters) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each part the covariance (n, n) of samples, and its derivative by the squared distance."""
    same = samples.category[:, None] == samples.category[None, :]
    found = []
    for places, part, mask in zip(_places(samples, settings), settings.parts, (True, same), strict=True):
        likeness, slope = correlation(distance.cdist(places, places, "sqeuclidean"))
        scale = part.variance * mask
        found.append((scale * likeness, scale * slope))
    return found


def _cost_gradient(
    samples: Samples,
    likenesses: list[tuple[np.ndarray, np.ndarray]],
    slope: np.ndarray,
    settings: Hyperparameters,
) -> np.ndarray:
    """Gradient by hyperparameters from ``slope`` (n, n), that by the covariance's elements."""
    by_parts, forces = [], []
    for inputs, part, (likeness, steepness) in zip(
        _inputs(samples, settings), settings.parts, likenesses, strict=True
    ):
        pull = slope * steepness
        # sum over pairs of pull times the difference of their inputs: without an array over pairs and inputs
        torn = pull.sum(axis=1)[:, None] * inputs - pull @ inputs
        by_parts.append((float(np.sum(slope * likeness)), 4 * part.metric @ (inputs.T @ torn)))
        forces.append(4 * torn @ (part.metric.T @ part.metric))
    gradient = settings.part_gradients(by_parts)
    by_category = _offsets(samples, settings.categories).T @ forces[0]
    by_warp = np.sum((forces[0] + forces[1]) * settings.warped(samples.inputs)[1], axis=0)
    by_noise = 2 * settings.noise * float(np.trace(slope))
    rest = np.array([by_noise, *by_category[1:].ravel(), *by_warp])
    gradient[-len(rest) :] = rest
    return gradient


def _inverse(factor: np.ndarray) -> np.ndarray:
    """Inverse of a matrix from its lower Cholesky factor, in a third of the time of solving for it."""
    (invert,) = linalg.get_lapack_funcs(("potri",), (factor,))
    lower = np.tril(invert(factor, lower=True)[0])
    return lower + np.tril(lower, -1).T
