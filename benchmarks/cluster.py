"""What each part of a campaign on a cluster can carry, for planning a large one (docs/cluster.md).

A real Dask scheduler and two workers on this machine; CPU seconds, so that a busy machine changes little:

- ``scheduler_milliseconds_per_task``, ``client_milliseconds_per_task``: CPU time of the scheduler and of the
  campaign's process for one task (a chunk of points with its results) of ``shipment_bytes``;
- ``worker_milliseconds_per_task``: of a Dask worker, which only passes bytes on;
- ``parent_milliseconds_per_point``: CPU time of the campaign's process for one point, from planning it to
  storing it, ``stored_bytes_per_point`` in the store;
- ``table_milliseconds_per_point``, ``table_bytes_per_row``: gathering the table at the end;
- ``waveforms``: of a read transient of a 6T cell: values per point, bytes per point, and CPU time of the
  campaign's process to write a point's.

``python benchmarks/cluster.py --json``; a minute or two.
"""

from __future__ import annotations

import argparse
import json
import operator
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from cimspice.campaign import Cluster, Store, parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.runner import Runner
from cimspice.campaign.table import gather
from cimspice.progress import silent
from cimspice.spice import Pool

TICK = os.sysconf("SC_CLK_TCK")
SHIPMENT_BYTES = 20_000


@contextmanager
def dask(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Address of a scheduler with two workers, and the process ids of these three."""
    file = folder / "scheduler.json"
    program = str(Path(sys.executable).with_name("dask"))
    local = ["--scheduler-file", str(file), "--no-dashboard"]
    worker = [program, "worker", *local, "--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
    commands = [[program, "scheduler", "--host", "127.0.0.1", "--port", "0", *local], worker, worker]
    processes = [subprocess.Popen(words, cwd=folder, stderr=subprocess.DEVNULL) for words in commands]
    try:
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def spent(process: int) -> float:
    """CPU seconds of a process, without those of its children."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


def tasks(count: int) -> dict[str, float]:
    """CPU time of all that stands between the campaign and its workers' processes."""
    with (
        tempfile.TemporaryDirectory() as name,
        dask(Path(name)) as (address, processes),
        Cluster(address) as cluster,
    ):
        while cluster.size < 2:  # both workers have come
            list(cluster.map(operator.is_not, range(4)))
            time.sleep(2.0)
        list(cluster.map(operator.is_not, range(20)))
        before, mine = [spent(process) for process in processes], time.process_time()
        items = (os.urandom(SHIPMENT_BYTES) for _ in range(count))
        began = time.monotonic()
        assert all(cluster.map(operator.is_not, items))
        seconds = time.monotonic() - began
        mine = time.process_time() - mine
        scheduler, *workers = (
            spent(process) - start for process, start in zip(processes, before, strict=True)
        )
    return {
        "shipment_bytes": SHIPMENT_BYTES,
        "tasks_per_second_two_workers": count / seconds,
        "scheduler_milliseconds_per_task": 1e3 * scheduler / count,
        "client_milliseconds_per_task": 1e3 * mine / count,
        "worker_milliseconds_per_task": 1e3 * sum(workers) / count,
    }


def campaign(raw: dict[str, Any], folder: Path) -> tuple[float, float, int, Plan, Path]:
    """CPU seconds of this process and of the workers for a campaign, bytes stored, the plan and the store."""
    plan = Plan(parse_specification(raw), Environment.detect())
    path = folder / "points.sqlite"
    with Pool(2) as pool, Store(path) as store:
        pool.warm_up()
        before, mine = pool.statistics.cpu_seconds, time.process_time()
        Runner(plan, store, silent, 2).run(nullcontext(pool))
        mine = time.process_time() - mine
        workers = pool.statistics.cpu_seconds - before
        assert store.done([point.digest for point in plan]) == {point.digest for point in plan}
    with Store(path) as store:
        return mine, workers, store.size, plan, path


def points(count: int) -> dict[str, float]:
    """A campaign of short points."""
    sweep = {
        "gate_voltage": {"start": 0.3, "stop": 1.8, "num": count // 4},
        "width": [1e-6, 2e-6, 3e-6, 5e-6],
    }
    raw = {"campaign": {"bench": "transistor"}, "parameters": {"drain_step": 0.3}, "sweep": sweep}
    with tempfile.TemporaryDirectory() as name:
        mine, workers, size, plan, path = campaign(raw, Path(name))
        with Store(path) as store:
            began = time.process_time()
            table = gather(plan, store).table
            gathering = time.process_time() - began
    return {
        "worker_milliseconds_per_point": 1e3 * workers / len(plan),
        "parent_milliseconds_per_point": 1e3 * mine / len(plan),
        "stored_bytes_per_point": size / len(plan),
        "table_milliseconds_per_point": 1e3 * gathering / len(plan),
        "table_bytes_per_row": float(table.memory_usage(deep=False).sum()) / len(table),
        "rows_per_point": len(table) / len(plan),
    }


def waveforms(count: int) -> dict[str, Any]:
    """The same transients with and without their waveforms kept."""
    sweep = {"word_line_voltage": {"start": 1.5, "stop": 1.8, "num": count}}
    raw: dict[str, Any] = {"campaign": {"bench": "sram_read"}, "sweep": sweep}
    with tempfile.TemporaryDirectory() as without, tempfile.TemporaryDirectory() as name:
        plain = campaign(raw, Path(without))
        kept = campaign({**raw, "keep": {"waveforms": True}}, Path(name))
        with Store(kept[4]) as store:
            held = store.waveforms([point.digest for point in kept[3]])
        values = sum(len(column) for columns in held.values() for column in columns.values())
        files = len(list(kept[4].with_suffix(".waveforms").iterdir()))
    return {
        "values_per_point": values / count,
        "bytes_per_point": (kept[2] - plain[2]) / count,
        "points_per_file": count / files,
        "parent_milliseconds_per_point": 1e3 * (kept[0] - plain[0]) / count,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--points", type=int, default=8000)
    arguments = parser.parse_args()
    figures = {
        **tasks(arguments.tasks),
        **points(arguments.points),
        "waveforms": waveforms(40),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(figures, indent=2) if arguments.json else figures)


if __name__ == "__main__":
    main()
