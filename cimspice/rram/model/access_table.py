"""Access transistor of a 1T1R cell as a table: the simulated current itself, between its points a spline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import TableError
from cimspice.fit.model import Model, register
from cimspice.rram.model.access_law import check_points, grid
from cimspice.rram.model.tensor_spline import TensorSpline

_DEGREE = 5


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class AccessTable(Model):
    """I(V_high, V_low) at one gate voltage, body at 0 V; the device is symmetric in drain and source.

    ``low`` (m,) and ``across`` (n,) in V are the points: the lower of both channel ends, and the voltage
    between them, which begins at 0. ``currents`` (m, n) in A. Between the points a spline of degree 5, so
    that slopes are smooth; exchanging the ends changes the sign. Outside of the points the current goes on
    along its slope: :meth:`check_range` refuses voltages that go there.
    """

    kind: ClassVar[str] = "rram_access_table"
    parameter_units: ClassVar[Mapping[str, str]] = {}
    gate_voltage: float
    low: np.ndarray
    across: np.ndarray
    currents: np.ndarray
    temperature: float = 27.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_points(self.kind, {name: getattr(self, name) for name in ("low", "across")}, _DEGREE)
        if self.currents.shape != (len(self.low), len(self.across)):
            raise TableError(
                f"currents have shape {self.currents.shape}, the points {len(self.low)} x {len(self.across)}",
                place=self.kind,
                remedy="give one current for each pair of points",
            )

    @cached_property
    def spline(self) -> TensorSpline:
        """Current (A) over the lower end's voltage and the voltage across (V)."""
        return TensorSpline.through(self.low, self.across, self.currents, _DEGREE)

    def current_and_slopes(
        self, drain_voltage: ArrayLike, source_voltage: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Current from drain to source (A) and its derivatives to either voltage (S), for voltages in V."""
        drain, source = np.broadcast_arrays(
            np.asarray(drain_voltage, dtype=float), np.asarray(source_voltage, dtype=float)
        )
        forward = drain >= source
        low, across = np.minimum(drain, source), np.abs(drain - source)
        at_low = np.clip(low, self.low[0], self.low[-1])
        at_across = np.minimum(across, self.across[-1])
        current, by_low, by_across = self.spline(at_low, at_across)
        current = current + by_low * (low - at_low) + by_across * (across - at_across)
        # the higher end moves only the voltage across, the lower one both
        by_higher, by_lower = by_across, by_low - by_across
        sign = np.where(forward, 1.0, -1.0)
        to_drain = np.where(forward, by_higher, -by_lower)
        to_source = np.where(forward, by_lower, -by_higher)
        return sign * current, to_drain, to_source

    @classmethod
    def from_table(cls, table: pd.DataFrame, *, temperature: float = 27.0) -> AccessTable:
        """From columns ``gate_voltage`` (one value), ``low``, ``across`` and ``current`` of a full grid.

        TableError for several gate voltages, a missing column and a grid with holes.
        """
        (gates, low, across), currents = grid(cls.kind, table, ("gate_voltage", "low", "across"), "current")
        if len(gates) != 1:
            raise TableError(
                f"{len(gates)} gate voltages", place=cls.kind, remedy="choose the rows of one gate voltage"
            )
        return cls(
            gate_voltage=float(gates[0]),
            low=low,
            across=across,
            currents=currents[0],
            temperature=temperature,
        )

    def check_range(self, lowest: float, highest: float) -> None:
        """Refuse node voltages (V) that leave the table. TableError, naming the range that the table has."""
        slack = 1e-9
        if (
            lowest < self.low[0] - slack
            or highest > self.low[-1] + slack
            or highest - lowest > self.across[-1] + slack
        ):
            raise TableError(
                f"nodes from {lowest:g} to {highest:g} V leave the table of the access transistor",
                place=self.kind,
                remedy=f"it holds {self.low[0]:g} to {self.low[-1]:g} V and {self.across[-1]:g} V across: "
                "sweep further",
            )
