"""One minimisation of a sum of squares, with parameters that are held: by the user, or at their bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from cimspice.errors import FitError, ParameterError

_TOLERANCE = 1e-14
_NEAR = 1e-3
"""A parameter this close to a bound, in its typical sizes, is tried at it."""
_HELD: ContextVar[tuple[Mapping[str, float], set[str]]] = ContextVar("held", default=({}, set()))


@contextmanager
def holding(values: Mapping[str, float]) -> Iterator[set[str]]:
    """Hold parameters of these names at these values in every fit within; yields the names that were met."""
    met: set[str] = set()
    token = _HELD.set((values, met))
    try:
        yield met
    finally:
        _HELD.reset(token)


def held_parameters(problem: Problem) -> dict[int, float]:
    """Parameters that the user holds: index -> value."""
    wanted, met = _HELD.get()
    held = {k: wanted[name] for k, name in enumerate(problem.names) if name in wanted}
    for k, value in held.items():
        met.add(problem.names[k])
        if not problem.low[k] <= value <= problem.high[k]:
            raise ParameterError(
                f"{problem.names[k]} = {value:g} is outside {problem.low[k]:g} to {problem.high[k]:g}",
                place="fixed parameter",
                remedy="give a value that the model can have",
            )
    return held


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be minimised, over the parameters that are not held."""

    residuals: Callable[[np.ndarray], np.ndarray]
    jacobian: Callable[[np.ndarray], np.ndarray] | None
    names: tuple[str, ...]
    scale: float
    low: np.ndarray
    high: np.ndarray
    bounded: bool

    def best(
        self, starts: Sequence[np.ndarray], held: Mapping[int, float], sigma: np.ndarray
    ) -> optimize.OptimizeResult:
        """The best end of several starts; parameters at a bound are held there (``at_bound``)."""
        ends = [self.minimise(start, held, sigma) for start in starts]
        best = min(ends, key=lambda end: end.cost)
        inside, at_bound = best, dict[int, float]()
        while near := [
            (k, bound)
            for k in best.free
            for bound in (float(self.low[k]), float(self.high[k]))
            if np.isfinite(bound) and abs(best.x[k] - bound) <= _NEAR * best.typical[k]
        ]:
            k, bound = near[0]
            try:
                trial = self.minimise(best.x, {**held, **at_bound, k: bound}, sigma)
            except FitError:
                break
            if trial.cost > best.cost * (1 + 1e-9) + 1e-30:
                break
            best, at_bound = trial, {**at_bound, k: bound}
        best.at_bound, best.inside = at_bound, inside
        return best

    def minimise(
        self, start: np.ndarray, held: Mapping[int, float], sigma: np.ndarray
    ) -> optimize.OptimizeResult:
        """One minimisation; residuals are divided by σ, which is as large as 1 in the middle."""
        whole = np.array(start, dtype=float)
        for k, value in held.items():
            whole[k] = value
        free = [k for k in range(whole.size) if k not in held]
        weight = np.median(sigma) / sigma

        def put(values: np.ndarray) -> np.ndarray:
            point = whole.copy()
            point[free] = values
            return point

        def jacobian(values: np.ndarray) -> np.ndarray:
            assert self.jacobian is not None
            return self.jacobian(put(values))[:, free] * weight[:, None]

        result = _minimise(
            lambda values: np.asarray(self.residuals(put(values)), dtype=float) * weight,
            whole[free],
            [self.names[k] for k in free],
            self.scale,
            None if self.jacobian is None else jacobian,
            (self.low[free], self.high[free]) if self.bounded else None,
        )
        result.free, result.x, result.typical = free, put(result.x), np.where(whole != 0, np.abs(whole), 1.0)
        return result


def _minimise(residuals, start, names, scale, jacobian, bounds) -> optimize.OptimizeResult:
    if start.size == 0:
        fun = residuals(start) / scale
        return optimize.OptimizeResult(
            x=start, fun=fun, jac=np.zeros((fun.size, 0)), cost=float(fun @ fun) / 2
        )
    typical = np.where(start != 0, np.abs(start), 1.0)
    first = np.asarray(residuals(start), dtype=float)
    if first.size < start.size:
        raise FitError(
            f"{first.size} observations cannot determine {start.size} parameters ({', '.join(names)})",
            remedy="measure more points or fit a model with fewer parameters",
        )
    if not np.all(np.isfinite(first)):
        raise FitError(
            f"the model is not finite at the start values {dict(zip(names, start.tolist(), strict=True))}",
            remedy="check the data for values far outside the model's domain",
        )
    low, high = (
        bounds if bounds is not None else (np.full(start.shape, -np.inf), np.full(start.shape, np.inf))
    )
    options: dict = {"jac": "3-point", "bounds": (low / typical, high / typical)}
    if jacobian is not None:
        options["jac"] = lambda z: jacobian(z * typical) * typical / scale
        if bounds is None:
            options = {"jac": options["jac"], "method": "lm"}  # much quicker, but knows no bounds
    result = optimize.least_squares(
        lambda z: np.asarray(residuals(z * typical), dtype=float) / scale,
        start / typical,
        x_scale="jac",
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
        max_nfev=400 * start.size,
        **options,
    )
    if result.status <= 0 or not np.all(np.isfinite(result.x)):
        raise FitError(
            f"the fit of {', '.join(names)} did not converge: {result.message}",
            remedy="check the data for outliers, or fit a narrower range",
        )
    result.x = result.x * typical
    result.jac = result.jac / typical
    return result
