"""The one least-squares driver: every fit of the library goes through :func:`solve`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

from cimspice.errors import FitError
from cimspice.fit.minimise import Problem, held_parameters
from cimspice.fit.noise import Noise, settle

CONFIDENCE = 0.95
# Singular values (of the Jacobian with columns of unit length) below this fraction of the largest one count
# as zero. A three-point numeric Jacobian is good to about 1e-10 relative, so its threshold is coarser.
_RANK_ANALYTIC, _RANK_NUMERIC = 1e-10, 1e-8
# How much of a null direction a parameter may have and still count as determined.
_SHARE = 1e-2


@dataclass(frozen=True)
class Solution:
    """Result of :func:`solve`, in the units of the parameters and observations.

    ``covariance`` (n, n) is the residual variance × (JᵀJ)⁻¹; a parameter that the data do not determine has
    an infinite variance. ``half_widths`` (n,) are those of the 95 % intervals (Student's t). ``reasons`` says
    for each parameter why it is not identifiable, and is empty where it is. ``residuals`` (m,) are model −
    data. ``limits`` (n, 2) are the bounds, beyond which no interval goes; ``weighting`` says how the noise of
    measured data is distributed over them.
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    half_widths: np.ndarray
    reasons: tuple[str, ...]
    residuals: np.ndarray
    degrees_of_freedom: int
    limits: np.ndarray | None = None
    weighting: str = ""

    @property
    def intervals(self) -> np.ndarray:
        """Both ends of each 95 % interval, (n, 2); infinite where the data give none."""
        ends = self.values[:, None] + np.outer(self.half_widths, [-1.0, 1.0])
        if self.limits is not None:
            known = np.isfinite(self.half_widths)
            ends[known] = np.clip(ends[known], self.limits[known, :1], self.limits[known, 1:])
        return ends

    def first(self, count: int) -> Solution:
        """The first ``count`` parameters alone; the others remain accounted for in the covariance."""
        return Solution(
            self.names[:count],
            self.values[:count],
            self.covariance[:count, :count],
            self.half_widths[:count],
            self.reasons[:count],
            self.residuals,
            self.degrees_of_freedom,
            None if self.limits is None else self.limits[:count],
            self.weighting,
        )


def join(first: Solution, second: Solution) -> Solution:
    """Two independent solutions as one; the residuals are those of the second."""
    count = len(first.names)
    covariance = np.zeros((count + len(second.names),) * 2)
    covariance[:count, :count], covariance[count:, count:] = first.covariance, second.covariance
    return Solution(
        first.names + second.names,
        np.concatenate([first.values, second.values]),
        covariance,
        np.concatenate([first.half_widths, second.half_widths]),
        first.reasons + second.reasons,
        second.residuals,
        second.degrees_of_freedom,
        np.concatenate([_limits(first), _limits(second)]),
        second.weighting,
    )


def _limits(solution: Solution) -> np.ndarray:
    return (
        np.tile([-np.inf, np.inf], (len(solution.names), 1)) if solution.limits is None else solution.limits
    )


def solve(
    residuals: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray | Sequence[np.ndarray],
    *,
    names: Sequence[str],
    scale: float,
    jacobian: Callable[[np.ndarray], np.ndarray] | None = None,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    resolution: Mapping[str, float] | None = None,
    noise: Noise | None = None,
    per: np.ndarray | float = 1.0,
) -> Solution:
    """Minimise Σ (residuals/σ)² and say how well the data determine each parameter.

    A parameter that ends at a bound is held there, and the others are fitted again; its interval has one
    side.

    Parameters
    ----------
    residuals
        Function of the parameters (n,) giving model − data (m,).
    start
        Start values (n,), or several; the best end wins. Parameters are scaled by their start values.
    names
        Names of the n parameters, for messages.
    scale
        Typical size of an observation: residuals are divided by it inside, so that tolerances mean the same
        for femtofarads and volts.
    jacobian
        ∂residuals/∂parameters (m, n); numeric (three points) if not given.
    bounds
        Lower and upper bounds, (n,) each.
    resolution
        Per parameter, the half-width of the interval below which it counts as known even though zero lies in
        the interval (for coefficients of a correction that may well be zero).
    noise
        That of measured data; without it σ is the same for all residuals.
    per
        Change of each residual per unit of its observation, where that is not 1.

    Raises
    ------
    FitError
        Fewer observations than parameters, residuals not finite, no convergence.
    ParameterError
        A parameter that is held outside its bounds.
    """
    names = tuple(names)
    starts = [np.asarray(s, dtype=float) for s in (start if isinstance(start, list | tuple) else [start])]
    if not (np.isfinite(scale) and scale > 0):
        raise FitError(
            f"the data have no usable size: {scale}", remedy="check that the data are not all zero"
        )
    unbounded = np.full(starts[0].shape, np.inf)
    low, high = (-unbounded, unbounded) if bounds is None else bounds
    problem = Problem(residuals, jacobian, names, scale, low, high, bounds is not None)
    held = held_parameters(problem)
    size = np.asarray(residuals(starts[0])).size
    if noise is None:
        best, sigma, weighting = problem.best(starts, held, np.ones(size)), np.ones(size), ""
    else:
        best, sigma, weighting = settle(
            noise,
            np.broadcast_to(np.abs(per), (size,)),
            size - starts[0].size + len(held),
            lambda sigma, before: problem.best(starts if before is None else [before.x], held, sigma),
            lambda result: np.asarray(residuals(result.x), dtype=float),
        )
    solution = _judge(best, problem, held, sigma, resolution or {}, known=noise is not None)
    return replace(solution, limits=np.column_stack([low, high]), weighting=weighting)


def solve_linear(
    design: np.ndarray,
    observed: np.ndarray,
    *,
    names: Sequence[str],
    scale: float | None = None,
    resolution: Mapping[str, float] | None = None,
    noise: Noise | None = None,
    per: np.ndarray | float = 1.0,
) -> Solution:
    """:func:`solve` for ``design`` (m, n) @ parameters ≈ ``observed`` (m,)."""
    norms = np.linalg.norm(design, axis=0)
    start = np.linalg.lstsq(design / np.where(norms > 0, norms, 1.0), observed, rcond=None)[0]
    start = start / np.where(norms > 0, norms, 1.0)
    size = float(np.max(np.abs(observed), initial=0.0)) if scale is None else scale
    return solve(
        lambda parameters: design @ parameters - observed,
        start,
        names=names,
        scale=size,
        jacobian=lambda parameters: design,
        resolution=resolution,
        noise=noise,
        per=per,
    )


def _judge(
    result: optimize.OptimizeResult,
    problem: Problem,
    held: Mapping[int, float],
    sigma: np.ndarray,
    resolution: Mapping[str, float],
    *,
    known: bool,
) -> Solution:
    """Covariance from the singular values of the Jacobian, and which parameters the data do not determine.

    Where σ is not ``known``, the residuals give it.
    """
    names, count = problem.names, len(problem.names)
    middle = float(np.median(sigma))
    weighted = result.fun * problem.scale
    freedom = weighted.size - len(result.free)
    variance = middle**2 if known else float(weighted @ weighted) / max(freedom, 1)
    quantile = float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2)) if freedom > 0 else np.inf
    covariance, half_widths, reasons = np.zeros((count, count)), np.full(count, np.inf), [""] * count

    def spread(end: optimize.OptimizeResult) -> tuple[np.ndarray, list[str]]:
        """Covariance of the free parameters of an end, and why one is undetermined."""
        jacobian = end.jac * problem.scale
        free_names = [names[k] for k in end.free]
        lost, shape = _undetermined(jacobian, free_names, problem.jacobian is not None)
        none = np.array([bool(reason) for reason in lost]) | (freedom <= 0)
        found = np.where(none[:, None] | none[None, :], 0.0, shape * variance)
        found[none, none] = np.inf
        return found, lost

    found, lost = spread(result)
    covariance[np.ix_(result.free, result.free)] = found
    for k, reason in zip(result.free, lost, strict=True):
        reasons[k] = reason
        half_widths[k] = np.inf if reason or freedom <= 0 else quantile * np.sqrt(covariance[k, k])
    for k, value in held.items():
        reasons[k] = f"held at {value:g}, not fitted"
    if result.at_bound:
        variances = dict(zip(result.inside.free, np.diagonal(spread(result.inside)[0]), strict=True))
        for k, bound in result.at_bound.items():
            half_widths[k] = quantile * np.sqrt(variances[k])
            reasons[k] = f"it ended at its bound, {bound:.6g}, and is held there"
    for k, name in enumerate(names):
        if reasons[k]:
            continue
        if freedom <= 0:
            reasons[k] = "as many parameters as observations: nothing is left over to judge by"
        elif 2 * half_widths[k] > abs(result.x[k]) and half_widths[k] > resolution.get(name, 0.0):
            reasons[k] = f"the interval, ±{half_widths[k]:.3g}, is wider than the value {result.x[k]:.3g}"
    residuals = weighted * sigma / middle
    return Solution(names, result.x, covariance, half_widths, tuple(reasons), residuals, freedom)


def _undetermined(jacobian: np.ndarray, names: Sequence[str], analytic: bool) -> tuple[list[str], np.ndarray]:
    """Why each parameter is not determined, empty where it is, and (JᵀJ)⁻¹ of the determined directions."""
    reasons = [""] * len(names)
    norms = np.linalg.norm(jacobian, axis=0)
    for k in np.flatnonzero(norms == 0):
        reasons[k] = "the data do not depend on it"
    units = np.where(norms > 0, norms, 1.0)
    _, singular, rows = np.linalg.svd(jacobian / units, full_matrices=False)
    threshold = (_RANK_ANALYTIC if analytic else _RANK_NUMERIC) * np.max(singular, initial=0.0)
    for row in rows[singular <= threshold]:
        members = [k for k in np.flatnonzero(np.abs(row) > _SHARE).tolist() if norms[k] > 0]
        for k in members:
            others = ", ".join(names[j] for j in members if j != k)
            reasons[k] = reasons[k] or f"the data determine only a combination of it with {others}"
    kept = singular > threshold
    inverse = rows[kept] / singular[kept, None]
    return reasons, (inverse.T @ inverse) / np.outer(units, units)
