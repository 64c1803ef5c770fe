"""A pool of worker processes, one session each; the parent keeps the time and replaces what hangs or dies.

An impossible operating point makes ngspice run for ever, and nothing inside the process can stop it. So each
worker writes in shared memory which item it runs and since when; the parent kills it past the limit, starts
another and goes on.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Literal, NamedTuple

from cimspice.errors import CimspiceError, ParameterError, TimeLimit, WorkerLost
from cimspice.spice.interrupts import interrupts_held
from cimspice.spice.statistics import PoolStatistics
from cimspice.spice.work_folder import WorkFolder
from cimspice.spice.worker import Outcome
from cimspice.spice.worker_process import WorkerProcess

_CHUNK_SECONDS = 0.1
_ATTEMPTS = 2
_START_SECONDS = 60.0
_LARGEST_CHUNK = 1000
_LOOK_SECONDS = 0.1  # at most, while another `map` may take this one's reports


class Finished(NamedTuple):
    """A result that `Pool.map` gives out of order: place of its item, and the value (or the error)."""

    index: int
    value: Any


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Workers that each keep one ngspice loaded. Use it as a context manager.

    The workers are spawned: in a script, make the pool under ``if __name__ == "__main__":``. They belong to
    this process: a forked child can neither use nor end them.

    Parameters
    ----------
    workers
        Number of processes; as many as there are processors if not given.
    time_limit
        Seconds that one item may take: of CPU time on Linux, where ten times as many may pass. Past it the
        worker is killed, and the item fails with `TimeLimit`.
    recycle_after
        Items after which a worker is replaced by a new one (ngspice leaks about 0.7 kB at each run).
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
            if not 0 < value < math.inf:
                raise ParameterError(
                    f"{name} = {value!r} is not positive and finite", place=name, remedy=f"give {name} > 0"
                )
        self._folder: WorkFolder | None = None
        self._workers: list[WorkerProcess] = []
        self._past = PoolStatistics()
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._maps: list[_Map] = []

    def __enter__(self) -> Pool:
        self._process = os.getpid()
        self._folder = WorkFolder("pool")
        try:
            for _ in range(self.size):
                with interrupts_held():
                    self._workers.append(self._start())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers: idle ones are asked to leave, busy ones are killed."""
        workers, self._workers = self._workers, []
        if os.getpid() != self._process:
            return
        for worker in workers:
            worker.ask_to_leave()
        for worker in workers:
            self._past += worker.bury()[1]
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    @property
    def statistics(self) -> PoolStatistics:
        """What all workers have done, those replaced included."""
        return sum((worker.statistics for worker in self._workers), self._past)

    def warm_up(self) -> None:
        """Wait until every worker has started."""
        for k, worker in enumerate(self._workers):
            if not worker.ready:
                wait([worker.connection], timeout=_START_SECONDS)
                if worker.receive() is None:
                    code = self._replace(k)
                    raise WorkerLost(f"a worker did not start ({_cause(code)})", place="Pool.warm_up")

    def map(
        self,
        function: Callable,
        items: Iterable,
        *,
        on_error: Literal["raise", "return"] = "raise",
        chunk: int | None = None,
        ordered: bool = True,
    ) -> Iterator:
        """Run ``function(session, item)`` for every item in the workers and yield the results.

        Items are taken as workers need them, a few ahead: there may be millions.

        Parameters
        ----------
        function
            A function of a module (it is pickled by name), called as ``function(session, item)``. It runs in
            a private working directory: give it absolute paths.
        items
            Anything that can be pickled. Neighbours run on the same session: order them so that the circuit
            changes rarely, and let the function use `Session.configure`.
        on_error
            ``"raise"`` raises the error of the first item that failed, when its turn comes; ``"return"``
            yields an item's `CimspiceError` in its place. Other exceptions are always raised.
        chunk
            Items sent to a worker at a time; chosen from the time they take if not given.
        ordered
            Yield results in the items' order: those that overtake a slow item wait in memory. If false,
            `Finished` pairs are yielded as they come.
        """
        self._check_open()
        if on_error not in ("raise", "return"):
            raise ParameterError(f"on_error = {on_error!r} is unknown", remedy="use 'raise' or 'return'")
        return self._run(_Map(function, items, chunk, self.size), on_error, ordered)

    def _run(self, job: _Map, on_error: str, ordered: bool) -> Iterator:
        overtook: dict[int, Outcome] = {}
        following = 0
        self._maps.append(job)
        try:
            while job.fill() or job.outcomes or any(worker.job is job for worker in self._workers):
                with self._lock:
                    self._check_open()
                    self._feed(job)
                job.fill()  # so that the next ones are at hand when a worker asks
                self._listen(job)
                with self._lock:
                    self._collect()
                    self._feed(job)  # nobody idles while the caller uses these
                    outcomes, job.outcomes = job.outcomes, []
                for outcome in outcomes:
                    if not ordered:
                        yield Finished(outcome.index, _value(outcome, on_error))
                        continue
                    overtook[outcome.index] = outcome
                    while following in overtook:
                        yield _value(overtook.pop(following), on_error)
                        following += 1
        finally:
            # Interrupted or abandoned: what still runs for this map is of no use to anyone.
            if os.getpid() == self._process:
                with self._lock:
                    self._maps.remove(job)
                    for k, worker in enumerate(self._workers):
                        if worker.job is job:
                            self._replace(k)

    def _check_open(self) -> None:
        if not self._workers or os.getpid() != self._process:
            raise ParameterError(
                "the pool is not open", place="Pool.map", remedy="use it in a with statement of this process"
            )

    def _feed(self, job: _Map) -> None:
        for k, worker in enumerate(self._workers):
            if not worker.ready or worker.chunk:
                continue
            if worker.items >= self.recycle_after:
                self._replace(k)
            elif chunk := job.take(self.recycle_after - worker.items):
                worker.send(job, chunk)

    def _listen(self, job: _Map) -> None:
        """Wait for a report, a death or a time limit, whosever it is."""
        with self._lock:
            limits = [worker.remaining(self.time_limit) for worker in self._workers if worker.chunk]
            seconds = min([*limits, 1.0] if len(self._maps) == 1 else [*limits, _LOOK_SECONDS])
            connections = [worker.connection for worker in self._workers]
        if not job.outcomes:
            with contextlib.suppress(OSError):  # another thread has replaced a worker
                wait(connections, max(0.0, seconds))

    def _collect(self) -> None:
        """Hand every report to the map it belongs to; what must run again goes back to that map's queue."""
        owners: dict[Any, int] = {worker.connection: k for k, worker in enumerate(self._workers)}
        for k in {owners[handle] for handle in wait(list(owners), 0.0)}:
            worker = self._workers[k]
            report = worker.receive()
            if report is None:
                self._lost(k)
            elif report.outcomes and worker.job is not None:
                worker.job.outcomes += report.outcomes
                worker.job.learn(len(report.outcomes), worker.busy_seconds)
                worker.job.put_back(worker.chunk[len(report.outcomes) :])
                worker.items += len(report.outcomes)
                worker.chunk, worker.job = [], None
                if report.retire:
                    self._replace(k)
        for k, worker in enumerate(self._workers):
            if worker.chunk and worker.remaining(self.time_limit) <= 0:
                self._overdue(k)

    def _lost(self, k: int) -> None:
        worker = self._workers[k]
        code = self._replace(k)
        if worker.job is None:
            self._maps[-1].count_idle_death(_cause(code))
            return
        culprit, rest = worker.split()
        worker.job.put_back(rest)
        if worker.job.attempt(culprit[0]) < _ATTEMPTS:
            worker.job.put_back([culprit])
            return
        error = WorkerLost(
            f"a worker died ({_cause(code)}) and, after a retry, another one",
            place=f"item {culprit[0]}",
            remedy="SIGKILL mostly means that memory ran out: use fewer workers or a smaller circuit",
        )
        worker.job.outcomes.append(Outcome(culprit[0], None, error))

    def _overdue(self, k: int) -> None:
        worker = self._workers[k]
        assert worker.job is not None
        culprit, rest = worker.split()
        worker.job.put_back(rest)
        self._replace(k)
        error = TimeLimit(
            f"the simulation ran past its time limit of {self.time_limit:g} s and was killed",
            place=f"item {culprit[0]}",
            remedy="an impossible operating point makes ngspice hang; else allow more: --time-limit, "
            "time_limit under [failures] of a campaign, time_limit of characterise or of Pool",
        )
        worker.job.outcomes.append(Outcome(culprit[0], None, error))

    def _start(self) -> WorkerProcess:
        assert self._folder is not None
        return WorkerProcess(self._folder.path)

    def _replace(self, k: int) -> int:
        """End worker ``k`` at once and start another in its place; return the exit code."""
        self._workers[k].kill()
        code, statistics = self._workers[k].bury()
        self._past += statistics
        with interrupts_held():
            self._workers[k] = self._start()
        return code


class _Map:
    """One call of `Pool.map`: its function, outcomes that it has not yielded, and items that wait, in chunks
    of about a tenth of a second, smaller towards the end.

    No more items are held than it takes to know whether the end is near.
    """

    def __init__(self, function: Callable, items: Iterable, chunk: int | None, workers: int) -> None:
        self.function = function
        self.outcomes: list[Outcome] = []
        self._source = enumerate(items)
        self._waiting: deque[tuple[int, Any]] = deque()
        self._fixed, self._workers = chunk, workers
        self._seconds_per_item = float("inf")
        self._attempts: dict[int, int] = {}
        self._idle_deaths = 0

    def fill(self) -> bool:
        """Take items up, as many as are needed; return whether any wait."""
        size = self._chunk_size()
        wanted = self._workers * size * (1 if size == 1 or self._fixed else 2)
        self._waiting.extend(islice(self._source, max(0, wanted - len(self._waiting))))
        return bool(self._waiting)

    def take(self, most: int) -> list[tuple[int, Any]]:
        waiting = len(self._waiting)
        size = self._fixed or max(1, min(self._chunk_size(), waiting // (2 * self._workers)))
        return [self._waiting.popleft() for _ in range(min(size, most, waiting))]

    def _chunk_size(self) -> int:
        size = int(_CHUNK_SECONDS / max(self._seconds_per_item, 1e-6))
        return self._fixed or max(1, min(size, _LARGEST_CHUNK))

    def put_back(self, pairs: list[tuple[int, Any]]) -> None:
        self._waiting.extendleft(reversed(pairs))

    def learn(self, items: int, seconds: float) -> None:
        self._seconds_per_item = seconds / items

    def attempt(self, index: int) -> int:
        self._attempts[index] = self._attempts.get(index, 0) + 1
        return self._attempts[index]

    def count_idle_death(self, cause: str) -> None:
        """A worker that dies before it has any work will do so for ever: give up after a few."""
        self._idle_deaths += 1
        if self._idle_deaths > _ATTEMPTS * self._workers:
            raise WorkerLost(
                f"workers die as soon as they start ({cause})",
                remedy='in a script, make the pool under `if __name__ == "__main__":`',
            )


def _value(outcome: Outcome, on_error: str) -> Any:
    if outcome.error is None:
        return outcome.value
    if on_error == "return" and isinstance(outcome.error, CimspiceError):
        return outcome.error
    raise outcome.error


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
