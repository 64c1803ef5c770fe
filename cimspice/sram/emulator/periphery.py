"""The circuits around the array: multiplier, charge sharing, converter, write-back, and their noise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf, sqrt

import numpy as np

from cimspice.arrays import Array, checked_number, kept_array
from cimspice.converter.model.converter import SignedConverter
from cimspice.fit.conditions import check_known
from cimspice.sram.model.charge_sharing import ChargeSharing
from cimspice.sram.model.line_sampling import LineSampling
from cimspice.sram.model.multiplier import ChargeMultiplier, MultiplierSpread
from cimspice.sram.model.write_back import WriteBack

BOLTZMANN = 1.380649e-23


@dataclass(frozen=True, eq=False)
class Periphery:
    """Models of the circuits around the array.

    Attributes
    ----------
    multiplier, sharing, converter, write_back
        The models.
    column_capacitance
        Of a multiplier's output capacitor (F): its kT/C noise is what two lines and n columns have left after
        sharing. Infinite for none.
    line_capacitance
        Of a bit line (F), for the noise of a read that goes straight to the converter.
    line_sampling
        What a converter takes in that samples two bit lines themselves.
    corner, temperature
        Corner by name, None where unknown; degrees Celsius.
    capacitor_sigma
        Relative standard deviation of a multiplier's capacitors, of those that take a line and those that put
        out alike.
    """

    multiplier: ChargeMultiplier = field(default_factory=ChargeMultiplier.ideal)
    sharing: ChargeSharing = field(default_factory=lambda: ChargeSharing.ideal(largest_columns=64))
    converter: SignedConverter = field(default_factory=SignedConverter.ideal)
    write_back: WriteBack = field(default_factory=WriteBack.ideal)
    column_capacitance: float = inf
    line_capacitance: float = inf
    line_sampling: LineSampling = field(default_factory=LineSampling)
    temperature: float = 27.0
    capacitor_sigma: float = 0.0
    corner: str | None = None

    def __post_init__(self) -> None:
        for name in ("column_capacitance", "line_capacitance"):
            checked_number(name, getattr(self, name), above=0, infinite=True, place="Periphery")
        check_known(self, "Periphery")
        checked_number("capacitor_sigma", self.capacitor_sigma, low=0, place="Periphery")

    def shared_noise(self, columns: int) -> float:
        """Standard deviation (V) of the difference of two rails of so many columns."""
        return self._noise(columns * self.column_capacitance)

    def sampled(self, difference: Array) -> Array:
        """What a converter takes in of the difference of two bit lines (V)."""
        return self.line_sampling(difference)

    @property
    def line_noise(self) -> float:
        """Standard deviation (V) of the difference of two bit lines."""
        return self._noise(self.line_capacitance)

    def _noise(self, capacitance: float) -> float:
        return sqrt(2 * BOLTZMANN * (self.temperature + 273.15) / capacitance)


@dataclass(frozen=True, eq=False)
class PeripherySpread:
    """Mismatch of the circuits around one layer of many chips."""

    multiplier: MultiplierSpread
    """Arrays of shape (chips, 1, 1, slices, columns, 2): between are samples and neurons, which share
    them."""
    shares: Array
    """Weights of the columns in charge sharing, shape (chips, 1, 1, slices, 2, columns)."""
    offset: Array
    """Of the converter of each slice (V), shape (chips, 1, 1, slices)."""

    def __post_init__(self) -> None:
        for name in ("shares", "offset"):
            object.__setattr__(self, name, kept_array(f"{name} of a spread", getattr(self, name), (...,)))

    @classmethod
    def draw(
        cls, periphery: Periphery, seed: int, *, chips: int, columns: int, slices: int
    ) -> PeripherySpread:
        """Circuits of particular chips."""
        seeds = [int(value) for value in np.random.SeedSequence(seed).generate_state(4)]
        lead = (chips, 1, 1, slices, columns)
        taking, giving = periphery.capacitor_sigma * np.random.default_rng(seeds[3]).standard_normal(
            (2, *lead, 2)
        )
        shares = periphery.sharing.draw(seeds[1], (chips, 1, 1, slices, 2, columns))
        return cls(
            replace(periphery.multiplier.draw(seeds[0], lead), imbalance=taking - giving),
            shares + np.swapaxes(giving, -1, -2),
            periphery.converter.draw(seeds[2], (chips, 1, 1, slices)),
        )
