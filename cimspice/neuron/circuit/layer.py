"""Benches of a layer: edges of a loaded spike line, and neurons of a layer with the spikes of a sample."""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.circuit.firing import FanIn, FanOut
from cimspice.neuron.circuit.network import Polarity, Program
from cimspice.neuron.circuit.static import Bias, ResistorLength
from cimspice.spice import SolverOptions, Tran, Waveforms

OPTIONS = SolverOptions(reltol=1e-4, abstol=1e-13, vntol=1e-7, chgtol=1e-15)
"""Against chgtol 1e-16 and half the steps: spikes 0.1 ns apart, 1.6 times quicker."""
Duration = Annotated[float, quantity("s", gt=0, le=1e-7)]


class LineParameters(NetlistParameters):
    """A driver and the neurons that it drives."""

    circuit: NeuronCircuit = NeuronCircuit()
    fan_out: FanIn = 5
    load_bias_n: Bias = 0.5
    load_bias_p: Bias = 1.2
    load_length: ResistorLength = 100e-6
    begin: Annotated[float, quantity("s", ge=5e-9, le=1e-6)] = 20e-9
    hold: Annotated[float, quantity("s", ge=20e-9, le=1e-5, description="length of the spike")] = 100e-9


@register
class SpikeLine(Bench):
    """Edges of a spike and its complement: when they cross half the supply, and how long straight ones of
    their slope (between 20 and 80 %) take.

    ``lead``: how much earlier than the spike rises the complement falls; delays of the other two edges are
    from the end of the driver's input.
    """

    name: ClassVar[str] = "neuron_line"
    title: ClassVar[str] = "spiking neuron: edges of a loaded spike line"
    template: ClassVar[str] = "neuron/line"
    Parameters: ClassVar[type[NetlistParameters]] = LineParameters
    columns: ClassVar[dict[str, str]] = {
        "rise": "s",
        "lead": "s",
        "complement_fall": "s",
        "fall_delay": "s",
        "fall": "s",
        "complement_delay": "s",
        "complement_rise": "s",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-7, chgtol=1e-17)

    def analysis(self, parameters: LineParameters) -> Tran:
        stop = parameters.begin + 2 * parameters.hold
        return Tran(1e-10, stop, max_step=1e-9, save=("spike", "spike_bar"))

    def measure(self, parameters: LineParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, end = parameters.circuit.supply, parameters.begin + parameters.hold

        def edge(node: str, direction: Literal["rise", "fall"], after: float) -> tuple[float, float]:
            levels = (0.2, 0.5, 0.8) if direction == "rise" else (0.8, 0.5, 0.2)
            first, middle, last = (
                waveforms.crossing(node, level * supply, direction, after=after) for level in levels
            )
            if not np.isfinite(last):
                raise SimulationError("the driver made no spike", place=self.name, remedy="lower fan_out")
            return middle, (last - first) / 0.6

        up, rise = edge("spike", "rise", 0.0)
        complement, complement_fall = edge("spike_bar", "fall", 0.0)
        down, fall = edge("spike", "fall", end)
        back, complement_rise = edge("spike_bar", "rise", end)
        row = [rise, up - complement, complement_fall, down - end, fall, back - end, complement_rise]
        return pd.DataFrame([dict(zip(self.columns, row, strict=True))])


class Edges(NetlistParameters):
    """What the bench ``neuron_line`` measures."""

    rise: Duration
    lead: Annotated[float, quantity("s", ge=-1e-8, le=1e-8)]
    complement_fall: Duration
    fall_delay: Duration
    fall: Duration
    complement_delay: Duration
    complement_rise: Duration


class LayerParameters(NetlistParameters):
    """Neurons with all their inputs, what is programmed, and when a sample's lines cross half the supply
    (fractions of a phase; 1: no spike)."""

    circuit: NeuronCircuit = NeuronCircuit()
    edges: Edges
    ramp_bias: Bias
    polarity: tuple[tuple[Polarity, ...], ...] = Field(min_length=1)
    program: tuple[tuple[Program, ...], ...]
    spikes: tuple[Annotated[float, quantity("1", ge=0, le=1)], ...] = Field(min_length=1)
    fan_out: FanOut = 0
    load_bias_n: Bias = 0.5
    load_bias_p: Bias = 1.2
    start: Annotated[float, quantity("s", ge=10e-9, le=1e-6)] = 20e-9

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        rows = {len(row) for row in (*self.polarity, *self.program)}
        if rows != {len(self.spikes)} or len(self.polarity) != len(self.program):
            raise ValueError("polarity and program are not two rectangles (neurons × spikes)")
        if self.circuit.synapse != "mosfet":
            raise ValueError("resistor synapses: only networks of them are simulated whole, no single layers")
        return self


@register
class LayerSpikes(Bench):
    """Spike time of each neuron after the start of the firing phase; the phase's length where none comes."""

    name: ClassVar[str] = "neuron_layer"
    title: ClassVar[str] = "spiking neuron: spike times of neurons of a layer for one sample"
    template: ClassVar[str] = "neuron/layer"
    Parameters: ClassVar[type[NetlistParameters]] = LayerParameters
    columns: ClassVar[dict[str, str]] = {"neuron": "", "spike_time": "s"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: LayerParameters) -> Tran:
        phase = parameters.circuit.phase
        names = tuple(f"s{neuron}" for neuron in range(len(parameters.polarity)))
        return Tran(phase / 1000, parameters.start + 2 * phase, max_step=phase / 200, save=names)

    def measure(self, parameters: LayerParameters, waveforms: Waveforms) -> pd.DataFrame:
        phase, fire = parameters.circuit.phase, parameters.start + parameters.circuit.phase
        half, count = parameters.circuit.supply / 2, len(parameters.polarity)
        found = np.array(
            [waveforms.crossing(f"s{neuron}", half, "rise", after=fire) - fire for neuron in range(count)]
        )
        times = np.where(np.isfinite(found), np.minimum(found, phase), phase)
        return pd.DataFrame({"neuron": np.arange(count), "spike_time": times})
