"""Sneak paths: what reading one cell of an array brings besides the cell's own current."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.crossbar.circuit.cells import ArrayCircuit, CellArrayParameters, require_simulable
from cimspice.netlist import Netlist, NetlistParameters, quantity, render
from cimspice.rram.circuit.access_grid import EXACT
from cimspice.rram.circuit.device import ReadVoltage, RramParameters, State
from cimspice.spice import Op, SolverOptions, Waveforms


class SneakParameters(RramParameters):
    """Cell (0, 0) is read; all others have one state. Word lines of other columns are at 0 V (1T1R).

    A floating line has ``leakage_resistance`` to ground: without any, its voltage would not be defined where
    all its transistors are closed.
    """

    array: ArrayCircuit = ArrayCircuit(cell="passive")
    size: Annotated[int, quantity("1", ge=2, le=64, description="bit lines and source lines")] = 8
    selected_state: State = 0.5
    other_state: State = 0.9
    others: Literal["floating", "grounded"] = "floating"
    leakage_resistance: Annotated[float, quantity("ohm", ge=1e3, le=1e12)] = 1e9
    read_voltage: ReadVoltage = 0.1
    read_word_line_voltage: Annotated[float, quantity("V", ge=0, le=5.5)] = 3.3

    @computed_field
    @property
    def states(self) -> tuple[tuple[float, ...], ...]:
        """States of all cells."""
        other = (self.other_state,) * self.size
        return ((self.selected_state, *other[1:]), *(other,) * (self.size - 1))

    @computed_field
    @property
    def rows(self) -> int:
        """Bit lines."""
        return self.size

    @computed_field
    @property
    def columns(self) -> int:
        """Source lines."""
        return self.size


@register
class Sneak(Bench):
    """Current of the sensed source line, and of the driver; lines that are not selected float or are at 0 V.

    ``driver_current`` minus ``sensed_current`` is what leaves through other source lines.
    """

    name: ClassVar[str] = "crossbar_sneak"
    title: ClassVar[str] = "sneak paths in the read of one cell of an array"
    template: ClassVar[str] = "crossbar/sneak"
    Parameters: ClassVar[type[NetlistParameters]] = SneakParameters
    columns: ClassVar[dict[str, str]] = {"sensed_current": "A", "driver_current": "A"}
    flat: ClassVar[bool] = True

    def netlist(self, parameters: SneakParameters) -> Netlist:
        require_simulable(CellArrayParameters(array=parameters.array, states=parameters.states))
        return render(self.template, parameters)

    def analysis(self, parameters: SneakParameters) -> Op:
        return Op(save=("vin0#branch", "vout0#branch"))

    def options(self, parameters: SneakParameters) -> SolverOptions:
        return EXACT

    def measure(self, parameters: SneakParameters, waveforms: Waveforms) -> pd.DataFrame:
        sensed, driver = waveforms["vout0#branch"], waveforms["vin0#branch"]
        return pd.DataFrame({"sensed_current": [float(sensed[-1])], "driver_current": [float(-driver[-1])]})
