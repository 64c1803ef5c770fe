"""Input-referred thermal noise of a comparator from its impulse sensitivity, without transient noise.

A charge q across transistor k at time t changes the later difference of the outputs as a change q·h_k(t) of
the input would. Transistor k has white noise of the density S_k(t) = 4 k T (gm + gmbs + gds), so that of a
decision, referred to the input, is Σ_k ∫ S_k(t)/2 h_k(t)² dt (Kim, Leibowitz, Ren, Madden, IEEE TCAS-I 56
(2009) 1845), twice that of one half. In ngspice's noise analysis the SKY130 transistors have 0.84 to 1.1
times this density at 10 GHz, from weak to strong inversion and in the linear region. Flicker noise is slow
against decisions, an offset that drifts, and left out.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import OPTIONS, Gates, Points
from cimspice.errors import SimulationError
from cimspice.hybrid.circuit.comparator import Comparator
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms

BOLTZMANN = 1.380649e-23
REFERENCE = 300.15
"""Of the noise (K); at T it is sqrt(T / REFERENCE) times that, with the circuit simulated at T."""
TRANSISTORS = ("input", "cross_n", "cross_p", "precharge", "precharge_drain")
"""Of one half; noise of the tail moves both alike."""
BEFORE = 0.1e-9
"""Charges come from so much before the strobe on (s)."""
APART = 0.04
"""Difference of the outputs at which sensitivities are read (V)."""
PULSE = 4e-12
"""Length of a charge's pulse (s), with edges of a quarter."""


class NoiseParameters(Comparator):
    """The comparator, ideal inputs, and charges."""

    gates: Gates = Gates()
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8
    common_drop: Annotated[float, quantity("V", ge=0, le=0.5)] = 0.2
    difference: Annotated[float, quantity("V", gt=0, le=0.01)] = 0.5e-3
    charge: Annotated[float, quantity("C", gt=0, le=1e-15)] = 1e-17
    spacing: Annotated[float, quantity("s", ge=5e-12, le=1e-10, description="of the charges' times")] = 1e-11
    times: Annotated[int, quantity("1", ge=10, le=200)] = 40
    strobe: Annotated[float, quantity("s", ge=1e-10, le=1e-7)] = 0.6e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of the strobe")] = 4e-11
    time_step: Annotated[float, quantity("s", gt=0, le=1e-10, description="largest step")] = 1e-11

    @computed_field
    @property
    def strobe_at(self) -> float:
        """In a period (s)."""
        return 0.4e-9

    @computed_field
    @property
    def period(self) -> float:
        return self.strobe_at + self.strobe + 0.3e-9

    @property
    def moments(self) -> np.ndarray:
        """Middles of the charges' pulses, from the strobe's beginning (s)."""
        return self.spacing * np.arange(self.times) - BEFORE

    @computed_field
    @property
    def charges(self) -> tuple[Points, ...]:
        """Of the source across each transistor, (time, current): a period for each moment."""
        edge, current = PULSE / 4, self.charge / PULSE
        found = []
        for place in range(len(TRANSISTORS)):
            points = [(0.0, 0.0)]
            for number, moment in enumerate(self.moments):
                start = (2 + place * self.times + number) * self.period + self.strobe_at + float(moment)
                for offset, value in ((-edge, 0.0), (0.0, current), (PULSE - edge, current), (PULSE, 0.0)):
                    points.append((start - PULSE / 2 + offset, value))
            found.append(tuple(points))
        return tuple(found)


@register
class ComparatorNoise(Bench):
    """Standard deviation of a decision's noise at the input, and the shares of its variance by transistor.

    ``noise`` is that of carriers at 27 °C in the circuit as it is at the point's temperature.

    ``decided_after`` is when outputs are compared: ``difference`` has made 40 mV between them.
    """

    name: ClassVar[str] = "hybrid_comparator_noise"
    title: ClassVar[str] = "input-referred thermal noise of a column's comparator, from impulse sensitivities"
    template: ClassVar[str] = "hybrid/comparator_noise"
    Parameters: ClassVar[type[NetlistParameters]] = NoiseParameters
    columns: ClassVar[dict[str, str]] = {
        "noise": "V",
        "decided_after": "s",
        **{f"share_{name}": "1" for name in TRANSISTORS},
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: NoiseParameters) -> Tran:
        step = parameters.time_step
        stop = (2 + len(TRANSISTORS) * parameters.times) * parameters.period
        saved = [f"{_path(name)}[{each}]" for name in TRANSISTORS for each in ("gm", "gmbs", "gds")]
        return Tran(step, stop, max_step=step, save=("xcomparator.left", "xcomparator.right", *saved))

    def measure(self, parameters: NoiseParameters, waveforms: Waveforms) -> pd.DataFrame:
        time = waveforms.axis
        apart = waveforms["xcomparator.right"] - waveforms["xcomparator.left"]
        strobes = parameters.strobe_at + parameters.period * np.arange(
            2 + len(TRANSISTORS) * parameters.times
        )
        during = (time >= strobes[0]) & (time <= strobes[0] + parameters.strobe)
        reached = np.abs(apart[during]) > APART
        if not reached.any():
            raise SimulationError(
                f"{parameters.difference:g} V makes less than {APART:g} V at the outputs",
                place=self.name,
                remedy="lengthen strobe",
            )
        after = float(time[during][np.argmax(reached)] - strobes[0])
        answers = np.interp(strobes + after, time, apart)
        gain = (answers[0] - answers[1]) / (2 * parameters.difference)
        sensitivity = answers[2:].reshape(len(TRANSISTORS), -1) / gain / parameters.charge
        moments = strobes[2] + parameters.moments  # of any period: the circuit is balanced in all
        variance = []
        for name, h in zip(TRANSISTORS, sensitivity, strict=True):
            conductance = sum(np.abs(waveforms[f"{_path(name)}[{each}]"]) for each in ("gm", "gmbs", "gds"))
            density = 4 * BOLTZMANN * REFERENCE * np.interp(moments, time, conductance)
            variance.append(2 * parameters.spacing * float(np.sum(density / 2 * h**2)))
        total = float(np.sum(variance))
        shares = {f"share_{name}": each / total for name, each in zip(TRANSISTORS, variance, strict=True)}
        return pd.DataFrame([{"noise": np.sqrt(total), "decided_after": after, **shares}])


def _path(name: str) -> str:
    return f"@m.xcomparator.mx{name}_left"
