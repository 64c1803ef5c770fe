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
SHARES = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
"""Of an edge's way from rail to rail, where it is measured; beyond, it is taken to go on straight."""
EDGES = ("rise", "complement_fall", "fall", "complement_rise")
Moments = tuple[Annotated[float, quantity("s", ge=-1e-7, le=1e-7)], ...]


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
    """Shape of the edges of a spike and its complement: when each is a share of its way from rail to rail.

    ``rise`` and ``complement_fall`` count from the moment at which the spike has risen to half the supply,
    ``fall`` and ``complement_rise`` from the end of the driver's input.
    """

    name: ClassVar[str] = "neuron_line"
    title: ClassVar[str] = "spiking neuron: edges of a loaded spike line"
    template: ClassVar[str] = "neuron/line"
    Parameters: ClassVar[type[NetlistParameters]] = LineParameters
    columns: ClassVar[dict[str, str]] = {"share": ""} | dict.fromkeys(EDGES, "s")
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-7, chgtol=1e-17)

    def analysis(self, parameters: LineParameters) -> Tran:
        stop = parameters.begin + 2 * parameters.hold
        return Tran(1e-10, stop, max_step=1e-9, save=("spike", "spike_bar"))

    def measure(self, parameters: LineParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, end = parameters.circuit.supply, parameters.begin + parameters.hold
        half = waveforms.crossing("spike", supply / 2, "rise")

        def edge(node: str, direction: Literal["rise", "fall"], after: float, since: float) -> np.ndarray:
            levels = SHARES if direction == "rise" else 1 - SHARES
            found = np.array(
                [waveforms.crossing(node, level * supply, direction, after=after) for level in levels]
            )
            if not np.isfinite(found).all():
                raise SimulationError("the driver made no spike", place=self.name, remedy="lower fan_out")
            slopes = np.diff(found) / np.diff(SHARES)
            ends = found[0] - slopes[0] * SHARES[0], found[-1] + slopes[-1] * (1 - SHARES[-1])
            return np.array([ends[0], *found, ends[1]]) - since

        edges = (
            edge("spike", "rise", 0.0, half),
            edge("spike_bar", "fall", 0.0, half),
            edge("spike", "fall", end, end),
            edge("spike_bar", "rise", end, end),
        )
        table = {"share": np.array([0.0, *SHARES, 1.0])} | dict(zip(EDGES, edges, strict=True))
        return pd.DataFrame(table)


class Edges(NetlistParameters):
    """What the bench ``neuron_line`` measures; the tables are of one length."""

    share: tuple[Annotated[float, quantity("1", ge=0, le=1)], ...] = Field(min_length=2)
    rise: Moments
    complement_fall: Moments
    fall: Moments
    complement_rise: Moments

    @model_validator(mode="after")
    def _rising(self) -> Self:
        tables = [self.share, self.rise, self.complement_fall, self.fall, self.complement_rise]
        if len({len(table) for table in tables}) > 1 or any(np.any(np.diff(table) <= 0) for table in tables):
            raise ValueError("edges are not tables of one length that rise")
        return self


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
