"""Run a campaign: what is not in the store yet goes to the workers, and comes back to the store as it
finishes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cimspice.campaign.environment import Environment
from cimspice.campaign.limits import LimitResult, Yield
from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.runner import Engine, Progress, Runner
from cimspice.campaign.specification import Specification, parse_specification
from cimspice.campaign.store import Record, Store
from cimspice.campaign.table import gather
from cimspice.errors import SimulationError

if TYPE_CHECKING:
    from cimspice.campaign.adaptive import Outcome, Search


@dataclass(frozen=True)
class Result:
    """What came of a campaign.

    Attributes
    ----------
    table
        Rows of all done points; see ``cimspice.campaign.table``.
    points, done, cached, failed
        Counts as in `Progress`; ``points = done + failed`` unless the run was ``stopped``.
    seconds
        Wall time of this run.
    failures
        The failed points with what is recorded of them.
    plan
        The points, for those who want more of them.
    relaxed
        Done points that converged with relaxed options only (``[failures]`` of the campaign).
    stopped
        Whether the run ended before all points were run, because too many failed.
    limits
        What came of each limit of the campaign.
    overall
        Yield over all limits together; None without limits.
    store
        File of the store.
    adaptive
        How points were chosen; None: all of the grid were run.
    """

    table: pd.DataFrame
    points: int
    done: int
    cached: int
    failed: int
    seconds: float
    failures: list[tuple[Point, Record]]
    plan: Plan
    relaxed: int = 0
    stopped: bool = False
    limits: list[LimitResult] = field(default_factory=list)
    overall: Yield | None = None
    store: Path | None = None
    adaptive: Outcome | None = None


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
        What runs the work, ``cimspice.campaign.Cluster("tcp://host:8786")`` for instance; default: a
        ``cimspice.spice.Pool``. Only opened if there is work.
    environment
        Simulator and models; default: those of this machine.

    Raises
    ------
    EngineMissing, PdkError, StoreError
        What no point can do without.
    """
    began = time.monotonic()
    plan = Plan(specification, environment or Environment.detect())
    adaptive = None
    with store_context(store) as kept:
        kind = Runner if specification.adaptive is None else _search()
        runner = kind(plan, kept, progress, workers or os.cpu_count() or 1)
        used = engine if engine is not None else _pool(workers, plan)
        if not isinstance(runner, Runner):
            adaptive, plan = runner.run(used), runner.selection
        else:
            runner.run(used)
        gathered = gather(plan, kept)
    return Result(
        table=gathered.table,
        points=len(plan),
        done=runner.done,
        cached=runner.cached,
        failed=runner.failed,
        seconds=time.monotonic() - began,
        failures=gathered.failures,
        plan=plan,
        relaxed=runner.relaxed,
        stopped=runner.stopped,
        limits=gathered.limits,
        overall=gathered.overall,
        store=kept.path,
        adaptive=adaptive,
    )


def _search() -> type[Search]:
    """Imported when used: it needs scipy, which would make the start of every worker twice as long."""
    from cimspice.campaign.adaptive import Search

    return Search


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
    include_roots: Sequence[str | Path] = (),
    engine: AbstractContextManager[Engine] | None = None,
    time_limit: float = 600.0,
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
    workers, progress, store, engine
        As for `run_campaign`.
    time_limit
        Seconds that a point may take before its worker is killed and it fails.
    include_roots
        Folders from which the bench's template may include model files (see docs/netlists.md).

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
        {
            "campaign": {"bench": bench},
            "parameters": dict(fixed or {}),
            "sweep": axes,
            "failures": {"time_limit": time_limit},
        },
        source=f"characterise({bench!r})",
    )
    result = run_campaign(
        specification,
        workers=workers,
        progress=progress,
        store=store,
        environment=Environment.detect(include_roots),
        engine=engine,
    )
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


def _pool(workers: int | None, plan: Plan) -> AbstractContextManager[Engine]:
    """No more processes than there are points."""
    from cimspice.spice import Pool
    from cimspice.spice.pool import processors

    count = processors() if workers is None else workers
    return Pool(min(count, len(plan)), time_limit=plan.specification.policy.time_limit)
