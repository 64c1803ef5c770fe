"""A point of 10 ms, most of it asleep: what a campaign costs beside it shows on a busy machine too."""

from __future__ import annotations

import time
from typing import ClassVar

import pandas as pd

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.spice import Op, Waveforms

ASLEEP_SECONDS = 0.008


class ResistorParameters(NetlistParameters):
    """A source across a resistor; ``case`` distinguishes points."""

    voltage: float = 1.0
    case: int = 0


@register
class SleepingPoint(Bench):
    """An operating point that takes 10 ms, most of it asleep."""

    name: ClassVar[str] = "benchmark_sleeping_point"
    title: ClassVar[str] = "a point of 10 ms"
    Parameters: ClassVar[type[NetlistParameters]] = ResistorParameters
    columns: ClassVar[dict[str, str]] = {"output": "V"}
    altered: ClassVar[dict[str, str]] = {"voltage": "vin"}

    def netlist(self, parameters: ResistorParameters) -> Netlist:
        text = f"* resistor\nvin in 0 dc {parameters.voltage!r}\nr1 in 0 1000\n"
        return Netlist(text, "resistor", parameters.model_dump())

    def analysis(self, parameters: NetlistParameters) -> Op:
        return Op(save=("in",))

    def measure(self, parameters: NetlistParameters, waveforms: Waveforms) -> pd.DataFrame:
        time.sleep(ASLEEP_SECONDS)
        return pd.DataFrame({"output": waveforms["in"]})
