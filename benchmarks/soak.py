"""A long campaign: do memory and rate stay what they are at the start, and is the store whole at the end?

One campaign of ``--points`` real simulations (a SKY130 transistor, a sweep of seven drain voltages at every
width, corner and gate voltage, the widths slowest: all tenths do the same work), two workers, an empty store.
At 100,000 points there are 1,000 circuits: caches, which hold up to 64 of them, are full at a tenth.

- ``rate_ratio``: points per second in the last tenth over those in the first, and ``points_per_second`` over
  all; both count from the first finished point on. ``cpu_rate_ratio``: the same with the workers' CPU seconds
  in place of the clock's, for a machine that has other work (0.95 or more is flat).
- ``memory``: for the parent and each worker, the resident memory at a tenth of the campaign and at its end
  (MB), and the slope between in bytes per point with its standard error, from the means of ten stretches.
  ``flat`` tells whether all slopes are within three standard errors of zero, or so small that a million
  points would not add a tenth to the process. The table in the parent is made afterwards and not in it.
- ``store``: SQLite's ``integrity_check``, points done, points that ran more than once, missing digests, and
  bytes per point.

``python benchmarks/soak.py --json``: 100,000 points; Linux only. Exit code 1 if the store is not whole.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sqlite3
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.campaign import Progress, Specification, Store, parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.runner import Runner
from cimspice.spice import Pool

WORKERS = 2
SAMPLE_SECONDS = 0.25
STRETCHES = 10
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def campaign(points: int) -> Specification:
    """As many points as asked for, rounded down to a whole grid."""
    widths = max(2, points // 100)
    sweep: dict[str, Any] = {
        "width": {"start": 1e-6, "stop": 4.8e-6, "num": widths},
        "gate_voltage": {"start": 0.3, "stop": 1.8, "num": 20},
        "corners": ["tt", "ff", "ss", "sf", "fs"],
    }
    raw = {"campaign": {"bench": "transistor"}, "parameters": {"drain_step": 0.3}, "sweep": sweep}
    return parse_specification(raw)


@dataclass
class Watch:
    """Samples of time, finished points and memory, taken in a thread while the campaign runs."""

    finished: int = 0
    times: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def told(self, progress: Progress) -> None:
        """As the campaign's progress."""
        self.finished = progress.done + progress.failed

    def run(self) -> None:
        """Sample until stopped."""
        while not self.stopped.wait(SAMPLE_SECONDS):
            if not self.finished:
                continue
            self.times.append(time.monotonic())
            self.counts.append(self.finished)
            self.cpu.append(sum(spent(worker) for worker in children()))
            for process in (os.getpid(), *children()):
                resident = resident_bytes(process)
                if resident is not None:
                    self.memory.setdefault(process, []).append((self.finished, resident))


def children() -> list[int]:
    """Child processes of this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        if parent == os.getpid():
            found.append(int(path.parent.name))
    return found


def spent(process: int) -> float:
    """CPU seconds of a process; 0 if it has ended."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / TICK


def resident_bytes(process: int) -> float | None:
    """Resident memory of a process; None if it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return None


def slope(samples: list[tuple[int, float]], points: int) -> dict[str, float]:
    """Memory over finished points after the first tenth: its ends, and a line through stretches' means."""
    table = np.array([(count, resident) for count, resident in samples if count >= points / 10], float)
    stretches = np.array_split(table, min(STRETCHES, len(table)))
    x, y = np.array([stretch.mean(axis=0) for stretch in stretches]).T
    gradient, offset = np.polyfit(x, y, 1)
    residuals = y - (gradient * x + offset)
    error = math.sqrt(residuals @ residuals / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
    return {
        "megabytes_at_a_tenth": table[0, 1] / 1e6,
        "megabytes_at_the_end": table[-1, 1] / 1e6,
        "bytes_per_point": float(gradient),
        "standard_error": error,
    }


def is_flat(line: dict[str, float]) -> bool:
    """Whether a process does not grow: see the head of this file."""
    gradient = line["bytes_per_point"]
    return abs(gradient) <= 3 * line["standard_error"] or gradient <= 0.1 * line["megabytes_at_a_tenth"]


def rates(watch: Watch) -> dict[str, float]:
    """Points per second over all, and in the last tenth over the first."""
    counts = np.array(watch.counts)
    begin, end = float(counts[0]), float(counts[-1])
    tenth = (end - begin) / 10

    def ends(measure: list[float]) -> tuple[float, float]:
        """Points per second of a measure of time in the first and in the last tenth."""
        at = np.interp([begin, begin + tenth, end - tenth, end], counts, measure)
        return tenth / (at[1] - at[0]), tenth / (at[3] - at[2])

    first, last = ends(watch.times)
    busy_first, busy_last = ends(watch.cpu)
    return {
        "points_per_second": (end - begin) / (watch.times[-1] - watch.times[0]),
        "first_tenth": first,
        "last_tenth": last,
        "rate_ratio": last / first,
        "cpu_rate_ratio": busy_last / busy_first,
    }


def inspect(path: Path, plan: Plan) -> dict[str, Any]:
    """What the store says of itself, and what it holds of the plan."""
    digests = {point.digest for point in plan}
    with sqlite3.connect(path) as connection:
        checked = connection.execute("PRAGMA integrity_check").fetchone()[0]
        found = [row[0] for row in connection.execute("SELECT digest FROM points WHERE status = 'done'")]
        rows = connection.execute("SELECT count(*) FROM points").fetchone()[0]
    return {
        "integrity_check": checked,
        "done": len(found),
        "rows": rows,
        "duplicates": len(found) - len(set(found)),
        "missing": len(digests - set(found)),
        "bytes_per_point": path.stat().st_size / max(rows, 1),
    }


def soak(points: int, folder: Path) -> dict[str, Any]:
    """Run the campaign and tell."""
    plan = Plan(campaign(points), Environment.detect())
    watch = Watch()
    sampler = threading.Thread(target=watch.run, daemon=True)
    path = folder / "points.sqlite"
    pool = Pool(WORKERS)
    with Store(path) as store, pool:
        pool.warm_up()
        sampler.start()
        began, spent = time.monotonic(), time.process_time()
        runner = Runner(plan, store, watch.told, WORKERS)
        runner.run(nullcontext(pool))
        seconds, parent = time.monotonic() - began, time.process_time() - spent
        watch.stopped.set()
        sampler.join()
        workers = pool.statistics
    lines = {
        "parent" if process == os.getpid() else f"worker {process}": slope(samples, len(plan))
        for process, samples in watch.memory.items()
        if samples[-1][0] > 0.9 * len(plan) and samples[0][0] < 0.1 * len(plan)
    }
    return {
        "points": len(plan),
        "seconds": seconds,
        **rates(watch),
        "worker_cpu_milliseconds_per_point": 1e3 * workers.cpu_seconds / len(plan),
        "parent_cpu_milliseconds_per_point": 1e3 * parent / len(plan),
        "memory": lines,
        "flat": len(lines) == 1 + WORKERS and all(is_flat(line) for line in lines.values()),
        "failed": runner.failed,
        "store": inspect(path, plan),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--points", type=int, default=100_000)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="cimspice-soak-") as folder:
        figures = soak(arguments.points, Path(folder))
    figures |= {"load_before": load, "load": os.getloadavg()[0], "processors": os.cpu_count()}
    print(json.dumps(figures, indent=2) if arguments.json else figures)
    store = figures["store"]
    whole = store["integrity_check"] == "ok" and store["done"] == store["rows"] == figures["points"]
    return 0 if whole and not store["missing"] else 1


if __name__ == "__main__":
    sys.exit(main())
