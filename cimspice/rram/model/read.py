"""Read current of a cell over voltage: linear, sinh or quadratic, the last two behind a series resistance."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import FitError, ParameterError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve, solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import TableSchema
from cimspice.rram.model.root import rising_root
from cimspice.rram.model.tables import RRAM_READ


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadLaw(Model):
    """I(V) of a cell in one state, odd in V and rising. ``conductance`` is the slope at 0 V of the memory."""

    schema: ClassVar[TableSchema] = RRAM_READ
    conductance: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conductance <= 0:
            raise ParameterError(
                f"conductance of {self.kind} is {self.conductance:g} S", remedy="give a positive conductance"
            )

    @abstractmethod
    def current(self, voltage: ArrayLike) -> np.ndarray:
        """Current in A at voltages in V."""

    @abstractmethod
    def slope(self, voltage: ArrayLike) -> np.ndarray:
        """∂I/∂V in S."""

    @abstractmethod
    def gradient(self, voltage: ArrayLike) -> np.ndarray:
        """∂I/∂parameter, (parameters, ...), in the order of :meth:`parameters`."""


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class LinearRead(ReadLaw):
    """I = G V: ``conductance`` in S, that of cell and wires together."""

    kind: ClassVar[str] = "rram_read_linear"
    parameter_units: ClassVar[Mapping[str, str]] = {"conductance": "S"}

    def current(self, voltage: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        return self.conductance * np.asarray(voltage, dtype=float)

    def slope(self, voltage: ArrayLike) -> np.ndarray:
        return np.full(np.shape(voltage), self.conductance)

    def gradient(self, voltage: ArrayLike) -> np.ndarray:
        return np.asarray(voltage, dtype=float)[None]

    @classmethod
    def fit(
        cls, table: pd.DataFrame, *, corner: str | None = None, temperature: float | None = None
    ) -> Fit[Self]:
        """Fit to a table of voltage and current, by least squares of the current."""
        voltage, current, noise = _columns(table, corner, temperature)
        solution = solve_linear(voltage[:, None], current, names=["conductance"], noise=noise)
        seen = Ranges.seen({"voltage": "V"}, voltage=voltage)
        return _assembled(cls(conductance=float(solution.values[0]), ranges=seen), solution, current, table)


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesRead(ReadLaw):
    """A curved memory law J(U) behind ``series_resistance`` R in ohm: I = J(V − R I)."""

    curvature: float
    series_resistance: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.curvature < 0 or self.series_resistance < 0:
            raise ParameterError(
                f"{self.kind} has curvature {self.curvature:g} and series resistance "
                f"{self.series_resistance:g} ohm",
                remedy="neither may be negative",
            )

    @abstractmethod
    def _memory(self, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """J(U) in A, dJ/dU in S and ∂J/∂curvature."""

    def inner_voltage(self, voltage: ArrayLike) -> np.ndarray:
        """Voltage U in V on the memory alone."""
        voltage = np.asarray(voltage, dtype=float)

        def excess(inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            current, slope, _ = self._memory(inner)
            return inner + self.series_resistance * current - voltage, 1 + self.series_resistance * slope

        return rising_root(excess, np.minimum(voltage, 0.0), np.maximum(voltage, 0.0), voltage)

    def current(self, voltage: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        return self._memory(self.inner_voltage(voltage))[0]

    def slope(self, voltage: ArrayLike) -> np.ndarray:
        slope = self._memory(self.inner_voltage(voltage))[1]
        return slope / (1 + self.series_resistance * slope)

    def gradient(self, voltage: ArrayLike) -> np.ndarray:
        current, slope, by_curvature = self._memory(self.inner_voltage(voltage))
        parts = np.stack([current / self.conductance, by_curvature, -slope * current])
        return parts / (1 + self.series_resistance * slope)

    @classmethod
    def fit(
        cls, table: pd.DataFrame, *, corner: str | None = None, temperature: float | None = None
    ) -> Fit[Self]:
        """Fit to a table of voltage and current, by least squares of the current.

        Voltages that hardly bend the curve leave curvature and series resistance undetermined; the fit then
        says so.
        """
        voltage, current, noise = _columns(table, corner, temperature)
        names = ("conductance", "curvature", "series_resistance")
        seen = Ranges.seen({"voltage": "V"}, voltage=voltage)
        ohmic = float(voltage @ current / (voltage @ voltage))
        reach = float(np.max(np.abs(voltage)))

        def build(p: np.ndarray, ranges: Ranges | None = None) -> Self:
            return cls(**dict(zip(names, map(float, p), strict=True)), ranges=ranges or Ranges())

        starts = [
            np.array([ohmic * share, bend / reach, loss / ohmic])
            for share, bend, loss in ((1.0, 0.1, 0.01), (0.5, 2.0, 0.1), (0.2, 4.0, 0.3))
        ]
        solution = solve(
            lambda p: build(p).current(voltage) - current,
            starts,
            names=names,
            scale=float(np.max(np.abs(current))),
            jacobian=lambda p: build(p).gradient(voltage).T,
            bounds=(np.array([1e-18, 0.0, 0.0]), np.full(3, np.inf)),
            resolution={"curvature": 1e-3 / reach, "series_resistance": 1e-3 / ohmic},
            noise=noise,
        )
        return _assembled(build(solution.values, seen), solution, current, table)


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class SinhRead(SeriesRead):
    """J = (G/b) sinh(b U), behind a series resistance: ``curvature`` b in 1/V."""

    kind: ClassVar[str] = "rram_read_sinh"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "conductance": "S",
        "curvature": "1/V",
        "series_resistance": "ohm",
    }

    def _memory(self, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z = self.curvature * inner
        small = np.abs(z) < 1e-4
        safe = np.where(small, 1.0, z)
        ratio = np.where(small, 1 + z**2 / 6, np.sinh(safe) / safe)
        bend = np.where(small, z / 3, (np.cosh(safe) - np.sinh(safe) / safe) / safe)
        current = self.conductance * inner * ratio
        return current, self.conductance * np.cosh(z), self.conductance * inner**2 * bend


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class QuadraticRead(SeriesRead):
    """J = G U (1 + q |U|), behind a series resistance: ``curvature`` q in 1/V."""

    kind: ClassVar[str] = "rram_read_quadratic"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "conductance": "S",
        "curvature": "1/V",
        "series_resistance": "ohm",
    }

    def _memory(self, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = np.abs(inner)
        current = self.conductance * inner * (1 + self.curvature * size)
        slope = self.conductance * (1 + 2 * self.curvature * size)
        return current, slope, self.conductance * inner * size


def _columns(
    table: pd.DataFrame, corner: str | None, temperature: float | None
) -> tuple[np.ndarray, np.ndarray, Noise | None]:
    rows = RRAM_READ.rows(table, corner=corner, temperature=temperature)
    voltage, current = rows["voltage"].to_numpy(), rows["current"].to_numpy()
    if np.sum(voltage * current) <= 0:
        raise FitError(
            "the current does not flow with the voltage: its conductance would be zero or negative",
            place="rram_read table",
            remedy="check the sign of the current column, and that voltages other than 0 V are there",
        )
    return voltage, current, Noise.of(rows, "current")


def _assembled(model, solution, current: np.ndarray, table: pd.DataFrame) -> Fit:
    largest = float(np.max(np.abs(current)))
    return Fit.assemble(
        model, solution, full_scale=largest, full_scale_name="largest current", unit="A", table=table
    )
