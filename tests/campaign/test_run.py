from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from campaign_fakes import ENVIRONMENT, UPPER_RESISTANCE, FakePool

from cimspice.campaign import Store, parse_specification, run_campaign
from cimspice.campaign.export import export
from cimspice.errors import EngineMissing, WorkerLost
from cimspice.progress import silent


def specification(parameters=None, **sweep):
    raw = {"campaign": {"bench": "test_divider"}, "parameters": parameters or {}, "sweep": sweep}
    return parse_specification(raw)


def run(store, pool, *, parameters=None, progress=silent, **sweep):
    return run_campaign(
        specification(parameters, **sweep),
        workers=2,
        progress=progress,
        store=store,
        engine=pool,
        environment=ENVIRONMENT,
    )


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "points.sqlite") as opened:
        yield opened


def test_table_holds_conditions_and_measurements_of_every_point(store):
    result = run(
        store,
        FakePool(),
        parameters={"threshold": 0.4},
        supply=[1.0, 2.0],
        lower_resistance=[500.0, 1000.0],
        corners=["tt", "ff"],
        temperatures=[27, 127],
    )
    table = result.table
    conditions = ["threshold", "supply", "lower_resistance", "corner", "temperature"]
    assert list(table.columns) == [*conditions, "output", "above"]
    assert len(table) == 16
    lower = table.lower_resistance * table.corner.map({"tt": 1.0, "ff": 1.1})
    lower *= 1 + 1e-3 * (table.temperature - 27)
    np.testing.assert_allclose(table.output, table.supply * lower / (lower + UPPER_RESISTANCE), rtol=1e-14)
    assert (table.above == (table.output > 0.4)).all()
    assert table.attrs["units"]["lower_resistance"] == "Ohm"
    assert table.attrs["units"]["output"] == "V"
    assert table.attrs["units"]["temperature"] == "°C"
    assert (result.points, result.done, result.cached, result.failed) == (16, 16, 0, 0)


def test_finished_points_are_not_run_again_by_another_campaign(store):
    run(store, FakePool(), supply=[1.0, 2.0], threshold=[0.5])
    pool = FakePool()
    result = run(store, pool, supply=[1.0, 1.5, 2.0])
    assert len(pool.ran) == 1
    assert (result.points, result.done, result.cached) == (3, 3, 2)
    idle = FakePool()
    again = run(store, idle, supply=[1.0, 1.5, 2.0])
    assert idle.opened == 0
    pd.testing.assert_frame_equal(again.table, result.table)
    assert again.table.attrs["provenance"]["digest"] == result.table.attrs["provenance"]["digest"]


@pytest.mark.parametrize(
    ("fault", "kind", "reported"),
    [
        ("simulation", "NonConvergence", "it does not converge"),
        ("measure", "SimulationError", "campaign_fakes.py:"),
        ("columns", "TableError", "are not those declared"),
        ("empty", "TableError", "no row"),
    ],
)
def test_failed_points_are_recorded_with_their_error_and_stop_nothing(store, fault, kind, reported):
    result = run(store, FakePool(), fault=["none", fault], supply=[1.0, 2.0], corners=["tt", "ff"])
    assert (result.points, result.done, result.failed) == (8, 4, 4)
    assert len(result.table) == 4
    assert {record.error for _, record in result.failures} == {kind}
    assert all(reported in (record.message or "") for _, record in result.failures)
    assert all(point.given["fault"] == fault for point, _ in result.failures)


def test_failed_points_are_tried_again_and_done_ones_are_not(store):
    run(store, FakePool(), fault=["none", "simulation"])
    pool = FakePool()
    result = run(store, pool, fault=["none", "simulation"])
    assert len(pool.ran) == 1
    assert (result.done, result.cached, result.failed) == (1, 1, 1)


def test_a_refused_combination_is_a_failed_point(store):
    pool = FakePool()
    result = run(store, pool, supply=[1.0, 6.0], threshold=[0.5, 6.0])
    assert (result.done, result.failed, len(pool.ran)) == (3, 1, 3)
    assert result.failures[0][1].error == "ParameterError"
    assert result.failures[0][0].given == {"supply": 6.0, "threshold": 6.0}


def test_after_a_lost_chunk_only_the_point_that_loses_workers_fails(store):
    def lose(chunk):
        if any(point.given["supply"] == 3.0 for point in chunk.points):
            raise WorkerLost("killed by SIGKILL")

    pool = FakePool(before=lose)
    supplies = [float(i) / 10 for i in range(100)]
    result = run(store, pool, supply=supplies)
    assert max(pool.chunks) > 1
    assert (result.done, result.failed) == (99, 1)
    assert [(point.given["supply"], record.error) for point, record in result.failures] == [
        (3.0, "WorkerLost")
    ]
    assert len(set(pool.ran)) == len(pool.ran) == 99


def test_without_an_engine_the_campaign_ends_at_once(store):
    def missing(chunk):
        raise EngineMissing("no ngspice")

    with pytest.raises(EngineMissing):
        run(store, FakePool(before=missing), supply=[1.0, 2.0])


def test_interrupt_keeps_what_is_finished_and_the_next_run_does_the_rest(store, tmp_path):
    sent = []

    def interrupt(chunk):
        sent.append(chunk)
        if len(sent) == 5:
            raise KeyboardInterrupt

    supplies = [float(i) / 100 for i in range(200)]
    first = FakePool(before=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(store, first, supply=supplies)
    assert 0 < len(first.ran) < 200
    second = FakePool()
    resumed = run(store, second, supply=supplies)
    assert sorted(first.ran + second.ran) == sorted(point.digest for point in resumed.plan)
    with Store(tmp_path / "other.sqlite") as other:
        whole = run(other, FakePool(), supply=supplies)
    pd.testing.assert_frame_equal(resumed.table, whole.table, check_exact=True)


def test_progress_counts_every_point_once(store):
    seen = []
    run(store, FakePool(), progress=seen.append, supply=[1.0, 2.0, 3.0], fault=["none", "simulation"])
    finished = [state.done + state.failed for state in seen]
    assert finished == sorted(finished)
    assert finished[0] == 0
    assert (seen[-1].points, seen[-1].done, seen[-1].failed) == (6, 3, 3)


def test_a_circuit_is_loaded_once_per_chunk_and_only_what_changed_is_set(store):
    pool = FakePool()
    run(store, pool, supply=[float(i) / 100 for i in range(64)], corners=["tt", "ff"])
    assert pool.session.calls.count("load") == len(pool.chunks)
    assert pool.session.calls.count("set_corner") == 128 - len(pool.chunks)
    assert "set_temperature" not in pool.session.calls


def test_run_folder_reads_back_with_units_and_lists_failures(store, tmp_path):
    result = run(store, FakePool(), supply=[1.0, 2.0], fault=["none", "simulation"])
    files = export(result, tmp_path / "run")
    table = pd.read_parquet(files["parquet"])
    pd.testing.assert_frame_equal(table, result.table, check_exact=True)
    assert table.attrs["units"] == result.table.attrs["units"]
    pd.testing.assert_frame_equal(pd.read_csv(files["csv"]), result.table)
    reported = json.loads(files["run"].read_text())
    assert (reported["points"], reported["done"], reported["failed"]) == (4, 2, 2)
    assert reported["failures"][0]["error"] == "NonConvergence"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "run.json",
        "table.csv",
        "table.parquet",
    ]


def test_a_table_made_in_parts_is_the_one_made_at_once(store, monkeypatch):
    sweep = {"supply": {"start": 0.1, "stop": 5.0, "num": 1200}, "corners": ["tt", "ss"]}
    whole = run(store, FakePool(), **sweep).table
    monkeypatch.setattr("cimspice.campaign.table._ROWS_AS_OBJECTS", 700)
    parts = run(store, FakePool(), **sweep).table
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)
    assert parts.attrs == whole.attrs
    assert len(parts) == 2400
