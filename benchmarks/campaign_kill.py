"""Kills a campaign at random moments, resumes it, and compares the end with an uninterrupted run.

A campaign of ``--points`` points (a SKY130 transistor over gate voltage and width, two workers) is hit
``--kills`` times, at moments drawn in finished points: SIGKILL of the campaign's process, SIGKILL of a worker
(ngspice lives in it), or a disk that is full (a limit on the size of files stands in for it). What is killed
is started again; a campaign that gets through is compared and begun anew with an empty store. Checked, each
as a count that has to be 0:

- ``lost``: points that were finished before a kill and are not after it;
- ``run_twice``: points that ran although they were finished (every run of a point is logged by its worker);
- ``different``: cells of the table that differ from the uninterrupted run's, compared bit for bit;
- ``orphans``: processes of a killed campaign that live a minute later (one that was just starting notices
  when its modules are imported; ``slowest_exit``: the longest that any took, in seconds);
- ``silent``: full disks that did not end the campaign with an error that says so.

``python benchmarks/campaign_kill.py --json``: 100 kills of 500 points, some minutes; Linux only. Exit code 1
if any count is not 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

import pandas as pd

from cimspice.campaign import Specification, Store, parse_specification, run_campaign
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.table import gather
from cimspice.circuits import register
from cimspice.circuits.transistor import TransistorCurrent
from cimspice.errors import StoreError
from cimspice.netlist import NetlistParameters
from cimspice.spice import Waveforms

LOG, MARK = "CIMSPICE_KILL_LOG", "CIMSPICE_KILL_MARK"
DISK_FULL = 3
PATIENCE = 120.0  # seconds without a new point, after which the campaign counts as stuck


@register
class LoggedTransistor(TransistorCurrent):
    """The transistor bench; every run of a point leaves a line in a file."""

    name: ClassVar[str] = "benchmark_logged_transistor"

    def measure(self, parameters: NetlistParameters, waveforms: Waveforms) -> pd.DataFrame:
        log = os.environ.get(LOG)
        if log:
            with open(log, "a") as file:
                file.write(f"{parameters.model_dump_json()}\n")
        return super().measure(parameters, waveforms)  # pyright: ignore[reportArgumentType] (its own parameters)


@dataclass
class Tally:
    """What was done, and what went wrong."""

    kills: dict[str, int] = field(default_factory=lambda: {"parent": 0, "worker": 0, "disk": 0})
    campaigns: int = 0
    lost: int = 0
    run_twice: int = 0
    different: int = 0
    orphans: int = 0
    silent: int = 0
    slowest_exit: float = 0.0

    @property
    def faults(self) -> int:
        return self.lost + self.run_twice + self.different + self.orphans + self.silent


def campaign(points: int) -> Specification:
    """As many points as asked for, each with parameters of its own (the log knows them by these)."""
    gates = max(1, points // 5)
    sweep = {
        "gate_voltage": {"start": 0.3, "stop": 1.8, "num": gates},
        "width": [1e-6, 2e-6, 3e-6, 5e-6, 7e-6],
    }
    raw = {"campaign": {"bench": LoggedTransistor.name}, "parameters": {"drain_step": 0.05}, "sweep": sweep}
    return parse_specification(raw)


def child(points: int, store: Path, room: int | None) -> int:
    """The process that is killed: run the campaign; with ``room``, on a disk with so many bytes left."""
    if room is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        run_campaign(campaign(points), workers=2, store=store)
    except StoreError as error:
        return DISK_FULL if "free the disk" in str(error) else 1
    return 0


class Victim:
    """A campaign in a process of its own, with its log and its mark."""

    def __init__(self, points: int, store: Path, log: Path, room: int | None = None) -> None:
        self.log, self.mark = log, f"{os.getpid()}-{log.name}"
        words = [sys.executable, __file__, "--child", str(store), "--points", str(points)]
        words += [] if room is None else ["--room", str(room)]
        environment = {**os.environ, LOG: str(log), MARK: self.mark}
        self.process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)

    def lines(self) -> list[str]:
        """Points that were run, in order."""
        return self.log.read_text().split("\n")[:-1] if self.log.exists() else []

    def wait_for(self, count: int) -> bool:
        """Until so many points were run; False if it ended before."""
        seen, since = -1, time.monotonic()
        while self.process.poll() is None:
            now = len(self.lines())
            if now >= count:
                return True
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise SystemExit(f"no new point for {PATIENCE:g} s: stuck")
            time.sleep(0.003)
        return False

    def workers(self) -> list[int]:
        """Its worker processes (Python's own helper process is none)."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                command = path.with_name("cmdline").read_bytes()
            except OSError:  # it ended meanwhile
                continue
            if parent == self.process.pid and b"spawn_main" in command:
                found.append(int(path.parent.name))
        return found

    def orphans(self) -> tuple[int, float]:
        """Processes with its mark that are left after a minute, and how long the others took to end."""
        began = time.monotonic()
        while (left := self._marked()) and time.monotonic() < began + 60:
            time.sleep(0.05)
        return left, time.monotonic() - began

    def _marked(self) -> int:
        count = 0
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                count += f"{MARK}={self.mark}".encode() in path.read_bytes()
            except OSError:  # it ended meanwhile, or is another user's
                continue
        return count


class Ordeal:
    """Kills one campaign after another, and keeps the tally."""

    def __init__(self, points: int, folder: Path, draw: random.Random) -> None:
        self.points, self.folder, self.draw = points, folder, draw
        self.plan = Plan(campaign(points), Environment.detect())
        self.keys = {
            point.digest: point.parameters.model_dump_json() for point in self.plan if point.parameters
        }
        self.tally = Tally()
        self.starts = 0
        whole = self.victim(self.folder / "whole.sqlite")
        assert whole.process.wait() == 0
        self.expected = self.table(self.folder / "whole.sqlite")
        assert len(self.expected) == len(self.plan) * 37

    def victim(self, store: Path, room: int | None = None) -> Victim:
        self.starts += 1
        return Victim(self.points, store, self.folder / f"log-{self.starts}", room)

    def table(self, store: Path) -> pd.DataFrame:
        with Store(store) as opened:
            return gather(self.plan, opened).table

    def finished(self, store: Path) -> set[str]:
        """Parameters of the finished points."""
        with Store(store) as opened:
            done = opened.done(list(self.keys))
        return {self.keys[digest] for digest in done}

    def run(self, kills: int) -> Tally:
        while sum(self.tally.kills.values()) < kills:
            store = self.folder / f"points-{self.tally.campaigns}.sqlite"
            while len(self.finished(store)) < len(self.plan):
                self.hit(store, kills)
            self.tally.different += int(cells_that_differ(self.table(store), self.expected))
            self.tally.campaigns += 1
        return self.tally

    def hit(self, store: Path, kills: int) -> None:
        """Start the campaign and hit it until it is dead or through."""
        before = self.finished(store)
        how = self.draw.choice(["parent", "worker", "worker", "disk"]) if self.tally.kills["disk"] else "disk"
        room = store.stat().st_size + self.draw.randrange(40_000) if how == "disk" else None
        victim = self.victim(store, room)
        if how == "disk":
            code = victim.process.wait()
            self.tally.kills["disk"] += code != 0
            self.tally.silent += code not in (0, DISK_FULL)
        checked = 0
        while sum(self.tally.kills.values()) < kills and how != "disk":
            if not victim.wait_for(len(victim.lines()) + self.draw.randrange(1, max(2, self.points // 5))):
                break
            known = self.finished(store)
            self.tally.lost += len(before - known)
            self.tally.run_twice += len(before & set(victim.lines()[checked:]))
            checked, before = len(victim.lines()), known
            unseen = [kind for kind in ("worker", "parent") if not self.tally.kills[kind]]
            how = self.draw.choice(unseen or ["parent", "worker", "worker"])
            targets = [victim.process.pid] if how == "parent" else victim.workers()
            if targets:
                os.kill(self.draw.choice(targets), signal.SIGKILL)
                self.tally.kills[how] += 1
            if how == "parent":
                break
        victim.process.wait()
        orphans, seconds = victim.orphans()
        self.tally.orphans += orphans
        self.tally.slowest_exit = max(self.tally.slowest_exit, seconds)
        self.tally.lost += len(before - self.finished(store))
        self.tally.run_twice += len(before & set(victim.lines()[checked:]))


def cells_that_differ(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """Bit for bit; tables of different shapes differ in all cells."""
    if one.shape != other.shape or list(one.columns) != list(other.columns):
        return other.size
    return int((one.to_numpy() != other.to_numpy()).sum())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--room", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.points, arguments.child, arguments.room)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cimspice-kill-") as folder:
        tally = Ordeal(arguments.points, Path(folder), random.Random(arguments.seed)).run(arguments.kills)
    figures = {
        **asdict(tally),
        "points": arguments.points,
        "seconds": time.monotonic() - began,
        "load": os.getloadavg()[0],
    }
    print(json.dumps(figures, indent=2) if arguments.json else figures)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
