"""Half-selected cells: what a write pulse on one cell of an array does to the others."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import model_validator

from cimspice.bench.bench import Bench, register
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.crossbar.circuit.write import CellsWrite, CellsWriteParameters
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.rram.circuit.device import RramParameters, State
from cimspice.spice import Analysis, SolverOptions, Waveforms

Level = Annotated[float, quantity("V", ge=0, le=5.5)]
_PASSIVE = ("half", "third")


class HalfSelectParameters(RramParameters):
    """A pulse on cell (0, 0) of an array whose other cells all have one state.

    1T1R: ``scheme`` ``transistor``; word lines of other columns are at 0 V, and in a RESET the other bit
    lines rise with the source line. Passive: ``half`` puts half of the voltage on all other lines, ``third``
    a third on other bit lines and two thirds on other source lines. ``form`` is a SET of a pristine cell
    among pristine cells: give both states below 0.
    """

    array: ArrayCircuit = ArrayCircuit()
    rows: Annotated[int, quantity("1", ge=2, le=64)] = 4
    columns: Annotated[int, quantity("1", ge=2, le=64)] = 4
    scheme: Literal["transistor", "half", "third"] = "transistor"
    operation: Literal["set", "reset", "form"] = "set"
    selected_state: State = 0.0
    other_state: State = 0.5
    pulse_voltage: Level = 2.2
    word_line_voltage: Level = 1.4
    pulse_width: Annotated[float, quantity("s", ge=1e-9, le=1e-2)] = 1e-6
    edge: Annotated[float, quantity("s", ge=1e-11, le=1e-6)] = 5e-9

    @model_validator(mode="after")
    def _scheme_fits(self) -> HalfSelectParameters:
        if (self.array.cell == "passive") != (self.scheme in _PASSIVE):
            raise ValueError(f"scheme {self.scheme!r} is not for {self.array.cell} cells")
        if self.operation == "form" and max(self.selected_state, self.other_state) >= 0:
            raise ValueError("form needs pristine cells: selected_state and other_state below 0")
        return self

    def written(self) -> CellsWriteParameters:
        """The array with the levels of all its lines."""
        pulse = self.pulse_voltage
        first_row, first_column = np.arange(self.rows) == 0, np.arange(self.columns) == 0
        share = {"transistor": (0.0, 0.0), "half": (0.5, 0.5), "third": (1 / 3, 2 / 3)}[self.scheme]
        if self.operation != "reset":
            bit_lines = np.where(first_row, pulse, share[0] * pulse)
            source_lines = np.where(first_column, 0.0, share[1] * pulse)
        else:
            raised = 1.0 if self.scheme == "transistor" else 1 - share[0]
            bit_lines = np.where(first_row, 0.0, raised * pulse)
            lowered = 0.0 if self.scheme == "transistor" else 1 - share[1]
            source_lines = np.where(first_column, pulse, lowered * pulse)
        states = np.full((self.rows, self.columns), self.other_state)
        states[0, 0] = self.selected_state
        return CellsWriteParameters(
            model=self.model,
            changes=self.changes,
            array=self.array,
            states=tuple(map(tuple, states.tolist())),
            bit_line_voltages=bit_lines.tolist(),
            word_line_voltages=np.where(first_column, self.word_line_voltage, 0.0).tolist(),
            source_line_voltages=source_lines.tolist(),
            pulse_width=self.pulse_width,
            edge=self.edge,
        )


@register
class HalfSelect(Bench):
    """State of the selected cell, largest change of state among the others by what they share with it.

    ``row_disturb``: cells of its bit line. ``column_disturb``: of its source line. ``other_disturb``: the
    rest. ``energy`` is that of the array during the pulse.
    """

    name: ClassVar[str] = "crossbar_half_select"
    title: ClassVar[str] = "disturb of half-selected cells by a write pulse on one cell of an array"
    template: ClassVar[str] = "crossbar/cells_write"
    Parameters: ClassVar[type[NetlistParameters]] = HalfSelectParameters
    columns: ClassVar[dict[str, str]] = {
        "selected_state_after": "1",
        "row_disturb": "1",
        "column_disturb": "1",
        "other_disturb": "1",
        "energy": "J",
        "peak_current": "A",
    }
    flat: ClassVar[bool] = True

    def netlist(self, parameters: HalfSelectParameters) -> Netlist:
        return CellsWrite().netlist(parameters.written())

    def analysis(self, parameters: HalfSelectParameters) -> Analysis:
        return CellsWrite().analysis(parameters.written())

    def options(self, parameters: HalfSelectParameters) -> SolverOptions:
        return CellsWrite().options(parameters.written())

    def measure(self, parameters: HalfSelectParameters, waveforms: Waveforms) -> pd.DataFrame:
        table = CellsWrite().measure(parameters.written(), waveforms)
        change = (table["state_after"] - table["state_before"]).abs()
        row, column = table["row"] == 0, table["column"] == 0
        selected = table[row & column].iloc[0]
        return pd.DataFrame(
            {
                "selected_state_after": [selected["state_after"]],
                "row_disturb": [change[row & ~column].max()],
                "column_disturb": [change[~row & column].max()],
                "other_disturb": [change[~row & ~column].max()],
                "energy": [selected["energy"]],
                "peak_current": [selected["peak_current"]],
            }
        )
