"""The one way to simulate and measure: a bench at one point, at many, or over a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.bench.bench import bench as find_bench
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.run import pool_for, run_campaign, store_context
from cimspice.campaign.runner import Engine, Runner
from cimspice.campaign.specification import Specification, parse_specification
from cimspice.campaign.store import Record, Store
from cimspice.campaign.table import recorded
from cimspice.errors import ParameterError, SimulationError
from cimspice.netlist import NetlistParameters
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent

Parameters = Mapping[str, Any] | NetlistParameters


def run_bench(
    bench: str,
    parameters: Parameters | Sequence[Parameters] | None = None,
    conditions: Conditions | None = None,
    *,
    sweep: Mapping[str, Any] | None = None,
    monte_carlo: Mapping[str, Any] | None = None,
    workers: int | None = None,
    store: Store | Path | str | None = None,
    engine: AbstractContextManager[Engine] | None = None,
    progress: OnProgress = silent,
    include_roots: Sequence[str | Path] = (),
    time_limit: float = 600.0,
    relax: bool = False,
) -> pd.DataFrame:
    """Simulate and measure. What the store has is not run again; what finishes is kept.

    Parameters
    ----------
    bench
        Name of the bench.
    parameters
        Its parameters; those left out have their defaults. Or a list of such: many runs that share no axes.
    conditions
        Corner and temperature; default: tt, 27 °C.
    sweep
        Parameter -> values (list, array, or ``{"start":, "stop":, "step": | "num":}``); ``"zip"``,
        ``"corners"`` and ``"temperatures"`` (°C) as in a campaign file. Not with a list of runs.
    monte_carlo
        As ``[monte_carlo]`` of a campaign file: every run is simulated for each of its samples.
    workers, store, engine, progress
        As for ``run_campaign``.
    include_roots
        Folders from which the bench's template may include model files (see docs/netlists.md).
    time_limit
        Seconds that a point may take before its worker is killed and it fails.
    relax
        Whether a point that does not converge is run again with relaxed options
        (`cimspice.campaign.policy.relaxed`).

    Returns
    -------
    pandas.DataFrame
        Measured rows. Of a list of runs with a column ``run`` (index into the list) before them, of a sweep
        with the columns of a campaign's table, with ``monte_carlo`` a column ``sample``.
        ``attrs["cpu_seconds"]``: of ngspice's workers, now or when a point was first run;
        ``attrs["relaxed"]``: points that converged with relaxed options only.

    Raises
    ------
    ParameterError
        If a parameter is wrong.
    SimulationError
        If a point failed: a table that silently lacks rows would be fitted. The others are finished and kept.
    """
    environment = Environment.detect(include_roots)
    several = isinstance(parameters, Sequence)
    runs = [_plain(given) for given in (parameters if several else [parameters or {}])]
    if not runs:
        return pd.DataFrame({"run": [], **{name: [] for name in find_bench(bench).columns}})
    specification = _specification(bench, runs[0], conditions, sweep or {}, monte_carlo, time_limit, relax)
    if sweep is not None:
        if several:
            raise ParameterError(
                "a sweep of a list of runs", place=f"bench {bench}", remedy="give one mapping of parameters"
            )
        result = run_campaign(
            specification,
            workers=workers,
            progress=progress,
            store=store,
            environment=environment,
            engine=engine,
        )
        _require_all(result.failures, result.points, bench)
        table = result.table.drop(columns="relaxed", errors="ignore")
        return _counted(table, result.cpu_seconds, result.relaxed)
    plan = _Points.of(specification, runs, environment)
    points = plan.points
    with store_context(store) as kept:
        Runner(plan, kept, progress, workers or 1).run(
            engine if engine is not None else pool_for(plan, workers)
        )
        found = list(recorded(points, kept, specification.policy))
    failures = [(point, record) for point, record, _ in found if record.rows is None]
    _require_all(failures, len(points), bench)
    frames = [pd.DataFrame(record.rows) for _, record, _ in found]
    for (point, _, _), frame in zip(found, frames, strict=True):
        if point.sample is not None:
            frame.insert(0, "sample", point.sample)
        if several:
            frame.insert(0, "run", point.index)
    table = pd.concat(frames, ignore_index=True)
    seconds = sum(record.cpu_seconds for _, record, _ in found)
    return _counted(table, seconds, len({point.digest for point, _, again in found if again}))


def _counted(table: pd.DataFrame, cpu_seconds: float, relaxed: int) -> pd.DataFrame:
    table.attrs |= {"cpu_seconds": cpu_seconds, "relaxed": relaxed}
    return table


def characterise(
    bench: str,
    *,
    sweep: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    corner: str | Sequence[str] = "tt",
    temperature: float | Sequence[float] = 27.0,
    **options: Any,
) -> pd.DataFrame:
    """:func:`run_bench` over a sweep, with one or several corners and temperatures (°C); ``fixed`` are its
    parameters, ``options`` its other keywords.
    """
    conditions = {
        "corners": [corner] if isinstance(corner, str) else list(corner),
        "temperatures": _listed(temperature) if isinstance(temperature, Sequence) else [temperature],
    }
    return run_bench(bench, fixed, sweep={**(sweep or {}), **conditions}, **options)


@dataclass(frozen=True)
class _Points(Plan):
    """A plan of points that share no axes."""

    points: tuple[Point, ...] = ()

    @classmethod
    def of(
        cls, specification: Specification, runs: list[dict[str, Any]], environment: Environment
    ) -> _Points:
        """Planned points of the runs; an error of the first that is refused."""
        plan = Plan(specification, environment)
        points: list[Point] = []
        for index, given in enumerate(runs):
            one = replace(specification, parameters=given)
            for point in Plan(one, environment, plan.code):  # one setting, one corner, one temperature
                if point.error is not None:
                    raise point.error
                points.append(replace(point, index=index))
        return cls(specification, environment, plan.code, tuple(points))

    @property
    def _different(self) -> dict[str, Point]:
        """What several runs ask for is run once."""
        return {point.digest: point for point in self.points}

    def __len__(self) -> int:
        return len(self._different)

    def __iter__(self) -> Iterator[Point]:
        return iter(self._different.values())


def _specification(
    bench: str,
    fixed: Mapping[str, Any],
    conditions: Conditions | None,
    sweep: Mapping[str, Any],
    monte_carlo: Mapping[str, Any] | None,
    time_limit: float,
    relax: bool,
) -> Specification:
    axes = {name: _listed(values) for name, values in sweep.items()}
    if conditions is not None:
        twice = {"corners", "temperatures"} & axes.keys()
        if twice:
            raise ParameterError(
                f"conditions, and {' and '.join(sorted(twice))} of a sweep",
                place=f"bench {bench}",
                remedy="give corner and temperature once",
            )
        axes |= {"corners": [conditions.corner], "temperatures": [conditions.temperature]}
    return parse_specification(
        {
            "campaign": {"bench": bench},
            "parameters": dict(fixed),
            "sweep": axes,
            "failures": {"time_limit": time_limit, "retry": "relaxed" if relax else "none"},
            **({} if monte_carlo is None else {"monte_carlo": dict(monte_carlo)}),
        },
        source=f"bench {bench}",
    )


def _plain(parameters: Parameters) -> dict[str, Any]:
    """As JSON would hold them."""
    return _listed(parameters)


def _listed(value: Any) -> Any:
    """Parameter models as mappings, numpy arrays and scalars as lists and numbers, however deep."""
    if isinstance(value, NetlistParameters):
        return value.model_dump(mode="json", round_trip=True)
    if isinstance(value, Mapping):
        return {name: _listed(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _require_all(failures: Sequence[tuple[Point, Record]], points: int, bench: str) -> None:
    if failures:
        point, record = failures[0]
        settings = sorted((f"{name}={value}" for name, value in point.given.items()), key=len)
        raise SimulationError(
            f"{len(failures)} of {points} points of {bench} failed; "
            f"the first: {record.error}: {record.message}",
            place=f"{', '.join(settings)[:200]}, {point.corner}, {point.temperature:g} °C",
            remedy="see the message; finished points are kept, the same call tries the others again",
        )
