"""A point that fails is tried again, or stops the campaign, exactly as the file says; the table shows it."""

from __future__ import annotations

import json
import sqlite3

import pytest
from campaign_fakes import ENVIRONMENT, FakePool

from cimspice.campaign import Store, parse_specification, run_campaign
from cimspice.campaign.export import describe
from cimspice.campaign.policy import relaxed
from cimspice.errors import ParameterError
from cimspice.spice import SolverOptions


def specification(policy=None, **sweep):
    raw = {"campaign": {"bench": "test_divider"}, "sweep": sweep}
    return parse_specification(raw | ({"failures": policy} if policy else {}))


def run(store, pool, policy=None, **sweep):
    return run_campaign(
        specification(policy, **sweep), workers=1, store=store, engine=pool, environment=ENVIRONMENT
    )


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "points.sqlite") as opened:
        yield opened


def test_relaxed_results_are_marked_and_others_are_not(store, tmp_path):
    result = run(store, FakePool(), {"retry": "relaxed"}, fault=["none", "stiff"], supply=[1.0, 2.0])
    assert (result.done, result.failed, result.relaxed) == (4, 0, 2)
    assert list(result.table.relaxed) == [False, False, True, True]
    assert list(result.table.fault) == ["none", "none", "stiff", "stiff"]
    assert result.table.attrs["units"]["relaxed"] == ""
    connection = sqlite3.connect(tmp_path / "points.sqlite")
    lines = connection.execute(
        "SELECT status, count(*), sum(message LIKE '%reltol=0.01 %method=gear%') FROM points "
        "WHERE json_extract(parameters, '$.fault') = 'stiff' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    connection.close()
    assert lines == [("done", 2, 2), ("failed", 2, 0)]


def test_a_relaxed_result_is_not_simulated_again_and_not_taken_for_a_strict_one(store):
    run(store, FakePool(), {"retry": "relaxed"}, fault=["stiff"], supply=[1.0, 2.0])
    again = FakePool()
    result = run(store, again, {"retry": "relaxed"}, fault=["stiff"], supply=[1.0, 2.0])
    assert again.opened == 0
    assert (result.done, result.cached, result.failed) == (2, 2, 0)
    strict = run(store, FakePool(), None, fault=["stiff"], supply=[1.0, 2.0])
    assert (strict.done, strict.failed) == (0, 2)
    assert "relaxed" not in strict.table.columns


def test_what_relaxed_options_do_not_help_stays_failed_and_says_so(store):
    result = run(store, FakePool(), {"retry": "relaxed"}, fault=["simulation", "measure"])
    assert (result.done, result.failed, result.relaxed) == (0, 2, 0)
    reported = {record.error: record.message or "" for _, record in result.failures}
    assert "relaxed options did not help" in reported["NonConvergence"]
    assert "relaxed" not in reported["SimulationError"]  # not a matter of convergence: not tried


def test_the_campaign_stops_after_so_many_failures_and_goes_on_when_asked(store):
    sweep = {"fault": ["none", "simulation"], "lower_resistance": [float(k) for k in range(1, 41)]}
    pool = FakePool()
    result = run(store, pool, {"stop_after": 3}, **sweep)
    assert result.stopped
    assert result.failed in (3, 4)  # a chunk on its way is finished
    assert result.done == 40
    assert len(pool.ran) == result.done + result.failed < 80
    assert describe(result)["stopped"] is True
    whole = run(store, FakePool(), **sweep)
    assert not whole.stopped
    assert (whole.done, whole.cached, whole.failed) == (40, 40, 40)


def test_a_campaign_whose_last_points_fail_was_not_stopped(store):
    result = run(store, FakePool(), {"stop_after": 1}, fault=["simulation"])
    assert (result.failed, result.stopped) == (1, False)


def test_relaxed_options_are_never_stricter_and_keep_what_else_is_set():
    given = SolverOptions(reltol=1e-6, gmin=1e-9, cshunt=1e-15, itl4=200)
    loose = relaxed(given)
    assert loose.reltol == pytest.approx(1e-5)
    assert (loose.gmin, loose.cshunt, loose.itl4) == (1e-9, 1e-15, 2000)
    assert relaxed(SolverOptions(reltol=0.05)).reltol == 0.05
    assert (loose.vntol, loose.abstol) == (pytest.approx(1e-5), pytest.approx(1e-11))


@pytest.mark.parametrize("policy", [{"retry": "twice"}, {"stop_after": 0}, {"stop": 3}, {"stop_after": "3"}])
def test_wrong_policies_are_refused_by_name(policy):
    with pytest.raises(ParameterError, match=r"failures\."):
        specification(policy)


def test_digests_do_not_depend_on_the_policy(store):
    run(store, FakePool(), None, supply=[1.0, 2.0])
    idle = FakePool()
    result = run(store, idle, {"retry": "relaxed", "stop_after": 5}, supply=[1.0, 2.0])
    assert (idle.opened, result.cached) == (0, 2)
    assert json.dumps(describe(result), default=str)
