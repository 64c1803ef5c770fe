"""The membrane's capacitance, constant or a function of its voltage, and the charge it holds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline, PPoly

from cimspice.errors import FitError, ParameterError, TableError
from cimspice.fit.curves import RESET_VOLTAGE
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import CAPACITANCE, TableSchema


@dataclass(frozen=True, kw_only=True, eq=False)
class MembraneCapacitance(Model):
    """dQ/dV = C(V). Charges count from ``reset_voltage`` (V): q(V) = ∫ C dV from there."""

    schema: ClassVar[TableSchema] = CAPACITANCE
    reset_voltage: float = RESET_VOLTAGE

    @abstractmethod
    def capacitance(self, membrane_voltage: ArrayLike) -> np.ndarray:
        """C(V) in F."""

    @abstractmethod
    def capacitance_slope(self, membrane_voltage: ArrayLike) -> np.ndarray:
        """dC/dV in F/V."""

    @abstractmethod
    def charge(self, membrane_voltage: ArrayLike) -> np.ndarray:
        """q(V) in C, zero at the reset voltage."""

    @abstractmethod
    def voltage(self, charge: ArrayLike) -> np.ndarray:
        """V in V of a charge in C, the inverse of :meth:`charge`."""

    @abstractmethod
    def gradient(self, membrane_voltage: ArrayLike) -> np.ndarray:
        """∂C/∂parameter, (parameters, ...), in the order of :meth:`parameters`."""


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class ConstantCapacitance(MembraneCapacitance):
    """C does not depend on V: ``total_capacitance`` in F."""

    kind: ClassVar[str] = "constant_capacitance"
    parameter_units: ClassVar[Mapping[str, str]] = {"total_capacitance": "F"}
    total_capacitance: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.total_capacitance <= 0:
            raise ParameterError(
                f"total_capacitance is {self.total_capacitance} F", remedy="give a positive capacitance"
            )

    def capacitance(self, membrane_voltage: ArrayLike) -> np.ndarray:
        self._check(membrane_voltage=membrane_voltage)
        return np.full(np.shape(membrane_voltage), self.total_capacitance)

    def capacitance_slope(self, membrane_voltage: ArrayLike) -> np.ndarray:
        return np.zeros(np.shape(membrane_voltage))

    def charge(self, membrane_voltage: ArrayLike) -> np.ndarray:
        self._check(membrane_voltage=membrane_voltage)
        return self.total_capacitance * (np.asarray(membrane_voltage, dtype=float) - self.reset_voltage)

    def voltage(self, charge: ArrayLike) -> np.ndarray:
        return self.reset_voltage + np.asarray(charge, dtype=float) / self.total_capacitance

    def gradient(self, membrane_voltage: ArrayLike) -> np.ndarray:
        return np.ones((1, *np.shape(membrane_voltage)))

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        *,
        corner: str | None = None,
        temperature: float | None = None,
        reset_voltage: float = RESET_VOLTAGE,
    ) -> Fit[ConstantCapacitance]:
        """The mean of a C(V) table; the residual says how much C varies."""
        voltage, capacitance, noise = _columns(table, corner, temperature)
        solution = solve_linear(
            np.ones((voltage.size, 1)), capacitance, names=["total_capacitance"], noise=noise
        )
        model = cls(
            total_capacitance=float(solution.values[0]),
            reset_voltage=reset_voltage,
            ranges=Ranges.seen({"membrane_voltage": "V"}, membrane_voltage=voltage),
        )
        return _assemble(model, solution, table)


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class SplineCapacitance(MembraneCapacitance):
    """C(V) is the cubic spline (not-a-knot) through ``capacitances`` (k,) in F at ``knots`` (k,) in V."""

    kind: ClassVar[str] = "spline_capacitance"
    parameter_units: ClassVar[Mapping[str, str]] = {"capacitances": "F"}
    capacitances: np.ndarray
    knots: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.knots.ndim != 1 or self.knots.size < 4 or np.any(np.diff(self.knots) <= 0):
            raise ParameterError("the knots of a spline capacitance are at least four rising voltages")
        if self.capacitances.shape != self.knots.shape or np.any(self.capacitances <= 0):
            raise ParameterError("a spline capacitance needs one positive capacitance per knot")

    @cached_property
    def _spline(self) -> CubicSpline:
        return CubicSpline(self.knots, self.capacitances)

    @cached_property
    def _integral(self) -> PPoly:
        return self._spline.antiderivative()

    def capacitance(self, membrane_voltage: ArrayLike) -> np.ndarray:
        self._check(membrane_voltage=membrane_voltage)
        return self._spline(membrane_voltage)

    def capacitance_slope(self, membrane_voltage: ArrayLike) -> np.ndarray:
        return self._spline(membrane_voltage, 1)

    def charge(self, membrane_voltage: ArrayLike) -> np.ndarray:
        self._check(membrane_voltage=membrane_voltage)
        return self._held(membrane_voltage)

    def _held(self, membrane_voltage: ArrayLike) -> np.ndarray:
        return self._integral(membrane_voltage) - self._integral(self.reset_voltage)

    def voltage(self, charge: ArrayLike) -> np.ndarray:
        """V of a charge within the knots' span.

        Raises
        ------
        ParameterError
            A charge that the spline's span does not hold.
        """
        charge = np.asarray(charge, dtype=float)
        grid = np.linspace(self.knots[0], self.knots[-1], 8 * self.knots.size)
        charges = self._held(grid)
        slack = 1e-9 * (charges[-1] - charges[0])
        if np.any(~((charge >= charges[0] - slack) & (charge <= charges[-1] + slack))):
            raise ParameterError(
                f"the charge spans {charge.min():.4g} to {charge.max():.4g} C; "
                f"the spline holds {charges[0]:.4g} to {charges[-1]:.4g} C",
                remedy="characterise the capacitance over a wider range of membrane voltage",
            )
        voltage = np.interp(charge, charges, grid)
        for _ in range(4):  # Newton: dq/dV is C itself, and the start is within a fraction of a knot
            voltage = voltage - (self._held(voltage) - charge) / self._spline(voltage)
        return voltage

    def gradient(self, membrane_voltage: ArrayLike) -> np.ndarray:
        return np.moveaxis(_cardinal(self.knots)(membrane_voltage), -1, 0)

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        *,
        knots: ArrayLike | int | None = None,
        corner: str | None = None,
        temperature: float | None = None,
        reset_voltage: float = RESET_VOLTAGE,
    ) -> Fit[SplineCapacitance]:
        """Fit to a C(V) table.

        ``knots`` are voltages (k,), or how many, evenly spaced; without them the spline goes through every
        point of the table: right for a simulated one, but then nothing is left over to judge the values by.
        """
        voltage, capacitance, noise = _columns(table, corner, temperature)
        if knots is None:
            at = np.unique(voltage)
        elif isinstance(knots, int):
            at = np.linspace(voltage[0], voltage[-1], knots)
        else:
            at = np.asarray(knots, dtype=float)
        if at.size < 4:
            raise FitError(f"{at.size} knots do not make a cubic spline", remedy="give four or more")
        solution = solve_linear(
            _cardinal(at)(voltage),
            capacitance,
            names=[f"capacitances[{k}]" for k in range(at.size)],
            noise=noise,
        )
        if np.any(solution.values <= 0):
            raise FitError(
                "the fitted capacitance is not positive everywhere",
                remedy="give fewer knots, or check the table for outliers",
            )
        model = cls(
            capacitances=solution.values,
            knots=at,
            reset_voltage=reset_voltage,
            ranges=Ranges.seen({"membrane_voltage": "V"}, membrane_voltage=voltage),
        )
        return _assemble(model, solution, table)


def _columns(
    table: pd.DataFrame, corner: str | None, temperature: float | None
) -> tuple[np.ndarray, np.ndarray, Noise | None]:
    """Membrane voltages (m,), rising, and capacitances (m,)."""
    rows = CAPACITANCE.rows(table, corner=corner, temperature=temperature).sort_values("membrane_voltage")
    voltage, capacitance = rows["membrane_voltage"].to_numpy(), rows["capacitance"].to_numpy()
    if np.any(capacitance <= 0):
        raise TableError(
            "a capacitance is not positive",
            place="capacitance table, column 'capacitance'",
            remedy="give the small-signal capacitance in F",
        )
    return voltage, capacitance, Noise.of(rows, "capacitance")


def _cardinal(knots: np.ndarray) -> CubicSpline:
    """A spline is linear in its values at the knots: this one gives the weight of each, (..., k)."""
    return CubicSpline(knots, np.eye(knots.size))


def _assemble(model, solution, table: pd.DataFrame) -> Fit:
    mean = float(np.mean(solution.values))
    return Fit.assemble(
        model, solution, full_scale=mean, full_scale_name="mean capacitance", unit="F", table=table
    )
