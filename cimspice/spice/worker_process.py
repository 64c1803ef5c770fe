"""A worker process as its parent sees it: started, fed, listened to, timed, ended."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing import Pipe, spawn
from pathlib import Path
from typing import Any

from cimspice.spice.progress import NO_ITEM, Progress
from cimspice.spice.statistics import PoolStatistics
from cimspice.spice.worker import Report

_WAITING = 10
"""Times the limit that an item may take by the clock."""
_BOOT = Path(__file__).with_name("worker_boot.py")


class WorkerProcess:
    """One process that serves a `Pool`. It ends when this one does, whatever it is doing then.

    It is no ``multiprocessing.Process``: those know their parent only once they have imported what they run,
    and a daemonic one (a Dask worker is) may not have any.

    Attributes
    ----------
    connection
        To it; readable too once it has ended.
    chunk, job
        The ``(index, item)`` pairs it has been sent and not yet answered, and the `Pool.map` they are of;
        empty and None if it is idle.
    ready
        True once it has reported that it started.
    items
        Number of items it has done.
    """

    def __init__(self, folder: Path) -> None:
        self.chunk: list[tuple[int, Any]] = []
        self.job: Any = None
        self.ready = False
        self.items = 0
        self._sent = 0.0
        self._startup_seconds = 0.0
        self._last: Report | None = None
        self._private = private = Path(tempfile.mkdtemp(dir=folder, prefix="worker-"))
        self._progress = Progress(private / "progress")
        self.connection, theirs = Pipe()
        with theirs:
            self._process = _start(theirs.fileno(), private / "progress")
        preparation = spawn.get_preparation_data(private.name)
        del preparation["authkey"]  # cannot be sent, and is not used
        with contextlib.suppress(OSError):  # it has died already: the connection reports it
            self.connection.send(preparation)

    @property
    def busy_seconds(self) -> float:
        """Seconds since its chunk was sent."""
        return time.monotonic() - self._sent

    def send(self, job: Any, chunk: list[tuple[int, Any]]) -> None:
        """Give it work of a ``job``, whose ``function`` it calls. If it has died, its sentinel shows it."""
        self.chunk, self.job, self._sent = chunk, job, time.monotonic()
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.connection.send((job.function, chunk))
        except Exception:
            self.chunk, self.job = [], None
            raise

    def receive(self) -> Report | None:
        """Its report, ``None`` if it is gone."""
        try:
            report = self.connection.recv() if self.connection.poll() else None
        except (EOFError, OSError):
            return None
        if report is not None:
            if not self.ready:
                self.ready, self._startup_seconds = True, report.cpu_seconds
            self._last = report
        return report

    def remaining(self, time_limit: float) -> float:
        """Seconds that the item it runs has left at least.

        What counts is its CPU time, where that can be read: a busy machine makes no simulation fail. One that
        computes next to nothing hangs all the same, and ends after `_WAITING` times the limit.
        """
        index, began, cpu_before = self._progress.read()
        # Until it has taken its first item up, the limit counts from when the chunk was sent.
        since = self._sent if index == NO_ITEM else max(began, self._sent)
        elapsed = time.monotonic() - since
        taken = None
        if time_limit <= elapsed < _WAITING * time_limit and index != NO_ITEM:
            taken = _cpu_seconds(self._process.pid)
        return time_limit - (elapsed if taken is None else taken - cpu_before)

    def split(self) -> tuple[tuple[int, Any], list[tuple[int, Any]]]:
        """The item it was busy with, and the rest of its chunk."""
        running, *_ = self._progress.read()
        culprit = next((pair for pair in self.chunk if pair[0] == running), self.chunk[0])
        return culprit, [pair for pair in self.chunk if pair is not culprit]

    def ask_to_leave(self) -> None:
        """End it: an idle process is asked, any other is killed."""
        if self.chunk or not self.ready:
            self._process.kill()
        else:
            with contextlib.suppress(OSError):  # it may have died meanwhile; `bury` joins it
                self.connection.send(None)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def bury(self) -> tuple[int, PoolStatistics]:
        """Wait for its end (it has two seconds), remove its folder; return its exit code and what it has
        done.
        """
        try:
            code = self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        statistics = self.statistics + PoolStatistics(workers_killed=int(code == -signal.SIGKILL))
        self.connection.close()
        shutil.rmtree(self._private, ignore_errors=True)
        return code, statistics

    @property
    def statistics(self) -> PoolStatistics:
        """What it has done, as far as it has reported."""
        if self._last is None:
            return PoolStatistics(workers_started=1)
        return PoolStatistics(self._last.statistics, self._last.cpu_seconds, self._startup_seconds, 1)


def _cpu_seconds(process: int) -> float | None:
    """CPU time of a process so far; None where the system has no /proc."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime
    except (OSError, ValueError, IndexError):
        return None


def _start(descriptor: int, progress: Path) -> subprocess.Popen[bytes]:
    flags = subprocess._args_from_interpreter_flags()  # pyright: ignore[reportAttributeAccessIssue] (not in the stubs)
    # -P: the folder of the script is no place to import from.
    words = [spawn.get_executable() or sys.executable, *flags, "-P", str(_BOOT)]
    words += [str(descriptor), str(os.getpid()), str(progress)]
    return subprocess.Popen(words, pass_fds=(descriptor,), stdin=subprocess.DEVNULL)
