"""Energy of one column of a multi-row read until its lines are restored, the precharge's gates included."""

from dataclasses import replace
from typing import ClassVar

import pandas as pd

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import control_energy
from cimspice.errors import SimulationError
from cimspice.spice import Analysis, Waveforms
from cimspice.sram.circuit.multi_row_read import MultiRowParameters, MultiRowRead


@register
class ReadEnergy(MultiRowRead):
    """Per simulated column. ``word_line_energy`` is the column's share of all open word lines, each as long
    as the row; ``control_energy`` what drives the gates of its precharge.

    Raises
    ------
    SimulationError
        If the precharge has not restored the lines.
    """

    name: ClassVar[str] = "sram_read_energy"
    title: ClassVar[str] = "multi-row read of an SRAM column: energy until the lines are restored"
    columns: ClassVar[dict[str, str]] = {
        "cell_energy": "J",
        "precharge_energy": "J",
        "word_line_energy": "J",
        "control_energy": "J",
        "array_energy": "J",
        "duration": "s",
    }

    def analysis(self, parameters: MultiRowParameters) -> Analysis:
        planned = super().analysis(parameters)
        return replace(planned, save=(*planned.save, "vprecharge_bar#branch"))

    def measure(self, parameters: MultiRowParameters, waveforms: Waveforms) -> pd.DataFrame:
        array, table = parameters.array, super().measure(parameters, waveforms)
        for line in ("b0_0", "c0_0"):
            if abs(waveforms[line][-1] - array.supply_voltage) > 2e-3:
                raise SimulationError(
                    "the lines are not restored when the read ends",
                    place=self.name,
                    remedy="lengthen restore, or widen array.precharge_width",
                )
        simulated = array.simulated_columns
        row = {
            "cell_energy": table["energy_cells"].iloc[0] / simulated,
            "precharge_energy": table["energy_precharge"].iloc[0] / simulated,
            "word_line_energy": table["energy_word_lines"].iloc[0] / array.columns,
            "control_energy": control_energy(waveforms, "vprecharge_bar", array.supply_voltage) / simulated,
        }
        return pd.DataFrame([{**row, "array_energy": sum(row.values()), "duration": parameters.stop}])
