"""Offset of the read of a pair of RRAM columns, clamps, loads, access transistors and comparator together."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, computed_field

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import Points
from cimspice.converter.circuit.offset import OffsetByBisection, offset_of_decisions
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.hybrid.circuit.rram_column import RramPairParameters, RramTiming
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.array_wires import array_wires
from cimspice.rram.model.skywater import SkywaterReram
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.multi_row_read import PRECISE

OPEN = 8
"""Cells of low resistance in either column, as some 20 open weights have them."""


def _lumped() -> ArrayCircuit:
    """Segments so long that ``OPEN`` of them are the line of 70 rows."""
    wires, rows = array_wires(), 70 / OPEN
    return ArrayCircuit(
        width=1e-6,
        bit_line_resistance=rows * wires.bit_line_resistance,
        bit_line_capacitance=rows * wires.bit_line_capacitance,
    )


class RramOffsetParameters(RramPairParameters):
    """``active`` cells of low resistance in either column, all open, on the wires of 70 rows. States of one
    column are raised, of the other one lowered, until the decision turns."""

    array: ArrayCircuit = Field(default_factory=_lumped)
    timing: RramTiming = RramTiming(strobe=1.6e-9)
    active: Annotated[int, quantity("1", ge=1, le=256)] = OPEN
    search_range: Annotated[float, quantity("1", gt=0, le=0.2, description="of the states' difference")] = (
        0.04
    )
    decisions: Annotated[int, quantity("1", ge=4, le=16)] = 7

    @computed_field
    @property
    def states(self) -> tuple[tuple[float, ...], ...]:
        return ((self.low_state,) * self.active,) * 2

    @property
    def opened(self) -> np.ndarray:
        return np.ones((self.decisions, self.active), int)

    @computed_field
    @property
    def step_length(self) -> float:
        """Of the pulses that move the search (s)."""
        return 0.15 * self.timing.strobe

    @computed_field
    @property
    def steps(self) -> Points:
        """Of these pulses, after each decision."""
        found, edge = [], self.timing.edge / 4
        for k, time in enumerate(self.strobes):
            start, height = time + 0.75 * self.timing.strobe, self.search_range / 2 ** (k + 1)
            stop = start + self.step_length
            found += [(start, 0.0), (start + edge, height), (stop, height), (stop + edge, 0.0)]
        return tuple(found)


@register
class RramOffset(OffsetByBisection):
    """By how many cells of low resistance the columns differ where the decision turns, known to plus or minus
    ``resolution``; ``magnitude`` is that without its sign."""

    name: ClassVar[str] = "hybrid_rram_offset"
    title: ClassVar[str] = "offset of the read of a pair of RRAM columns, by bisection"
    template: ClassVar[str] = "hybrid/rram_offset"
    Parameters: ClassVar[type[NetlistParameters]] = RramOffsetParameters
    columns: ClassVar[dict[str, str]] = dict.fromkeys(OffsetByBisection.columns, "1")
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = PRECISE
    outputs: ClassVar[tuple[str, str]] = ("win0", "win_bar0")

    def analysis(self, parameters: Any) -> Tran:
        step = parameters.timing.time_step
        return Tran(step, parameters.stop, max_step=step, save=("difference", *sorted(self.outputs)))

    def measure(self, parameters: Any, waveforms: Waveforms) -> pd.DataFrame:
        given, decided = parameters, np.array(parameters.strobes) + 0.72 * parameters.timing.strobe
        higher, lower = (waveforms[name] for name in self.outputs)
        found = offset_of_decisions(
            np.interp(decided, waveforms.axis, waveforms["difference"]),
            np.interp(decided, waveforms.axis, higher - lower),
            supply_voltage=given.supply_voltage,
            decision_time=0.72 * given.timing.strobe,
            search_range=given.search_range,
            place=self.name,
        )
        device = SkywaterReram.published()
        slope = device.span / (device.oxide_thickness - device.filament_reference)
        return 2 * given.active * np.sinh(slope * found / 2)
