"""Energy of one column's read by a comparator, from the word lines on until its lines are restored."""

from dataclasses import replace
from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import control_energy, energy
from cimspice.hybrid.circuit.column_read import ColumnReadParameters, decision
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Analysis, Waveforms
from cimspice.sram.circuit.read_energy import ReadEnergy


class ColumnEnergyParameters(ColumnReadParameters):
    """A column read and the transistors that the comparator's outputs drive in ``hybrid_accumulator``."""

    width: Annotated[float, quantity("m", ge=0.42e-6, le=10e-6)] = 0.42e-6
    latch_length: Annotated[float, quantity("m", ge=0.15e-6, le=1e-6)] = 0.3e-6


@register
class ColumnEnergy(ReadEnergy):
    """As ``sram_read_energy``, with comparators on the lines: ``comparator_energy`` of their supply, with
    what they drive, ``strobe_energy`` what drives their strobe.

    Raises
    ------
    SimulationError
        If a comparator has not decided, or the precharge has not restored the lines.
    """

    name: ClassVar[str] = "hybrid_column_energy"
    title: ClassVar[str] = "SRAM column read by a comparator: energy until the lines are restored"
    template: ClassVar[str] = "hybrid/column_energy"
    Parameters: ClassVar[type[NetlistParameters]] = ColumnEnergyParameters
    columns: ClassVar[dict[str, str]] = {
        **{name: unit for name, unit in ReadEnergy.columns.items() if name != "duration"},
        "comparator_energy": "J",
        "strobe_energy": "J",
        "duration": "s",
    }

    def analysis(self, parameters: ColumnEnergyParameters) -> Analysis:
        planned = super().analysis(parameters)
        columns = range(parameters.array.simulated_columns)
        outputs = [f"{side}{column}_0" for side in ("win", "win_bar") for column in columns]
        return replace(planned, save=(*planned.save, *outputs, "vsupply#branch", "vstrobe0#branch"))

    def measure(self, parameters: ColumnEnergyParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, columns = parameters.array.supply_voltage, parameters.array.simulated_columns
        for column in range(columns):
            for time in parameters.strobes:
                decision(parameters, waveforms, f"{column}_0", time)
        return (
            super()
            .measure(parameters, waveforms)
            .assign(
                comparator_energy=energy(waveforms, "vsupply", supply) / columns,
                strobe_energy=control_energy(waveforms, "vstrobe0", supply) / columns,
            )[list(self.columns)]
        )
