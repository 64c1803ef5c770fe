"""Charge sharing: the columns' output capacitors are connected to one rail, which then has their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import Array, checked_array
from cimspice.errors import ParameterError
from cimspice.fit.model import Model, register


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class ChargeSharing(Model):
    """V = (Σ_j w_j V_j + n column_offset + rail_offset) / (Σ_j w_j + n wire_ratio + load_ratio), n columns.

    Charge conservation: every column brings its capacitance C w_j and C ``wire_ratio`` of wire and switch,
    the converter C ``load_ratio``, both precharged to discharge 0; a column's switch injects C
    ``column_offset``.
    """

    kind: ClassVar[str] = "sram_charge_sharing"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "load_ratio": "1",
        "wire_ratio": "1",
        "column_offset": "V",
        "rail_offset": "V",
    }
    load_ratio: float
    wire_ratio: float = 0.0
    """``load_ratio``, ``wire_ratio``: capacitance of the converter, and of the rail per column, over that of
    one column."""
    column_offset: float = 0.0
    rail_offset: float = 0.0
    """``column_offset``, ``rail_offset``: injected charge per closed column and of the rail, over a column's
    capacitance (V)."""
    smallest_columns: int = 1
    largest_columns: int = 16
    """``smallest_columns``, ``largest_columns``: how many columns one rail may have."""
    capacitance_sigma: float = 0.0
    """Relative standard deviation of a column's capacitance over instances."""
    energy_joule: float = 0.0
    """Per column of one sharing, its switches' drivers (J)."""
    duration: float = 0.0
    """Of one sharing (s)."""

    @classmethod
    def ideal(cls, largest_columns: int = 16) -> ChargeSharing:
        """The plain mean."""
        return cls(load_ratio=0.0, largest_columns=largest_columns)

    def draw(self, seed: int, shape: tuple[int, ...]) -> Array:
        """Weights w_j of particular chips, for instance of shape (chips, columns)."""
        return 1 + self.capacitance_sigma * np.random.default_rng(seed).standard_normal(shape)

    def attenuation(self, columns: int) -> float:
        """The rail's discharge over the mean of the columns', without offsets."""
        return columns / (columns * (1 + self.wire_ratio) + self.load_ratio)

    def __call__(self, discharge: ArrayLike, weights: ArrayLike | None = None) -> Array:
        """Discharge (V) of one rail.

        Parameters
        ----------
        discharge
            Of the columns' capacitors (V), shape (..., columns). For both rails of a multiplier's output of
            shape (..., columns, 2) give ``np.swapaxes(output, -1, -2)``: the result has shape (..., 2).
        weights
            w_j, broadcast with ``discharge``; 1 if not given.

        Raises
        ------
        ParameterError
            If there are more or fewer columns than the rail allows, or a voltage is not finite.
        """
        volts = checked_array("discharges", discharge, (..., "columns"))
        columns = volts.shape[-1]
        if not self.smallest_columns <= columns <= self.largest_columns:
            raise ParameterError(
                f"{columns} columns on one rail, which has {self.smallest_columns} to {self.largest_columns}",
                place="discharge",
                remedy="share in groups and add the groups' codes, or characterise a longer rail"
                if columns > self.largest_columns
                else "add columns whose input is always 0, or characterise a shorter rail",
            )
        self._check(discharge=volts)
        shares = np.ones(columns) if weights is None else checked_array("weights", weights, (..., columns))
        charge = (shares * volts).sum(axis=-1) + columns * self.column_offset + self.rail_offset
        return charge / (np.sum(shares, axis=-1) + columns * self.wire_ratio + self.load_ratio)
