"""A column of 6T cells that is not written while its word line is open: what that costs."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from cimspice.bench.bench import register
from cimspice.netlist import NetlistParameters
from cimspice.spice import Waveforms
from cimspice.sram.circuit.access import AccessParameters, WriteAccess, energies, opened, require_restored


@register
class HalfSelected(WriteAccess):
    """Energies as of a write; ``kept`` is 1 if the cell has its old state when the cycle ends, else 0.

    ``bit_line_swing`` is how far the bit line falls until the word line closes.
    """

    name: ClassVar[str] = "sram_half_selected"
    title: ClassVar[str] = "column of 6T cells that is not written while its word line is open: energy"
    template: ClassVar[str] = "sram/half_selected"
    Parameters: ClassVar[type[NetlistParameters]] = AccessParameters
    columns: ClassVar[dict[str, str]] = {
        "kept": "",
        "bit_line_swing": "V",
        **{name: unit for name, unit in WriteAccess.columns.items() if name.endswith("_energy")},
    }

    def measure(self, parameters: AccessParameters, waveforms: Waveforms) -> pd.DataFrame:
        opened(parameters, waveforms, self.name)
        require_restored(waveforms, self.name)
        near = waveforms["near"]
        row = {
            "kept": float(waveforms["right"][-1] - waveforms["left"][-1] > parameters.supply_voltage / 2),
            "bit_line_swing": float(near[0] - near.min()),
        }
        return pd.DataFrame([{**row, **energies(parameters, waveforms)}])
