"""Access transistor of a 1T1R cell as simulated: its current over all terminals and its drain's charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import NdBSpline, make_interp_spline

from cimspice.errors import TableError
from cimspice.fit.model import register
from cimspice.fit.ranges import Ranges
from cimspice.rram.model.access_law import AccessLaw, check_points, grid

_DEGREE = 3


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class TabulatedAccess(AccessLaw):
    """I(V_G, V_low, V_across) and C(V_G, V_D): cubic splines through simulated points, body at 0 V.

    ``low`` is the lower of both channel ends, ``across`` the voltage between them, from 0; the device is
    symmetric, so that exchanging the ends changes the sign. Outside of the points the current goes on along
    its slope. ``currents`` (gates, lows, acrosses) in A, ``capacitances`` (gates, drains) in F, points in V.
    """

    kind: ClassVar[str] = "rram_tabulated_access"
    parameter_units: ClassVar[Mapping[str, str]] = {}
    holds_charge: ClassVar[bool] = True
    gate: np.ndarray
    low: np.ndarray
    across: np.ndarray
    currents: np.ndarray
    drain: np.ndarray
    capacitances: np.ndarray
    temperature: float = 27.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_points(
            self.kind, {name: getattr(self, name) for name in ("gate", "low", "across", "drain")}, _DEGREE
        )
        currents = (len(self.gate), len(self.low), len(self.across))
        charges = (len(self.gate), len(self.drain))
        if self.currents.shape != currents or self.capacitances.shape != charges:
            raise TableError(
                f"currents and capacitances have shapes {self.currents.shape} and {self.capacitances.shape}, "
                f"the points {currents} and {charges}",
                place=self.kind,
                remedy="give one number for each combination of points",
            )
        if not np.all(self.capacitances > 0):
            raise TableError(
                "a capacitance is not positive",
                place=self.kind,
                remedy="check the ramps that they come from",
            )

    @cached_property
    def _current(self) -> NdBSpline:
        return _through((self.gate, self.low, self.across), self.currents)

    @cached_property
    def _capacitance(self) -> NdBSpline:
        return _through((self.gate, self.drain), self.capacitances)

    def current(
        self, gate_voltage: ArrayLike, drain_voltage: ArrayLike, source_voltage: ArrayLike
    ) -> np.ndarray:
        gate, drain, source = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (gate_voltage, drain_voltage, source_voltage))
        )
        self._check(gate_voltage=gate)
        low, across = np.minimum(drain, source), np.abs(drain - source)
        asked = np.stack([gate, low, across], axis=-1)
        inside = np.clip(asked, *self._ends)
        current = np.asarray(self._current(inside))
        beyond = asked - inside
        for axis in np.flatnonzero(np.any(beyond != 0, axis=tuple(range(beyond.ndim - 1)))):
            outside = beyond[..., axis] != 0
            order = np.eye(3, dtype=int)[axis]
            current[outside] += self._current(inside[outside], nu=order) * beyond[outside, axis]
        return np.where(drain >= source, current, -current)

    @property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        points = (self.gate, self.low, self.across)
        return np.array([p[0] for p in points]), np.array([p[-1] for p in points])

    def capacitance(self, gate_voltage: ArrayLike, drain_voltage: ArrayLike) -> np.ndarray:
        gate, drain = np.broadcast_arrays(
            np.clip(gate_voltage, self.gate[0], self.gate[-1]),
            np.clip(drain_voltage, self.drain[0], self.drain[-1]),
        )
        return np.asarray(self._capacitance(np.stack([gate, drain], axis=-1)))

    def with_charge(self, share: float) -> TabulatedAccess:
        """The same transistor with ``share`` of its capacitances."""
        return replace(self, capacitances=share * self.capacitances)

    @classmethod
    def from_tables(
        cls, currents: pd.DataFrame, charges: pd.DataFrame, *, temperature: float = 27.0
    ) -> TabulatedAccess:
        """From full grids over ``gate_voltage, low, across`` (current) and ``gate_voltage, drain_voltage``.

        Columns of values are ``current`` in A and ``capacitance`` in F.

        Raises
        ------
        TableError
            For a missing column, a grid with holes, and gates that differ between the tables.
        """
        (gate, low, across), current = grid(cls.kind, currents, ("gate_voltage", "low", "across"), "current")
        (charged, drain), capacitance = grid(
            cls.kind, charges, ("gate_voltage", "drain_voltage"), "capacitance"
        )
        if not np.array_equal(gate, charged):
            raise TableError(
                "currents and charges were taken at different gate voltages",
                place=cls.kind,
                remedy="sweep the same ones",
            )
        return cls(
            gate=gate,
            low=low,
            across=across,
            currents=current,
            drain=drain,
            capacitances=capacitance,
            temperature=temperature,
            ranges=Ranges.seen({"gate_voltage": "V"}, gate_voltage=gate),
        )


def _through(points: tuple[np.ndarray, ...], values: np.ndarray) -> NdBSpline:
    """The tensor-product spline through values over a grid."""
    knots, coefficients = [], values
    for axis, along in enumerate(points):
        spline = make_interp_spline(along, np.moveaxis(coefficients, axis, 0), k=_DEGREE, axis=0)
        coefficients = np.moveaxis(spline.c, 0, axis)
        knots.append(spline.t)
    return NdBSpline(tuple(knots), np.ascontiguousarray(coefficients), _DEGREE)
