"""What every bench of an array of resistive memories says of it: cells, wires, terminals, and its cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, computed_field, model_validator

from cimspice.errors import ParameterError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.array_wires import array_wires
from cimspice.rram.circuit.device import RramParameters, State

Resistance = Annotated[float, quantity("ohm", ge=0, le=1e9)]
Capacitance = Annotated[float, quantity("F", ge=0, le=1e-9)]

LARGEST_READ = 64 * 64
"""Cells of one array whose operating point ngspice 39 finds within a minute."""
LARGEST_TRANSIENT = 16 * 16
"""Cells of one array whose switching transient ends within minutes."""


class ArrayCircuit(NetlistParameters):
    """Cell, wires and terminals; resistance and capacitance are those of one segment.

    Defaults of the wires are metal1 and metal2 of SKY130 in the cell of ``pdk/sky130_wires.toml``. The
    capacitance of a line is all of it. With ``coupling`` ``lines`` its parts towards the next line of its
    kind on each side, and towards the line that crosses it, lie between those lines (beyond the outermost
    lines is ground); otherwise all of it is to ground.
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
    coupling: Literal["ground", "lines"] = "ground"
    bit_line_coupling: Capacitance = Field(default_factory=lambda: array_wires().bit_line_coupling)
    source_line_coupling: Capacitance = Field(default_factory=lambda: array_wires().source_line_coupling)
    crossing_capacitance: Capacitance = Field(default_factory=lambda: array_wires().crossing_capacitance)
    source_resistance: Resistance = 0.0
    sense_resistance: Resistance = 0.0
    drive: Literal["left", "both"] = "left"
    parallel: Annotated[
        int, quantity("1", ge=1, le=4096, description="access transistors of a place, whose memory is theirs")
    ] = 1

    @model_validator(mode="after")
    def _parts_fit(self) -> ArrayCircuit:
        if self.coupling == "lines" and min(self.bit_line_to_ground, self.source_line_to_ground) < 0:
            raise ValueError(
                "coupling between lines is more than the capacitance of a line, of which it is a part"
            )
        return self

    @computed_field
    @property
    def bit_line_to_ground(self) -> float:
        """What lies between a segment of a bit line and ground (F)."""
        return self._rest(self.bit_line_capacitance, self.bit_line_coupling)

    @computed_field
    @property
    def source_line_to_ground(self) -> float:
        """What lies between a segment of a source line and ground (F)."""
        return self._rest(self.source_line_capacitance, self.source_line_coupling)

    def _rest(self, whole: float, beside: float) -> float:
        return whole if self.coupling == "ground" else whole - 2 * beside - self.crossing_capacitance


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
    most = LARGEST_TRANSIENT if switching else LARGEST_READ
    if cells > most:
        side = round(most**0.5)
        what = "switching transient" if switching else "read"
        raise ParameterError(
            f"{parameters.rows} x {parameters.columns} {kind} cells are too many for a {what} in ngspice",
            place="states",
            remedy=f"at most {most} cells ({side} x {side}); larger arrays: the solver Crossbar",
        )
