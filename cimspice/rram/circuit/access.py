"""Current of a 1T1R cell's access transistor over gate, drain and source, its body at ground."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, Sweep, Waveforms


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
