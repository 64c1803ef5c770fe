"""An array of 6T cells with its wires, precharge and word-line drivers: what its netlists are made from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import computed_field, model_validator

from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.wires import cell_wires, wire_facts
from cimspice.sram.circuit.cell import SramCell

_WIRES = cell_wires()
_GATE_CAPACITANCE = 0.133e-15
"""Of one access transistor to its word line (F): charge of a simulated edge of 1.2 V."""
_GATE_WIDTH = 0.14e-6
"""What it was simulated with (m)."""

Resistance = Annotated[float, quantity("Ohm", gt=0, le=1e6)]
Capacitance = Annotated[float, quantity("F", ge=0, le=1e-9)]
Time = Annotated[float, quantity("s", gt=0, le=1e-6)]
Count = Annotated[int, quantity("1", ge=1, le=4096)]


class Array(NetlistParameters):
    """A bank: 512 rows of 64 columns, each column with its own precharge (Kang, JSSC 2018, has 512 × 256)."""

    cell: SramCell = SramCell()
    """Its transistors. Wires stay those of the foundry's cell, 1.2 × 1.58 µm: a cell of ordinary transistors
    is larger, and its wires have to be given."""
    supply_voltage: Annotated[float, quantity("V", gt=0, le=1.95)] = 1.8
    word_line_voltage: Annotated[float, quantity("V", gt=0, le=1.95)] = 1.2
    rows: Annotated[int, quantity("1", ge=1, le=4096)] = 512
    columns: Count = 64
    """``rows``, ``columns``: of the bank; they decide the capacitance of the lines."""
    sections: Annotated[int, quantity("1", ge=1, le=4096)] = 8
    """Nodes of a bit line; a row hangs at the node of its section."""
    column: Annotated[int, quantity("1", ge=0, le=4095)] = 32
    simulated_columns: Annotated[int, quantity("1", ge=1, le=64)] = 1
    """``column``, ``simulated_columns``: how many neighbouring columns are simulated in full, and where along
    the word line the first is."""
    idle: Literal["device", "linear", "full"] = "device"
    """What stands for the closed rows: ``full`` cells, one access transistor per section, side and stored bit
    with ``m`` for their number (``device``), or a capacitance and a leakage current (``linear``)."""
    idle_ones: Annotated[float, quantity("1", ge=0, le=1)] = 0.5
    """Share of closed rows that store 1 (the state that pulls the complement line)."""
    idle_capacitance: Annotated[float, quantity("F", ge=0, le=1e-12, description="per cell")] = 0.078e-15
    idle_leakage: Annotated[float, quantity("A", ge=0, le=1e-6, description="per cell")] = 3e-12
    driver: Literal["resistance", "transistor"] = "resistance"
    """``resistance``: a pulse source behind a resistor. ``transistor``: a transmission gate to the word
    lines' supply and a pull-down, switched at the full supply."""
    driver_resistance: Resistance = 300.0
    driver_edge: Time = 20e-12
    driver_width_p: Annotated[float, quantity("m", ge=0.42e-6, le=50e-6)] = 20e-6
    driver_width_n: Annotated[float, quantity("m", ge=0.42e-6, le=50e-6)] = 5e-6
    driver_width_down: Annotated[float, quantity("m", ge=0.42e-6, le=50e-6)] = 4e-6
    precharge_width: Annotated[float, quantity("m", ge=0.42e-6, le=50e-6)] = 3e-6
    precharge_end: Time = 60e-12
    control_edge: Time = 30e-12
    word_line_start: Time = 300e-12
    """When the word lines open (s): half way up the driver's edge."""
    bit_line_resistance: Annotated[float, quantity("Ohm", gt=0, le=1e4, description="per cell")] = (
        _WIRES.bit_line_resistance
    )
    bit_line_capacitance: Annotated[float, quantity("F", ge=0, le=1e-12, description="per cell")] = (
        _WIRES.bit_line_capacitance
    )
    bit_line_coupling: Annotated[float, quantity("F", ge=0, le=1e-12, description="per cell")] = (
        _WIRES.bit_line_coupling
    )
    neighbour_coupling: Annotated[
        float, quantity("F", ge=0, le=1e-12, description="per cell, to the next column's bit line")
    ] = 0.0
    readout_capacitance: Annotated[float, quantity("F", ge=0, le=1e-11)] = 0.0
    """Of the circuits that hang on each bit line beside the precharge, where these are not simulated (F)."""
    word_line_resistance: Annotated[float, quantity("Ohm", gt=0, le=1e5, description="per cell")] = (
        _WIRES.word_line_resistance
    )
    word_line_capacitance: Annotated[float, quantity("F", ge=0, le=1e-12, description="per cell")] = (
        _WIRES.word_line_capacitance
    )
    gate_capacitance: Annotated[
        float,
        quantity("F", ge=0, le=1e-12, description="per access transistor of 0.14 um, wider ones in ratio"),
    ] = _GATE_CAPACITANCE

    @model_validator(mode="after")
    def _fits(self) -> Array:
        if self.column + self.simulated_columns > self.columns:
            raise ValueError(
                f"{self.simulated_columns} columns from column {self.column} on are more than {self.columns}"
            )
        if self.rows % self.sections:
            raise ValueError(f"{self.rows} rows cannot be cut into {self.sections} equal sections")
        if self.idle == "linear" and self.cell.devices != "special":
            raise ValueError(
                "the capacitance of closed rows is known of special devices only: idle = 'device' or 'full'"
            )
        if self.precharge_end >= self.word_line_start - self.driver_edge:
            raise ValueError("the word lines open before the precharge has ended")
        return self

    @computed_field
    @property
    def rows_per_section(self) -> int:
        """How many rows hang at one node of a bit line."""
        return self.rows // self.sections

    @property
    def line_resistance(self) -> float:
        """Of a whole bit line (ohm)."""
        return self.rows * self.bit_line_resistance

    @property
    def _word_line_cell(self) -> float:
        gate = self.gate_capacitance * (self.cell.access.width / _GATE_WIDTH)
        return self.word_line_capacitance + 2 * gate

    @property
    def _columns_behind(self) -> int:
        return self.columns - self.column - self.simulated_columns

    @computed_field
    @property
    def word_line_load_near(self) -> float:
        """Of the columns between driver and the simulated ones (F)."""
        return self.column * self._word_line_cell

    @computed_field
    @property
    def word_line_load_far(self) -> float:
        """Of the columns behind the simulated ones (F)."""
        return self._columns_behind * self._word_line_cell

    @computed_field
    @property
    def word_line_wire_here(self) -> float:
        """Wire over the simulated columns (F); their gates are transistors."""
        return self.simulated_columns * self.word_line_capacitance

    @computed_field
    @property
    def word_line_resistance_near(self) -> float:
        return (self.column + 0.5) * self.word_line_resistance

    @computed_field
    @property
    def word_line_resistance_far(self) -> float:
        return (self._columns_behind + 0.5) * self.word_line_resistance


class Diffusion(NetlistParameters):
    """Areas (um2) and perimeters without the gate's edge (um) of a cell's diffusions."""

    bit_line: float
    bit_line_edge: float
    ground: float
    ground_edge: float
    supply: float
    supply_edge: float
    node_n: float
    node_n_edge: float
    node_p: float
    node_p_edge: float
    node_access: float
    node_access_edge: float


def cell_diffusion(cell: SramCell) -> Diffusion:
    """Diffusions of a cell: the foundry's from its layout, each a strip of the transistor's width beside its
    gate; of ordinary transistors a strip each, shared with the next row where there is a contact."""
    return _special_diffusion() if cell.devices == "special" else _ordinary_diffusion(cell)


def _ordinary_diffusion(cell: SramCell) -> Diffusion:
    strips = {
        "bit_line": (cell.access, 0.5),
        "ground": (cell.pull_down, 0.5),
        "supply": (cell.pull_up, 0.5),
        "node_n": (cell.pull_down, 1.0),
        "node_p": (cell.pull_up, 1.0),
        "node_access": (cell.access, 1.0),
    }
    values: dict[str, float] = {}
    for name, (transistor, share) in strips.items():
        values[name] = round(share * transistor.area, 9)
        values[f"{name}_edge"] = round(share * transistor.perimeter, 9)
    return Diffusion(**values)


def _special_diffusion() -> Diffusion:
    cell = wire_facts()["cell"]

    def strip(area: float, width: float) -> tuple[float, float]:
        return round(area, 9), round(2 * area / width, 9)

    areas = {
        "bit_line": (cell["bit_line_diffusion"], 0.14),
        "ground": (cell["ground_diffusion"], 0.21),
        "supply": (cell["supply_diffusion"], 0.14),
        "node_n": (0.21 * cell["node_strip"], 0.21),
        "node_p": (0.14 * cell["node_strip"], 0.14),
        "node_access": (0.14 * cell["node_strip"], 0.14),
    }
    values: dict[str, float] = {}
    for name, (area, width) in areas.items():
        values[name], values[f"{name}_edge"] = strip(area, width)
    return Diffusion(**values)
