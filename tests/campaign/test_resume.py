"""A campaign whose process is killed with SIGKILL at any moment goes on where it stopped."""

from __future__ import annotations

import random
import time
from multiprocessing import Process, get_context
from pathlib import Path

import pandas as pd
import pytest
from campaign_fakes import ENVIRONMENT, FakePool

from cimspice.campaign import Store, parse_specification, run_campaign

CAMPAIGN = {
    "campaign": {"bench": "test_divider"},
    "sweep": {
        "lower_resistance": [100.0, 1000.0, 3000.0],
        "supply": {"start": 0.1, "stop": 2.0, "step": 0.1},
        "corners": ["tt", "ss"],
    },
}
POINTS = 120


def start(store: Path, log: Path, most: int) -> Process:
    """The campaign in a process of its own, which waits after so many points: forked, as it needs nothing
    that this one has not imported.
    """
    process = get_context("fork").Process(target=work, args=(store, log, most))
    process.start()
    return process


def work(store: Path, log: Path, most: int) -> None:
    run_campaign(
        parse_specification(CAMPAIGN),
        workers=2,
        store=store,
        engine=FakePool(log=log, pause=0.004, most=most),
        environment=ENVIRONMENT,
    )


def lines(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def done(store: Path, digests: list[str]) -> set[str]:
    with Store(store) as opened:
        return opened.done(digests)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_campaign_resumes_to_the_same_table_and_runs_no_finished_point_again(tmp_path, seed):
    draw = random.Random(seed)
    store = tmp_path / "points.sqlite"
    with Store(tmp_path / "whole.sqlite") as other:
        specification = parse_specification(CAMPAIGN)
        whole = run_campaign(
            specification, workers=2, store=other, engine=FakePool(), environment=ENVIRONMENT
        )
    digests = [point.digest for point in whole.plan]
    assert len(digests) == POINTS

    kills = 0
    for attempt in range(10):
        log = tmp_path / f"ran-{attempt}"
        before = done(store, digests)
        moment = draw.randrange(1, 56)
        process = start(store, log, moment + 4)  # it is there still for a kill that comes late
        deadline = time.monotonic() + 60
        while process.is_alive() and len(lines(log)) < moment and time.monotonic() < deadline:
            time.sleep(0.002)
        kills += process.is_alive()
        process.kill()
        process.join()
        assert before <= done(store, digests), "a finished point was lost"
        assert not before & set(lines(log)), "a finished point was run again"
        if len(done(store, digests)) == POINTS:
            break
    assert kills >= 2  # twice 55 + 4 points are not all

    last = FakePool()
    resumed = run_campaign(specification, workers=2, store=store, engine=last, environment=ENVIRONMENT)
    assert not set(last.ran) & before
    assert (resumed.done, resumed.failed) == (POINTS, 0)
    pd.testing.assert_frame_equal(resumed.table, whole.table, check_exact=True)
