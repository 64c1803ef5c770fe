"""The comparator that ends the ramp: where it trips, and how long it takes depending on the slope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import ParameterError, TableError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import join, solve, solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import COMPARATOR, TableSchema

_EXPONENTS = (0.02, 4.0)


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Comparator(Model):
    """delay(s) = fixed_delay + slope_delay (s/reference_slope)^(−exponent), s the falling rate in V/s.

    ``threshold`` (V) is the membrane voltage at which it trips when driven infinitely slowly; ``fixed_delay``
    (s) is that of the stages behind the first; ``slope_delay`` (s) the slope-dependent part at
    ``reference_slope`` (V/s). An integrating first stage gives an exponent of one half, a fixed overdrive an
    exponent of one.
    """

    schema: ClassVar[TableSchema] = COMPARATOR
    kind: ClassVar[str] = "comparator"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "threshold": "V",
        "fixed_delay": "s",
        "slope_delay": "s",
        "exponent": "1",
    }
    threshold: float
    fixed_delay: float
    slope_delay: float
    exponent: float
    reference_slope: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reference_slope <= 0:
            raise ParameterError(
                f"reference_slope is {self.reference_slope} V/s", remedy="give a positive slope"
            )

    def delay(self, slope: ArrayLike) -> np.ndarray:
        """Delay in s from crossing the threshold to the output, at a falling rate ``slope`` > 0 in V/s."""
        slope = np.asarray(slope, dtype=float)
        if np.any(slope <= 0):
            raise ParameterError(
                f"the slope is {slope.min():.4g} V/s",
                remedy="give the rate at which the membrane falls, positive",
            )
        self._check(slope=slope)
        return self.fixed_delay + self.slope_delay * self._power(slope)

    def gradient(self, slope: ArrayLike) -> np.ndarray:
        """∂delay/∂parameter, (4, ...), in the order of :meth:`parameters`; zero for the threshold."""
        slope = np.asarray(slope, dtype=float)
        power = self._power(slope)
        by_exponent = -self.slope_delay * power * np.log(slope / self.reference_slope)
        return np.stack([np.zeros_like(power), np.ones_like(power), power, by_exponent])

    def _power(self, slope: np.ndarray) -> np.ndarray:
        return (slope / self.reference_slope) ** -self.exponent

    @classmethod
    def fit(
        cls, table: pd.DataFrame, *, corner: str | None = None, temperature: float | None = None
    ) -> Fit[Comparator]:
        """Fit to a table of slope, delay and threshold. The residual is that of the delay.

        The threshold is the mean of its column. Slopes that span little leave the exponent, and with it both
        delays, undetermined; the fit then says so.
        """
        rows = COMPARATOR.rows(table, corner=corner, temperature=temperature)
        slope, delay = rows["slope"].to_numpy(), rows["delay"].to_numpy()
        if np.any(slope <= 0):
            raise TableError(
                "a slope is not positive",
                place="comparator table, column 'slope'",
                remedy="give the rate at which the membrane falls, in V/s, positive",
            )
        reference = float(np.exp(np.mean(np.log(slope))))
        threshold = rows["threshold"].to_numpy()
        fixed = solve_linear(np.ones((threshold.size, 1)), threshold, names=["threshold"])

        def build(p: np.ndarray) -> Comparator:
            return cls(
                threshold=float(fixed.values[0]),
                fixed_delay=float(p[0]),
                slope_delay=float(p[1]),
                exponent=float(p[2]),
                reference_slope=reference,
                ranges=Ranges.seen({"slope": "V/s"}, slope=slope),
            )

        starts = [_start(slope / reference, delay, exponent) for exponent in (0.3, 0.5, 1.0)]
        unbounded = np.array([np.inf, np.inf])
        law = solve(
            lambda p: build(p).delay(slope) - delay,
            starts,
            names=("fixed_delay", "slope_delay", "exponent"),
            scale=float(np.max(np.abs(delay))),
            jacobian=lambda p: build(p).gradient(slope)[1:].T,
            bounds=(np.append(-unbounded, _EXPONENTS[0]), np.append(unbounded, _EXPONENTS[1])),
            noise=Noise.of(rows, "delay"),
        )
        return Fit.assemble(
            build(law.values),
            join(fixed, law),
            residuals=law.residuals,
            full_scale=float(np.max(np.abs(delay))),
            full_scale_name="largest delay",
            unit="s",
            table=table,
        )


def _start(ratio: np.ndarray, delay: np.ndarray, exponent: float) -> np.ndarray:
    """With the exponent given the law is linear."""
    design = np.column_stack([np.ones_like(ratio), ratio**-exponent])
    return np.append(np.linalg.lstsq(design, delay, rcond=None)[0], exponent)
