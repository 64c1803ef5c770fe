"""The circuit's own answer: one ngspice transient of the whole network for every sample, kept as it is
finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.run import store_context
from cimspice.campaign.specification import parse_specification
from cimspice.campaign.store import Record, Store
from cimspice.campaign.work import Chunk, Outcome, run_chunk
from cimspice.circuits.neuron.circuit import NeuronCircuit
from cimspice.circuits.neuron.network import LayerProgramming
from cimspice.errors import CimspiceError, SimulationError
from cimspice.spice import Pool

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class CircuitRun:
    """What ngspice gave for a batch.

    Attributes
    ----------
    times, voltages
        Per layer, (samples, neurons): spike times (s after the start of the firing phase) and membrane
        voltages at the end of accumulation (V).
    seconds
        CPU seconds that ngspice's workers spent on it, now or when it was first run.
    """

    times: tuple[Array, ...]
    voltages: tuple[Array, ...]
    seconds: float


def run_circuit(
    circuit: NeuronCircuit,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    workers: int | None = None,
    store: Store | Path | str | None = None,
    told: Callable[[int, int], object] = lambda done, points: None,
) -> CircuitRun:
    """Simulate every sample.

    Parameters
    ----------
    circuit, programming
        The network.
    spikes
        Input spikes as fractions of a phase, shape (samples, inputs); 1 means none.
    corner, temperature
        Corner, degrees Celsius.
    workers, store
        As for ``run_campaign``; finished samples are never run again.
    told
        Called with (finished, all) as samples finish.

    Raises
    ------
    SimulationError
        If a sample fails; the others are finished and kept first.
    """
    points = _points(circuit, programming, spikes, corner, temperature, "neuron_network")
    records = _run(points, workers, store, told)
    frames = [pd.DataFrame(record.rows) for record in records]
    layers = sorted(frames[0]["layer"].unique())

    def gather(column: str) -> tuple[Array, ...]:
        return tuple(
            np.array([frame[column][frame["layer"] == layer].to_numpy() for frame in frames])
            for layer in layers
        )

    seconds = sum(record.cpu_seconds for record in records)
    return CircuitRun(gather("spike_time"), gather("end_voltage"), seconds)


def trace_circuit(
    circuit: NeuronCircuit,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    store: Store | Path | str | None = None,
) -> pd.DataFrame:
    """Membrane traces of one sample, spikes of shape (inputs,): columns layer, neuron, time (s),
    membrane_voltage (V)."""
    points = _points(circuit, programming, np.atleast_2d(spikes), corner, temperature, "neuron_network_trace")
    return pd.DataFrame(_run(points, 1, store, lambda done, points: None)[0].rows)


def _points(
    circuit: NeuronCircuit,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    corner: str,
    temperature: float,
    bench: str,
) -> list[Point]:
    environment = Environment.detect()
    fixed = {
        "circuit": circuit.model_dump(mode="json"),
        "programming": [layer.model_dump(mode="json") for layer in programming],
    }
    points: list[Point] = []
    for sample in np.atleast_2d(spikes):
        specification = parse_specification(
            {
                "campaign": {"bench": bench},
                "parameters": {**fixed, "spikes": sample.tolist()},
                "sweep": {"corners": [corner], "temperatures": [temperature]},
            },
            source="validation against ngspice",
        )
        points += Plan(specification, environment)
    return points


def _run(
    points: Sequence[Point],
    workers: int | None,
    store: Store | Path | str | None,
    told: Callable[[int, int], object],
) -> list[Record]:
    with store_context(store) as kept:
        digests = [point.digest for point in points]
        done = kept.done(digests)
        missing = [point for point in points if point.digest not in done]
        finished, failed = len(points) - len(missing), None
        told(finished, len(points))
        for point in missing:
            if point.error is not None:
                raise point.error
        if missing:
            with Pool(workers=workers) as pool:
                chunks = [Chunk(point.circuit, (point,)) for point in missing if point.circuit is not None]
                for point, outcomes in zip(missing, pool.map(run_chunk, chunks, chunk=1), strict=True):
                    failed = failed or _keep(kept, point, outcomes[0])
                    finished += 1
                    told(finished, len(points))
        if failed is not None:
            raise failed
        records = kept.read(digests)
        return [records[digest] for digest in digests]


def _keep(store: Store, point: Point, outcome: Outcome) -> CimspiceError | None:
    if outcome.error is not None or outcome.rows is None:
        return outcome.error or SimulationError("a sample gave no result", place=point.digest)
    given: dict[str, Any] = {"spikes": point.given["spikes"]}
    bench = point.circuit.bench.name if point.circuit else ""
    seconds = outcome.cpu_seconds
    record = Record(
        point.digest, bench, given, point.corner, point.temperature, outcome.rows, None, None, seconds
    )
    store.record([record])
    return None
