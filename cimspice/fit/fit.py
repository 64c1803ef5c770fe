"""The result of fitting a model to a table: values with what is known of how well they are known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from scipy import special

from cimspice.fit.least_squares import CONFIDENCE, Solution
from cimspice.fit.model import Model
from cimspice.notebook import estimates, shown

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Estimate:
    """A figure with its unit and 95 % interval; ``reason`` says why where it is not identifiable."""

    value: float
    unit: str
    interval: tuple[float, float]
    identifiable: bool = True
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON form; an end of the interval that is unbounded is None, and so is one without ends."""
        ends = [end if np.isfinite(end) else None for end in self.interval]
        return {
            "value": self.value,
            "unit": self.unit,
            "interval": ends if any(end is not None for end in ends) else None,
            "identifiable": self.identifiable,
            "reason": self.reason,
        }

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        known = np.isfinite(self.interval).any()
        text = f"{self.value:.6g}" + (" [{:.6g}, {:.6g}]".format(*self.interval) if known else "") + unit
        return text if self.identifiable else f"{text} (not identifiable: {self.reason})"


@dataclass(frozen=True)
class Residual:
    """What the model leaves: rms and largest |model − data| in ``unit``, and rms in percent of full scale.

    ``full_scale`` says what 100 % is; ``interval`` is the 95 % interval of ``percent`` for residuals that are
    noise (χ²). For simulated tables the residual is the law's own misfit and the interval only a measure of
    how many points it rests on.
    """

    rms: float
    maximum: float
    unit: str
    percent: float
    interval: tuple[float, float]
    full_scale: str
    observations: int

    @classmethod
    def of(
        cls, absolute: np.ndarray, relative: np.ndarray, unit: str, full_scale: str, degrees_of_freedom: int
    ) -> Residual:
        """Summary of residuals (m,) in ``unit`` and the same divided by the full scale."""
        percent = 100 * float(np.sqrt(np.mean(relative**2)))
        interval = (0.0, float("inf"))
        if degrees_of_freedom > 0:
            tails = special.chdtri(degrees_of_freedom, np.array([0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]))
            low, high = percent * np.sqrt(degrees_of_freedom / tails)
            interval = (float(low), float(high))
        return cls(
            rms=float(np.sqrt(np.mean(absolute**2))),
            maximum=float(np.max(np.abs(absolute))),
            unit=unit,
            percent=percent,
            interval=interval,
            full_scale=full_scale,
            observations=absolute.size,
        )


@dataclass(frozen=True, eq=False)
class Fit(Generic[ModelT]):
    """A fitted model.

    ``model`` carries the values and the ranges seen; ``estimates`` the same values by flat parameter name
    with interval and identifiability; ``covariance`` (n, n) is in the order of ``names``; ``residuals`` (m,)
    are model − data in the unit of ``residual``, of which the parameters leave ``degrees_of_freedom``;
    ``provenance`` says what the data were.
    """

    model: ModelT
    estimates: dict[str, Estimate]
    covariance: np.ndarray
    residuals: np.ndarray
    residual: Residual
    degrees_of_freedom: int
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def assemble(
        cls,
        model: ModelT,
        solution: Solution,
        *,
        residuals: np.ndarray | None = None,
        full_scale: float | np.ndarray,
        full_scale_name: str,
        unit: str,
        table: pd.DataFrame,
        provenance: Mapping[str, Any] | None = None,
    ) -> Fit[ModelT]:
        """Join a model with the solution that gave its parameters (same names, same order).

        ``residuals`` default to the solution's; ``full_scale`` is what 100 % is, a number or one per
        residual.
        """
        residuals = solution.residuals if residuals is None else residuals
        estimates = {
            name: Estimate(
                value=float(value),
                unit=model.unit(name),
                interval=(float(low), float(high)),
                identifiable=not reason,
                reason=reason,
            )
            for name, value, (low, high), reason in zip(
                solution.names, solution.values, solution.intervals, solution.reasons, strict=True
            )
        }
        if tuple(estimates) != tuple(model.parameters()):
            raise AssertionError(f"parameters of {model.kind} and of its solution differ")
        return cls(
            model=model,
            estimates=estimates,
            covariance=solution.covariance,
            residuals=residuals,
            residual=Residual.of(
                residuals, residuals / full_scale, unit, full_scale_name, solution.degrees_of_freedom
            ),
            degrees_of_freedom=solution.degrees_of_freedom,
            provenance={
                **table_provenance(table),
                **({"weighting": solution.weighting} if solution.weighting else {}),
                **(provenance or {}),
            },
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.estimates)

    @property
    def values(self) -> np.ndarray:
        return np.array([estimate.value for estimate in self.estimates.values()])

    @property
    def identifiable(self) -> bool:
        """Whether the data determine every parameter."""
        return all(estimate.identifiable for estimate in self.estimates.values())

    def _repr_html_(self) -> str:
        residual = self.residual
        facts = {"residual": f"{residual.percent:.3g} % rms of the {residual.full_scale}"}
        facts |= {"observations": residual.observations, "identifiable": self.identifiable}
        return shown(f"Fit of {self.model.kind}", facts, estimates(self.figures()))

    def figures(self) -> dict[str, Estimate]:
        """The estimates as the field gives them: of a logarithm, that of which it is one."""
        return dict(self._figure(name, estimate) for name, estimate in self.estimates.items())

    def _figure(self, name: str, estimate: Estimate) -> tuple[str, Estimate]:
        unit = self.model.log_unit(name)
        if unit is None:
            return name, estimate
        with np.errstate(over="ignore"):
            value, low, high = np.exp([estimate.value, *estimate.interval]).tolist()
        interval = (low, high) if np.isfinite(estimate.interval).any() else estimate.interval
        return name.removeprefix("log_"), replace(estimate, value=value, unit=unit, interval=interval)

    def derived(self, name: str, function: Callable[[float], float], unit: str) -> Estimate:
        """A monotone function of one parameter with the interval carried along.

        Where the function has a pole inside the parameter's interval (1/λ with λ = 0 in it) the interval is
        unbounded and the figure is not identifiable.
        """
        source = self.estimates[name]
        low, high = source.interval
        if not source.identifiable or not np.isfinite([low, high]).all() or low <= 0 <= high:
            reason = source.reason or f"the interval of {name} contains zero"
            return Estimate(function(source.value), unit, (-np.inf, np.inf), False, reason)
        ends = sorted((function(low), function(high)))
        return Estimate(function(source.value), unit, (ends[0], ends[1]))


def table_provenance(table: pd.DataFrame) -> dict[str, Any]:
    """Digest and size of the table, with what its maker left in ``table.attrs["provenance"]``."""
    digest = hashlib.sha256(",".join(map(str, table.columns)).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return {
        **dict(table.attrs.get("provenance", {})),
        "table_digest": digest.hexdigest(),
        "table_rows": len(table),
    }
