"""Hand a plan's unfinished points to the workers in chunks, and their results to the store as they come."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import chain
from typing import Any, Literal, Protocol

from cimspice.bench.bench_call import options_of
from cimspice.campaign.plan import Circuit, Plan, Point
from cimspice.campaign.policy import relaxed, relaxed_digest
from cimspice.campaign.provenance import require_same_code
from cimspice.campaign.store import Record, Store
from cimspice.campaign.table import batches, finished
from cimspice.campaign.work import Chunk, Outcome, run_chunk
from cimspice.errors import CimspiceError, EngineMissing, PdkError, SimulationError
from cimspice.progress import OnProgress, Progress
from cimspice.spice.pool import Finished

CHUNK_SECONDS = 0.5  # of work handed over at once: what a kill can lose, far above what handing over costs
_LONGEST_CHUNK = 256  # points
_FEW_WORKERS = 16  # beyond, chunks become longer: one process hands them all out, and stores what comes


class Engine(Protocol):
    """What runs work: ``cimspice.spice.Pool``, or anything with this ``map``.

    With ``on_error="return"`` a lost item's result is its exception. With ``ordered=False`` results come as
    they finish, as ``cimspice.spice.pool.Finished``; an engine that cannot do this gives them bare, in the
    items' order.
    """

    def map(
        self,
        function: Callable[[Any, Any], Any],
        items: Iterable[Any],
        *,
        on_error: Literal["raise", "return"] = ...,
        ordered: bool = ...,
    ) -> Iterator[Any]: ...


class Runner:
    """The state of one run: counts, and the chunks that are on their way."""

    def __init__(self, plan: Plan, store: Store, progress: OnProgress, workers: int) -> None:
        self.plan, self.store, self.progress, self.workers = plan, store, progress, workers
        self.policy, self.keep = plan.specification.policy, plan.specification.keep.vectors
        self.done = self.cached = self.failed = self.relaxed = 0
        self.longest = 2  # points that make a chunk; at first two: the second finds its circuit loaded
        self.least = 0  # however near the end is
        self.left = len(plan)  # points not planned yet

    def run(self, engine: AbstractContextManager[Engine]) -> None:
        chunks = self._chunks()
        first = next(chunks, None)
        self._report_progress()  # with what is known from before
        if first is None:
            return
        self.store.require_writable()
        with engine as running:
            self.workers = getattr(running, "size", self.workers)
            again = self._work(running, chain([first], chunks))
            # A worker was lost or ran out of time: which of its points did it?
            self._work(running, (self._chunk([point]) for one in again for point in one.points))

    @property
    def stopped(self) -> bool:
        """Whether so many points have failed that the campaign asks to run no more."""
        most = self.policy.stop_after
        return most is not None and self.failed >= most and self.done + self.failed < len(self.plan)

    def _chunks(self) -> Iterator[Chunk]:
        """Points that are not done, in chunks of one circuit each."""
        waiting: list[Point] = []
        for point in self._missing():
            if waiting and (point.circuit is not waiting[0].circuit or len(waiting) >= self._chunk_length()):
                yield self._chunk(waiting)
                waiting = []
            waiting.append(point)
        if waiting:
            yield self._chunk(waiting)

    def _missing(self) -> Iterator[Point]:
        for points in batches(self.plan):
            if self.stopped:
                return
            known = finished(points, self.store, self.policy, self.keep)
            self.cached += len(known)
            self.done += len(known)
            refused = [point for point in points if point.error is not None]
            if refused:
                self._keep(refused, [Outcome(None, point.error, 0.0, 0.0) for point in refused])
            for point in points:
                self.left -= 1
                if point.digest not in known and point.error is None:
                    yield point

    def _chunk(self, points: Sequence[Point]) -> Chunk:
        circuit = points[0].circuit
        assert isinstance(circuit, Circuit)  # refused points, which have none, are never sent
        return Chunk(circuit, tuple(points), relax=self.policy.retry == "relaxed", keep=self.keep)

    def _chunk_length(self) -> int:
        """Shorter towards the end, so that all workers end at about the same time."""
        fair = max(self.left // (4 * self.workers), self.least, 1)
        return min(self.longest, fair)

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        """How many points make a chunk, by the quickest of the latest (one that found its circuit loaded)."""
        walls = [outcome.wall_seconds for outcome in outcomes if outcome.error is None]
        if walls:
            wall, longer = max(min(walls), 1e-4), max(1.0, self.workers / _FEW_WORKERS)
            self.least = min(int(CHUNK_SECONDS / wall), _LONGEST_CHUNK) // 8
            self.longest = max(1, int(longer * min(CHUNK_SECONDS / wall, _LONGEST_CHUNK)))

    def _work(self, engine: Engine, chunks: Iterable[Chunk]) -> list[Chunk]:
        """Run chunks and store what comes; returns those that were lost whole and hold several points."""
        sent: dict[int, Chunk] = {}
        lost: list[Chunk] = []

        def sending() -> Iterator[Chunk]:
            for index, chunk in enumerate(chunks):
                if self.stopped:
                    return
                sent[index] = chunk
                yield chunk

        for count, answer in enumerate(engine.map(run_chunk, sending(), on_error="return", ordered=False)):
            index, result = answer if isinstance(answer, Finished) else (count, answer)
            chunk = sent.pop(index)
            if isinstance(result, EngineMissing | PdkError):
                raise result
            if not isinstance(result, BaseException):
                self._keep(chunk.points, result)
                self._learn(result)
            elif len(chunk.points) > 1:
                lost.append(chunk)
            else:
                error = result if isinstance(result, CimspiceError) else SimulationError(str(result))
                self._keep(chunk.points, [Outcome(None, error, 0.0, 0.0)])
        return lost

    def _keep(self, points: Sequence[Point], outcomes: Sequence[Outcome]) -> None:
        require_same_code(type(self.plan.specification.bench), self.plan.code)
        pairs = list(zip(points, outcomes, strict=True))
        waveforms = {
            point.digest if outcome.error is None else relaxed_digest(point.digest): outcome.waveforms
            for point, outcome in pairs
            if outcome.waveforms is not None
        }
        records = (record for point, outcome in pairs for record in _records(self.plan, point, outcome))
        self.store.record(records, waveforms)
        failed = sum(outcome.rows is None for outcome in outcomes)
        self.failed += failed
        self.done += len(outcomes) - failed
        self.relaxed += sum(outcome.rows is not None and outcome.error is not None for outcome in outcomes)
        self._report_progress()

    def _report_progress(self) -> None:
        self.progress(Progress(len(self.plan), self.done, self.cached, self.failed, self.relaxed))


def _records(plan: Plan, point: Point, outcome: Outcome) -> Iterator[Record]:
    """What is kept of a point; two records if only relaxed options helped."""
    bench = plan.specification.bench
    sample = {} if point.sample is None else {"sample": point.sample}
    known = Record(
        digest=point.digest,
        bench=bench.name,
        parameters={**point.given, **sample},
        corner=point.corner,
        temperature=point.temperature,
        rows=outcome.rows,
        error=None,
        message=None,
        cpu_seconds=outcome.cpu_seconds,
    )
    error = outcome.error
    if error is not None:
        yield replace(known, rows=None, error=type(error).__name__, message=str(error))
    if outcome.rows is not None and error is not None and point.parameters is not None:
        options = relaxed(options_of(bench, point.parameters))
        note = f"with relaxed options: {options.card}"
        yield replace(known, digest=relaxed_digest(point.digest), message=note)
    elif error is None:
        yield known
