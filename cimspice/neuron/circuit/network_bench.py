"""The whole network as benches: output spikes of one sample, and the membranes' traces."""

from typing import ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.neuron.circuit.network import (
    OPTIONS,
    NetworkParameters,
    network_analysis,
    network_netlist,
    read_network,
)
from cimspice.spice import SolverOptions, Tran, Waveforms


class _Network(Bench):
    Parameters: ClassVar[type[NetlistParameters]] = NetworkParameters
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def netlist(self, parameters: NetworkParameters) -> Netlist:
        return network_netlist(parameters)

    def analysis(self, parameters: NetworkParameters) -> Tran:
        return network_analysis(parameters)


@register
class NetworkSpikes(_Network):
    """Spike time after the start of its layer's firing phase, and membrane voltage at the end of
    accumulation."""

    name: ClassVar[str] = "neuron_network"
    title: ClassVar[str] = "spiking neuron: spike times of a whole network for one sample"
    columns: ClassVar[dict[str, str]] = {"layer": "", "neuron": "", "spike_time": "s", "end_voltage": "V"}

    def measure(self, parameters: NetworkParameters, waveforms: Waveforms) -> pd.DataFrame:
        run = read_network(parameters, waveforms)
        frames = [
            pd.DataFrame(
                {
                    "layer": layer,
                    "neuron": np.arange(len(times)),
                    "spike_time": times,
                    "end_voltage": voltages,
                }
            )
            for layer, (times, voltages) in enumerate(zip(run.spikes, run.voltages, strict=True), 1)
        ]
        return pd.concat(frames, ignore_index=True)


@register
class NetworkTrace(_Network):
    """Membrane voltages, 200 points a phase; time counts from the first phase's start."""

    name: ClassVar[str] = "neuron_network_trace"
    title: ClassVar[str] = "spiking neuron: membrane traces of a whole network for one sample"
    columns: ClassVar[dict[str, str]] = {"layer": "", "neuron": "", "time": "s", "membrane_voltage": "V"}

    def measure(self, parameters: NetworkParameters, waveforms: Waveforms) -> pd.DataFrame:
        run = read_network(parameters, waveforms)
        phases = len(parameters.layers)
        time = np.linspace(0.0, phases * parameters.circuit.phase, 200 * phases + 1)[:-1]
        frames = [
            pd.DataFrame(
                {
                    "layer": layer,
                    "neuron": neuron,
                    "time": time,
                    "membrane_voltage": np.interp(time, run.time, voltage),
                }
            )
            for layer, membranes in enumerate(run.membranes, 1)
            for neuron, voltage in enumerate(membranes)
        ]
        return pd.concat(frames, ignore_index=True)
