"""Benches of the neuron's own dynamics: reset, firing from a given voltage, ramp, comparator."""

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from cimspice.bench.bench import Bench, register
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.circuit.static import Bias, ResistorLength
from cimspice.spice import Analysis, SolverOptions, Tran, Waveforms

OPTIONS = SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-7, chgtol=1e-17)
FanIn = Annotated[int, Field(ge=0, le=10000, description="synapses of each polarity on the membrane")]
FanOut = Annotated[int, Field(ge=0, le=10000, description="neurons that the output drives")]


class ReadoutParameters(NetlistParameters):
    """A neuron with its synapses and its load, held at ``start_voltage`` until it fires.

    Resistor synapses are not placed: ``extra_capacitance`` stands for theirs.
    """

    circuit: NeuronCircuit = NeuronCircuit()
    start_voltage: Annotated[float, quantity("V", ge=0, le=1.9)] = 1.3
    ramp_bias: Bias = 0.55
    fan_in: FanIn = 5
    fan_out: FanOut = 5
    extra_capacitance: Annotated[float, quantity("F", ge=0, le=1e-11)] = 0.0
    load_bias_n: Bias = 0.5
    load_bias_p: Bias = 1.2
    load_length: ResistorLength = 100e-6
    begin: Annotated[float, quantity("s", ge=5e-9, le=1e-6)] = 10e-9
    length: Annotated[float, quantity("s", gt=0, le=1e-2, description="how long it is followed")] = 1.3e-6


class _Firing(Bench):
    template: ClassVar[str] = "neuron/readout"
    Parameters: ClassVar[type[NetlistParameters]] = ReadoutParameters
    altered: ClassVar[dict[str, str]] = {"start_voltage": "vstart"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: ReadoutParameters) -> Tran:
        step = parameters.circuit.phase / 500
        return Tran(step, parameters.begin + parameters.length, max_step=step, save=("spike", "membrane"))


@register
class Readout(_Firing):
    """Time of the output spike after the start of the phase, and the membrane's voltage at that moment."""

    name: ClassVar[str] = "neuron_readout"
    title: ClassVar[str] = (
        "spiking neuron: output spike time over the membrane voltage at the start of firing"
    )
    columns: ClassVar[dict[str, str]] = {"spike_time": "s", "spike_voltage": "V"}

    def measure(self, parameters: ReadoutParameters, waveforms: Waveforms) -> pd.DataFrame:
        time = waveforms.crossing("spike", parameters.circuit.supply / 2, "rise", after=parameters.begin)
        if not np.isfinite(time):
            raise SimulationError(
                f"no output spike within {parameters.length:.4g} s from {parameters.start_voltage:.4g} V",
                place=self.name,
                remedy="raise ramp_bias or length",
            )
        voltage = float(np.interp(time, waveforms.axis, waveforms["membrane"]))
        return pd.DataFrame({"spike_time": [time - parameters.begin], "spike_voltage": [voltage]})


@register
class RampTrace(_Firing):
    """The membrane's fall through the firing phase, 200 points of falling voltage."""

    name: ClassVar[str] = "neuron_ramp"
    title: ClassVar[str] = "spiking neuron: trace of the ramp"
    columns: ClassVar[dict[str, str]] = {"time": "s", "membrane_voltage": "V"}

    def measure(self, parameters: ReadoutParameters, waveforms: Waveforms) -> pd.DataFrame:
        # the first nanosecond holds the step of the clock's edge, which belongs to the read-out
        time = np.linspace(parameters.begin + 1e-9, parameters.begin + parameters.length, 401)
        voltage = np.interp(time, waveforms.axis, waveforms["membrane"])
        falling = np.concatenate([[True], voltage[1:] < np.minimum.accumulate(voltage)[:-1]])
        return pd.DataFrame(
            {"time": (time - parameters.begin)[falling], "membrane_voltage": voltage[falling]}
        )


class ResetParameters(NetlistParameters):
    """A neuron that leaves reset; ``extra_capacitance`` stands for resistor synapses."""

    circuit: NeuronCircuit = NeuronCircuit()
    ramp_bias: Bias = 0.55
    fan_in: FanIn = 5
    extra_capacitance: Annotated[float, quantity("F", ge=0, le=1e-11)] = 0.0
    begin: Annotated[float, quantity("s", ge=20e-9, le=1e-6)] = 50e-9


@register
class ResetStep(Bench):
    """Membrane voltage at the start of the phase, minus V0."""

    name: ClassVar[str] = "neuron_reset"
    title: ClassVar[str] = "spiking neuron: step of the membrane at the end of reset"
    template: ClassVar[str] = "neuron/reset"
    Parameters: ClassVar[type[NetlistParameters]] = ResetParameters
    columns: ClassVar[dict[str, str]] = {"reset_step": "V"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: ResetParameters) -> Tran:
        step = parameters.circuit.phase / 500
        return Tran(step, parameters.begin + 10 * step, max_step=step, save=("membrane",))

    def measure(self, parameters: ResetParameters, waveforms: Waveforms) -> pd.DataFrame:
        start = np.interp(parameters.begin, waveforms.axis, waveforms["membrane"])
        return pd.DataFrame({"reset_step": [float(start) - parameters.circuit.rest_voltage]})


class ComparatorParameters(NetlistParameters):
    """The comparator while its membrane falls at a constant rate."""

    circuit: NeuronCircuit = NeuronCircuit()
    slope: Annotated[float, quantity("V/s", ge=1e3, le=1e9)] = 0.87e6
    high_voltage: Annotated[float, quantity("V", gt=0, le=1.8)] = 0.8
    low_voltage: Annotated[float, quantity("V", ge=0, le=1.0)] = 0.1
    ramp_bias: Bias = 0.55
    fan_out: FanOut = 5
    load_bias_n: Bias = 0.5
    load_bias_p: Bias = 1.2
    load_length: ResistorLength = 100e-6
    begin: Annotated[float, quantity("s", ge=1e-9, le=1e-6)] = 10e-9


@register
class ComparatorDelay(Bench):
    """Membrane voltage at which the output spikes; the slower the fall, the nearer the static threshold."""

    name: ClassVar[str] = "neuron_comparator"
    title: ClassVar[str] = "spiking neuron: comparator's crossing over the slope of the membrane"
    template: ClassVar[str] = "neuron/comparator"
    Parameters: ClassVar[type[NetlistParameters]] = ComparatorParameters
    columns: ClassVar[dict[str, str]] = {"crossing_voltage": "V"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def _duration(self, parameters: ComparatorParameters) -> float:
        return (parameters.high_voltage - parameters.low_voltage) / parameters.slope

    def analysis(self, parameters: ComparatorParameters) -> Tran:
        step = self._duration(parameters) / 500
        return Tran(
            step, parameters.begin + self._duration(parameters), max_step=step, save=("spike", "membrane")
        )

    def measure(self, parameters: ComparatorParameters, waveforms: Waveforms) -> pd.DataFrame:
        time = waveforms.crossing("spike", parameters.circuit.supply / 2, "rise", after=parameters.begin)
        if not np.isfinite(time):
            raise SimulationError(
                "the comparator did not switch", place=self.name, remedy="lower low_voltage"
            )
        voltage = float(np.interp(time, waveforms.axis, waveforms["membrane"]))
        return pd.DataFrame({"crossing_voltage": [voltage]})


MARGIN = 1e-3
"""A replica this near (V) to an end of the fall found no threshold within it."""


@register
class ComparatorTiming(ComparatorDelay):
    """The static trip point, and how far and how long the membrane falls on before the output spikes.

    ``threshold`` is where the output stands at half supply at rest; ``offset`` how far below it the membrane
    is when the output crosses half supply; ``delay`` the time that the fall takes for that.
    """

    name: ClassVar[str] = "neuron_comparator_delay"
    title: ClassVar[str] = "spiking neuron: comparator's threshold, delay and offset over the slope"
    template: ClassVar[str] = "neuron/comparator_delay"
    columns: ClassVar[dict[str, str]] = {"threshold": "V", "offset": "V", "delay": "s"}

    def analysis(self, parameters: ComparatorParameters) -> Analysis:
        falling = super().analysis(parameters)
        return replace(falling, save=(*falling.save, "replica"))

    def measure(self, parameters: ComparatorParameters, waveforms: Waveforms) -> pd.DataFrame:
        crossing = float(super().measure(parameters, waveforms)["crossing_voltage"].iloc[0])
        threshold = float(waveforms["replica"][0])
        if not parameters.low_voltage + MARGIN < threshold < parameters.high_voltage - MARGIN:
            raise SimulationError(
                f"the static threshold, {threshold:.4g} V, is outside the membrane's fall",
                place=self.name,
                remedy="widen high_voltage and low_voltage around it",
            )
        offset = threshold - crossing
        return pd.DataFrame(
            {"threshold": [threshold], "offset": [offset], "delay": [offset / parameters.slope]}
        )
