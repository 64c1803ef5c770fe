"""A pool of worker processes, one ngspice session each; the parent keeps the time and replaces what hangs or dies.

An impossible operating point makes ngspice run for ever, and nothing inside the process can stop it. So each worker tells
in shared memory which item it runs and since when; the parent kills it past the limit, starts another and goes on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from cimspice.errors import CimspiceError, ParameterError, TimeLimit, WorkerLost
from cimspice.spice.statistics import PoolStatistics
from cimspice.spice.worker import NO_ITEM, Outcome, Report, serve

_CHUNK_SECONDS = 0.1
_ATTEMPTS = 2


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Worker:
    process: Any
    connection: Connection
    progress: Any
    chunk: list[tuple[int, Any]] = field(default_factory=list)
    ready: bool = False
    began: float = 0.0
    items: int = 0
    startup_seconds: float = 0.0
    last: Report | None = None


class Pool:
    """Workers that each keep one ngspice loaded. Use as a context manager.

    Parameters
    ----------
    workers
        Number of processes; as many as there are processors if not given.
    time_limit
        Seconds that one item may take. Past it the worker is killed, and the item fails with `TimeLimit`.
    recycle_after
        Items after which a worker is replaced by a new one (ngspice leaks about 0.7 kB at each run).

    The workers are spawned: in a script, make the pool under ``if __name__ == "__main__":``.
    """

    def __init__(
        self, workers: int | None = None, time_limit: float = 600.0, recycle_after: int = 5000
    ) -> None:
        self.size = processors() if workers is None else workers
        self.time_limit, self.recycle_after = time_limit, recycle_after
        for name, value in (
            ("workers", self.size),
            ("time_limit", time_limit),
            ("recycle_after", recycle_after),
        ):
            if not value > 0:
                raise ParameterError(
                    f"{name} = {value!r} is not positive", place=name, remedy=f"give {name} > 0"
                )
        self._context = multiprocessing.get_context("spawn")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._workers: list[_Worker] = []
        self._past = PoolStatistics()

    def __enter__(self) -> Pool:
        self._folder = tempfile.TemporaryDirectory(prefix="cimspice-pool-", ignore_cleanup_errors=True)
        self._workers = [self._start() for _ in range(self.size)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers: idle ones are asked to leave, busy ones are killed."""
        workers, self._workers = self._workers, []
        for worker in workers:
            if worker.chunk or not worker.ready:
                worker.process.kill()
            else:
                with contextlib.suppress(OSError):  # it may have died meanwhile; then it is joined below
                    worker.connection.send(None)
        for worker in workers:
            self._bury(worker)
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def statistics(self) -> PoolStatistics:
        """What all workers have done, those replaced included."""
        total = self._past
        for worker in self._workers:
            total = _added(total, worker)
        return total

    def warm_up(self) -> None:
        """Wait until every worker has started."""
        for worker in self._workers:
            if not worker.ready and wait([worker.connection, worker.process.sentinel], timeout=60):
                self._receive(worker)

    def map(
        self,
        function: Callable,
        items: Iterable,
        *,
        on_error: Literal["raise", "return"] = "raise",
        chunk: int | None = None,
    ) -> Iterator:
        """Run ``function(session, item)`` for every item in the workers and yield the results in order.

        Parameters
        ----------
        function
            A function of a module (it is pickled by name), called as ``function(session, item)``.
        items
            Anything that can be pickled. Neighbours run on the same session: order them so that the circuit changes
            rarely, and let the function use `Session.configure`.
        on_error
            ``"raise"`` raises the error of the first item that failed, when its turn comes; ``"return"`` yields an
            item's `CimspiceError` in its place. Other exceptions are always raised.
        chunk
            Items sent to a worker at a time; chosen from the time they take if not given.
        """
        if not self._workers:
            raise ParameterError(
                "the pool is not open", place="Pool.map", remedy="use it in a with statement"
            )
        if on_error not in ("raise", "return"):
            raise ParameterError(f"on_error = {on_error!r} is unknown", remedy="use 'raise' or 'return'")
        return self._run(function, deque(enumerate(items)), on_error, chunk)

    def _run(self, function: Callable, queue: deque, on_error: str, chunk: int | None) -> Iterator:
        waiting = len(queue)
        done: dict[int, Outcome] = {}
        attempts: dict[int, int] = {}
        pace = _Pace(chunk, self.size)
        try:
            for following in range(waiting):
                while following not in done:
                    self._feed(function, queue, pace)
                    for outcome in self._collect(queue, attempts, pace):
                        done[outcome.index] = outcome
                outcome = done.pop(following)
                if outcome.error is None:
                    yield outcome.value
                elif on_error == "return" and isinstance(outcome.error, CimspiceError):
                    yield outcome.error
                else:
                    raise outcome.error
        finally:
            # Interrupted or abandoned: what still runs is of no use to anyone.
            for k, worker in enumerate(self._workers):
                if worker.chunk:
                    self._workers[k] = self._replace(worker)

    def _feed(self, function: Callable, queue: deque, pace: _Pace) -> None:
        for k, worker in enumerate(self._workers):
            if not queue:
                return
            if worker.chunk or not worker.ready:
                continue
            if worker.items >= self.recycle_after:
                worker = self._workers[k] = self._replace(worker)
                continue
            size = min(pace.size(len(queue)), self.recycle_after - worker.items)
            worker.chunk = [queue.popleft() for _ in range(min(size, len(queue)))]
            worker.began = time.monotonic()
            try:
                worker.connection.send((function, worker.chunk))
            except OSError:
                continue  # it died while idle: its sentinel tells `_collect`
            except Exception:
                worker.chunk = []
                raise

    def _collect(self, queue: deque, attempts: dict[int, int], pace: _Pace) -> list[Outcome]:
        """Wait for a report, a death or a time limit; return the outcomes, put back what must run again."""
        handles = {w.connection: w for w in self._workers} | {w.process.sentinel: w for w in self._workers}
        limits = [self._remaining(w) for w in self._workers if w.chunk]
        signalled = wait(list(handles), timeout=max(0.0, min(limits, default=1.0)))
        outcomes: list[Outcome] = []
        for worker in {id(handles[h]): handles[h] for h in signalled}.values():
            report = self._receive(worker)
            if report is None:
                outcomes += self._lost(worker, queue, attempts)
            elif worker.chunk and report.outcomes:
                pace.learn(len(report.outcomes), time.monotonic() - worker.began)
                outcomes += report.outcomes
                queue.extendleft(reversed(worker.chunk[len(report.outcomes) :]))
                worker.items += len(report.outcomes)
                worker.chunk = []
                if report.retire:
                    self._workers[self._workers.index(worker)] = self._replace(worker)
        for worker in [w for w in self._workers if w.chunk and self._remaining(w) <= 0]:
            outcomes += self._overdue(worker, queue)
        return outcomes

    def _remaining(self, worker: _Worker) -> float:
        index, began = worker.progress[:]
        # Until the worker has taken its first item up, its limit counts from when the chunk was sent.
        return self.time_limit - (
            time.monotonic() - (worker.began if index == NO_ITEM else max(began, worker.began))
        )

    def _receive(self, worker: _Worker) -> Report | None:
        """A worker's report, ``None`` if the worker is gone."""
        try:
            report = worker.connection.recv() if worker.connection.poll() else None
        except (EOFError, OSError):
            return None
        if report is not None:
            if not worker.ready:
                worker.ready, worker.startup_seconds = True, report.cpu_seconds
            worker.last = report
        return report

    def _split(self, worker: _Worker) -> tuple[tuple[int, Any], list[tuple[int, Any]]]:
        """The item that a worker was busy with, and the rest of its chunk."""
        running = int(worker.progress[0])
        culprit = next((pair for pair in worker.chunk if pair[0] == running), worker.chunk[0])
        return culprit, [pair for pair in worker.chunk if pair is not culprit]

    def _lost(self, worker: _Worker, queue: deque, attempts: dict[int, int]) -> list[Outcome]:
        worker.process.join()
        code = worker.process.exitcode
        chunk = worker.chunk
        self._workers[self._workers.index(worker)] = self._replace(worker)
        if not chunk:
            return []
        worker.chunk = chunk
        culprit, rest = self._split(worker)
        queue.extendleft(reversed(rest))
        attempts[culprit[0]] = attempts.get(culprit[0], 0) + 1
        if attempts[culprit[0]] < _ATTEMPTS:
            queue.appendleft(culprit)
            return []
        cause = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
        error = WorkerLost(
            f"a worker died ({cause}) and, after a retry, another one",
            place=f"item {culprit[0]}",
            remedy="SIGKILL mostly means that memory ran out: use fewer workers or a smaller circuit",
        )
        return [Outcome(culprit[0], None, error)]

    def _overdue(self, worker: _Worker, queue: deque) -> list[Outcome]:
        culprit, rest = self._split(worker)
        queue.extendleft(reversed(rest))
        self._workers[self._workers.index(worker)] = self._replace(worker)
        error = TimeLimit(
            f"the simulation ran past its time limit of {self.time_limit:g} s and was killed",
            place=f"item {culprit[0]}",
            remedy="an impossible operating point makes ngspice hang; else give Pool a longer time_limit",
        )
        return [Outcome(culprit[0], None, error)]

    def _start(self) -> _Worker:
        assert self._folder is not None
        folder = Path(tempfile.mkdtemp(dir=self._folder.name, prefix="worker-"))
        ours, theirs = self._context.Pipe()
        progress = self._context.RawArray("d", [NO_ITEM, 0.0])
        process = self._context.Process(target=serve, args=(theirs, progress, str(folder)), daemon=True)
        with _interrupts_ignored():
            process.start()
        theirs.close()
        self._past.workers_started += 1
        return _Worker(process, ours, progress)

    def _replace(self, worker: _Worker) -> _Worker:
        worker.process.kill()
        self._bury(worker)
        return self._start()

    def _bury(self, worker: _Worker) -> None:
        worker.process.join(timeout=2.0)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        self._past.workers_killed += worker.process.exitcode == -signal.SIGKILL
        self._past = _added(self._past, worker)
        worker.connection.close()
        worker.process.close()


class _Pace:
    """How many items to send at a time: about a tenth of a second's worth, fewer towards the end."""

    def __init__(self, fixed: int | None, workers: int) -> None:
        self._fixed, self._workers = fixed, workers
        self._seconds_per_item = float("inf")

    def learn(self, items: int, seconds: float) -> None:
        self._seconds_per_item = seconds / items

    def size(self, left: int) -> int:
        if self._fixed is not None:
            return self._fixed
        worth = int(_CHUNK_SECONDS / max(self._seconds_per_item, 1e-6))
        return max(1, min(worth, left // (2 * self._workers)))


def _added(total: PoolStatistics, worker: _Worker) -> PoolStatistics:
    if worker.last is None:
        return total
    return PoolStatistics(
        total.sessions + worker.last.statistics,
        total.cpu_seconds + worker.last.cpu_seconds,
        total.startup_seconds + worker.startup_seconds,
        total.workers_started,
        total.workers_killed,
    )


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C is ignored while a process starts, which inherits that: only the parent handles it."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: the worker ignores it once it has started
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
