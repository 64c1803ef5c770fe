"""The one least-squares driver: every fit of the library goes through :func:`solve`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from cimspice.errors import FitError

CONFIDENCE = 0.95
# Singular values (of the Jacobian with columns of unit length) below this fraction of the largest one count
# as zero. A three-point numeric Jacobian is good to about 1e-10 relative, so its threshold is coarser.
_RANK_ANALYTIC, _RANK_NUMERIC = 1e-10, 1e-8
# How much of a null direction a parameter may have and still count as determined.
_SHARE = 1e-2
_TOLERANCE = 1e-14


@dataclass(frozen=True)
class Solution:
    """Result of :func:`solve`, in the units of the parameters and observations.

    ``covariance`` (n, n) is the residual variance × (JᵀJ)⁻¹; a parameter that the data do not determine has
    an infinite variance. ``half_widths`` (n,) are those of the 95 % intervals (Student's t). ``reasons`` says
    for each parameter why it is not identifiable, and is empty where it is. ``residuals`` (m,) are model −
    data.
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    half_widths: np.ndarray
    reasons: tuple[str, ...]
    residuals: np.ndarray
    degrees_of_freedom: int

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
) -> Solution:
    """Minimise Σ residuals² and say how well the data determine each parameter.

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
        Lower and upper bounds, (n,) each; a parameter that ends at one is reported as not identifiable.
    resolution
        Per parameter, the half-width of the interval below which it counts as known even though zero lies in
        the interval (for coefficients of a correction that may well be zero).

    Raises
    ------
    FitError
        Fewer observations than parameters, residuals not finite, no convergence.
    """
    names = tuple(names)
    starts = [np.asarray(s, dtype=float) for s in (start if isinstance(start, list | tuple) else [start])]
    if not (np.isfinite(scale) and scale > 0):
        raise FitError(
            f"the data have no usable size: {scale}", remedy="check that the data are not all zero"
        )
    best = None
    for candidate in starts:
        result = _minimise(residuals, candidate, names, scale, jacobian, bounds)
        if best is None or result.cost < best.cost:
            best = result
    assert best is not None
    return _judge(best, names, scale, jacobian is not None, resolution or {})


def solve_linear(
    design: np.ndarray,
    observed: np.ndarray,
    *,
    names: Sequence[str],
    scale: float | None = None,
    resolution: Mapping[str, float] | None = None,
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
    )


def _minimise(residuals, start, names, scale, jacobian, bounds) -> optimize.OptimizeResult:
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


def _judge(result, names, scale, analytic, resolution) -> Solution:
    """Covariance from the singular values of the Jacobian, and which parameters the data do not determine."""
    residuals, jacobian = result.fun * scale, result.jac * scale
    freedom = residuals.size - result.x.size
    reasons = _undetermined(result, names, analytic)
    norms = np.linalg.norm(jacobian, axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    _, singular, rows = np.linalg.svd(jacobian / norms, full_matrices=False)
    kept = singular > (_RANK_ANALYTIC if analytic else _RANK_NUMERIC) * singular[0]
    inverse = rows[kept] / singular[kept, None]
    variance = float(residuals @ residuals) / freedom if freedom > 0 else np.inf
    shape = (inverse.T @ inverse) / np.outer(norms, norms)
    lost = np.array([bool(reason) for reason in reasons]) | (freedom <= 0)
    covariance = np.where(lost[:, None] | lost[None, :], 0.0, shape * (variance if freedom > 0 else 0.0))
    covariance[lost, lost] = np.inf
    quantile = float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2)) if freedom > 0 else np.inf
    half_widths = np.where(lost, np.inf, quantile * np.sqrt(np.diagonal(covariance)))
    for k, name in enumerate(names):
        if reasons[k]:
            continue
        if freedom <= 0:
            reasons[k] = "as many parameters as observations: nothing is left over to judge by"
        elif 2 * half_widths[k] > abs(result.x[k]) and half_widths[k] > resolution.get(name, 0.0):
            reasons[k] = f"the interval, ±{half_widths[k]:.3g}, is wider than the value {result.x[k]:.3g}"
    return Solution(names, result.x, covariance, half_widths, tuple(reasons), residuals, freedom)


def _undetermined(result, names, analytic) -> list[str]:
    reasons = [""] * len(names)
    norms = np.linalg.norm(result.jac, axis=0)
    for k in np.flatnonzero(norms == 0):
        reasons[k] = "the data do not depend on it"
    for k in np.flatnonzero(result.active_mask != 0):
        reasons[k] = f"it ended at its bound, {result.x[k]:.6g}"
    _, singular, rows = np.linalg.svd(result.jac / np.where(norms > 0, norms, 1.0), full_matrices=False)
    threshold = (_RANK_ANALYTIC if analytic else _RANK_NUMERIC) * singular[0]
    for row in rows[singular <= threshold]:
        members = [k for k in np.flatnonzero(np.abs(row) > _SHARE) if norms[k] > 0]
        for k in members:
            others = ", ".join(names[j] for j in members if j != k)
            reasons[k] = reasons[k] or f"the data determine only a combination of it with {others}"
    return reasons
