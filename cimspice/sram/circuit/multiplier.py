"""Charge-based multiplier below a column of an SRAM array: transfer and energy, and sharing over columns."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import (
    OPTIONS,
    Gates,
    PhaseTiming,
    Points,
    at,
    control_energy,
    energy,
    pulses,
    require_within,
)
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.wires import cell_wires
from cimspice.spice import SolverOptions, Tran, Waveforms

Discharge = Annotated[float, quantity("V", ge=-0.1, le=0.4)]
Capacitance = Annotated[float, quantity("F", ge=0, le=1e-11)]

IDLE_CELL = 0.078e-15
"""Of a closed cell's access transistor on its bit line (F), as in ``sram_array``."""
READOUT_CAPACITANCE = 7.2e-15
"""Of a resting multiplier and a converter's open switches on each bit line (F): with it an array discharges
as in ``sram_forward_pass`` and ``sram_transposed_pass``."""


class MultiplierParameters(NetlistParameters):
    """One multiplication; the lines are capacitors without resistance (0.7 kOhm, 2 % of a phase)."""

    gates: Gates = Gates()
    capacitor_side: Annotated[float, quantity("m", ge=2e-6, le=30e-6)] = 3e-6
    """Of each square MIM capacitor (m): 3 um have 20 fF, a twelfth of the bit line."""
    timing: PhaseTiming = PhaseTiming()
    supply_voltage: Annotated[float, quantity("V", ge=1.2, le=1.95)] = 1.8
    bits: Annotated[int, quantity("1", ge=1, le=8)] = 4
    code: Annotated[int, quantity("1", ge=0, le=255)] = 15
    """Input, from 0 to 2**bits - 1."""
    discharge: Discharge = 0.1
    discharge_bar: Discharge = 0.0
    """``discharge``, ``discharge_bar``: of the bit line and of its complement when the multiplication begins
    (V), from the supply: the end of precharge lifts a line that no cell discharges some 30 mV above it."""
    rows: Annotated[int, quantity("1", ge=16, le=4096)] = 512
    """Of the array; they decide the capacitance of the lines."""
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 40e-12

    @model_validator(mode="after")
    def _fits(self) -> MultiplierParameters:
        if self.code >= 2**self.bits:
            raise ValueError(f"input code {self.code} does not fit {self.bits} bits: 0 to {2**self.bits - 1}")
        if self.timing.gap + 2 * self.timing.edge >= self.timing.phase:
            raise ValueError("a phase must be longer than its gap and both edges")
        return self

    @computed_field
    @property
    def line_capacitance(self) -> float:
        """Of a bit line to what does not move (F)."""
        return self.rows * (cell_wires().bit_line_capacitance + IDLE_CELL)

    @computed_field
    @property
    def line_coupling(self) -> float:
        """Between the two bit lines (F)."""
        return self.rows * cell_wires().bit_line_coupling

    @property
    def done(self) -> float:
        """When the product stands on the capacitors (s)."""
        return self.timing.high(2 * self.bits)[1]

    @property
    def stop(self) -> float:
        """After the capacitors have been reset for the next multiplication (s)."""
        return self.timing.high(2 * self.bits + 1)[1] + self.timing.gap

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of take, share and bit; bit k is there from before its phase until after its share."""
        timing, last = self.timing, 2 * self.bits
        take = [timing.high(k) for k in (0, *range(1, last, 2), last + 1)]
        share = [*(timing.high(k) for k in range(0, last, 2)), timing.high(last, last + 1)]
        ones = [2 * k + 1 for k in range(self.bits) if (self.code >> k) & 1]
        early, late = 0.8 * timing.gap, timing.gap - 0.8 * timing.gap - 1.5 * timing.edge
        bit = [(timing.high(k)[0] - early, timing.high(k + 1)[1] + late) for k in ones]
        return {
            name: pulses(intervals, self.supply_voltage, timing.edge)
            for name, intervals in {"take": take, "share": share, "bit": bit}.items()
        }


@register
class ChargeMultiplication(Bench):
    """Discharge of the output capacitors after the last bit, and the energy until they are reset.

    ``multiplier_energy`` is that of the column's drivers and capacitors, ``control_energy`` what the
    broadcast controls take from their drivers for one column.
    """

    name: ClassVar[str] = "sram_multiplier"
    title: ClassVar[str] = "charge-based multiplication of two bit lines' discharges by a digital input"
    template: ClassVar[str] = "sram/multiplier"
    Parameters: ClassVar[type[NetlistParameters]] = MultiplierParameters
    columns: ClassVar[dict[str, str]] = {
        "output": "V",
        "output_bar": "V",
        "multiplier_energy": "J",
        "control_energy": "J",
        "duration": "s",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: MultiplierParameters) -> Tran:
        step = parameters.time_step
        branches = [f"v{name}#branch" for name in ("supply", *CONTROLS)]
        return Tran(step, parameters.stop, max_step=step, save=("second", "second_bar", *branches))

    def measure(self, parameters: MultiplierParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, start = parameters.supply_voltage, parameters.timing.high(0)[1]
        out, out_bar = (supply - at(waveforms, name, parameters.done) for name in ("second", "second_bar"))
        for volts in (out, out_bar):
            require_within(volts, -0.1, 0.45, "an output's discharge", self.name)
        row = {
            "output": out,
            "output_bar": out_bar,
            "multiplier_energy": energy(waveforms, "vsupply", supply, start),
            "control_energy": sum(control_energy(waveforms, f"v{name}", supply, start) for name in CONTROLS),
            "duration": parameters.done - start,
        }
        return pd.DataFrame([row])


CONTROLS = ("take", "share", "bit")
"""Of a multiplier."""
