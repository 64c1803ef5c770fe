"""Bench of the accumulation phase: the membrane's trace when one synapse receives one spike."""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.circuit.static import Bias, ResistorLength
from cimspice.spice import SolverOptions, Tran, Waveforms

POINTS = 501
"""Points of a trace over the phase: every 2 ns of a microsecond."""


class SingleSpikeParameters(NetlistParameters):
    """A neuron that leaves reset, with ``fan_in`` synapses; one receives a spike at ``spike_time``."""

    circuit: NeuronCircuit = NeuronCircuit()
    polarity: Literal["n", "p"] = "n"
    gate_bias: Bias = 0.5575
    resistor_length: ResistorLength = 100e-6
    spike_time: Annotated[float, quantity("s", ge=0, lt=1e-3, description="after the phase's start")] = 100e-9
    fan_in: Annotated[int, Field(ge=1, le=10000, description="synapses on the membrane")] = 5
    ramp_bias: Bias = 0.55
    begin: Annotated[float, quantity("s", ge=20e-9, le=1e-6, description="start of the phase")] = 50e-9

    @model_validator(mode="after")
    def _inside_the_phase(self) -> Self:
        if self.spike_time > self.circuit.phase - 2 * self.circuit.edge:
            raise ValueError(
                f"spike_time {self.spike_time:g} s is not inside the phase of {self.circuit.phase:g} s"
            )
        return self


@register
class SingleSpike(Bench):
    """Membrane voltage over the accumulation phase, time counted from the phase's start."""

    name: ClassVar[str] = "neuron_single_spike"
    title: ClassVar[str] = "spiking neuron: trace of the membrane after one spike of one synapse"
    template: ClassVar[str] = "neuron/single_spike"
    Parameters: ClassVar[type[NetlistParameters]] = SingleSpikeParameters
    columns: ClassVar[dict[str, str]] = {"time": "s", "membrane_voltage": "V"}
    altered: ClassVar[dict[str, str]] = {"gate_bias": "vgate"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-7, chgtol=1e-17)

    def analysis(self, parameters: SingleSpikeParameters) -> Tran:
        step = parameters.circuit.phase / 500
        return Tran(step, parameters.begin + parameters.circuit.phase, max_step=step, save=("membrane",))

    def measure(self, parameters: SingleSpikeParameters, waveforms: Waveforms) -> pd.DataFrame:
        # the last edge belongs to the next phase
        time = np.linspace(0.0, parameters.circuit.phase - parameters.circuit.edge, POINTS)
        voltage = np.interp(parameters.begin + time, waveforms.axis, waveforms["membrane"])
        return pd.DataFrame({"time": time, "membrane_voltage": voltage})
