"""Neurons of a layer through ngspice: a run for a few neurons and a sample, with their true loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.store import Store
from cimspice.errors import ParameterError
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.circuit.layer import Edges, LayerParameters
from cimspice.neuron.emulator.activation_layer import CHARGE, READOUT, VOLTAGE, ActivationLayer
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent

_TOGETHER = 8
"""Neurons of one run: they share its lines, and are solved in parallel runs of other neurons."""
_START, _NEURON, _INPUT, _SPIKE = 0.2, 0.2, 0.010, 1.6e-3
"""CPU seconds of a run, of each of its neurons, of each input of these, and of that for each input that
spikes: every edge has its own steps of time, at which every synapse is evaluated."""
_TIME_LIMIT = 3600.0
"""Of a run (s): a minute of CPU time, on a machine that does much else."""


@dataclass(frozen=True, eq=False)
class SimulatedNeurons:
    """Activations (n, outputs) by ngspice; the largest error of each neuron against the emulator, relative to
    full scale; its inputs and outputs; CPU time."""

    outputs: np.ndarray
    tile_errors: np.ndarray
    places: list[tuple[slice, slice]]
    cpu_seconds: float


def simulate_layer(
    layer: ActivationLayer,
    x: np.ndarray,
    *,
    store: Store | Path | str | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> SimulatedNeurons:
    """Activations of all neurons for inputs (n, inputs). Finished runs are kept and are not run again.

    Raises
    ------
    ParameterError
        For resistor synapses.
    SimulationError
        If a run fails.
    """
    count = len(layer.mapping.polarity)
    groups = [range(first, min(first + _TOGETHER, count)) for first in range(0, count, _TOGETHER)]
    reads = [(group, sample) for sample in layer.line_times(x) for group in groups]
    times, seconds = _spike_times(layer, reads, store, jobs, progress)
    outputs = layer.activations(np.concatenate(times).reshape(len(x), count))
    errors = np.abs(outputs - layer(x)).max(axis=0) / layer.full_scale
    return SimulatedNeurons(outputs, errors, places(layer), seconds)


def expected_seconds(layer: ActivationLayer, inputs: int) -> float:
    """CPU time of so many inputs like those that the ranges were set with; neurons of 5 to 257 inputs were
    timed."""
    neurons, lines = layer.mapping.polarity.shape
    each = _START * -(-neurons // _TOGETHER) + neurons * neuron_seconds(
        lines, layer.spiking * (lines - 1) + 1
    )
    return float(inputs * each)


def neuron_seconds(lines: int, spikes: Any) -> Any:
    """CPU time that ngspice-39 takes for a neuron of so many inputs, the bias among them."""
    return _NEURON + lines * (_INPUT + _SPIKE * spikes)


def places(layer: ActivationLayer) -> list[tuple[slice, slice]]:
    """Inputs and outputs of each neuron, which is a tile; the bias is none of the inputs."""
    neurons, inputs = layer.mapping.polarity.shape
    return [(slice(0, inputs - 1), slice(neuron, neuron + 1)) for neuron in range(neurons)]


@dataclass(frozen=True, eq=False)
class NeuronReads:
    """The protocol of `cimspice.network.network_tiles.LayerTiles`; a tile is a neuron at one output pixel."""

    layer: ActivationLayer
    store: Store | Path | str | None = None
    jobs: int | None = None
    rounding: tuple[str, ...] = ()

    @property
    def places(self) -> list[tuple[slice, slice]]:
        return places(self.layer)

    def emulated(self, tile: int, x: np.ndarray) -> np.ndarray:
        return self._rows[tile](x)

    def simpler(self, tile: int, x: np.ndarray) -> np.ndarray:
        """With E of each current, and no charge of edges nor measured ramp."""
        return self.simpler_layer.row(tile)(x)

    def simulated(
        self, inputs: Mapping[int, np.ndarray], progress: OnProgress
    ) -> tuple[dict[int, np.ndarray], float]:
        reads = [
            (range(tile, tile + 1), sample)
            for tile, x in inputs.items()
            for sample in self.layer.line_times(x)
        ]
        times, seconds = _spike_times(self.layer, reads, self.store, self.jobs, progress)
        found = iter(self.layer.activations(np.concatenate(times)))
        return {tile: np.array([[next(found)] for _ in x]) for tile, x in inputs.items()}, seconds

    def seconds(self, tile: int, x: np.ndarray) -> float:
        return float(self.read_seconds(tile, x).sum())

    def read_seconds(self, tile: int, x: np.ndarray) -> np.ndarray:
        """Of each of the inputs (n, inputs)."""
        times = self.layer.line_times(x)
        return _START + neuron_seconds(
            times.shape[1], np.count_nonzero(times < self.layer.model.phase, axis=1)
        )

    @cached_property
    def _rows(self) -> list[ActivationLayer]:
        return [self.layer.row(neuron) for neuron in range(len(self.layer.mapping.polarity))]

    @cached_property
    def simpler_layer(self) -> ActivationLayer:
        return self.layer.without(VOLTAGE, READOUT, CHARGE)


def _spike_times(
    layer: ActivationLayer,
    reads: Sequence[tuple[range, np.ndarray]],
    store: Store | Path | str | None,
    jobs: int | None,
    progress: OnProgress,
) -> tuple[list[np.ndarray], float]:
    """Output spikes (s) of neurons for the times (s) of their lines (inputs + 1,), by read, and CPU time."""
    model = layer.model
    if model.synapses["n"].internal_node is not None:
        raise ParameterError(
            "single layers of neurons with resistor synapses are not simulated",
            place="neuron circuit",
            remedy="give a card of MOSFET synapses",
        )
    where = Conditions(model.corner or "tt", 27.0 if model.temperature is None else model.temperature)
    circuit = NeuronCircuit()
    line = run_bench(
        "neuron_line", {"circuit": circuit, "fan_out": layer.loads[0]}, where, workers=1, store=store
    )
    fixed = {
        "circuit": circuit,
        "edges": Edges(**{name: tuple(line[name].tolist()) for name in Edges.model_fields}),
        "ramp_bias": layer.neurons.readout.ramp_bias,
        "fan_out": layer.loads[1],
    }
    runs = [
        LayerParameters(
            **fixed,
            polarity=tuple(map(tuple, layer.mapping.polarity[list(neurons)].tolist())),
            program=tuple(map(tuple, layer.mapping.program[list(neurons)].tolist())),
            spikes=tuple((times / model.phase).tolist()),
        )
        for neurons, times in reads
    ]
    table = run_bench(
        "neuron_layer",
        runs,
        where,
        workers=jobs,
        store=store,
        progress=progress,
        time_limit=_TIME_LIMIT,
        relax=True,
    )
    ends = np.cumsum([len(neurons) for neurons, _ in reads])[:-1]
    return np.split(table["spike_time"].to_numpy(), ends), table.attrs["cpu_seconds"]
