"""Current of a 1T1R cell's access transistor over gate, drain and source, its body at ground."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.rram.circuit.device import ACCURATE
from cimspice.spice import Dc, SolverOptions, Sweep, Tran, Waveforms


class AccessParameters(NetlistParameters):
    """The transistor; drain and source are both swept from 0 to ``stop``."""

    transistor: Literal["nfet_g5v0d10v5", "nfet_01v8", "nfet_01v8_lvt"] = "nfet_g5v0d10v5"
    width: Annotated[float, quantity("m", gt=0, le=1e-4)] = 2e-6
    length: Annotated[float, quantity("m", gt=0, le=1e-5)] = 0.5e-6
    gate_voltage: Annotated[float, quantity("V", ge=0, le=5.5)] = 1.8
    stop: Annotated[float, quantity("V", gt=0, le=5.5, description="largest drain and source voltage")] = 2.6
    step: Annotated[float, quantity("V", gt=0, le=1)] = 0.1


@register
class AccessTransistor(Bench):
    """I(V_D, V_S) at one V_G, from drain to source, for V_D ≥ V_S (the device is symmetric)."""

    name: ClassVar[str] = "rram_access"
    title: ClassVar[str] = "current of a 1T1R cell's access transistor over gate, drain and source"
    template: ClassVar[str] = "rram/access"
    Parameters: ClassVar[type[NetlistParameters]] = AccessParameters
    columns: ClassVar[dict[str, str]] = {"drain_voltage": "V", "source_voltage": "V", "current": "A"}
    altered: ClassVar[dict[str, str]] = {"gate_voltage": "vgate"}
    flat: ClassVar[bool] = True

    def analysis(self, parameters: AccessParameters) -> Dc:
        outer = Sweep("vsource", 0.0, parameters.stop, parameters.step)
        return Dc(
            "vdrain", 0.0, parameters.stop, parameters.step, outer=outer, save=("source", "vdrain#branch")
        )

    def measure(self, parameters: AccessParameters, waveforms: Waveforms) -> pd.DataFrame:
        drain, source = np.round(waveforms.axis, 9), np.round(waveforms["source"], 9)
        table = pd.DataFrame(
            {"drain_voltage": drain, "source_voltage": source, "current": -waveforms["vdrain#branch"]}
        )
        return table.loc[drain > source].reset_index(drop=True)


class AccessChargeParameters(NetlistParameters):
    """The transistor, its gate, and the ramp: all of it in ``edge``; source and body are at 0 V."""

    transistor: Literal["nfet_g5v0d10v5", "nfet_01v8", "nfet_01v8_lvt"] = "nfet_g5v0d10v5"
    width: Annotated[float, quantity("m", gt=0, le=1e-4)] = 2e-6
    length: Annotated[float, quantity("m", gt=0, le=1e-5)] = 0.5e-6
    gate_voltage: Annotated[float, quantity("V", ge=0, le=5.5)] = 1.8
    stop: Annotated[float, quantity("V", gt=0, le=5.5, description="largest drain voltage")] = 3.1
    step: Annotated[float, quantity("V", gt=0, le=1)] = 0.1
    edge: Annotated[float, quantity("s", gt=1e-12, le=1e-6)] = 0.1e-9

    @computed_field
    @property
    def margin(self) -> float:
        """By how much the ramp begins and ends outside of what is measured (V)."""
        return 0.1

    @property
    def span(self) -> float:
        """Of the ramp (V)."""
        return self.stop + 2 * self.margin


@register
class AccessCharge(Bench):
    """C(V_D) at one V_G: half the difference of the currents of both ramps over their slope.

    The current of the channel at rest is the same in both and falls out; what is left is what the drain's
    charge takes: junction, overlap and the drain's share of the channel.
    """

    name: ClassVar[str] = "rram_access_charge"
    title: ClassVar[str] = "capacitance of a 1T1R cell's access transistor at its drain"
    template: ClassVar[str] = "rram/access_charge"
    Parameters: ClassVar[type[NetlistParameters]] = AccessChargeParameters
    columns: ClassVar[dict[str, str]] = {"drain_voltage": "V", "capacitance": "F"}
    altered: ClassVar[dict[str, str]] = {"gate_voltage": "vgate"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = ACCURATE

    def analysis(self, parameters: AccessChargeParameters) -> Tran:
        step = parameters.edge * parameters.step / (4 * parameters.span)
        return Tran(step, 4 * parameters.edge, max_step=step, save=("drain", "vdrain#branch"))

    def measure(self, parameters: AccessChargeParameters, waveforms: Waveforms) -> pd.DataFrame:
        time, drain, current = waveforms.axis, waveforms["drain"], -waveforms["vdrain#branch"]
        points = np.arange(0, parameters.stop + parameters.step / 2, parameters.step).round(9)
        rising = (time > parameters.edge) & (time <= 2 * parameters.edge)
        falling = (time > 3 * parameters.edge) & (time <= 4 * parameters.edge)
        up = np.interp(points, drain[rising], current[rising])
        down = np.interp(points, drain[falling][::-1], current[falling][::-1])
        slope = parameters.span / parameters.edge
        return pd.DataFrame({"drain_voltage": points, "capacitance": (up - down) / (2 * slope)})
