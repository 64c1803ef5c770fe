"""The circuit's own answer: one ngspice transient of the whole network for every sample, kept as it is
finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.store import Store
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.circuit.network import LayerProgramming
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent


@dataclass(frozen=True, eq=False)
class CircuitRun:
    """What ngspice gave for a batch."""

    times: tuple[Array, ...]
    voltages: tuple[Array, ...]
    """``times``, ``voltages``: per layer, (samples, neurons): spike times (s after the start of the firing
    phase) and membrane voltages at the end of accumulation (V)."""
    seconds: float
    """CPU seconds that ngspice's workers spent on it, now or when it was first run."""


def run_circuit(
    circuit: NeuronCircuit,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    *,
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    workers: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> CircuitRun:
    """Simulate every sample.

    Parameters
    ----------
    circuit, programming
        The network.
    spikes
        Input spikes as fractions of a phase, shape (samples, inputs); 1 means none.
    conditions
        Corner and temperature.
    workers, store
        As for ``run_campaign``; finished samples are never run again.
    progress
        Called as samples finish.

    Raises
    ------
    SimulationError
        If a sample fails; the others are finished and kept first.
    """
    table = _run("neuron_network", circuit, programming, spikes, conditions, workers, store, progress)
    frames = [frame for _, frame in table.groupby("run")]
    layers = sorted(frames[0]["layer"].unique())

    def gather(column: str) -> tuple[Array, ...]:
        return tuple(
            np.array([frame[column][frame["layer"] == layer].to_numpy() for frame in frames])
            for layer in layers
        )

    return CircuitRun(gather("spike_time"), gather("end_voltage"), table.attrs["cpu_seconds"])


def trace_circuit(
    circuit: NeuronCircuit,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    *,
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    store: Store | Path | str | None = None,
) -> pd.DataFrame:
    """Membrane traces of one sample, spikes of shape (inputs,): columns layer, neuron, time (s),
    membrane_voltage (V)."""
    table = _run("neuron_network_trace", circuit, programming, spikes, conditions, 1, store, silent)
    return table.drop(columns="run")


def _run(
    bench: str,
    circuit: NeuronCircuit,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    conditions: Conditions,
    workers: int | None,
    store: Store | Path | str | None,
    progress: OnProgress,
) -> pd.DataFrame:
    fixed = {
        "circuit": circuit.model_dump(mode="json"),
        "programming": [layer.model_dump(mode="json") for layer in programming],
    }
    runs = [{**fixed, "spikes": sample.tolist()} for sample in np.atleast_2d(spikes)]
    return run_bench(bench, runs, conditions, workers=workers, store=store, progress=progress)
