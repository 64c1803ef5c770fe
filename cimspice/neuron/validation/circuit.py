"""The circuit's own answer: one ngspice transient of the whole network for every sample, kept as it is
finished."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.campaign.bench_run import run_bench
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.circuit.network import LayerProgramming
from cimspice.neuron.model.wires import LayerWires
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
    conditions: Conditions,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    progress: OnProgress = silent,
    wires: LayerWires | None = None,
) -> CircuitRun:
    """Simulate every sample; finished ones are never run again.

    Parameters
    ----------
    conditions, programming
        The circuit and the network.
    spikes
        Input spikes as fractions of a phase, shape (samples, inputs); 1 means none.
    progress
        Called as samples finish.
    wires
        Of all layers; none: membranes, lines and rails are one node each.

    Raises
    ------
    SimulationError
        If a sample fails; the others are finished and kept first.
    """
    table = _run("neuron_network", conditions, programming, spikes, progress, wires)
    frames = [frame for _, frame in table.groupby("run")]
    layers = sorted(frames[0]["layer"].unique())

    def gather(column: str) -> tuple[Array, ...]:
        return tuple(
            np.array([frame[column][frame["layer"] == layer].to_numpy() for frame in frames])
            for layer in layers
        )

    return CircuitRun(gather("spike_time"), gather("end_voltage"), table.attrs["cpu_seconds"])


def trace_circuit(
    conditions: Conditions, programming: Sequence[LayerProgramming], spikes: Array
) -> pd.DataFrame:
    """Membrane traces of one sample, spikes of shape (inputs,): columns layer, neuron, time (s),
    membrane_voltage (V)."""
    alone = replace(conditions, workers=1)
    return _run("neuron_network_trace", alone, programming, spikes, silent).drop(columns="run")


def _run(
    bench: str,
    conditions: Conditions,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    progress: OnProgress,
    wires: LayerWires | None = None,
) -> pd.DataFrame:
    fixed: dict[str, Any] = {
        "circuit": conditions.circuit.model_dump(mode="json"),
        "programming": [layer.model_dump(mode="json") for layer in programming],
    }
    if wires is not None:
        fixed["circuit"]["wired"] = True
        fixed["wires"] = asdict(wires)
    runs = [{**fixed, "spikes": sample.tolist()} for sample in np.atleast_2d(spikes)]
    return run_bench(
        bench, runs, conditions, workers=conditions.workers, store=conditions.store, progress=progress
    )
