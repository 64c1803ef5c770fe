"""Bench of a spike's edges: the charge that a synapse drives beyond its steady current."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.integrate import cumulative_trapezoid

from cimspice.bench.bench import Bench, register
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.circuit.static import Bias, ResistorLength
from cimspice.spice import SolverOptions, Tran, Waveforms

DELAYS = tuple(round(0.5 * 2.0**k, 6) * 1e-9 for k in range(12))
"""After the spike's end (s): 0.5 ns to 1 µs, two per factor of four; what flows is logarithmic in time."""

HELD = (0.02, 0.08, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0, 1.2, 1.35, 1.5, 1.62, 1.7, 1.76)
"""Membrane voltages (V) held during the spike: closer together at the rails, where currents bend."""


class InjectionParameters(NetlistParameters):
    """One program of a synapse at several held membranes, switched by a loaded driver."""

    circuit: NeuronCircuit = NeuronCircuit()
    polarity: Literal["n", "p"] = "n"
    gate_bias: Bias = 0.5
    resistor_length: ResistorLength = 100e-6
    fan_out: Annotated[int, Field(ge=0, le=10000, description="synapses that the driver switches")] = 5
    load_bias_n: Bias = 0.5
    load_bias_p: Bias = 1.2
    load_length: ResistorLength = 100e-6
    voltages: tuple[Annotated[float, quantity("V", ge=-0.2, le=2.0)], ...] = HELD
    ramp_slope: Annotated[
        float, quantity("V/s", gt=0, le=1e9, description="fall of the membrane afterwards")
    ] = 0.87e6
    ramp_floor: Annotated[float, quantity("V", ge=0, le=1.8)] = 0.43
    line_capacitance: Annotated[
        float, quantity("F", ge=0, le=1e-11, description="of the spike line, and of its complement")
    ] = 0.0
    rail_resistance: Annotated[
        float, quantity("ohm", gt=0, le=1e7, description="to a wired synapse's rail")
    ] = 1e-3
    rail_capacitance: Annotated[float, quantity("F", ge=0, le=1e-12, description="there")] = 0.0
    begin: Annotated[float, quantity("s", ge=5e-9, le=1e-6)] = 20e-9
    hold: Annotated[float, quantity("s", ge=20e-9, le=1e-5, description="length of the spike")] = 100e-9


@register
class InjectedCharge(Bench):
    """Charge beyond ``static_current``, from the spike's crossing of half supply (edge "on") and from the end
    of the phase until ``delay`` (edge "off"); positive in the direction that the synapse drives."""

    name: ClassVar[str] = "neuron_injection"
    title: ClassVar[str] = "spiking neuron: charge injected by the edges of a spike"
    template: ClassVar[str] = "neuron/injection"
    Parameters: ClassVar[type[NetlistParameters]] = InjectionParameters
    columns: ClassVar[dict[str, str]] = {
        "membrane_voltage": "V",
        "edge": "",
        "delay": "s",
        "charge": "C",
        "static_current": "A",
        "driver_delay": "s",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = SolverOptions(reltol=1e-5, abstol=1e-15, vntol=1e-8, chgtol=1e-18)

    def analysis(self, parameters: InjectionParameters) -> Tran:
        stop = parameters.begin + parameters.hold + parameters.circuit.phase
        names = [
            f"vmembrane_{state}{k}#branch" for k in range(len(parameters.voltages)) for state in ("on", "off")
        ]
        step = parameters.circuit.phase / 500
        return Tran(step, stop, max_step=step, save=("spike", *names))

    def measure(self, parameters: InjectionParameters, waveforms: Waveforms) -> pd.DataFrame:
        time = waveforms.axis
        end = parameters.begin + parameters.hold
        rise = waveforms.crossing("spike", parameters.circuit.supply / 2, "rise")
        if not np.isfinite(rise):
            raise SimulationError(
                "the driver made no spike", place=self.name, remedy="check fan_out and supply"
            )
        sign = 1.0 if parameters.polarity == "n" else -1.0
        settled, delays = 10e-9, [delay for delay in DELAYS if delay <= parameters.circuit.phase]
        rows = []
        for k, voltage in enumerate(parameters.voltages):
            current = sign * (waveforms[f"vmembrane_on{k}#branch"] - waveforms[f"vmembrane_off{k}#branch"])
            static = float(np.interp(end - 2 * parameters.circuit.edge, time, current))
            charge = cumulative_trapezoid(current, time, initial=0.0)
            on, last = np.interp([rise + settled, end - 2 * parameters.circuit.edge], time, charge)
            common = {
                "membrane_voltage": voltage,
                "static_current": static,
                "driver_delay": rise - parameters.begin,
            }
            rows.append({**common, "edge": "on", "delay": 0.0, "charge": on - static * settled})
            before = (
                last + static * 2 * parameters.circuit.edge
            )  # as if the spike ended with the phase, at once
            for delay in delays:
                total = float(np.interp(end + delay, time, charge))
                rows.append({**common, "edge": "off", "delay": delay, "charge": total - before})
        return pd.DataFrame(rows)[list(self.columns)]
