"""Run a campaign: what is not in the store yet goes to the workers, and comes back to the store as it
finishes.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd

from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Circuit, Plan, Point
from cimspice.campaign.specification import Specification, parse_specification
from cimspice.campaign.store import Record, Store
from cimspice.campaign.table import batches, failures, result_table
from cimspice.campaign.work import Chunk, Outcome, run_chunk
from cimspice.errors import CimspiceError, EngineMissing, PdkError, SimulationError

CHUNK_SECONDS = (
    0.5  # of work handed to a worker at once: what a kill can lose, and far above what handing over costs
)
_LONGEST_CHUNK = 256  # points


class Engine(Protocol):
    """What runs work: ``cimspice.spice.Pool``, or anything with this ``map``.

    ``map`` gives results in the items' order; with ``on_error="return"`` a lost item's result is its
    exception.
    """

    def map(
        self,
        function: Callable[[Any, Any], Any],
        items: Iterable[Any],
        *,
        on_error: Literal["raise", "return"] = ...,
    ) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Progress:
    """How far a campaign is, in points. ``done`` counts the ``cached`` ones too; ``done + failed`` are
    finished.
    """

    points: int
    done: int
    cached: int
    failed: int


@dataclass(frozen=True)
class Result:
    """What came of a campaign.

    Attributes
    ----------
    table
        Rows of all done points; see ``cimspice.campaign.table``.
    points, done, cached, failed
        Counts as in `Progress`; ``points = done + failed``.
    seconds
        Wall time of this run.
    failures
        The failed points with what is recorded of them.
    plan
        The points, for those who want more of them.
    """

    table: pd.DataFrame
    points: int
    done: int
    cached: int
    failed: int
    seconds: float
    failures: list[tuple[Point, Record]]
    plan: Plan


def run_campaign(
    specification: Specification,
    *,
    workers: int | None = None,
    progress: Callable[[Progress], object] | None = None,
    store: Store | Path | str | None = None,
    engine: AbstractContextManager[Engine] | None = None,
    environment: Environment | None = None,
) -> Result:
    """Run every point that is not done yet, and give the table of all.

    Points are stored as they finish: after an interruption (Ctrl-C, a kill) the same call goes on where it
    stopped. A failed point is recorded with its error and does not stop the others; a later run tries it
    again.

    Parameters
    ----------
    specification
        What to run.
    workers
        Worker processes; default: the pool's own choice.
    progress
        Called with `Progress` at the start and after every stored chunk.
    store
        Where finished points are kept: an open store, or its path; default: the user's shared one.
    engine
        What runs the work; default: a ``cimspice.spice.Pool``. Only opened if there is work.
    environment
        Simulator and models; default: those of this machine.

    Raises
    ------
    EngineMissing, PdkError, StoreError
        What no point can do without.
    """
    began = time.monotonic()
    plan = Plan(specification, environment or Environment.detect())
    with store_context(store) as kept:
        runner = _Runner(plan, kept, progress, workers or os.cpu_count() or 1)
        runner.run(engine if engine is not None else _pool(workers))
        table = result_table(plan, kept)
        failed = failures(plan, kept)
    return Result(
        table=table,
        points=len(plan),
        done=runner.done,
        cached=runner.cached,
        failed=runner.failed,
        seconds=time.monotonic() - began,
        failures=failed,
        plan=plan,
    )


def characterise(
    bench: str,
    *,
    sweep: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    corner: str | Sequence[str] = "tt",
    temperature: float | Sequence[float] = 27.0,
    workers: int | None = None,
    progress: Callable[[Progress], object] | None = None,
    store: Store | Path | str | None = None,
) -> pd.DataFrame:
    """The table of a sweep in one call: `run_campaign` without a file.

    Parameters
    ----------
    bench
        Name of the bench.
    sweep
        Parameter -> values (list, array, or ``{"start":, "stop":, "step": | "num":}``); ``"zip"`` as in a
        file.
    fixed
        Parameter -> value.
    corner, temperature
        One or several; degrees Celsius.
    workers, progress, store
        As for `run_campaign`.

    Raises
    ------
    ParameterError
        If a parameter is wrong.
    SimulationError
        If a point failed: a table that silently lacks rows would be fitted.
    """
    axes = {name: _plain(values) for name, values in (sweep or {}).items()}
    axes["corners"] = [corner] if isinstance(corner, str) else list(corner)
    axes["temperatures"] = _plain(temperature) if isinstance(temperature, Sequence) else [temperature]
    specification = parse_specification(
        {"campaign": {"bench": bench}, "parameters": dict(fixed or {}), "sweep": axes},
        source=f"characterise({bench!r})",
    )
    result = run_campaign(specification, workers=workers, progress=progress, store=store)
    if result.failed:
        point, record = result.failures[0]
        raise SimulationError(
            f"{result.failed} of {result.points} points failed; the first: {record.error}: {record.message}",
            place=f"bench {bench}, {point.given}, {point.corner}, {point.temperature:g} °C",
            remedy="leave these points out of the sweep, or change the solver options of the bench",
        )
    return result.table


def _plain(values: Any) -> Any:
    """numpy arrays and scalars as lists and numbers."""
    return values.tolist() if hasattr(values, "tolist") else values


def store_context(store: Store | Path | str | None) -> AbstractContextManager[Store]:
    """An open store as it is, to be left open; a path as a store that is closed afterwards."""
    return nullcontext(store) if isinstance(store, Store) else Store(store)


def _pool(workers: int | None) -> AbstractContextManager[Engine]:
    from cimspice.spice import Pool

    return Pool(workers=workers)


class _Runner:
    """The state of one run: counts, and the chunks that are on their way."""

    def __init__(
        self, plan: Plan, store: Store, progress: Callable[[Progress], object] | None, workers: int
    ) -> None:
        self.plan, self.store, self.progress, self.workers = plan, store, progress, workers
        self.done = self.cached = self.failed = 0
        self.chunk_length = 1
        self.spent: list[float] = []  # wall seconds per point, of the first chunks

    def run(self, engine: AbstractContextManager[Engine]) -> None:
        self._tell()
        chunks = self._chunks()
        first = next(chunks, None)
        if first is None:
            self._tell()
            return
        with engine as running:
            # Single points first: they say how many make a chunk.
            pilots = [first, *islice(chunks, self.workers - 1)]
            again = self._work(running, pilots)
            self._choose_length()
            again += self._work(running, chunks)
            # A worker was lost or ran out of time: which of its points did it?
            singles = [Chunk(chunk.circuit, (point,)) for chunk in again for point in chunk.points]
            self._work(running, singles)

    def _chunks(self) -> Iterator[Chunk]:
        """Points that are not done, in chunks of one circuit each; ``chunk_length`` may change on the way."""
        waiting: list[Point] = []
        for point in self._missing():
            if waiting and (point.circuit is not waiting[0].circuit or len(waiting) >= self.chunk_length):
                yield _chunk(waiting)
                waiting = []
            waiting.append(point)
        if waiting:
            yield _chunk(waiting)

    def _missing(self) -> Iterator[Point]:
        for points in batches(self.plan):
            known = self.store.done([point.digest for point in points])
            self.cached += len(known)
            self.done += len(known)
            refused = [point for point in points if point.error is not None]
            if refused:
                self._keep(refused, [Outcome(None, point.error, 0.0, 0.0) for point in refused])
            for point in points:
                if point.digest not in known and point.error is None:
                    yield point

    def _choose_length(self) -> None:
        if self.spent:
            per_point = max(sum(self.spent) / len(self.spent), 1e-4)
            fair = -(-len(self.plan) // (4 * self.workers))  # so that all workers end at about the same time
            self.chunk_length = max(1, min(int(CHUNK_SECONDS / per_point), fair, _LONGEST_CHUNK))

    def _work(self, engine: Engine, chunks: Iterable[Chunk]) -> list[Chunk]:
        """Run chunks and store what comes; returns those that were lost whole and hold several points."""
        sent: deque[Chunk] = deque()
        lost: list[Chunk] = []

        def sending() -> Iterator[Chunk]:
            for chunk in chunks:
                sent.append(chunk)
                yield chunk

        for answer in engine.map(run_chunk, sending(), on_error="return"):
            chunk = sent.popleft()
            if isinstance(answer, EngineMissing | PdkError):
                raise answer
            if not isinstance(answer, BaseException):
                self._keep(chunk.points, answer)
                self.spent.extend(outcome.wall_seconds for outcome in answer)
            elif len(chunk.points) > 1:
                lost.append(chunk)
            else:
                error = answer if isinstance(answer, CimspiceError) else SimulationError(str(answer))
                self._keep(chunk.points, [Outcome(None, error, 0.0, 0.0)])
        return lost

    def _keep(self, points: Sequence[Point], outcomes: Sequence[Outcome]) -> None:
        bench = self.plan.specification.bench.name
        self.store.record(
            _record(bench, point, outcome) for point, outcome in zip(points, outcomes, strict=True)
        )
        failed = sum(outcome.error is not None for outcome in outcomes)
        self.failed += failed
        self.done += len(outcomes) - failed
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(Progress(len(self.plan), self.done, self.cached, self.failed))


def _chunk(points: list[Point]) -> Chunk:
    circuit = points[0].circuit
    assert isinstance(circuit, Circuit)  # refused points, which have none, are never sent
    return Chunk(circuit, tuple(points))


def _record(bench: str, point: Point, outcome: Outcome) -> Record:
    error = outcome.error
    return Record(
        digest=point.digest,
        bench=bench,
        parameters=point.given,
        corner=point.corner,
        temperature=point.temperature,
        rows=outcome.rows,
        error=None if error is None else type(error).__name__,
        message=None if error is None else str(error),
        cpu_seconds=outcome.cpu_seconds,
    )
