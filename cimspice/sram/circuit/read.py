"""One 6T SRAM cell read onto floating bit lines."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Tran, Waveforms
from cimspice.sram.circuit.cell import SramCell, Supply


class ReadParameters(NetlistParameters):
    """A read pulse on the word line, and the capacitance of the bit lines."""

    cell: SramCell = SramCell()
    supply_voltage: Supply = 1.8
    word_line_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8
    word_line_delay: Annotated[float, quantity("s", ge=0, le=1e-3)] = 1e-9
    word_line_edge: Annotated[float, quantity("s", gt=0, le=1e-6)] = 50e-12
    word_line_width: Annotated[float, quantity("s", gt=0, le=1e-3, description="between the edges")] = 10e-9
    bit_line_capacitance: Annotated[float, quantity("F", gt=0, le=1e-9)] = 500e-15
    duration: Annotated[float, quantity("s", gt=0, le=1e-3, description="of the transient")] = 20e-9
    time_step: Annotated[float, quantity("s", gt=0, le=1e-6, description="largest time step")] = 20e-12


@register
class CellRead(Bench):
    """How far one word-line pulse discharges the bit line, and how far the stored 0 rises meanwhile."""

    name: ClassVar[str] = "sram_read"
    title: ClassVar[str] = "read of a 6T SRAM cell onto floating bit lines"
    template: ClassVar[str] = "sram/cell_read"
    Parameters: ClassVar[type[NetlistParameters]] = ReadParameters
    columns: ClassVar[dict[str, str]] = {"bit_line_swing": "V", "cell_node_peak": "V"}

    def analysis(self, parameters: ReadParameters) -> Tran:
        saved = ("bit_line", "bit_line_bar", "left", "right")
        step = parameters.time_step
        return Tran(step, parameters.duration, max_step=step, save=saved)

    def measure(self, parameters: ReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        swing = waveforms["bit_line_bar"][-1] - waveforms["bit_line"][-1]
        return pd.DataFrame({"bit_line_swing": [swing], "cell_node_peak": [np.max(waveforms["left"])]})
