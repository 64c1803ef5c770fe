"""Leakage of a 6T SRAM cell that holds its state."""

from typing import ClassVar

import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters
from cimspice.spice import Op, SolverOptions, Waveforms
from cimspice.sram.circuit.cell import PRECISE, SramCell, Supply, require_state


class LeakageParameters(NetlistParameters):
    """A cell in hold, both bit lines precharged to the supply."""

    cell: SramCell = SramCell()
    supply_voltage: Supply = 1.8

    @computed_field
    @property
    def word_line_voltage(self) -> float:
        """Closed (V)."""
        return 0.0

    @computed_field
    @property
    def bit_line_voltage(self) -> float:
        """Precharged (V)."""
        return self.supply_voltage

    @computed_field
    @property
    def bit_line_bar_voltage(self) -> float:
        """Precharged (V)."""
        return self.supply_voltage


@register
class Leakage(Bench):
    """Current from the cell's supply and from both bit lines, and the power of all of it."""

    name: ClassVar[str] = "sram_leakage"
    title: ClassVar[str] = "leakage of a 6T SRAM cell in hold"
    template: ClassVar[str] = "sram/cell_current"
    Parameters: ClassVar[type[NetlistParameters]] = LeakageParameters
    columns: ClassVar[dict[str, str]] = {
        "supply_current": "A",
        "bit_line_current": "A",
        "leakage_current": "A",
        "leakage_power": "W",
    }
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: LeakageParameters) -> Op:
        lines = ("vsupply#branch", "vbit_line#branch", "vbit_line_bar#branch")
        return Op(save=("left", "right", *lines))

    def measure(self, parameters: LeakageParameters, waveforms: Waveforms) -> pd.DataFrame:
        require_state(waveforms["left"][0], waveforms["right"][0], parameters.supply_voltage, self.name)
        supply = -waveforms["vsupply#branch"][0]
        lines = -waveforms["vbit_line#branch"][0] - waveforms["vbit_line_bar#branch"][0]
        total = supply + lines
        row = (supply, lines, total, total * parameters.supply_voltage)
        return pd.DataFrame([dict(zip(self.columns, row, strict=True))])
