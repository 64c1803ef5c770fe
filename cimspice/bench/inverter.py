"""Transfer curve of a CMOS inverter of plain SKY130 transistors."""

from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, Waveforms


class InverterParameters(NetlistParameters):
    """One inverter, its supply and its load."""

    supply_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8
    pull_up_width: Annotated[float, quantity("m", ge=0.42e-6, le=100e-6, description="of the PMOS")] = 2e-6
    pull_down_width: Annotated[float, quantity("m", ge=0.42e-6, le=100e-6, description="of the NMOS")] = 1e-6
    length: Annotated[float, quantity("m", ge=0.15e-6, le=20e-6)] = 0.15e-6
    load_capacitance: Annotated[float, quantity("F", gt=0, le=1e-9)] = 10e-15
    points: Annotated[int, quantity("1", ge=2, le=10_000, description="intervals of the sweep")] = 180


@register
class InverterTransfer(Bench):
    """Output over input voltage from rail to rail, and the switching threshold (output = input)."""

    name: ClassVar[str] = "inverter"
    title: ClassVar[str] = "transfer curve of a CMOS inverter"
    template: ClassVar[str] = "bench/inverter"
    Parameters: ClassVar[type[NetlistParameters]] = InverterParameters
    columns: ClassVar[dict[str, str]] = {"input_voltage": "V", "output_voltage": "V"}
    altered: ClassVar[dict[str, str]] = {"supply_voltage": "vsupply"}

    def analysis(self, parameters: InverterParameters) -> Dc:
        stop = parameters.supply_voltage
        return Dc("vinput", 0.0, stop, stop / parameters.points, save=("output",))

    def measure(self, parameters: InverterParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame({"input_voltage": waveforms.axis, "output_voltage": waveforms["output"]})
