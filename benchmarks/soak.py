"""A long campaign: do memory and rate stay what they are at the start, and is the store whole at the end?

One campaign of ``--points`` real simulations (a SKY130 transistor, a sweep of seven drain voltages at every
width, corner and gate voltage, the widths slowest: all tenths do the same work), two workers, an empty store.
At 100,000 points there are 1,000 circuits: caches, which hold up to 64 of them, are full at a tenth.

- ``rate_ratio``: points per second in the last tenth over those in the first, and ``points_per_second`` over
  all; both count from the first finished point on. ``cpu_rate_ratio``: the same with the workers' CPU seconds
  in place of the clock's, for a machine that has other work (0.95 or more is flat).
- ``memory``: for the parent and each worker, the resident memory (MB) at a tenth of the campaign, at its end
  and at 17 places between, and its growth in bytes per point with its standard error, from its steps in
  these 18 stretches: resident memory moves in steps and stays there, so its steps are independent of one
  another and its levels are not. ``flat`` says whether all are within noise: the mean step is not above zero
  at 95 % (Student's t). One step to a plateau is not growth; five bytes at every point are. The table in the
  parent is made afterwards and not in it.
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
from scipy.stats import t as student

from cimspice.campaign import Progress, Specification, Store, parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.runner import Runner
from cimspice.spice import Pool

WORKERS = 2
SAMPLE_SECONDS = 0.25
STRETCHES = 18
SAMPLES = 1000
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
    """Samples of time, finished points and memory, taken in a thread while the campaign runs.

    They lie in arrays of full size from the start: what is measured must not grow by being measured.
    """

    points: int
    finished: int = 0
    taken: int = 0
    rows: np.ndarray = field(default_factory=lambda: np.full((SAMPLES + 1, 3), np.nan))
    memory: dict[int, np.ndarray] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def watched(self, progress: Progress) -> None:
        """As the campaign's progress."""
        self.finished = progress.done + progress.failed

    def run(self) -> None:
        """Sample until stopped: when another thousandth of the points is finished, four times a second at
        most.
        """
        due = 1
        while not self.stopped.wait(SAMPLE_SECONDS):
            if self.finished >= due:
                self._sample(self.finished)
                due = math.ceil((self.finished * SAMPLES // self.points + 1) * self.points / SAMPLES)

    def _sample(self, finished: int) -> None:
        workers = children()
        self.rows[self.taken] = time.monotonic(), finished, sum(spent(worker) for worker in workers)
        for process in (os.getpid(), *workers):
            column = self.memory.setdefault(process, np.full(SAMPLES + 1, np.nan))
            column[self.taken] = resident_bytes(process)
        self.taken += 1

    @property
    def times(self) -> np.ndarray:
        """Clock (s) at each sample."""
        return self.rows[: self.taken, 0]

    @property
    def counts(self) -> np.ndarray:
        """Finished points at each sample."""
        return self.rows[: self.taken, 1]

    @property
    def cpu(self) -> np.ndarray:
        """CPU seconds of the workers at each sample."""
        return self.rows[: self.taken, 2]


def children() -> list[int]:
    """Child processes of this one."""
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and parent_of(name) == own]


def parent_of(process: str) -> int | None:
    """Parent of a process; None if it has ended."""
    words = stat_of(process)
    return int(words[1]) if words else None


def stat_of(process: str | int) -> list[str]:
    """What the kernel reports of a process, from its state on; nothing if it has ended."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def spent(process: int) -> float:
    """CPU seconds of a process; 0 if it has ended."""
    words = stat_of(process)
    return (int(words[11]) + int(words[12])) / TICK if words else 0.0


def resident_bytes(process: int) -> float:
    """Resident memory of a process; nan if it has ended."""
    words = stat_of(process)
    return int(words[21]) * PAGE if words else math.nan


def growth(counts: np.ndarray, resident: np.ndarray, points: int) -> dict[str, Any]:
    """Memory over finished points after the first tenth: see the head of this file."""
    at = np.searchsorted(counts, np.linspace(0.1 * points, counts[-1], STRETCHES + 1))
    levels = resident[at]
    steps = np.diff(levels) / (0.9 * points / STRETCHES)
    mean, error = float(steps.mean()), float(steps.std(ddof=1) / math.sqrt(len(steps)))
    return {
        "megabytes_at_a_tenth": levels[0] / 1e6,
        "megabytes_at_the_end": levels[-1] / 1e6,
        "megabytes": [round(level / 1e6, 2) for level in levels],
        "bytes_per_point": mean,
        "standard_error": error,
        "flat": bool(mean <= student.ppf(0.95, len(steps) - 1) * error),
    }


def rates(watch: Watch) -> dict[str, float]:
    """Points per second over all, and in the last tenth over the first."""
    counts = watch.counts
    begin, end = float(counts[0]), float(counts[-1])
    tenth = (end - begin) / 10

    def ends(measure: np.ndarray) -> tuple[float, float]:
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
    """Run the campaign and print what was found."""
    plan = Plan(campaign(points), Environment.detect())
    watch = Watch(len(plan))
    sampler = threading.Thread(target=watch.run, daemon=True)
    path = folder / "points.sqlite"
    pool = Pool(WORKERS)
    with Store(path) as store, pool:
        pool.warm_up()
        sampler.start()
        began, spent = time.monotonic(), time.process_time()
        runner = Runner(plan, store, watch.watched, WORKERS)
        runner.run(nullcontext(pool))
        seconds, parent = time.monotonic() - began, time.process_time() - spent
        watch.stopped.set()
        sampler.join()
        workers = pool.statistics
    lines = {
        "parent" if process == os.getpid() else f"worker {process}": growth(
            watch.counts, samples[: watch.taken], len(plan)
        )
        for process, samples in watch.memory.items()
        if np.isfinite(samples[: watch.taken]).all()
    }
    return {
        "points": len(plan),
        "seconds": seconds,
        **rates(watch),
        "worker_cpu_milliseconds_per_point": 1e3 * workers.cpu_seconds / len(plan),
        "parent_cpu_milliseconds_per_point": 1e3 * parent / len(plan),
        "memory": lines,
        "flat": len(lines) == 1 + WORKERS and all(line["flat"] for line in lines.values()),
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
