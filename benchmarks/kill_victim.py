"""What `campaign_kill.py` kills: a campaign in a process of its own that logs each run of a point, and the
disk that its store is on.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pandas as pd

from cimspice.bench import register
from cimspice.bench.transistor import TransistorCurrent
from cimspice.campaign import Specification, parse_specification, run_campaign
from cimspice.errors import StoreError
from cimspice.netlist import NetlistParameters
from cimspice.spice import Analysis, Waveforms

LOG, MARK = "CIMSPICE_KILL_LOG", "CIMSPICE_KILL_MARK"
STORE_FAILED = 3
PATIENCE = 120.0  # seconds without a new point, after which the campaign counts as stuck
EXIT_SECONDS = 10.0  # that the processes of a killed campaign may take to end
PLENTY = 64 << 20  # bytes


@register
class LoggedTransistor(TransistorCurrent):
    """The transistor bench; every run of a point leaves a line in a file, also while it lasts."""

    name: ClassVar[str] = "benchmark_logged_transistor"

    def analysis(self, parameters: NetlistParameters) -> Analysis:
        if mark := _running():
            mark.touch()
        return super().analysis(parameters)  # pyright: ignore[reportArgumentType] (its own parameters)

    def measure(self, parameters: NetlistParameters, waveforms: Waveforms) -> pd.DataFrame:
        if mark := _running():
            mark.unlink(missing_ok=True)
            with open(os.environ[LOG], "a") as file:
                file.write(f"{parameters.model_dump_json()}\n")
        return super().measure(parameters, waveforms)  # pyright: ignore[reportArgumentType] (likewise)


def _running() -> Path | None:
    """File that is there while this process runs an analysis; None outside of a victim."""
    log = os.environ.get(LOG)
    return Path(f"{log}-running-{os.getpid()}") if log else None


def campaign(points: int) -> Specification:
    """As many points as asked for, each with parameters of its own (the log knows them by these)."""
    gates = max(1, points // 5)
    sweep = {
        "gate_voltage": {"start": 0.3, "stop": 1.8, "num": gates},
        "width": [1e-6, 2e-6, 3e-6, 5e-6, 7e-6],
    }
    return parse_specification(
        {
            "campaign": {"bench": LoggedTransistor.name},
            "parameters": {"drain_step": 0.05},
            "sweep": sweep,
            "keep": {"waveforms": True},
        }
    )


def child(points: int, store: Path, room: int | None) -> int:
    """The process that is killed: run the campaign; with ``room``, no file may pass so many bytes."""
    if room is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        run_campaign(campaign(points), workers=2, store=store)
    except StoreError as error:
        return STORE_FAILED if "CIMSPICE_CACHE" in error.remedy else 1
    return 0


class Victim:
    """A campaign in a process of its own, with its log and its mark."""

    def __init__(self, script: str, points: int, store: Path, log: Path, room: int | None = None) -> None:
        self.log, self.mark = log, f"{os.getpid()}-{log.name}"
        words = [sys.executable, script, "--child", str(store), "--points", str(points)]
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
        """Its worker processes."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                command = path.with_name("cmdline").read_bytes()
            except OSError:  # it ended meanwhile
                continue
            if parent == self.process.pid and b"worker_boot" in command:
                found.append(int(path.parent.name))
        return found

    def in_ngspice(self) -> list[int]:
        """A worker that is in the middle of an analysis; none if none is seen there within two seconds."""
        workers = self.workers()
        until = time.monotonic() + 2
        while time.monotonic() < until and self.process.poll() is None:
            for worker in workers:
                if Path(f"{self.log}-running-{worker}").exists():
                    return [worker]
        return []

    def orphans(self) -> tuple[int, float]:
        """Processes with its mark that are left after `EXIT_SECONDS`, and how long the others took to end."""
        began = time.monotonic()
        while (left := self._marked()) and time.monotonic() < began + EXIT_SECONDS:
            time.sleep(0.02)
        return left, time.monotonic() - began

    def _marked(self) -> int:
        count = 0
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                count += f"{MARK}={self.mark}".encode() in path.read_bytes()
            except OSError:  # it ended meanwhile, or is another user's
                continue
        return count


class Disk:
    """A disk of its own for the stores: a tmpfs, where mounting is allowed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.mounted = self._mount(f"size={PLENTY}", "-t", "tmpfs", "cimspice-kill")

    def leave(self, room: int) -> None:
        """Leave so many bytes."""
        status = os.statvfs(self.path)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        assert self._mount(f"remount,size={used + room}")

    def make_plenty(self) -> None:
        """Leave enough for everything."""
        assert self._mount(f"remount,rw,size={PLENTY}")

    def make_read_only(self) -> None:
        """Nothing can be written any more."""
        assert self._mount("remount,ro")

    def close(self) -> None:
        """Unmount it."""
        if self.mounted:
            subprocess.run(["umount", str(self.path)], check=False)

    def _mount(self, options: str, *words: str) -> bool:
        with contextlib.suppress(FileNotFoundError):
            command = ["mount", "-o", options, *words, str(self.path)]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        return False
