"""A whole network of spiking neurons as one netlist, and its output spikes as one transient gives them."""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from pydantic import Field, computed_field, model_validator

from cimspice.netlist import Netlist, NetlistParameters, quantity, render
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.spice import SolverOptions, Tran, Waveforms

Polarity = Annotated[int, Field(ge=-1, le=1)]
Program = Annotated[float, quantity("V or m", ge=0, le=1.98)]

OPTIONS = SolverOptions(reltol=1e-4, abstol=1e-13, vntol=1e-7, chgtol=1e-16)
"""Against reltol 1e-5, chgtol 1e-18 and 1 ns steps: spikes 0.01 to 0.05 ns apart, 2.5 times quicker."""


class LayerProgramming(NetlistParameters):
    """What is programmed into a layer: per neuron and input a polarity (+1 n, −1 p, 0 none) and a program;
    the last input may be the layer's bias line, which spikes when its accumulation phase starts."""

    ramp_bias: Annotated[float, quantity("V", ge=0, le=1.8)]
    polarity: tuple[tuple[Polarity, ...], ...]
    program: tuple[tuple[Program, ...], ...]
    bias_line: bool = False

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        shapes = {
            (len(row), len(programs)) for row, programs in zip(self.polarity, self.program, strict=False)
        }
        if (
            len(self.polarity) != len(self.program)
            or not self.polarity
            or len(shapes) != 1
            or len({*shapes.pop()}) != 1
        ):
            raise ValueError("polarity and program are not two rectangles of one size (neurons × inputs)")
        return self


Resistance = Annotated[float, quantity("ohm", gt=0, le=1e6)]
Capacitance = Annotated[float, quantity("F", ge=0, le=1e-12)]


class WireParameters(NetlistParameters):
    """Wires along one cell of a layer: see :class:`cimspice.neuron.model.wires.LayerWires`."""

    rail_resistance: Resistance
    rail_capacitance: Capacitance
    spike_resistance: Resistance
    spike_capacitance: Capacitance
    membrane_resistance: Resistance
    membrane_capacitance: Capacitance
    membrane_coupling: Capacitance
    crossing_capacitance: Capacitance


class NetworkParameters(NetlistParameters):
    """A network, what is programmed, and one sample's input spikes (fractions of a phase; 1: none)."""

    circuit: NeuronCircuit = NeuronCircuit()
    wires: WireParameters | None = None
    """Of all layers, with a circuit that is ``wired``."""
    programming: tuple[LayerProgramming, ...] = Field(min_length=1, max_length=20)
    spikes: tuple[Annotated[float, quantity("1", ge=0, le=1)], ...] = Field(min_length=1)
    start: Annotated[float, quantity("s", ge=10e-9, le=1e-6)] = 20e-9

    @computed_field
    @property
    def layers(self) -> tuple[int, ...]:
        """Number of inputs, then of each layer's neurons."""
        return (len(self.spikes), *(len(layer.polarity) for layer in self.programming))

    @model_validator(mode="after")
    def _chained(self) -> Self:
        for index, layer in enumerate(self.programming):
            if len(layer.polarity[0]) != self.layers[index] + layer.bias_line:
                raise ValueError(
                    f"layer {index + 1} has {len(layer.polarity[0])} inputs; the layer before has "
                    f"{self.layers[index]}" + (" and there is a bias line" if layer.bias_line else "")
                )
        return self

    @model_validator(mode="after")
    def _wired(self) -> Self:
        circuit = self.circuit
        if circuit.wired != (self.wires is not None):
            raise ValueError("wires need a circuit that is wired, and such a circuit needs wires")
        if self.wires is None:
            return self
        if circuit.synapse != "mosfet" or circuit.order != "memory_at_membrane":
            raise ValueError("wires are for MOSFET synapses with the memory transistor at the membrane")
        line = max(self.layers[:-1]) * self.wires.membrane_capacitance
        if line > circuit.wire_capacitance:
            raise ValueError(
                f"a membrane of {max(self.layers[:-1])} inputs has a line of {line:.4g} F, more than "
                f"wire_capacitance = {circuit.wire_capacitance:.4g} F; characterise the circuit with more"
            )
        return self


@dataclass(frozen=True)
class NetworkRun:
    """One sample through the circuit."""

    spikes: tuple[np.ndarray, ...]
    """Per layer, spike times (s) after the start of its firing phase, shape (neurons,); the phase's length
    where there is none."""
    voltages: tuple[np.ndarray, ...]
    """Per layer, membrane voltage (V) at the end of accumulation, shape (neurons,)."""
    time: np.ndarray
    membranes: tuple[np.ndarray, ...]
    """``time``, ``membranes``: trace: times (s) after the first phase's start, shape (points,), and per layer
    (neurons, points) in V."""


def network_netlist(parameters: NetworkParameters) -> Netlist:
    """The whole network as one netlist."""
    return render("neuron/network", parameters)


def network_analysis(parameters: NetworkParameters) -> Tran:
    """One transient over all phases. 2.5 ns of a 1 µs phase is the largest step."""
    circuit = parameters.circuit
    stop = parameters.start + (len(parameters.layers)) * circuit.phase
    names = [
        f"{kind}{layer}_{neuron}"
        for layer, count in enumerate(parameters.layers)
        if layer
        for neuron in range(count)
        for kind in "ms"
    ]
    return Tran(circuit.phase / 1000, stop, max_step=circuit.phase / 400, save=tuple(names))


def read_network(parameters: NetworkParameters, waveforms: Waveforms) -> NetworkRun:
    """Spike times and membranes of a transient of :func:`network_netlist`."""
    circuit, half = parameters.circuit, parameters.circuit.supply / 2
    spikes, voltages, membranes = [], [], []
    for layer, count in enumerate(parameters.layers[1:], 1):
        fire = parameters.start + layer * circuit.phase
        times, ends = np.full(count, circuit.phase), np.zeros(count)
        for neuron in range(count):
            crossing = waveforms.crossing(f"s{layer}_{neuron}", half, "rise", after=fire) - fire
            if np.isfinite(crossing):
                times[neuron] = min(crossing, circuit.phase)
            ends[neuron] = np.interp(fire - circuit.edge / 2, waveforms.axis, waveforms[f"m{layer}_{neuron}"])
        spikes.append(times)
        voltages.append(ends)
        membranes.append(np.array([waveforms[f"m{layer}_{neuron}"] for neuron in range(count)]))
    return NetworkRun(tuple(spikes), tuple(voltages), waveforms.axis - parameters.start, tuple(membranes))
