"""The 6T SRAM cell: its transistors in two variants, and what every bench of it asks of its state."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import computed_field, model_validator

from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions

Width = Annotated[float, quantity("m", ge=0.42e-6, le=20e-6)]
Length = Annotated[float, quantity("m", ge=0.15e-6, le=2e-6)]
Supply = Annotated[float, quantity("V", gt=0, le=2.5)]
LineVoltage = Annotated[float, quantity("V", ge=0, le=2.5)]

PRECISE = SolverOptions(reltol=1e-6, abstol=1e-18, vntol=1e-9, gmin=1e-20)
"""Of static measurements. A cell in the cold leaks less than 1 fA. ngspice's own gmin, 1 pS at each junction,
would pass a thousand times as much, and even 1 fS raises the retention voltage from 0.30 to 0.54 V (ss, -40
degrees)."""

DIFFUSION = 0.26
"""Length of source and drain beside a gate (um)."""


class Transistor(NetlistParameters):
    """One transistor; source and drain have 0.26 µm of diffusion each."""

    device: str
    width: Annotated[float, quantity("m", gt=0, le=100e-6)]
    length: Annotated[float, quantity("m", gt=0, le=100e-6)] = 0.15e-6

    @computed_field
    @property
    def area(self) -> float:
        """Area of source or drain (um2, as on an X line)."""
        return round(self.width * 1e6 * DIFFUSION, 9)

    @computed_field
    @property
    def perimeter(self) -> float:
        """Perimeter of source or drain (um, as on an X line)."""
        return round(2 * (self.width * 1e6 + DIFFUSION), 9)


class SramCell(NetlistParameters):
    """Transistors of the cell.

    ``special`` are the foundry's own SRAM transistors, which exist in one size each: pull-down 0.21 µm,
    access and pull-up 0.14 µm, all 0.15 µm long. ``ordinary`` are ``nfet_01v8`` and ``pfet_01v8`` of any
    size; by default the smallest access and pull-up and a pull-down twice as wide, the usual ratio for a
    stable read.
    """

    devices: Literal["special", "ordinary"] = "special"
    pull_down_width: Width = 0.84e-6
    access_width: Width = 0.42e-6
    pull_up_width: Width = 0.42e-6
    length: Length = 0.15e-6

    @model_validator(mode="after")
    def _special_has_one_size(self) -> SramCell:
        sized = sorted(self.model_fields_set - {"devices"})
        if self.devices == "special" and sized:
            raise ValueError(
                f"special devices exist in one size each, {sized[0]} cannot be chosen;"
                " devices = 'ordinary' have any size"
            )
        return self

    @computed_field
    @property
    def pull_down(self) -> Transistor:
        """n-channel transistor of the latch."""
        if self.devices == "special":
            return Transistor(device="special_nfet_latch", width=0.21e-6)
        return Transistor(device="nfet_01v8", width=self.pull_down_width, length=self.length)

    @computed_field
    @property
    def access(self) -> Transistor:
        """n-channel transistor to the bit line."""
        if self.devices == "special":
            return Transistor(device="special_nfet_pass", width=0.14e-6)
        return Transistor(device="nfet_01v8", width=self.access_width, length=self.length)

    @computed_field
    @property
    def pull_up(self) -> Transistor:
        """p-channel transistor of the latch."""
        if self.devices == "special":
            return Transistor(device="special_pfet_latch", width=0.14e-6)
        return Transistor(device="pfet_01v8", width=self.pull_up_width, length=self.length)


def require_state(low: float, high: float, supply: float, place: str) -> None:
    """That a cell holds what it should: ``low`` and ``high`` are its nodes' voltages (V) where it begins.

    SimulationError if they are not apart by half of the supply: there is nothing to be read, written or
    disturbed.
    """
    if high - low < supply / 2:
        raise SimulationError(
            f"at a supply of {supply:g} V the cell does not hold its state: the node that stores 1 stands at"
            f" {high:.3g} V, the one that stores 0 at {low:.3g} V",
            place=place,
            remedy="raise supply_voltage above the retention voltage (bench sram_retention)",
        )
