"""Sense amplifier of a column of 6T cells: its input offset, by bisection, and its delay."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.offset import OffsetByBisection
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.cell import Supply
from cimspice.sram.circuit.column import SramPeriphery

OPTIONS = SolverOptions(reltol=1e-4, abstol=1e-12, vntol=1e-6, gmin=1e-15)


class SenseParameters(NetlistParameters):
    """A sense amplifier with its driver; the bit lines stand about ``common_drop`` below the supply."""

    periphery: SramPeriphery = SramPeriphery()
    supply_voltage: Supply = 1.8
    common_drop: Annotated[float, quantity("V", ge=0, le=1)] = 0.05
    period: Annotated[float, quantity("s", ge=2e-10, le=1e-6, description="of one decision")] = 2e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of the trigger")] = 50e-12
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest time step")] = 40e-12


class SenseOffsetParameters(SenseParameters):
    """The search: from -``search_range`` to ``search_range``, halved by every decision."""

    search_range: Annotated[float, quantity("V", gt=0, le=0.5)] = 0.064
    decisions: Annotated[int, quantity("1", ge=4, le=16)] = 9


class SenseDelayParameters(SenseParameters):
    """One decision."""

    input_difference: Annotated[float, quantity("V", ge=-0.5, le=0.5)] = 0.1


@register
class SenseOffset(OffsetByBisection):
    """Of the sense amplifier: difference of the bit lines."""

    name: ClassVar[str] = "sram_sense_offset"
    title: ClassVar[str] = "input offset of a latch-type sense amplifier, by bisection"
    template: ClassVar[str] = "sram/sense_offset"
    Parameters: ClassVar[type[NetlistParameters]] = SenseOffsetParameters
    solver: ClassVar[SolverOptions] = OPTIONS
    outputs: ClassVar[tuple[str, str]] = ("out_bar", "out")
    read_at: ClassVar[float] = 0.75
    decision_share: ClassVar[float] = 0.35


@register
class SenseDelay(Bench):
    """From the trigger at half supply to the output at half supply, and the energy of amplifier and driver.

    ``correct`` is 1 if the output has the sign of the input; else 0, and the delay that of the wrong output.
    """

    name: ClassVar[str] = "sram_sense_delay"
    title: ClassVar[str] = "delay and energy of a latch-type sense amplifier"
    template: ClassVar[str] = "sram/sense_delay"
    Parameters: ClassVar[type[NetlistParameters]] = SenseDelayParameters
    columns: ClassVar[dict[str, str]] = {"correct": "", "sense_delay": "s", "sense_energy": "J"}
    altered: ClassVar[dict[str, str]] = {"input_difference": "vdifference"}
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: SenseDelayParameters) -> Tran:
        step = parameters.time_step / 4
        saved = ("trigger", "out", "out_bar", "vsupply#branch")
        return Tran(step, parameters.period, max_step=step, save=saved)

    def measure(self, parameters: SenseDelayParameters, waveforms: Waveforms) -> pd.DataFrame:
        half = parameters.supply_voltage / 2
        begin = waveforms.crossing("trigger", half, "rise")
        left_low, right_low = (waveforms.crossing(name, half, "rise") for name in ("out_bar", "out"))
        first = np.nanmin([left_low, right_low]) if np.isfinite([left_low, right_low]).any() else np.nan
        if not np.isfinite(first):
            raise SimulationError(
                "the sense amplifier made no decision", place=self.name, remedy="lengthen period"
            )
        right = left_low if parameters.input_difference > 0 else right_low
        energy = -parameters.supply_voltage * float(trapezoid(waveforms["vsupply#branch"], waveforms.axis))
        row = {"correct": float(first == right), "sense_delay": first - begin, "sense_energy": energy}
        return pd.DataFrame([row])
