"""Kills a campaign at random moments, resumes it, and compares the end with an uninterrupted run.

A campaign of ``--points`` points (a SKY130 transistor over gate voltage and width, two workers, waveforms
kept) is hit ``--kills`` times, at moments drawn in finished points:

- ``parent``: SIGKILL of the campaign's process;
- ``worker``: SIGKILL of a worker, whatever it is doing;
- ``ngspice``: SIGKILL of a worker in the middle of an analysis (ngspice runs inside of it);
- ``disk``: a disk that becomes full (a tmpfs with a little room; a limit on the size of files where mounting
  is not allowed, see ``full_disk``);
- ``read_only``: a disk that became read-only before the campaign is resumed (left out, and said, where
  mounting is not allowed).

What is killed is started again; a campaign that gets through is compared and begun anew with an empty store.
Checked, each as a count that has to be 0:

- ``lost``: points that were finished before a kill and are not after it;
- ``run_twice``: points that ran although they were finished (every run of a point is logged by its worker);
- ``without_waveforms``: finished points whose waveforms cannot be read;
- ``different``: cells of the table and waveforms that differ from the uninterrupted run's, bit for bit;
- ``orphans``: processes of a killed campaign that live ten seconds later (``slowest_exit``: the longest that
  any took, in seconds);
- ``silent``: full or read-only disks that did not end the campaign with an error that says so.

``python benchmarks/campaign_kill.py --json``: 100 kills of 500 points, some minutes; Linux only. Exit code 1
if any count is not 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from kill_victim import STORE_FAILED, Disk, Victim, campaign, child

from cimspice.campaign import Store
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.table import gather
from cimspice.campaign.waveform_file import Vectors

SIGNALS = ("parent", "worker", "ngspice")


@dataclass
class Tally:
    """What was done, and what went wrong."""

    kills: dict[str, int]
    full_disk: str
    campaigns: int = 0
    lost: int = 0
    run_twice: int = 0
    without_waveforms: int = 0
    different: int = 0
    orphans: int = 0
    silent: int = 0
    slowest_exit: float = 0.0
    left_out: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    @property
    def faults(self) -> int:
        counts = (self.lost, self.run_twice, self.without_waveforms, self.different)
        return sum(counts) + self.orphans + self.silent


class Ordeal:
    """Kills one campaign after another, and keeps the tally."""

    def __init__(self, points: int, folder: Path, disk: Disk, draw: random.Random) -> None:
        self.points, self.folder, self.disk, self.draw = points, folder, disk, draw
        self.plan = Plan(campaign(points), Environment.detect())
        self.keys = {
            point.digest: point.parameters.model_dump_json() for point in self.plan if point.parameters
        }
        self.tally = Tally({**dict.fromkeys(SIGNALS, 0), "disk": 0}, "tmpfs")
        if disk.mounted:
            self.tally.kills["read_only"] = 0
        else:
            self.tally.full_disk = "limit on the size of files"
            self.tally.left_out.append("read_only: mounting is not allowed here")
        self.starts = 0
        whole = self.victim(self.folder / "whole.sqlite")
        assert whole.process.wait() == 0
        self.expected, self.waveforms = self.result(self.folder / "whole.sqlite")
        assert len(self.expected) == len(self.plan) * 37
        assert self.waveforms.keys() == self.keys.keys()

    def victim(self, store: Path, room: int | None = None) -> Victim:
        self.starts += 1
        return Victim(__file__, self.points, store, self.folder / f"log-{self.starts}", room)

    def result(self, store: Path) -> tuple[pd.DataFrame, dict[str, Vectors]]:
        with Store(store) as opened:
            return gather(self.plan, opened).table, opened.waveforms(list(self.keys))

    def finished(self, store: Path) -> set[str]:
        """Parameters of the finished points; those without their waveforms are counted."""
        with Store(store) as opened:
            done = opened.done(list(self.keys))
            self.tally.without_waveforms += len(done - opened.waveforms(list(done)).keys())
        return {self.keys[digest] for digest in done}

    def run(self, kills: int) -> Tally:
        while self.tally.total < kills:
            store = self.disk.path / f"points-{self.tally.campaigns}.sqlite"
            while len(self.finished(store)) < len(self.plan):
                self.hit(store, kills)
            table, waveforms = self.result(store)
            self.tally.different += cells_that_differ(table, self.expected)
            self.tally.different += vectors_that_differ(waveforms, self.waveforms)
            self.tally.campaigns += 1
        return self.tally

    def hit(self, store: Path, kills: int) -> None:
        """Start the campaign and hit it until it is dead or through."""
        before = self.finished(store)
        unseen = [kind for kind, count in self.tally.kills.items() if not count]
        how = self.draw.choice(unseen or [*SIGNALS, *self.tally.kills])
        if self.tally.total >= kills:
            victim = self.victim(store)
            victim.process.wait()
        elif how in SIGNALS:
            victim = self.victim(store)
            before = self.strike(victim, store, kills, before)
        else:
            victim = self.starve(store, how)
        orphans, seconds = victim.orphans()
        self.tally.orphans += orphans
        self.tally.slowest_exit = max(self.tally.slowest_exit, seconds)
        self.tally.lost += len(before - self.finished(store))

    def starve(self, store: Path, how: str) -> Victim:
        """Resume the campaign on a disk that is full soon, or read-only."""
        before = self.finished(store)
        room = self.draw.randrange(200_000)
        if how == "read_only":
            self.disk.make_read_only()
        elif self.disk.mounted:
            self.disk.leave(room)
        limit = None if self.disk.mounted else store.stat().st_size + room // 5
        victim = self.victim(store, limit)
        code = victim.process.wait()
        if self.disk.mounted:
            self.disk.make_plenty()
        self.tally.kills[how] += code != 0
        self.tally.silent += code not in (0, STORE_FAILED) or (how == "read_only" and code == 0)
        self.tally.run_twice += len(before & set(victim.lines()))
        return victim

    def strike(self, victim: Victim, store: Path, kills: int, before: set[str]) -> set[str]:
        """Kill processes of the campaign, its own last; return what was finished at the last look."""
        checked = 0
        while self.tally.total < kills:
            if not victim.wait_for(len(victim.lines()) + self.draw.randrange(1, max(2, self.points // 5))):
                break
            known = self.finished(store)
            self.tally.lost += len(before - known)
            self.tally.run_twice += len(before & set(victim.lines()[checked:]))
            checked, before = len(victim.lines()), known
            unseen = [kind for kind in ("worker", "ngspice", "parent") if not self.tally.kills[kind]]
            how = unseen[0] if unseen else self.draw.choice(SIGNALS)
            targets = {
                "parent": lambda: [victim.process.pid],
                "worker": victim.workers,
                "ngspice": victim.in_ngspice,
            }[how]()
            with suppress(IndexError, ProcessLookupError):  # there is none, or it has just ended by itself
                os.kill(self.draw.choice(targets), signal.SIGKILL)
                self.tally.kills[how] += 1
            if how == "parent":
                break
        victim.process.wait()
        self.tally.run_twice += len(before & set(victim.lines()[checked:]))
        return before


def cells_that_differ(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """Bit for bit; tables of different shapes differ in all cells."""
    if one.shape != other.shape or list(one.columns) != list(other.columns):
        return other.size
    return int((one.to_numpy() != other.to_numpy()).sum())


def vectors_that_differ(one: dict[str, Vectors], other: dict[str, Vectors]) -> int:
    """Bit for bit."""
    return sum(
        not np.array_equal(one.get(digest, {}).get(name, np.empty(0)), values)
        for digest, vectors in other.items()
        for name, values in vectors.items()
    )


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
    with tempfile.TemporaryDirectory(prefix="cimspice-kill-") as name:
        disk = Disk(Path(name) / "disk")
        try:
            draw = random.Random(arguments.seed)
            tally = Ordeal(arguments.points, Path(name), disk, draw).run(arguments.kills)
        finally:
            disk.close()
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
