"""Drain current of one SKY130 transistor over gate and drain voltage."""

from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field, computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, Waveforms

Transistor = Literal["nfet_01v8", "nfet_01v8_lvt", "pfet_01v8", "pfet_01v8_lvt", "pfet_01v8_hvt"]


class TransistorParameters(NetlistParameters):
    """One transistor and its bias. Voltages are magnitudes, for both polarities."""

    device: Transistor = "nfet_01v8"
    width: Annotated[float, quantity("m", gt=0, le=1e-3, description="drawn width, all fingers")] = 1e-6
    length: Annotated[float, quantity("m", gt=0, le=1e-3, description="drawn length")] = 0.25e-6
    fingers: Annotated[int, Field(ge=1, le=1000)] = 1
    gate_voltage: Annotated[float, quantity("V", ge=0, le=2, description="|V_GS|")] = 1.8
    body_voltage: Annotated[float, quantity("V", ge=0, le=2, description="|V_SB|, reverse bias")] = 0.0
    drain_stop: Annotated[float, quantity("V", gt=0, le=2, description="largest |V_DS|")] = 1.8
    drain_step: Annotated[float, quantity("V", ge=1e-4, le=1, description="step of |V_DS|")] = 0.02

    @computed_field
    @property
    def polarity(self) -> str:
        """``"n"`` or ``"p"``."""
        return self.device[0]


@register
class TransistorCurrent(Bench):
    """I_D over V_DS at one V_GS and V_SB; drain current in A, positive for both polarities."""

    name: ClassVar[str] = "transistor"
    title: ClassVar[str] = "drain current of a SKY130 transistor over gate and drain voltage"
    template: ClassVar[str] = "bench/transistor"
    Parameters: ClassVar[type[NetlistParameters]] = TransistorParameters
    columns: ClassVar[dict[str, str]] = {"drain_voltage": "V", "drain_current": "A"}
    altered: ClassVar[dict[str, str]] = {"gate_voltage": "vgate", "body_voltage": "vbody"}

    def analysis(self, parameters: TransistorParameters) -> Dc:
        return Dc("vdrain", 0.0, parameters.drain_stop, parameters.drain_step, save=("vdrain#branch",))

    def measure(self, parameters: TransistorParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame({"drain_voltage": waveforms.axis, "drain_current": -waveforms["vdrain#branch"]})
