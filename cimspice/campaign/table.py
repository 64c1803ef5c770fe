"""From finished points to one tidy table: a row per measured row, conditions beside what was measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pandas as pd

from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.store import Record, Store
from cimspice.circuits import Bench

_BATCH = 500


def batches(points: Iterable[Point], size: int = _BATCH) -> Iterator[list[Point]]:
    """Points in lists of at most ``size``."""
    iterator = iter(points)
    while batch := list(islice(iterator, size)):
        yield batch


def result_table(plan: Plan, store: Store) -> pd.DataFrame:
    """All done points of a plan, in its order.

    Columns: fixed and swept parameters, ``corner``, ``temperature`` (degrees Celsius), then the bench's
    columns. ``attrs["units"]`` maps column to unit; ``attrs["provenance"]`` says what the numbers rest on,
    and ``digest`` there is the SHA-256 over the points' digests.
    """
    bench = plan.specification.bench
    given = (*plan.specification.parameters, *plan.specification.swept)
    conditions = [*(name for name in given if name not in bench.columns), "corner", "temperature"]
    columns: dict[str, list[Any]] = {name: [] for name in (*conditions, *bench.columns)}
    digest = hashlib.sha256()
    for points in batches(plan):
        records = store.read([point.digest for point in points])
        for point in points:
            record = records.get(point.digest)
            if record is not None and record.rows is not None:
                digest.update(point.digest.encode())
                _append(columns, conditions, point, record.rows, bench)
    table = pd.DataFrame(columns)
    table.attrs["units"] = units(bench, conditions)
    table.attrs["conditions"] = conditions
    table.attrs["provenance"] = {
        "bench": bench.name,
        "title": plan.specification.title,
        "code": plan.code,
        "digest": digest.hexdigest(),
        **plan.environment.provenance(),
    }
    return table


def _append(
    columns: dict[str, list[Any]],
    conditions: list[str],
    point: Point,
    rows: dict[str, list[Any]],
    bench: Bench,
) -> None:
    known = {**point.given, "corner": point.corner, "temperature": point.temperature}
    count = len(next(iter(rows.values())))
    for name in conditions:
        columns[name].extend([known[name]] * count)
    for name in bench.columns:
        columns[name].extend(rows[name])


def units(bench: Bench, conditions: Iterable[str]) -> dict[str, str]:
    """Unit of every column of a bench's table; ``""`` where there is none."""
    properties = bench.Parameters.model_json_schema().get("properties", {})
    found = {name: str(properties.get(name, {}).get("unit", "")) for name in conditions}
    return {**found, "temperature": "°C", **bench.columns}


def failures(plan: Plan, store: Store) -> list[tuple[Point, Record]]:
    """The plan's failed points and what is recorded of them, in its order."""
    found = []
    for points in batches(plan):
        records = store.read([point.digest for point in points])
        found.extend(
            (point, record) for point in points if (record := records.get(point.digest)) and record.error
        )
    return found
