"""What a campaign costs beside its simulations: planning, handing points out, storing what comes back.

- ``plan_seconds_100k``: CPU seconds to plan 100,000 points (digests included) of the transistor bench, the
  worse of two shapes: ``plan_seconds_100k_grid``, 4 widths, 1,000 gate voltages, 5 corners and 5
  temperatures; ``plan_seconds_100k_one_condition``, 100,000 gate voltages under one condition, where every
  point has to be checked by itself. ``read_seconds_100k`` is spent before, on reading and checking the
  campaign; ``plan_megabytes`` the most memory that Python held meanwhile (traced in a run of its own,
  untimed). ``plan_milliseconds_per_circuit``: a point whose netlist no other has (rendered, its models
  looked up), from 500 widths planned before.
- ``pool_overhead_percent``: wall time of ``--points`` points of about 10 ms (``milliseconds_per_point``) in
  two workers, from the first point planned to the table in hand, over the time that two workers need for the
  points alone (each timed in its worker), less one. A point is an operating point of a resistor and 8 ms of
  sleep, so that a busy machine changes little. Starting the workers is not in it: ``startup_seconds``.
- ``dask_overhead_percent``: the same on a local Dask cluster of two workers.

Run ``python benchmarks/campaign.py --json``; about a minute and a half.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from sleeping_point import SleepingPoint

from cimspice.campaign import Cluster, Store, parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.run import run_campaign
from cimspice.spice import Pool

WORKERS = 2
POINTS = 100_000
VOLTAGES = {"start": 0.3, "stop": 1.8, "num": 1000}
CONDITIONS = {"corners": ["tt", "ff", "ss", "sf", "fs"], "temperatures": [-40, 0, 27, 85, 125]}


class _Timed:
    """Sums the wall seconds that points take in their workers."""

    seconds = 0.0

    def map(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        for finished in super().map(*arguments, **options):  # pyright: ignore[reportAttributeAccessIssue] (mixed in)
            self.seconds += sum(outcome.wall_seconds for outcome in finished.value)
            yield finished


class TimedPool(_Timed, Pool):
    """A pool that knows what its points took."""


class TimedCluster(_Timed, Cluster):
    """A cluster that knows what its points took."""


def plan_of(sweep: dict[str, Any]) -> Plan:
    """Of the transistor bench."""
    raw = {"campaign": {"bench": "transistor"}, "parameters": {"drain_step": 0.3}, "sweep": sweep}
    return Plan(parse_specification(raw), Environment.detect())


def cpu_seconds(plan: Plan) -> float:
    """To plan all points, the first of which was planned before."""
    next(iter(plan))  # models are sliced once and cached on disk
    began = time.process_time()
    for _ in plan:
        pass
    return time.process_time() - began


def planning() -> dict[str, float]:
    """CPU seconds and peak memory of plans of 100,000 points."""
    grid = plan_of({"gate_voltage": VOLTAGES, "width": [1e-6, 2e-6, 3e-6, 5e-6], **CONDITIONS})
    began = time.process_time()
    axis = plan_of({"gate_voltage": {**VOLTAGES, "num": POINTS}})
    read = time.process_time() - began
    assert len(grid) == len(axis) == POINTS
    seconds = {"grid": cpu_seconds(grid), "one_condition": cpu_seconds(axis)}
    peak = 0.0
    for plan in (grid, axis):
        tracemalloc.start()
        for _ in plan:
            pass
        peak = max(peak, tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    circuits = plan_of({"width": {"start": 1e-6, "stop": 3e-6, "num": 500}})
    cpu_seconds(circuits)  # its models are sliced and cached now
    return {
        "plan_seconds_100k": max(seconds.values()),
        **{f"plan_seconds_100k_{shape}": each for shape, each in seconds.items()},
        "read_seconds_100k": read,
        "plan_megabytes": peak,
        "plan_milliseconds_per_circuit": 1e3 * cpu_seconds(circuits) / len(circuits),
    }


def overhead(name: str, engine: TimedPool | TimedCluster, points: int) -> dict[str, float]:
    """Wall time of a campaign beside its points, in percent of them."""
    began = time.monotonic()
    with engine, tempfile.TemporaryDirectory() as folder:
        run(engine, 40, Path(folder) / "first.sqlite")  # every worker has started and run
        engine.seconds, started = 0.0, time.monotonic()
        run(engine, points, Path(folder) / "points.sqlite")
        wall = time.monotonic() - started
    return {
        f"{name}_overhead_percent": 100 * (wall / (engine.seconds / WORKERS) - 1),
        f"{name}_milliseconds_per_point": 1e3 * engine.seconds / points,
        f"{name}_points_per_second": points / wall,
        f"{name}_startup_seconds": started - began,
    }


def run(engine: TimedPool | TimedCluster, points: int, path: Path) -> None:
    """A campaign of sleeping points."""
    sweep = {"voltage": {"start": 0.1, "stop": 1.0, "num": points}}
    specification = parse_specification({"campaign": {"bench": SleepingPoint.name}, "sweep": sweep})
    with Store(path) as store:
        result = run_campaign(specification, workers=WORKERS, store=store, engine=nullcontext(engine))
    assert (result.done, result.failed) == (points, 0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--points", type=int, default=2000, help="points of the overhead's measurement")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    figures = {
        **planning(),
        **overhead("pool", TimedPool(WORKERS), arguments.points),
        **overhead("dask", TimedCluster("local", workers=WORKERS), arguments.points),
        "points": arguments.points,
        "processors": os.cpu_count(),
        "load_before": load,
        "load": os.getloadavg()[0],
    }
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:<32} {value:.4g}")


if __name__ == "__main__":
    main()
