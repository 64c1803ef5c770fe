"""The ramp of the firing phase: a discharger that has a reversal potential of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import ParameterError, TableError
from cimspice.fit.curves import RESET_VOLTAGE, VOLTAGE_SCALE, WINDOW
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import DISCHARGER, TRACE, TableSchema

# Below this the series are exact to round-off and the closed forms lose digits.
_SMALL = 1e-3


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Ramp(Model):
    """dv/dt = α (1 − β v), v = −(V − V0)/V_th, β = λ_dis V_th = 1/E_dis (arXiv 2412.09010, read-out).

    ``rate`` is α in 1/s, ``reversal_coefficient`` λ_dis in 1/V. With α T = −ln(1 − β)/β the ramp takes v from
    0 to 1 in the phase T.
    """

    schema: ClassVar[TableSchema] = DISCHARGER
    kind: ClassVar[str] = "ramp"
    parameter_units: ClassVar[Mapping[str, str]] = {"rate": "1/s", "reversal_coefficient": "1/V"}
    rate: float
    reversal_coefficient: float
    reset_voltage: float = RESET_VOLTAGE
    voltage_scale: float = VOLTAGE_SCALE

    @property
    def beta(self) -> float:
        """β = 1/E_dis."""
        return self.reversal_coefficient * self.voltage_scale

    @property
    def reversal_potential(self) -> float:
        """E_dis, normalised; infinite for an ideal ramp."""
        return 1 / self.beta if self.beta else np.inf

    def slope(self, potential: ArrayLike) -> np.ndarray:
        """dv/dt in 1/s at the normalised potential v."""
        potential = np.asarray(potential, dtype=float)
        self._check_potential(potential)
        return self.rate * (1 - self.beta * potential)

    def potential(self, time: ArrayLike, start: ArrayLike = 0.0) -> np.ndarray:
        """v after ``time`` (s) from ``start``, broadcast over both."""
        time, start = np.asarray(time, dtype=float), np.asarray(start, dtype=float)
        x = self.rate * self.beta * time
        return start + (1 - self.beta * start) * self.rate * time * _decay(x)

    def time(self, potential: ArrayLike, start: ArrayLike = 0.0) -> np.ndarray:
        """Time in s from ``start`` to ``potential``; infinite where the ramp never gets there."""
        potential, start = np.asarray(potential, dtype=float), np.asarray(start, dtype=float)
        self._check_potential(potential)
        way = (potential - start) / (1 - self.beta * start)
        y = self.beta * way
        reached = y < 1
        return np.where(reached, way * _logarithm(np.where(reached, y, 0.0)) / self.rate, np.inf)

    def gradient(self, time: ArrayLike, start: ArrayLike = 0.0) -> np.ndarray:
        """∂v/∂(rate, reversal_coefficient) of :meth:`potential`, (2, ...)."""
        time, start = np.broadcast_arrays(np.asarray(time, dtype=float), np.asarray(start, dtype=float))
        x = self.rate * self.beta * time
        by_rate = (1 - self.beta * start) * time * np.exp(-x)
        way = self.rate * time
        by_beta = -start * way * _decay(x) + (1 - self.beta * start) * way**2 * _decay_slope(x)
        return np.stack([by_rate, by_beta * self.voltage_scale])

    def _check_potential(self, potential: np.ndarray) -> None:
        self._check(membrane_voltage=self.reset_voltage - self.voltage_scale * potential)

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        *,
        membrane_capacitance: float,
        corner: str | None = None,
        temperature: float | None = None,
        window: tuple[float, float] = WINDOW,
        reset_voltage: float = RESET_VOLTAGE,
        voltage_scale: float = VOLTAGE_SCALE,
    ) -> Fit[Ramp]:
        """Fit to the discharger's I–V table: α = I(V0)/(C V_th), λ_dis from the line over the window.

        ``membrane_capacitance`` (F) is taken as known.
        """
        if not membrane_capacitance > 0:
            raise ParameterError(
                f"membrane_capacitance is {membrane_capacitance} F", remedy="give a positive capacitance"
            )
        rows = DISCHARGER.rows(table, corner=corner, temperature=temperature)
        inside = rows["membrane_voltage"].between(window[0] - 1e-6, window[1] + 1e-6)
        rows, outside = rows[inside], int((~inside).sum())
        if len(rows) < 3:
            raise TableError(
                f"{len(rows)} points lie between {window[0]} and {window[1]} V; a ramp needs three",
                place="discharger table, column 'membrane_voltage'",
                remedy="measure more points there, or give another window",
            )
        voltage, current = rows["membrane_voltage"].to_numpy(), rows["current"].to_numpy()
        moved = voltage - reset_voltage
        unit = membrane_capacitance * voltage_scale
        slope, intercept = np.polyfit(moved, current, 1)
        if intercept <= 0:
            raise TableError(
                f"the discharger's current at {reset_voltage} V is {intercept:.3g} A",
                place="discharger table, column 'current'",
                remedy="give the magnitude of the discharging current",
            )
        solution = solve(
            lambda p: unit * p[0] * (1 + p[1] * moved) - current,
            np.array([intercept / unit, slope / intercept]),
            names=tuple(cls.parameter_units),
            scale=float(intercept),
            jacobian=lambda p: unit * np.stack([1 + p[1] * moved, p[0] * moved], axis=1),
            noise=Noise.of(rows, "current"),
        )
        model = cls(
            rate=float(solution.values[0]),
            reversal_coefficient=float(solution.values[1]),
            reset_voltage=reset_voltage,
            voltage_scale=voltage_scale,
            ranges=Ranges.seen({"membrane_voltage": "V"}, membrane_voltage=voltage),
        )
        return Fit.assemble(
            model,
            solution,
            full_scale=unit * model.rate,
            full_scale_name="current at reset",
            unit="A",
            table=table,
            provenance={"membrane_capacitance": membrane_capacitance, "rows_outside_window": outside},
        )

    @classmethod
    def fit_trace(
        cls,
        table: pd.DataFrame,
        *,
        corner: str | None = None,
        temperature: float | None = None,
        reset_voltage: float = RESET_VOLTAGE,
        voltage_scale: float = VOLTAGE_SCALE,
    ) -> Fit[Ramp]:
        """Fit to a trace (``time``, ``membrane_voltage``) in which only the discharger acts.

        The potential at the first point is fitted with it. A short or noisy trace shows no curvature; then
        λ_dis is not identifiable and says so.
        """
        rows = TRACE.rows(table, corner=corner, temperature=temperature).sort_values("time")
        time = rows["time"].to_numpy() - rows["time"].iloc[0]
        potential = (reset_voltage - rows["membrane_voltage"].to_numpy()) / voltage_scale
        if len(rows) < 4 or potential[-1] <= potential[0]:
            raise TableError(
                "the trace does not fall, or has fewer than four points",
                place="trace, column 'membrane_voltage'",
                remedy="give the part of the trace in which the ramp discharges the membrane",
            )

        def build(p: np.ndarray) -> Ramp:
            return cls(
                rate=float(p[0]),
                reversal_coefficient=float(p[1]),
                reset_voltage=reset_voltage,
                voltage_scale=voltage_scale,
                ranges=Ranges.seen({"membrane_voltage": "V"}, membrane_voltage=rows["membrane_voltage"]),
            )

        def jacobian(p: np.ndarray) -> np.ndarray:
            model = build(p)
            by_start = np.exp(-model.rate * model.beta * time)
            return np.column_stack([*model.gradient(time, p[2]), by_start])

        slope = (potential[-1] - potential[0]) / time[-1]
        solution = solve(
            lambda p: build(p).potential(time, p[2]) - potential,
            [np.array([slope, beta / voltage_scale, potential[0]]) for beta in (0.05, 0.3)],
            names=(*cls.parameter_units, "start"),
            scale=1.0,
            jacobian=jacobian,
        )
        return Fit.assemble(
            build(solution.values),
            solution.first(2),
            full_scale=1.0,
            full_scale_name="V_th",
            unit="1",
            table=table,
            provenance={"start": float(solution.values[2])},
        )


def _decay(x: np.ndarray) -> np.ndarray:
    """(1 − e^−x)/x."""
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, -np.expm1(-safe) / safe)


def _decay_slope(x: np.ndarray) -> np.ndarray:
    """d/dx (1 − e^−x)/x."""
    small = np.abs(x) < _SMALL
    safe = np.where(small, 1.0, x)
    series = -1 / 2 + x / 3 - x**2 / 8 + x**3 / 30
    return np.where(small, series, (np.exp(-safe) * (1 + safe) - 1) / safe**2)


def _logarithm(y: np.ndarray) -> np.ndarray:
    """−ln(1 − y)/y."""
    safe = np.where(y == 0, 0.5, y)
    return np.where(y == 0, 1.0, -np.log1p(-safe) / safe)
