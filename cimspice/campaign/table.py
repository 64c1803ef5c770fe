"""From finished points to one tidy table: a row per measured row, conditions beside what was measured."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from cimspice.bench import Bench
from cimspice.campaign.limits import WITHIN, LimitResult, Yield, judge
from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.policy import FailurePolicy, relaxed_digest
from cimspice.campaign.store import Record, Store

_BATCH = 500
_ROWS_AS_OBJECTS = 50_000  # a Python float takes four times the room of one in a column


def batches(points: Iterable[Point], size: int = _BATCH) -> Iterator[list[Point]]:
    """Points in lists of at most ``size``."""
    iterator = iter(points)
    while batch := list(islice(iterator, size)):
        yield batch


@dataclass(frozen=True)
class Gathered:
    """What the store holds of a plan."""

    table: pd.DataFrame
    """Rows of all done points, in the plan's order. Columns: fixed and swept parameters, ``corner``,
    ``temperature`` (degrees Celsius), ``sample`` with Monte Carlo, ``point`` (place in the plan, from 0) if
    waveforms are kept, the bench's columns, then ``relaxed`` (whether the point converged only with relaxed
    options) and ``within_limits`` where the campaign has such a policy or limits. ``attrs["units"]`` maps
    column to unit; ``attrs["provenance"]`` says what the numbers rest on; there ``digest`` is the SHA-256
    over the points' digests, ``design`` has templates and included model files with the first 16 digits of
    theirs."""
    failures: list[tuple[Point, Record]]
    """Failed points and what is recorded of them, in the plan's order."""
    limits: list[LimitResult]
    """What came of each limit."""
    overall: Yield | None
    """Yield over all limits together; None without limits."""
    cpu_seconds: float
    """Of the workers, over all done points."""


def gather(plan: Plan, store: Store) -> Gathered:
    """Table and failures of a plan, in one pass over it."""
    specification = plan.specification
    bench = specification.bench
    given = (*specification.parameters, *specification.swept)
    conditions = [*(name for name in given if name not in bench.columns), "corner", "temperature"]
    conditions += ["sample"] if specification.monte_carlo else []
    conditions += ["point"] if specification.keep.vectors is not None else []
    marks = ["relaxed"] if specification.policy.retry == "relaxed" else []
    names = (*conditions, *bench.columns, *marks)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    frames: list[pd.DataFrame] = []
    owner: list[int] = []
    failed: list[tuple[Point, Record]] = []
    digest = hashlib.sha256()
    design: dict[str, str] = {}
    seconds = 0.0
    for points in batches(plan):
        for point, record, is_relaxed in recorded(points, store, specification.policy):
            if record.rows is None:
                failed.append((point, record))
                continue
            digest.update(record.digest.encode())
            seconds += record.cpu_seconds
            if point.circuit is not None:
                design |= point.circuit.netlist.sources
            count = len(next(iter(record.rows.values())))
            known = {**point.conditions, "relaxed": is_relaxed, "point": point.index}
            for name in (*conditions, *marks):
                columns[name].extend([known[name]] * count)
            for name in bench.columns:
                columns[name].extend(record.rows[name])
            owner.extend([point.index] * count)
        if len(columns["corner"]) >= _ROWS_AS_OBJECTS:
            frames.append(pd.DataFrame(columns))
            columns = {name: [] for name in names}
    if columns["corner"] or not frames:
        frames.append(pd.DataFrame(columns))
    table = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    results: list[LimitResult] = []
    overall = None
    if specification.limits:
        within, results, overall = judge(table, owner, specification.limits, conditions)
        table[WITHIN] = within
        marks.append(WITHIN)
    table.attrs["units"] = {**units(bench, conditions), **dict.fromkeys(marks, "")}
    table.attrs["conditions"] = conditions
    table.attrs["provenance"] = {
        "bench": bench.name,
        "title": specification.title,
        "code": plan.code,
        "digest": digest.hexdigest(),
        "design": {name: content[:16] for name, content in design.items()},
        **plan.environment.provenance(),
    }
    return Gathered(table, failed, results, overall, seconds)


def recorded(
    points: Sequence[Point], store: Store, policy: FailurePolicy
) -> Iterator[tuple[Point, Record, bool]]:
    """Those of the points of which something is recorded: done if any try that the policy allows is done; and
    whether it is done with relaxed options only.
    """
    records = store.read([point.digest for point in points])
    second: dict[str, Record] = {}
    if policy.retry == "relaxed":
        undone = [digest for digest, record in records.items() if record.rows is None]
        second = store.read([relaxed_digest(digest) for digest in undone])
    for point in points:
        record = records.get(point.digest)
        if record is None:
            continue
        again = second.get(relaxed_digest(point.digest)) if record.rows is None and second else None
        if again is not None and again.rows is not None:
            yield point, again, True
        else:
            yield point, record, False


def finished(
    points: Sequence[Point], store: Store, policy: FailurePolicy, keep: tuple[str, ...] | None
) -> set[str]:
    """Digests of those of the points that are done, by any try that the policy allows, with the waveforms
    that are to be kept (empty: all; None: none).
    """
    done = _done([point.digest for point in points], store, keep)
    if policy.retry == "relaxed":
        second = {relaxed_digest(point.digest): point.digest for point in points if point.digest not in done}
        done |= {second[digest] for digest in _done(list(second), store, keep)}
    return done


def _done(digests: list[str], store: Store, keep: tuple[str, ...] | None) -> set[str]:
    done = store.done(digests)
    return done if keep is None else done & store.with_waveforms(list(done), keep).keys()


def units(bench: Bench, conditions: Iterable[str]) -> dict[str, str]:
    """Unit of every column of a bench's table; ``""`` where there is none."""
    properties = bench.Parameters.model_json_schema().get("properties", {})
    found = {name: str(properties.get(name, {}).get("unit", "")) for name in conditions}
    return {**found, "temperature": "°C", **bench.columns}
