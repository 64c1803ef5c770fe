"""Integration of many devices at once, each with its own time step.

A Rosenbrock W-method of order 2 with an error estimate of order 3 (Shampine, Reichelt, SIAM J. Sci. Comput.
18 (1997) 1): linearly implicit, so that the stiff thermal run-away of a SET needs no tiny steps, and of full
order with the Jacobian from differences.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cimspice.errors import SimulationError

_D = 1 / (2 + np.sqrt(2))
_E32 = 6 + np.sqrt(2)
_LARGEST, _SMALLEST = 5.0, 0.2
_STEP_LIMIT = 20_000
_PERTURBATION = 1e-7

Rates = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(times (n,), variables (k, n), cells (n,) as indices) -> derivatives (k, n), integrands (q, n)."""


@dataclass(frozen=True)
class Integration:
    """Result: ``variables`` (k, cells) at the end, ``integrals`` (q, cells), ``steps`` taken by each cell."""

    variables: np.ndarray
    integrals: np.ndarray
    steps: np.ndarray


def integrate(
    rates: Rates,
    start: np.ndarray,
    duration: np.ndarray,
    *,
    relative: float = 1e-5,
    absolute: np.ndarray | float = 1e-6,
) -> Integration:
    """Integrate from 0 to ``duration`` (s, shape (cells,)), each cell with steps of its own.

    SimulationError if a cell needs more than 20,000 steps or its derivatives are not finite.

    Parameters
    ----------
    rates
        Derivatives of the variables, and the integrands whose integrals over time are wanted, such as power.
    start
        Variables at time 0, shape (k, cells).
    relative, absolute
        Error allowed in one step; ``absolute`` may be one number per variable.
    """
    y = np.array(start, dtype=float)
    duration = np.broadcast_to(np.asarray(duration, dtype=float), y.shape[1:])
    floor = np.broadcast_to(np.asarray(absolute, dtype=float), y.shape[:1])[:, None]
    time, steps = np.zeros(y.shape[1]), np.zeros(y.shape[1], dtype=int)
    width = duration * 1e-3
    active = np.flatnonzero(duration > 0)
    integrals = np.zeros((rates(time, y, np.arange(y.shape[1]))[1].shape[0], y.shape[1]))
    while active.size:
        t, now = time[active], y[:, active]
        h = np.minimum(width[active], duration[active] - t)
        new, gain, error = _step(rates, t, now, h, active)
        scale = floor + relative * np.maximum(np.abs(now), np.abs(new))
        size = np.max(np.abs(error) / scale, axis=0)
        size = np.where(np.isfinite(size) & np.all(np.isfinite(new), axis=0), size, np.inf)
        good = size <= 1
        accepted = active[good]
        y[:, accepted], time[accepted] = new[:, good], (t + h)[good]
        integrals[:, accepted] += gain[:, good]
        steps[active] += 1
        with np.errstate(divide="ignore"):
            width[active] = h * np.clip(0.8 * size ** (-1 / 3), _SMALLEST, _LARGEST)
        if np.any(steps > _STEP_LIMIT) or np.any(width[active] < 1e-14 * duration[active]):
            stuck = int(active[np.argmin(width[active])])
            raise SimulationError(
                f"the integration of cell {stuck} stands still at {time[stuck]:.4g} s",
                remedy="check the pulse: without a series resistance or a transistor a SET may run away",
            )
        active = active[time[active] < duration[active] * (1 - 1e-12)]
    return Integration(y, integrals, steps)


def _step(rates: Rates, t: np.ndarray, y: np.ndarray, h: np.ndarray, cells: np.ndarray):
    """One step of every cell: new variables, increments of the integrals, error estimate."""
    with np.errstate(over="ignore", invalid="ignore"):
        f0, p0, jacobian, by_time = _linearised(rates, t, y, h, cells)
        matrix = np.eye(y.shape[0])[:, :, None] - h * _D * jacobian
        k1 = _solve(matrix, f0 + h * _D * by_time)
        f1, p1 = rates(t + h / 2, y + h / 2 * k1, cells)
        k2 = _solve(matrix, f1 - k1) + k1
        new = y + h * k2
        f2, p2 = rates(t + h, new, cells)
        k3 = _solve(matrix, f2 - _E32 * (k2 - f1) - 2 * (k1 - f0) + h * _D * by_time)
    return new, h / 6 * (p0 + 4 * p1 + p2), h / 6 * (k1 - 2 * k2 + k3)


def _linearised(rates: Rates, t: np.ndarray, y: np.ndarray, h: np.ndarray, cells: np.ndarray):
    """Rates, integrands, ∂rates/∂variables (k, k, n) and ∂rates/∂t, from one call with perturbed copies."""
    count, width = y.shape
    copies = np.repeat(y[:, None, :], count + 2, axis=1)
    shifts = _PERTURBATION * (1 + np.abs(y))
    copies[np.arange(count), np.arange(count) + 1] += shifts
    times = np.repeat(t[None], count + 2, axis=0)
    times[-1] += _PERTURBATION * h
    rate, integrand = rates(times.ravel(), copies.reshape(count, -1), np.tile(cells, count + 2))
    rate, first = rate.reshape(count, count + 2, width), integrand[:, :width]
    jacobian = (rate[:, 1:-1] - rate[:, :1]) / shifts
    return rate[:, 0], first, jacobian, (rate[:, -1] - rate[:, 0]) / (_PERTURBATION * h)


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve the (k, k, n) systems of n cells for right sides (k, n)."""
    if right.shape[0] == 1:
        return right / matrix[0]
    return np.linalg.solve(np.moveaxis(matrix, 2, 0), right.T[:, :, None])[:, :, 0].T
