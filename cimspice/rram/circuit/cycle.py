"""Slow sweep of a resistive memory through SET and RESET: the hysteresis loop."""

from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.rram.circuit.device import ACCURATE, RramParameters, SeriesResistance, State
from cimspice.spice import SolverOptions, Tran, Waveforms


class CycleParameters(RramParameters):
    """A triangle up to ``set_voltage`` and one down to −``reset_voltage``."""

    initial_state: State = 0.0
    set_voltage: Annotated[float, quantity("V", gt=0, le=3.3)] = 2.0
    reset_voltage: Annotated[float, quantity("V", gt=0, le=3.3, description="its magnitude")] = 1.5
    rate: Annotated[float, quantity("V/s", gt=0, le=1e9, description="of the sweep")] = 1e3
    series_resistance: SeriesResistance = 10e3
    points: Annotated[int, quantity("1", ge=10, le=10_000, description="of each quarter")] = 100

    @computed_field
    @property
    def times(self) -> tuple[float, ...]:
        """Ends of the four quarters (s)."""
        up, down = self.set_voltage / self.rate, self.reset_voltage / self.rate
        return up, 2 * up, 2 * up + down, 2 * up + 2 * down


@register
class RramCycle(Bench):
    """Voltage at the source, current and state along the loop, ``points`` rows a quarter."""

    name: ClassVar[str] = "rram_cycle"
    title: ClassVar[str] = "quasi-static SET and RESET loop of a resistive memory"
    template: ClassVar[str] = "rram/cycle"
    Parameters: ClassVar[type[NetlistParameters]] = CycleParameters
    columns: ClassVar[dict[str, str]] = {"time": "s", "voltage": "V", "current": "A", "state": "1"}
    solver: ClassVar[SolverOptions] = ACCURATE

    def analysis(self, parameters: CycleParameters) -> Tran:
        step = parameters.times[-1] / (4 * parameters.points)
        return Tran(step / 10, parameters.times[-1], max_step=step, save=("top", "state", "vsweep#branch"))

    def measure(self, parameters: CycleParameters, waveforms: Waveforms) -> pd.DataFrame:
        ends = (0.0, *parameters.times)
        quarters = [np.linspace(a, b, parameters.points, endpoint=False) for a, b in pairwise(ends)]
        time = np.append(np.concatenate(quarters), parameters.times[-1])
        measured = {
            "voltage": waveforms["top"],
            "current": -waveforms["vsweep#branch"],
            "state": waveforms["state"],
        }
        return pd.DataFrame(
            {
                "time": time,
                **{name: np.interp(time, waveforms.axis, vector) for name, vector in measured.items()},
            }
        )
