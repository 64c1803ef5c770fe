"""DC currents between a 6T SRAM cell and its bit lines: at held lines, and over the voltage of one."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, Op, SolverOptions, Waveforms
from cimspice.sram.circuit.cell import LineVoltage, SramCell

PRECISE = SolverOptions(reltol=1e-6, abstol=1e-14, vntol=1e-9)
"""A cell that is switched off passes picoamperes, and a fit sees what the solver leaves open."""

_LINES = ("bit_line", "bit_line_bar")
_SAVED = ("vbit_line#branch", "vbit_line_bar#branch", "left")


class ReadCurrentParameters(NetlistParameters):
    """Voltages at the cell's terminals; it stores 0 on the side of ``bit_line``, 1 on that of the other."""

    cell: SramCell = SramCell()
    supply_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8
    word_line_voltage: LineVoltage = 1.8
    bit_line_voltage: LineVoltage = 1.8
    bit_line_bar_voltage: LineVoltage = 1.8


class ReadCurveParameters(ReadCurrentParameters):
    """As :class:`ReadCurrentParameters`; one line is swept down from the supply, its own voltage is not used.

    Downwards, so that the cell keeps its state as long as it can and a flip shows where a read would see it.
    """

    swept: Literal["bit_line", "bit_line_bar"] = "bit_line"
    stop_voltage: Annotated[float, quantity("V", ge=0, le=2.5, description="end of the sweep")] = 0.0
    intervals: Annotated[int, quantity("1", ge=1, le=10_000, description="intervals of the sweep")] = 90


def _currents(waveforms: Waveforms) -> dict[str, np.ndarray]:
    """A source's branch current enters the source at its positive node: what enters the cell is its
    negative."""
    return {
        "bit_line_current": -waveforms["vbit_line#branch"],
        "bit_line_bar_current": -waveforms["vbit_line_bar#branch"],
        "cell_node_voltage": waveforms["left"],
    }


_COLUMNS = {"bit_line_current": "A", "bit_line_bar_current": "A", "cell_node_voltage": "V"}
_ALTERED = {"supply_voltage": "vsupply", "word_line_voltage": "vword_line"}


@register
class ReadCurrent(Bench):
    """Currents from both bit lines into the cell at held voltages, and the voltage of the stored 0.

    Positive currents discharge their line; the side that stores 1 charges a line that has fallen, its current
    is negative. A cell that the lines have flipped shows in ``cell_node_voltage``.
    """

    name: ClassVar[str] = "sram_read_current"
    title: ClassVar[str] = "DC currents of a 6T SRAM cell into its bit lines, at held voltages"
    template: ClassVar[str] = "sram/cell_current"
    Parameters: ClassVar[type[NetlistParameters]] = ReadCurrentParameters
    columns: ClassVar[dict[str, str]] = _COLUMNS
    altered: ClassVar[dict[str, str]] = {
        **_ALTERED,
        "bit_line_voltage": "vbit_line",
        "bit_line_bar_voltage": "vbit_line_bar",
    }
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: ReadCurrentParameters) -> Op:
        return Op(save=_SAVED)

    def measure(self, parameters: ReadCurrentParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame(_currents(waveforms))


@register
class ReadCurve(Bench):
    """As :class:`ReadCurrent`, over the voltage of one bit line in a single simulation."""

    name: ClassVar[str] = "sram_read_curve"
    title: ClassVar[str] = "DC currents of a 6T SRAM cell over the voltage of a bit line"
    template: ClassVar[str] = "sram/cell_current"
    Parameters: ClassVar[type[NetlistParameters]] = ReadCurveParameters
    columns: ClassVar[dict[str, str]] = {f"{line}_voltage": "V" for line in _LINES} | _COLUMNS
    # not the lines: one of them is the sweep's
    altered: ClassVar[dict[str, str]] = _ALTERED
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: ReadCurveParameters) -> Dc:
        start, stop = parameters.supply_voltage, parameters.stop_voltage
        return Dc(f"v{parameters.swept}", start, stop, (stop - start) / parameters.intervals, save=_SAVED)

    def measure(self, parameters: ReadCurveParameters, waveforms: Waveforms) -> pd.DataFrame:
        held = {f"{line}_voltage": getattr(parameters, f"{line}_voltage") for line in _LINES}
        swept = {f"{parameters.swept}_voltage": np.round(waveforms.axis, 9) + 0.0}  # no -0.0
        return pd.DataFrame({**held, **swept, **_currents(waveforms)})
