"""Current of a resistive memory over voltage, its state held."""

from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.rram.circuit.device import ACCURATE, RramParameters, State
from cimspice.spice import Dc, SolverOptions, Waveforms


class ReadParameters(RramParameters):
    """Which states are read, and over which voltages."""

    state: State = 0.5
    start: Annotated[float, quantity("V", ge=-3.3, le=3.3)] = -0.5
    stop: Annotated[float, quantity("V", ge=-3.3, le=3.3)] = 0.5
    step: Annotated[float, quantity("V", gt=0, le=1)] = 0.02


@register
class RramReadCurrent(Bench):
    """I(V) of one state."""

    name: ClassVar[str] = "rram_read_iv"
    title: ClassVar[str] = "current of a resistive memory over voltage, its state held"
    template: ClassVar[str] = "rram/read_iv"
    Parameters: ClassVar[type[NetlistParameters]] = ReadParameters
    columns: ClassVar[dict[str, str]] = {"voltage": "V", "current": "A"}
    altered: ClassVar[dict[str, str]] = {"state": "vstate"}
    solver: ClassVar[SolverOptions] = ACCURATE

    def analysis(self, parameters: ReadParameters) -> Dc:
        return Dc("vread", parameters.start, parameters.stop, parameters.step, save=("vread#branch",))

    def measure(self, parameters: ReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame({"voltage": waveforms.axis, "current": -waveforms["vread#branch"]})
