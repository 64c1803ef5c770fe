"""A bench for runs that are damaged afterwards: half of a voltage."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Op


class Supply(NetlistParameters):
    supply: Annotated[float, quantity("V", ge=0)] = 1.0


@register
class Halved(Bench):
    name: ClassVar[str] = "fuzz_halved"
    title: ClassVar[str] = "a divider"
    Parameters: ClassVar[type[NetlistParameters]] = Supply
    columns: ClassVar[dict[str, str]] = {"middle": "V"}
    altered: ClassVar[dict[str, str]] = {"supply": "v1"}

    def netlist(self, parameters) -> Netlist:
        return Netlist(f"* divider\nV1 a 0 {parameters.supply!r}\nR1 a m 1000\nR2 m 0 1000\n", "halved")

    def analysis(self, parameters):
        return Op(save=("m",))

    def measure(self, parameters, waveforms):
        return pd.DataFrame({"middle": waveforms["m"]})
