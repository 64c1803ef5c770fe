"""Benches run from Python: one point, a list of them, a sweep; kept, resumed, each run once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from campaign_fakes import UPPER_RESISTANCE, DividerParameters, FakePool

from cimspice.campaign import Conditions, Progress, characterise, run_bench
from cimspice.errors import ParameterError, SimulationError
from cimspice.spice import InProcess

pytestmark = pytest.mark.spice

LOWER = [500.0, 1000.0, 500.0]


@pytest.fixture(scope="module")
def engine() -> InProcess:
    return InProcess()


class Refusing(InProcess):
    """An engine for which there may be no work."""

    def map(self, *_, **__):
        raise AssertionError("a finished point is run again")


def divided(lower: float) -> float:
    return lower / (lower + UPPER_RESISTANCE)


def test_one_point_gives_its_rows_and_the_runs_of_a_list_are_numbered(tmp_path, engine):
    store = tmp_path / "points.sqlite"
    one = run_bench("test_divider", {"lower_resistance": 3000.0}, engine=engine, store=store)
    assert list(one) == ["output", "above"]
    assert one["output"].tolist() == pytest.approx([0.75])
    many = run_bench("test_divider", [{"lower_resistance": r} for r in LOWER], engine=engine, store=store)
    assert many["run"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(many["output"], [divided(r) for r in LOWER], rtol=1e-9)
    assert many.attrs["cpu_seconds"] > 0


def test_the_store_has_the_parameters_of_every_run_and_a_second_call_runs_nothing(tmp_path, engine):
    path = tmp_path / "points.sqlite"
    runs = [DividerParameters(lower_resistance=r) for r in LOWER]
    states: list[Progress] = []
    first = run_bench("test_divider", runs, engine=engine, store=path, progress=states.append)
    assert (states[0].done, states[-1].done, states[-1].cached) == (0, 2, 0), "equal runs are run once"
    again = run_bench("test_divider", runs, engine=Refusing(), store=path, progress=states.append)
    assert states[-1].cached == 2
    assert again.equals(first)
    assert again.attrs["cpu_seconds"] == first.attrs["cpu_seconds"]
    with closing(sqlite3.connect(path)) as file:
        kept = [json.loads(row[0]) for row in file.execute("SELECT parameters FROM points")]
    assert sorted(given["lower_resistance"] for given in kept) == [500.0, 1000.0]


def test_a_list_a_sweep_and_the_call_with_corners_give_the_same_figures(tmp_path, engine):
    store = tmp_path / "points.sqlite"
    listed = run_bench("test_divider", [{"supply": v} for v in (0.5, 1.5)], engine=engine, store=store)
    swept = run_bench("test_divider", sweep={"supply": np.array([0.5, 1.5])}, engine=engine, store=store)
    called = characterise("test_divider", sweep={"supply": [0.5, 1.5]}, engine=engine, store=store)
    assert listed["output"].tolist() == swept["output"].tolist() == called["output"].tolist()
    assert swept["supply"].tolist() == [0.5, 1.5]


def test_no_run_gives_no_row(engine):
    assert list(run_bench("test_divider", [], engine=engine)) == ["run", "output", "above"]


def test_wrong_parameters_are_refused_before_anything_is_run(tmp_path):
    store = tmp_path / "points.sqlite"
    with pytest.raises(ParameterError, match="lower_resistance"):
        run_bench("test_divider", [{}, {"lower_resistance": -1.0}], engine=Refusing(), store=store)
    with pytest.raises(ParameterError, match="a sweep of a list"):
        run_bench("test_divider", [{}, {}], sweep={"supply": [1.0]}, engine=Refusing(), store=store)
    with pytest.raises(ParameterError, match="corners"):
        run_bench("test_divider", {}, Conditions(), sweep={"corners": ["ss"]}, engine=Refusing(), store=store)
    with pytest.raises(ParameterError, match="unknown corner"):
        Conditions("slow")


def test_a_failed_run_is_an_error_with_its_place_and_the_others_are_kept(tmp_path, engine):
    store = tmp_path / "points.sqlite"
    runs = [{"supply": 1.0}, {"fault": "measure"}, {"supply": 2.0}]
    with pytest.raises(SimulationError, match="1 of 3 points of test_divider failed") as caught:
        run_bench("test_divider", runs, engine=engine, store=store)
    assert "measure" in str(caught.value.place)
    run_bench("test_divider", [runs[0], runs[2]], engine=Refusing(), store=store)


def test_numpy_numbers_within_parameters_are_kept_as_plain_numbers(tmp_path, engine):
    row = {"row": np.int64(0), "width": np.float64(6e-10), "bits": (np.int64(1),)}
    given = {"array": {"rows": np.int32(64), "columns": 64}, "open_rows": [row]}
    plain = {"array": {"rows": 64, "columns": 64}, "open_rows": [{"row": 0, "width": 6e-10, "bits": [1]}]}
    store = tmp_path / "points.sqlite"
    first = run_bench("sram_multi_row_read", given, engine=engine, store=store)
    again = run_bench("sram_multi_row_read", [plain], engine=Refusing(), store=store)
    assert again.drop(columns="run").equals(first)


@pytest.mark.parametrize("swept", [False, True])
def test_a_point_that_needs_relaxed_options_fails_unless_they_are_asked_for_and_is_counted(tmp_path, swept):
    given = {"sweep": {"fault": ["none", "stiff"]}} if swept else {"parameters": [{}, {"fault": "stiff"}]}
    given |= {"store": tmp_path / "points.sqlite"}
    with pytest.raises(SimulationError, match="1 of 2 points"):
        run_bench("test_divider", engine=FakePool(), **given)
    table = run_bench("test_divider", engine=FakePool(), relax=True, **given)
    assert (len(table), table.attrs["relaxed"]) == (2, 1)
    assert "relaxed" not in table
    again = FakePool()
    assert run_bench("test_divider", engine=again, relax=True, **given).equals(table)
    assert again.opened == 0
