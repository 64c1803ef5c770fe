"""What a campaign costs beside its simulations: planning, handing points out, storing what comes back.

- ``plan_seconds_100k``: CPU seconds to plan 100,000 points (digests included) of the transistor bench over
  4 widths, 1,000 gate voltages, 5 corners and 5 temperatures; ``plan_seconds_100k_one_condition`` the same
  with 100,000 gate voltages under one condition, where every point has to be checked by itself;
  ``plan_megabytes`` the most memory that Python held meanwhile (traced in a run of its own, untimed).
- ``pool_overhead_percent``: wall time of ``--points`` points of about 10 ms (``milliseconds_per_point``) in
  two workers, from the first point planned to the table in hand, over the time that two workers need for the
  points alone (each timed in its worker), less one. A point is an operating point of a resistor and 8 ms of
  sleep, so that a busy machine changes little. The pool's start is not in it: ``startup_seconds``.

Run ``python benchmarks/campaign.py --json``; about a minute.
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
from typing import Any, ClassVar

import pandas as pd

from cimspice.campaign import Store, parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.run import run_campaign
from cimspice.circuits import Bench, register
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.spice import Op, Pool, Waveforms

WORKERS = 2
ASLEEP_SECONDS = 0.008


class ResistorParameters(NetlistParameters):
    """A source across a resistor; ``case`` tells points apart."""

    voltage: float = 1.0
    case: int = 0


@register
class SleepingPoint(Bench):
    """An operating point that takes 10 ms, most of it asleep."""

    name: ClassVar[str] = "benchmark_sleeping_point"
    title: ClassVar[str] = "a point of 10 ms"
    Parameters: ClassVar[type[NetlistParameters]] = ResistorParameters
    columns: ClassVar[dict[str, str]] = {"output": "V"}
    altered: ClassVar[dict[str, str]] = {"voltage": "vin"}

    def netlist(self, parameters: NetlistParameters) -> Netlist:
        return Netlist("* resistor\nvin in 0 dc 1\nr1 in 0 1000\n", "resistor", parameters.model_dump())

    def analysis(self, parameters: NetlistParameters) -> Op:
        return Op(save=("in",))

    def measure(self, parameters: NetlistParameters, waveforms: Waveforms) -> pd.DataFrame:
        time.sleep(ASLEEP_SECONDS)
        return pd.DataFrame({"output": waveforms["in"]})


class TimedPool(Pool):
    """Sums the wall seconds that points take in their workers."""

    seconds = 0.0

    def map(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        for finished in super().map(*arguments, **options):
            self.seconds += sum(outcome.wall_seconds for outcome in finished.value)
            yield finished


def planning(sweep: dict[str, Any]) -> tuple[float, float]:
    """CPU seconds and peak megabytes of a plan of 100,000 points."""
    raw = {"campaign": {"bench": "transistor"}, "parameters": {"drain_step": 0.3}, "sweep": sweep}
    plan = Plan(parse_specification(raw), Environment.detect())
    assert len(plan) == 100_000
    next(iter(plan))  # models are sliced once and cached on disk
    began = time.process_time()
    for _ in plan:
        pass
    seconds = time.process_time() - began
    tracemalloc.start()
    for _ in plan:
        pass
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak


def overhead(points: int) -> dict[str, float]:
    """Wall time of a campaign beside its points, in percent of them."""
    sweep = {"voltage": {"start": 0.1, "stop": 1.0, "num": points}}
    raw = {"campaign": {"bench": SleepingPoint.name}, "sweep": sweep}
    specification = parse_specification(raw)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "points.sqlite") as store:
        began = time.monotonic()
        pool = TimedPool(WORKERS)
        with pool:
            pool.warm_up()
            started = time.monotonic()
            result = run_campaign(specification, workers=WORKERS, store=store, engine=nullcontext(pool))
            wall = time.monotonic() - started
    assert (result.done, result.failed) == (points, 0)
    return {
        "pool_overhead_percent": 100 * (wall / (pool.seconds / WORKERS) - 1),
        "milliseconds_per_point": 1e3 * pool.seconds / points,
        "points_per_second": points / wall,
        "startup_seconds": started - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--points", type=int, default=2000, help="points of the pool's measurement")
    arguments = parser.parse_args()
    conditions = {"corners": ["tt", "ff", "ss", "sf", "fs"], "temperatures": [-40, 0, 27, 85, 125]}
    voltages = {"start": 0.3, "stop": 1.8, "num": 1000}
    seconds, peak = planning({"gate_voltage": voltages, "width": [1e-6, 2e-6, 3e-6, 5e-6], **conditions})
    alone, peak_alone = planning({"gate_voltage": {**voltages, "num": 100_000}})
    figures = {
        "plan_seconds_100k": seconds,
        "plan_seconds_100k_one_condition": alone,
        "plan_megabytes": max(peak, peak_alone),
        **overhead(arguments.points),
        "points": arguments.points,
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:<32} {value:.4g}")


if __name__ == "__main__":
    main()
