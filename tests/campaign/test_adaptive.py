"""An adaptive campaign knows a circuit from few points, stops in time, and goes on after a kill."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from campaign_fakes import ENVIRONMENT, UPPER_RESISTANCE, FakePool

from cimspice.campaign import Store, parse_specification, run_campaign
from cimspice.campaign.plan import Plan
from cimspice.campaign.selection import Selection
from cimspice.errors import ParameterError, SimulationError, TableError
from cimspice.progress import silent

WARPED = {"tt": 1.0, "ss": 0.9, "ff": 1.1}


def campaign(**adaptive):
    """20,250 points; few are needed, as the divider is smooth."""
    chosen = {"column": "output", "target": 2e-3, "budget": 200, "held_out": 20, "batch": 20, **adaptive}
    return {
        "campaign": {"bench": "test_divider"},
        "sweep": {
            "lower_resistance": {"start": 100.0, "stop": 10000.0, "num": 30, "scale": "log"},
            "supply": {"start": 0.5, "stop": 2.0, "num": 15},
            "corners": ["tt", "ss", "ff"],
            "temperatures": {"start": -40, "stop": 125, "num": 15},
        },
        "adaptive": chosen,
    }


def run(raw, store, **options):
    pool = options.pop("pool", None) or FakePool()
    specification = parse_specification(raw)
    return run_campaign(
        specification, store=store, engine=pool, environment=ENVIRONMENT, workers=1, **options
    )


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "points.sqlite") as opened:
        yield opened


def divided(table):
    """The divider's output by Ohm's law, with what the stand-in makes of corner and temperature."""
    warped = table["corner"].map(WARPED) * (1 + 1e-3 * (table["temperature"] - 27))
    lower = table["lower_resistance"] * warped
    return table["supply"] * lower / (lower + UPPER_RESISTANCE)


def test_it_stops_on_target_with_a_hundredth_of_the_grid(store):
    result = run(campaign(), store)
    history = result.adaptive.history
    assert result.adaptive.reached
    assert [entry.rms <= 2e-3 for entry in history[-2:]] == [True, True]
    assert result.points == result.done == len(result.table) == history[-1].points <= 200
    assert result.adaptive.grid == 20_250
    np.testing.assert_allclose(result.table["output"], divided(result.table), rtol=1e-12)


def test_the_error_it_reports_is_that_of_the_fit_elsewhere(store):
    """The fit is watched, and held against Ohm's law at places that the campaign knows nothing of."""
    from cimspice.campaign.adaptive import Search
    from cimspice.campaign.hyperparameters import Samples

    specification = parse_specification(campaign())
    fits = []
    search = Search(
        Plan(specification, ENVIRONMENT), store, silent, 1, lambda count, process: fits.append(process)
    )
    outcome = search.run(FakePool())
    inputs = np.random.default_rng(5).random((500, 3))
    resistance, supply = 100 * 100 ** inputs[:, 0], 0.5 + 1.5 * inputs[:, 1]
    lower = resistance * 0.9 * (1 + 1e-3 * (165 * inputs[:, 2] - 40 - 27))
    known = supply * lower / (lower + UPPER_RESISTANCE)
    category = np.full(500, 1)  # ss
    error = np.exp(fits[-1].predict(Samples(inputs, category))[:, 0]) / known - 1
    assert np.sqrt(np.mean(error**2)) < 3 * outcome.history[-1].rms + 1e-4


def test_what_was_killed_chooses_the_same_points_and_runs_none_twice(store, tmp_path):
    raw = campaign(target=1e-12, budget=80)  # long enough to be killed while it chooses

    def stop(chunk):
        if len(interrupted.ran) > 55:
            raise KeyboardInterrupt

    interrupted = FakePool(before=stop)
    with pytest.raises(KeyboardInterrupt):
        run(raw, store, pool=interrupted)
    resumed = FakePool()
    result = run(raw, store, pool=resumed)
    assert result.cached > 0
    assert not {*interrupted.ran[: result.cached]} & {*resumed.ran}
    with Store(tmp_path / "other.sqlite") as other:
        whole = run(raw, other)
    assert whole.table.equals(result.table)
    assert [vars(entry) for entry in whole.adaptive.history] == [
        vars(entry) for entry in result.adaptive.history
    ]


def test_another_seed_chooses_other_points(store):
    one, other = (run(campaign(seed=seed, budget=40, start=10), store).plan for seed in (1, 2))
    assert {point.digest for point in one} != {point.digest for point in other}


def test_the_budget_is_kept_and_progress_ends_with_what_was_run(store):
    reported = []
    result = run(campaign(target=1e-12, budget=77), store, progress=reported.append)
    assert not result.adaptive.reached
    assert result.points == 77
    assert reported[0].points == 77
    assert (reported[-1].points, reported[-1].done) == (77, 77)
    assert all(one.done <= other.done for one, other in pairwise(reported))


def test_chosen_points_are_those_of_the_whole_campaign(store):
    """The same digests: a full campaign later finds them done."""
    raw = campaign(budget=40)
    specification = parse_specification(raw)
    plan = Plan(specification, ENVIRONMENT)
    places = [(3, 2, 1, 4), (3, 2, 0, 4), (29, 14, 2, 14), (3, 1, 1, 4), (0, 0, 0, 0)]
    selection = Selection.of(plan, places)
    whole = {tuple(sorted(point.conditions.items())): point.digest for point in plan}
    for point in selection:
        assert whole[tuple(sorted(point.conditions.items()))] == point.digest
    by_index = {point.index: point for point in selection}
    for index, place in enumerate(selection.places):
        assert by_index[index].temperature == specification.temperatures[place[3]]
        assert by_index[index].corner == specification.corners[place[2]]
        assert by_index[index].given["supply"] == specification.groups[1].values[place[1]][0]


def test_a_small_grid_is_run_whole(store):
    raw = campaign(target=1e-12, budget=200)
    raw["sweep"] = {"supply": {"start": 0.5, "stop": 2.0, "num": 40}}
    result = run(raw, store)
    assert result.points == 40
    assert sorted(result.table["supply"]) == sorted(result.table["supply"].unique())


def test_failed_points_are_left_out_of_the_fit(store):
    raw = campaign(budget=80, target=1e-12)
    raw["sweep"]["fault"] = ["none", "simulation"]
    with pytest.raises(SimulationError, match="too few are left to fit"):
        run({**raw, "sweep": {**raw["sweep"], "fault": ["simulation", "measure"]}}, store)
    result = run(raw, store)
    assert result.failed > 20
    assert result.done + result.failed == result.points == 80
    assert result.adaptive.history


def test_a_column_without_a_logarithm_is_reported(store):
    raw = campaign(budget=60)
    raw["sweep"]["supply"] = {"start": 0.0, "stop": 2.0, "num": 5}
    with pytest.raises(TableError, match="no logarithm") as caught:
        run(raw, store)
    assert "linear" in caught.value.remedy
    assert run({**raw, "adaptive": {**raw["adaptive"], "scale": "linear"}}, store).adaptive.history


def test_all_that_is_wrong_with_the_section_is_reported_at_once():
    raw = campaign(column="outptu", budget=20, target=-1.0, rounds=3)
    with pytest.raises(ParameterError) as caught:
        parse_specification(raw)
    for part in ("adaptive.target", "adaptive.rounds: unknown key"):
        assert part in caught.value.message
    raw = campaign(column="outptu", budget=25)
    raw["monte_carlo"] = {"samples": 3}
    with pytest.raises(ParameterError) as caught:
        parse_specification(raw)
    for part in ("adaptive.column", "is not measured", "cannot stand with [monte_carlo]", "adaptive.budget"):
        assert part in caught.value.message
