"""Many runs of one bench that share no axes: each with parameters of its own, kept as they finish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.provenance import code_digest, require_same_code
from cimspice.campaign.run import store_context
from cimspice.campaign.specification import parse_specification
from cimspice.campaign.store import Record, Store
from cimspice.campaign.work import Chunk, Outcome, run_chunk
from cimspice.circuits.bench import bench as find_bench
from cimspice.errors import CimspiceError, SimulationError
from cimspice.spice import Pool


@dataclass(frozen=True)
class Batch:
    """What came of the runs.

    Attributes
    ----------
    table
        Measured rows of all runs, with a column ``run`` (index into the parameters given) before them.
    seconds
        CPU seconds of ngspice's workers, now or when a run was first made.
    """

    table: pd.DataFrame
    seconds: float


def run_batch(
    bench: str,
    runs: Sequence[Mapping[str, Any]],
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    workers: int | None = None,
    store: Store | Path | str | None = None,
    told: Callable[[int, int], object] = lambda done, total: None,
) -> Batch:
    """Run a bench once for every mapping of parameters.

    Parameters
    ----------
    bench
        Name of the bench.
    runs
        Parameters of each run; nested ones as JSON would hold them.
    corner, temperature
        Corner, degrees Celsius.
    workers, store
        As for ``run_campaign``; what the store has is not run again.
    told
        Called with (finished, all).

    Raises
    ------
    ParameterError
        If a run's parameters are wrong.
    SimulationError
        If a run fails; the others are finished and kept first.
    """
    if not runs:
        return Batch(pd.DataFrame({"run": []}), 0.0)
    environment = Environment.detect()
    code = code_digest(type(find_bench(bench)))  # the same for all: read once
    points = [_point(bench, given, corner, temperature, environment, code) for given in runs]
    digests = [point.digest for point in points]
    with store_context(store) as kept:
        done = kept.done(digests)
        missing = list({point.digest: point for point in points if point.digest not in done}.values())
        failed = _simulate(
            missing, kept, workers, code, lambda count: told(len(points) - len(missing) + count, len(points))
        )
        if failed is not None:
            raise failed
        records = kept.read(digests)
    frames = [pd.DataFrame(records[digest].rows).assign(run=index) for index, digest in enumerate(digests)]
    seconds = sum(records[digest].cpu_seconds for digest in digests)
    return Batch(pd.concat(frames, ignore_index=True), seconds)


def _point(
    bench: str,
    given: Mapping[str, Any],
    corner: str,
    temperature: float,
    environment: Environment,
    code: str,
) -> Point:
    specification = parse_specification(
        {
            "campaign": {"bench": bench},
            "parameters": dict(given),
            "sweep": {"corners": [corner], "temperatures": [temperature]},
        },
        source=f"batch of {bench}",
    )
    point = next(iter(Plan(specification, environment, code)))
    if point.error is not None:
        raise point.error
    return point


def _simulate(
    missing: Sequence[Point], store: Store, workers: int | None, code: str, told: Callable[[int], object]
) -> CimspiceError | None:
    """Run and keep points; the first error, if any."""
    told(0)
    failed: CimspiceError | None = None
    if not missing:
        return None
    store.require_writable()
    with Pool(workers=workers) as pool:
        chunks = [Chunk(point.circuit, (point,)) for point in missing if point.circuit is not None]
        answers = zip(missing, pool.map(run_chunk, chunks, chunk=1), strict=True)
        for count, (point, outcomes) in enumerate(answers, 1):
            require_same_code(type(chunks[0].circuit.bench), code)
            failed = failed or _keep(store, point, outcomes[0])
            told(count)
    return failed


def _keep(store: Store, point: Point, outcome: Outcome) -> CimspiceError | None:
    name = point.circuit.bench.name if point.circuit else ""
    if outcome.error is not None or outcome.rows is None:
        return outcome.error or SimulationError("a run gave no result", place=name)
    seconds = outcome.cpu_seconds
    store.record([
        Record(
            point.digest, name, {}, point.corner, point.temperature, outcome.rows, None, None, seconds
        )
    ])  # fmt: skip
    return None
