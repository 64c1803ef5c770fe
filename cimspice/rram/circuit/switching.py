"""One pulse on a resistive memory: how far its conductance moves, and what that costs."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.rram.circuit.device import ACCURATE, ReadVoltage, RramParameters, SeriesResistance, State
from cimspice.spice import SolverOptions, Tran, Waveforms

_READ = 0.2
"""Length of each read, of the pulse's width."""


class PulseParameters(RramParameters):
    """The pulse: positive is SET, negative is RESET."""

    initial_state: State = 0.0
    pulse_voltage: Annotated[float, quantity("V", ge=-3.3, le=3.3, description="at the source")] = 2.4
    pulse_width: Annotated[float, quantity("s", ge=1e-9, le=1e3, description="at full voltage")] = 1e-6
    edge: Annotated[float, quantity("1", gt=0, le=1, description="of the pulse's width, each edge")] = 0.01
    series_resistance: SeriesResistance = 10e3
    read_voltage: ReadVoltage = 0.1

    @computed_field
    @property
    def times(self) -> tuple[float, ...]:
        """End of the first read, corners of the pulse, end of the second read (s)."""
        lengths = (_READ, self.edge, 1.0, self.edge, _READ)
        return tuple(float(time) for time in self.pulse_width * np.cumsum(lengths))


@register
class RramPulse(Bench):
    """State and conductance before and after one pulse, energy from the source and peak current.

    The conductances are those at ``read_voltage`` on source and series resistance together.
    """

    name: ClassVar[str] = "rram_switching"
    title: ClassVar[str] = "one SET or RESET pulse on a resistive memory"
    template: ClassVar[str] = "rram/switching"
    Parameters: ClassVar[type[NetlistParameters]] = PulseParameters
    columns: ClassVar[dict[str, str]] = {
        "conductance_before": "S",
        "conductance_after": "S",
        "state_after": "1",
        "energy": "J",
        "peak_current": "A",
    }
    solver: ClassVar[SolverOptions] = ACCURATE

    def analysis(self, parameters: PulseParameters) -> Tran:
        step = parameters.pulse_width / 200
        saved = ("top", "state", "vpulse#branch")
        return Tran(step / 10, parameters.times[-1], max_step=step, save=saved)

    def measure(self, parameters: PulseParameters, waveforms: Waveforms) -> pd.DataFrame:
        time, voltage, current = waveforms.axis, waveforms["top"], -waveforms["vpulse#branch"]
        pulse = (time >= parameters.times[0]) & (time <= parameters.times[3])
        return pd.DataFrame(
            {
                "conductance_before": [current[0] / parameters.read_voltage],
                "conductance_after": [current[-1] / parameters.read_voltage],
                "state_after": [waveforms["state"][-1]],
                "energy": [np.trapezoid((voltage * current)[pulse], time[pulse])],
                "peak_current": [np.max(np.abs(current[pulse]))],
            }
        )
