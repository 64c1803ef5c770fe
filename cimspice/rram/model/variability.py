"""Spread of resistive memories from device to device and from cycle to cycle, with its correlations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy import optimize, special

from cimspice.errors import FitError, ParameterError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import CONFIDENCE, Solution
from cimspice.fit.model import Model, flatten, register
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import TableSchema
from cimspice.rram.model.tables import RRAM_CYCLES

QUANTITIES = ("low_conductance", "high_conductance", "set_voltage", "reset_voltage")
_UNITS = {"low_conductance": "S", "high_conductance": "S", "set_voltage": "V", "reset_voltage": "V"}
_LARGEST_CORRELATION = 0.995
_RELATIVE_STEP = 1e-3


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class RramVariability(Model):
    """ln q = μ + b_device + e_cycle; b ~ N(0, Σ_D), e an AR(1) process of covariance Σ_C over the cycles.

    ``log_median`` (k,) is μ of the ``quantities`` in ln of their SI units; ``device_covariance`` and
    ``cycle_covariance`` (k, k); ``correlation`` is that of e from one cycle to the next, the same for all
    quantities. Fitted by restricted maximum likelihood for Σ_C and the correlation, Σ_D from the means of the
    devices less what their cycles contribute.

    References
    ----------
    S. R. Searle, G. Casella, C. E. McCulloch, Variance Components (1992), chapter 3; transformation: S. J.
    Prais, C. B. Winsten, Cowles Commission Discussion Paper 383 (1954).
    """

    kind: ClassVar[str] = "rram_variability"
    schema: ClassVar[TableSchema] = RRAM_CYCLES
    parameter_units: ClassVar[Mapping[str, str]] = {
        "log_median": "1",
        "device_covariance": "1",
        "cycle_covariance": "1",
        "correlation": "1",
    }
    log_units: ClassVar[Mapping[str, str]] = {"log_median": "S or V"}
    log_median: np.ndarray
    device_covariance: np.ndarray
    cycle_covariance: np.ndarray
    correlation: float
    quantities: tuple[str, ...] = QUANTITIES[:2]

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantities", tuple(self.quantities))
        super().__post_init__()
        count = len(self.quantities)
        for name in ("device_covariance", "cycle_covariance"):
            matrix = np.asarray(getattr(self, name))
            if matrix.shape != (count, count) or not np.allclose(matrix, matrix.T):
                raise ParameterError(f"{name} is no symmetric matrix of {count} quantities", place=self.kind)
            if np.min(np.linalg.eigvalsh(matrix)) < -1e-9 * np.max(np.abs(matrix), initial=1e-300):
                raise ParameterError(f"{name} has a negative eigenvalue", place=self.kind)
        if not -1 < self.correlation < 1:
            raise ParameterError(
                f"correlation is {self.correlation:g}", place=self.kind, remedy="give one between -1 and 1"
            )

    def log_unit(self, parameter: str) -> str | None:
        known = dict(zip(flatten("log_median", self.log_median), self.quantities, strict=True))
        return _UNITS[known[parameter]] if parameter in known else None

    def sample(self, devices: int, cycles: int, seed: int) -> pd.DataFrame:
        """A table of the kind that :meth:`fit` takes: every device through every cycle."""
        generator = np.random.default_rng(seed)
        count = len(self.quantities)
        own = _draw(generator, self.device_covariance, (devices, 1, count))
        noise = _draw(generator, self.cycle_covariance, (devices, cycles, count))
        for k in range(1, cycles):
            noise[:, k] = self.correlation * noise[:, k - 1] + np.sqrt(1 - self.correlation**2) * noise[:, k]
        values = np.exp(np.asarray(self.log_median) + own + noise).reshape(-1, count)
        numbers = {
            "device": np.repeat(np.arange(devices), cycles),
            "cycle": np.tile(np.arange(cycles), devices),
        }
        return pd.DataFrame({**numbers, **dict(zip(self.quantities, values.T, strict=True))})

    @classmethod
    def fit(
        cls, table: pd.DataFrame, *, corner: str | None = None, temperature: float | None = None
    ) -> Fit[Self]:
        """Fit to a table of devices and their cycles. The residual is that of ln q within the devices.

        Raises
        ------
        FitError
            Fewer than 3 devices, or devices with fewer than 3 cycles, or with a cycle left out.
        """
        rows = RRAM_CYCLES.rows(table, corner=corner, temperature=temperature)
        quantities = tuple(name for name in QUANTITIES if name in rows)
        groups = _devices(rows, quantities)
        within = sum(len(group) - 1 for group in groups)
        best: Any = optimize.minimize_scalar(
            lambda rho: _deviance(groups, rho)[0],
            bounds=(-_LARGEST_CORRELATION, _LARGEST_CORRELATION),
            method="bounded",
            options={"xatol": 1e-7},
        )
        rho = float(best.x)
        _, cycle, means, weights = _deviance(groups, rho)
        noise = cycle * float(np.mean(1 / weights))
        between = np.atleast_2d(np.cov(means, rowvar=False))
        device = _positive(between - noise)
        median = means.mean(axis=0)
        model = cls(
            log_median=median,
            device_covariance=device,
            cycle_covariance=cycle,
            correlation=rho,
            quantities=quantities,
            ranges=Ranges.seen(_UNITS, **{name: rows[name].to_numpy() for name in quantities}),
        )
        variances = np.concatenate([
            np.diag(between) / len(groups),
            _wishart(between, len(groups) - 1) + _wishart(noise, within),
            _wishart(cycle, within),
            [_curvature(groups, rho)],
        ])  # fmt: skip
        residuals = np.concatenate([(group - group.mean(axis=0)).ravel() for group in groups])
        solution = _solution(model, variances, residuals, within * len(quantities))
        return Fit.assemble(
            model, solution, full_scale=1.0, full_scale_name="the quantity itself", unit="1", table=table
        )


def _draw(generator: np.random.Generator, covariance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers of this covariance along the last axis; a covariance of zero is allowed."""
    values, vectors = np.linalg.eigh(covariance)
    return generator.normal(size=shape) @ (vectors * np.sqrt(np.clip(values, 0, None))).T


def _devices(rows: pd.DataFrame, quantities: tuple[str, ...]) -> list[np.ndarray]:
    """ln of the quantities (cycles, k) of each device, its cycles in order and none left out."""
    groups = []
    for name, group in rows.groupby("device"):
        ordered = group.sort_values("cycle")
        steps = np.diff(ordered["cycle"].to_numpy())
        if len(ordered) < 3 or not np.allclose(steps, 1):
            what = "has fewer than 3 cycles" if len(ordered) < 3 else "misses a cycle"
            raise FitError(
                f"device {name:g} {what}",
                place="rram_cycles table",
                remedy="give at least three cycles of each device, numbered one by one",
            )
        groups.append(np.log(ordered[list(quantities)].to_numpy()))
    if len(groups) < 3:
        raise FitError(
            f"{len(groups)} devices cannot show how devices differ",
            place="rram_cycles table",
            remedy="measure at least three devices",
        )
    return groups


def _deviance(groups: list[np.ndarray], rho: float):
    """−2 × restricted log likelihood at its best Σ_C, that Σ_C, means (devices, k), weights (devices,).

    With the noise whitened (Prais and Winsten's transformation), a device's mean is a weighted one.
    """
    count = groups[0].shape[1]
    means, weights, freedom, deviance = [], [], 0, 0.0
    total = np.zeros((count, count))
    for group in groups:
        white, ones = (_whitened(part, rho) for part in (group, np.ones((len(group), 1))))
        weight = float(np.sum(ones**2))
        mean = (ones.T @ white / weight)[0]
        left = white - ones * mean
        total = total + left.T @ left
        freedom += len(group) - 1
        deviance += count * (np.log(weight) + (len(group) - 1) * np.log(1 - rho**2))
        means.append(mean)
        weights.append(weight)
    cycle = total / freedom
    deviance += freedom * np.linalg.slogdet(cycle)[1]
    return deviance, cycle, np.array(means), np.array(weights)


def _whitened(values: np.ndarray, rho: float) -> np.ndarray:
    """AR(1) noise of unit variance made white: the first row stays, the others lose what they inherit."""
    later = (values[1:] - rho * values[:-1]) / np.sqrt(1 - rho**2)
    return np.concatenate([values[:1], later])


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The nearest covariance: negative eigenvalues, which noise can leave, become zero."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    made = (vectors * np.clip(values, 0, None)) @ vectors.T
    return (made + made.T) / 2


def _wishart(matrix: np.ndarray, freedom: int) -> np.ndarray:
    """Variances of the elements of an estimated covariance, flattened."""
    return ((matrix**2 + np.outer(np.diag(matrix), np.diag(matrix))) / freedom).ravel()


def _curvature(groups: list[np.ndarray], rho: float) -> float:
    """Variance of the correlation from the curvature of the likelihood."""
    step = _RELATIVE_STEP * (1 - rho**2)
    left, middle, right = (_deviance(groups, rho + shift)[0] for shift in (-step, 0.0, step))
    second = (left - 2 * middle + right) / step**2
    return float(2 / second) if second > 0 else np.inf


def _solution(model: RramVariability, variances: np.ndarray, residuals: np.ndarray, freedom: int) -> Solution:
    names = tuple(model.parameters())
    values = np.array([*model.parameters().values()])
    halves = float(special.ndtri(0.5 + CONFIDENCE / 2)) * np.sqrt(variances)
    reasons = tuple("" if np.isfinite(half) else "the cycles do not give it" for half in halves)
    return Solution(names, values, np.diag(variances), halves, reasons, residuals, freedom)
