"""Capacitance of an SRAM array's readout on a bit line and on a shared rail, from its own transistors."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import OPTIONS, Gates, Points, pulses
from cimspice.converter.circuit.converter import Converter
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms

Time = Annotated[float, quantity("s", ge=1e-10, le=1e-6)]


class LoadParameters(NetlistParameters):
    """A bit line and a rail, each lowered by a source; the converter samples the rail."""

    gates: Gates = Gates()
    capacitor_side: Annotated[float, quantity("m", ge=2e-6, le=30e-6)] = 3e-6
    converter: Converter = Converter()
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8
    bits: Annotated[int, quantity("1", ge=3, le=8, description="of the converter, sign included")] = 6
    """Of the converter."""
    line_lift: Annotated[float, quantity("V", ge=0, le=0.1)] = 0.028
    """By how much the line begins above the supply (V), as precharge leaves it."""
    line_discharge: Annotated[float, quantity("V", gt=0, le=1.2)] = 0.3
    rail_discharge: Annotated[float, quantity("V", gt=0, le=0.3)] = 0.1
    """``line_discharge``, ``rail_discharge``: how far they are lowered (V)."""
    ramp: Time = 0.5e-9
    settle: Time = 2e-9
    """``ramp``, ``settle``: how long lowering takes, and how long charge has to settle before and after it
    (s)."""
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 4e-11
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 20e-12

    @computed_field
    @property
    def target(self) -> int:
        """Of the conversion: none."""
        return 0

    @property
    def stop(self) -> float:
        return 2 * self.settle + self.ramp

    @computed_field
    @property
    def lowered(self) -> dict[str, Points]:
        """Voltages of both sources."""
        swings = {
            "line": (self.line_lift, self.line_lift - self.line_discharge),
            "rail": (0.0, -self.rail_discharge),
        }
        begin, end = self.settle, self.settle + self.ramp
        return {
            name: tuple(
                (time, self.supply_voltage + swing[k]) for time, k in ((0.0, 0), (begin, 0), (end, 1))
            )
            for name, swing in swings.items()
        }

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """The converter is cleared, and samples."""
        always = (self.edge, 2 * self.stop)
        high = {"sample": [always], "clear": [(self.edge, self.settle / 2)], "strobe": []}
        high |= {f"phase{bit}": [] for bit in range(self.bits)}
        return {name: pulses(values, self.supply_voltage, self.edge) for name, values in high.items()}


@register
class ReadoutLoads(Bench):
    """Charge over voltage of all that hangs on a bit line and on a rail, over the whole swing of each."""

    name: ClassVar[str] = "sram_readout_loads"
    title: ClassVar[str] = "capacitance of readout and converter on a bit line and on a rail"
    template: ClassVar[str] = "sram/loads"
    Parameters: ClassVar[type[NetlistParameters]] = LoadParameters
    columns: ClassVar[dict[str, str]] = {"line_capacitance": "F", "rail_capacitance": "F"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: LoadParameters) -> Tran:
        step = parameters.time_step
        return Tran(step, parameters.stop, max_step=step, save=("vline#branch", "vrail#branch"))

    def measure(self, parameters: LoadParameters, waveforms: Waveforms) -> pd.DataFrame:
        time, swings = waveforms.axis, {"line": parameters.line_discharge, "rail": parameters.rail_discharge}
        row = {}
        for name, swing in swings.items():
            taken = waveforms[f"v{name}#branch"]  # into the source: out of the node
            charge = np.concatenate([[0.0], np.cumsum(np.diff(time) * (taken[1:] + taken[:-1]) / 2)])
            before, after = np.interp([parameters.settle, parameters.stop], time, charge)
            row[f"{name}_capacitance"] = float(after - before) / swing
        return pd.DataFrame([row])
