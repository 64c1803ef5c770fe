"""What every bench of an array of resistive memories says of it: cells, wires, terminals, and its cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, computed_field, model_validator

from cimspice.circuits.rram_device import RramParameters, State
from cimspice.errors import ParameterError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.array_wires import array_wires

Resistance = Annotated[float, quantity("ohm", ge=0, le=1e9)]
Capacitance = Annotated[float, quantity("F", ge=0, le=1e-9)]

LARGEST_CELLS = {"passive": 64 * 64, "1T1R": 32 * 32}
"""Cells of one array whose operating point ngspice 39 finds within minutes."""
LARGEST_TRANSIENT = 16 * 16
"""Cells of one array whose switching transient ends within minutes."""


class ArrayCircuit(NetlistParameters):
    """Cell, wires and terminals; resistance and capacitance are those of one segment.

    Defaults of the wires are metal1 and metal2 of SKY130 in the cell of ``pdk/sky130_wires.toml``.
    """

    cell: Literal["passive", "1T1R"] = "1T1R"
    transistor: Literal["nfet_g5v0d10v5", "nfet_01v8", "nfet_01v8_lvt"] = "nfet_g5v0d10v5"
    width: Annotated[float, quantity("m", gt=0, le=1e-4, description="of the access transistor")] = 2e-6
    length: Annotated[float, quantity("m", gt=0, le=1e-5, description="of the access transistor")] = 0.5e-6
    bit_line_resistance: Resistance = Field(default_factory=lambda: array_wires().bit_line_resistance)
    source_line_resistance: Resistance = Field(default_factory=lambda: array_wires().source_line_resistance)
    bit_line_capacitance: Capacitance = Field(default_factory=lambda: array_wires().bit_line_capacitance)
    source_line_capacitance: Capacitance = Field(
        default_factory=lambda: array_wires().source_line_capacitance
    )
    source_resistance: Resistance = 0.0
    sense_resistance: Resistance = 0.0
    drive: Literal["left", "both"] = "left"


class CellArrayParameters(RramParameters):
    """An array of memories in given states.

    Raises
    ------
    ParameterError
        For states that are no rows of equal length.
    """

    array: ArrayCircuit = ArrayCircuit()
    states: tuple[tuple[State, ...], ...] = ((0.8, 0.4), (0.5, 0.9))

    @model_validator(mode="after")
    def _states_are_a_matrix(self) -> CellArrayParameters:
        if not self.states or not self.states[0] or len({len(row) for row in self.states}) != 1:
            raise ValueError("states must be rows of equal length, at least one")
        return self

    @computed_field
    @property
    def rows(self) -> int:
        """Bit lines."""
        return len(self.states)

    @computed_field
    @property
    def columns(self) -> int:
        """Source lines."""
        return len(self.states[0])


def require_simulable(parameters: CellArrayParameters, *, switching: bool = False) -> None:
    """Refuse what ngspice 39 would not finish: its ordering of a mesh grows with the cells' square.

    Raises
    ------
    ParameterError
        With the largest array that is simulated, and what to use instead.
    """
    cells = parameters.rows * parameters.columns
    kind = parameters.array.cell
    most = LARGEST_TRANSIENT if switching else LARGEST_CELLS[kind]
    if cells > most:
        side = round(most**0.5)
        what = "switching transient" if switching else "read"
        raise ParameterError(
            f"{parameters.rows} x {parameters.columns} {kind} cells are too many for a {what} in ngspice",
            place="states",
            remedy=f"at most {most} cells ({side} x {side}); larger arrays: cimspice.emulator.crossbar",
        )
