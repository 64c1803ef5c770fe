"""Which points to simulate next: those where a fit expects to be most wrong, none beside another."""

from collections.abc import Callable

import numpy as np

from cimspice.campaign.gaussian_process import GaussianProcess, covariance
from cimspice.campaign.hyperparameters import Samples

_LARGEST_FACTOR = 100.0  # by which one surprise may raise the variance around it


def choose(
    process: GaussianProcess,
    candidates: Samples,
    sensitivity: Callable[[np.ndarray], np.ndarray],
    count: int,
) -> tuple[list[int], float]:
    """Indices of the candidates to run, and the rms error that the fit expects over all candidates.

    The expected error is the process' own, raised where its predictions of known points from all the others
    were further off than it had expected. Points are taken one after another, the largest expected error
    first; each is then counted as known, which lowers the others around it and needs no result.

    Parameters
    ----------
    process
        The fit.
    candidates
        Places to choose from (k).
    sensitivity
        How much an error counts, of predicted values.
    count
        How many to choose at most.

    References
    ----------
    Le Gratiet, Cannamela, Technometrics 57 (2015) 418: variance adjusted by leave-one-out errors.
    """
    if not len(candidates.category):
        return [], 0.0
    counted = np.sqrt(np.mean((sensitivity(process.predict(candidates)) * process.scale) ** 2, axis=1))
    size = counted * np.sqrt(_surprise(process, candidates))
    left = process.uncertainty(candidates) * np.outer(size, size)
    variance = np.maximum(np.diag(left), 0.0).copy()
    expected = float(np.sqrt(np.mean(variance)))
    picked: list[int] = []
    rows = np.zeros((min(count, len(variance)), len(variance)))
    for k in range(len(rows)):  # pivoted Cholesky: the variance that is left once the picked ones are known
        best = int(np.argmax(variance))
        if variance[best] <= 0:
            break
        row = (left[best] - rows[:k, best] @ rows[:k]) / np.sqrt(variance[best])
        rows[k] = row
        variance = np.maximum(variance - row**2, 0.0)
        variance[best] = 0.0
        picked.append(best)
    return picked, expected


def _surprise(process: GaussianProcess, candidates: Samples) -> np.ndarray:
    """Factor (k,) of the variance: 1 + (error / expected error)² of the known point most like a candidate."""
    errors, variance = process.leave_one_out()
    ratio = np.minimum(np.mean(errors**2, axis=1) / variance, _LARGEST_FACTOR)
    nearest = np.argmax(covariance(candidates, process.samples, process.settings), axis=1)
    return 1 + ratio[nearest]
