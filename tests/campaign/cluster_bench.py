"""A bench that only the campaign's own process can import: workers of a cluster have to be sent it."""

from __future__ import annotations

import os
import time
from typing import ClassVar

import pandas as pd

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.spice import Op, Waveforms

LOG = "CIMSPICE_CLUSTER_LOG"


class SlowParameters(NetlistParameters):
    upper_resistance: float = 1000.0
    supply: float = 1.0


@register
class SlowDivider(Bench):
    """A divider whose points take 15 ms; each run leaves a line with the process it ran in."""

    name: ClassVar[str] = "test_slow_divider"
    title: ClassVar[str] = "a divider that takes its time"
    Parameters: ClassVar[type[NetlistParameters]] = SlowParameters
    columns: ClassVar[dict[str, str]] = {"output": "V"}
    altered: ClassVar[dict[str, str]] = {"supply": "vin"}

    def netlist(self, parameters: SlowParameters) -> Netlist:
        lines = (
            f"vin in 0 dc {parameters.supply!r}\nr1 in out {parameters.upper_resistance!r}\nr2 out 0 3000\n"
        )
        return Netlist("* divider\n" + lines, "slow divider", parameters.model_dump())

    def analysis(self, parameters: SlowParameters) -> Op:
        return Op(save=("out",))

    def measure(self, parameters: SlowParameters, waveforms: Waveforms) -> pd.DataFrame:
        time.sleep(0.015)
        if log := os.environ.get(LOG):
            with open(log, "a") as file:
                file.write(f"{os.getpid()} {parameters.model_dump_json()}\n")
        return pd.DataFrame({"output": waveforms["out"]})
