"""Comparator of the SRAM array's converter: its input offset, by bisection."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import OPTIONS, Gates
from cimspice.converter.circuit.converter import Converter
from cimspice.converter.circuit.offset import COLUMNS, offset_of_decisions
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms


class ComparatorParameters(NetlistParameters):
    """A comparator whose inputs stand about ``common_drop`` below the supply, and the search."""

    gates: Gates = Gates()
    converter: Converter = Converter()
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8
    common_drop: Annotated[float, quantity("V", ge=0, le=0.5)] = 0.05
    period: Annotated[float, quantity("s", ge=4e-10, le=1e-6, description="of one decision")] = 2e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of the strobe")] = 4e-11
    search_range: Annotated[float, quantity("V", gt=0, le=0.5)] = 0.032
    decisions: Annotated[int, quantity("1", ge=4, le=16)] = 8
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 40e-12


@register
class ComparatorOffset(Bench):
    """Difference of the inputs at which the decision turns, known to plus or minus ``resolution``."""

    name: ClassVar[str] = "sram_comparator_offset"
    title: ClassVar[str] = "input offset of the converter's comparator, by bisection"
    template: ClassVar[str] = "converter/comparator_offset"
    Parameters: ClassVar[type[NetlistParameters]] = ComparatorParameters
    columns: ClassVar[dict[str, str]] = COLUMNS
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: ComparatorParameters) -> Tran:
        stop, step = parameters.decisions * parameters.period, parameters.time_step
        return Tran(step, stop, max_step=step, save=("difference", "win", "win_bar"))

    def measure(self, parameters: ComparatorParameters, waveforms: Waveforms) -> pd.DataFrame:
        decided = (np.arange(parameters.decisions) + 0.74) * parameters.period
        apart = np.interp(decided, waveforms.axis, waveforms["win"] - waveforms["win_bar"])
        return offset_of_decisions(
            np.interp(decided, waveforms.axis, waveforms["difference"]),
            apart,
            supply_voltage=parameters.supply_voltage,
            decision_time=0.44 * parameters.period,
            search_range=parameters.search_range,
            place=self.name,
        )
