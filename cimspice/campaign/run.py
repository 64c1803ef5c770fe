"""Run a campaign: what is not in the store yet goes to the workers, and comes back to the store as it
finishes.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cimspice.campaign.environment import Environment
from cimspice.campaign.limits import LimitResult, Yield
from cimspice.campaign.plan import Plan, Point
from cimspice.campaign.runner import Engine, Runner
from cimspice.campaign.specification import Specification
from cimspice.campaign.store import Record, Store
from cimspice.campaign.table import gather
from cimspice.notebook import head, shown
from cimspice.progress import OnProgress, silent

if TYPE_CHECKING:
    from cimspice.campaign.adaptive import Outcome, Search


@dataclass(frozen=True)
class Result:
    """What came of a campaign."""

    table: pd.DataFrame
    """Rows of all done points; see ``cimspice.campaign.table``."""
    points: int
    done: int
    cached: int
    failed: int
    """``points``, ``done``, ``cached``, ``failed``: counts as in `Progress`; ``points = done + failed``
    unless the run was ``stopped``."""
    seconds: float
    """Wall time of this run."""
    failures: list[tuple[Point, Record]]
    """The failed points with what is recorded of them."""
    plan: Plan
    """The points, for those who want more of them."""
    cpu_seconds: float = 0.0
    """Of the workers, over all done points: now or when a point was first run."""
    relaxed: int = 0
    """Done points that converged with relaxed options only (``[failures]`` of the campaign)."""
    stopped: bool = False
    """Whether the run ended before all points were run, because too many failed."""
    limits: list[LimitResult] = field(default_factory=list)
    """What came of each limit of the campaign."""
    overall: Yield | None = None
    """Yield over all limits together; None without limits."""
    store: Path | None = None
    """File of the store."""
    adaptive: Outcome | None = None
    """How points were chosen; None: all of the grid were run."""

    def _repr_html_(self) -> str:
        names = ("points", "done", "cached", "failed", "relaxed", "seconds", "cpu_seconds")
        facts = {name: getattr(self, name) for name in names}
        return shown("Campaign", {**facts, "rows": len(self.table)}, head(self.table))


def run_campaign(
    specification: Specification,
    *,
    workers: int | None = None,
    progress: OnProgress = silent,
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
        used = engine if engine is not None else pool_for(plan, workers)
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
        cpu_seconds=gathered.cpu_seconds,
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


def store_context(store: Store | Path | str | None) -> AbstractContextManager[Store]:
    """An open store as it is, to be left open; a path as a store that is closed afterwards."""
    return nullcontext(store) if isinstance(store, Store) else Store(store)


def pool_for(plan: Plan, workers: int | None) -> AbstractContextManager[Engine]:
    """No more processes than there are points."""
    from cimspice.spice import Pool
    from cimspice.spice.pool import processors

    count = processors() if workers is None else workers
    return Pool(min(count, len(plan)), time_limit=plan.specification.policy.time_limit)
