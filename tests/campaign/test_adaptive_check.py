"""An adaptive campaign claims no more than its points show: it checks where none were, and reports gaps."""

from __future__ import annotations

from itertools import product
from typing import Any, ClassVar

import numpy as np
import pytest
from campaign_fakes import ENVIRONMENT, Divider, FakePool
from hypothesis import given
from hypothesis import strategies as st

from cimspice.bench import register
from cimspice.campaign import parse_specification
from cimspice.campaign.adaptive import Search
from cimspice.campaign.lattice import Lattice
from cimspice.campaign.plan import Plan
from cimspice.campaign.store import Store
from cimspice.campaign.unseen import unseen_places, unseen_width
from cimspice.progress import silent


@register
class Bump(Divider):
    """A divider whose output is a quarter higher within some supplies."""

    name: ClassVar[str] = "test_bump"
    within: ClassVar[tuple[float, float]] = (0.0, 0.0)

    def measure(self, parameters, waveforms):
        low, high = self.within
        return (
            super()
            .measure(parameters, waveforms)
            .assign(
                output=lambda table: table["output"] * (1.25 if low <= parameters.supply <= high else 1.0)
            )
        )


VALUES = np.linspace(1.0, 10.0, 1801)


def search(tmp_path, within, **settings: Any):
    """An adaptive campaign over 1,801 supplies, its points, and its last fit at all of them."""
    raw = {
        "campaign": {"bench": "test_bump"},
        "sweep": {"supply": {"start": 1.0, "stop": 10.0, "num": 1801}},
        "adaptive": {"column": "output", "target": 1e-3, "budget": 200, "held_out": 30, **settings},
    }
    fits = []
    Bump.within = within
    plan = Plan(parse_specification(raw), ENVIRONMENT)
    with Store(tmp_path / "points.sqlite") as store:
        found = Search(plan, store, silent, 1, lambda count, process: fits.append(process))
        outcome = found.run(FakePool())
        known = np.array([place[0] for place in found.chosen])
    lattice = Lattice.of(plan.specification)
    fitted = np.exp(fits[-1].predict(lattice.samples([(k, 0, 0) for k in range(1801)]))[:, 0])
    low, high = within
    inside = (low <= VALUES) & (high >= VALUES)
    return outcome, known, fitted / (VALUES / 2 * np.where(inside, 1.25, 1.0)) - 1


@pytest.mark.parametrize("end", [(10.0, 10.0), (1.0, 1.0)])
def test_a_step_at_an_axis_s_end_is_seen_before_the_target_is_claimed(tmp_path, end):
    outcome, known, errors = search(tmp_path, end)
    place = 1800 if end[0] == 10.0 else 0
    assert place in known
    assert outcome.reached
    assert abs(errors[place]) < 1e-2


@pytest.mark.parametrize("seed", [1, 2])
def test_a_feature_that_no_point_met_is_narrower_than_what_it_says_it_may_have_missed(tmp_path, seed):
    outcome, known, errors = search(tmp_path, (4.0, 4.0151), seed=seed)
    wrong = np.flatnonzero(np.abs(errors) > 0.01)
    if outcome.reached and len(wrong):
        assert np.ptp(wrong) / 1800 < outcome.unseen_width
    gaps = np.diff(np.unique(known))
    assert (max(gaps) - 1) / 1800 <= outcome.unseen_width <= (max(gaps) + 1) / 1800
    assert outcome.describe()["unseen_width"] == outcome.unseen_width


def test_a_budget_without_points_for_the_check_does_not_reach_the_target(tmp_path):
    first, *_ = search(tmp_path, (0.0, 0.0))
    spent = first.history[-2].points  # where the held-out points were at the target
    without, *_ = search(tmp_path, (0.0, 0.0), budget=spent)
    assert first.reached
    assert first.checked == 30
    assert (without.reached, without.checked) == (False, 0)


GRID = Lattice((9, 6, 2, 1), (np.linspace(0, 1, 9), np.linspace(0, 1, 6), None, None))
PLACES = list(product(range(9), range(6), range(2), range(1)))


@given(st.sets(st.sampled_from(PLACES), min_size=1))
def test_the_unseen_width_is_the_widest_cube_around_a_place_without_a_point(known):
    def apart(one, two):
        return max(abs(one[0] - two[0]) / 8, abs(one[1] - two[1]) / 5) if one[2] == two[2] else 1.0

    widest = max((min(apart(place, other) for other in known) for place in PLACES), default=0.0)
    assert unseen_width(GRID, known, (1,)) == pytest.approx(min(2 * widest, 1.0))


@given(st.sets(st.sampled_from(PLACES), min_size=1), st.integers(1, 40))
def test_places_of_the_check_are_new_and_take_in_the_ends_of_the_axes(known, count):
    found = unseen_places(GRID, known, count, (1,))
    assert len(found) == len(set(found)) == min(count, len(PLACES) - len(known))
    assert not {*found} & known
    at_ends = [place for place in found if place[0] in (0, 8) or place[1] in (0, 5)]
    free_ends = [
        place for place in PLACES if place not in known and (place[0] in (0, 8) or place[1] in (0, 5))
    ]
    assert len(at_ends) >= min(count // 2, len(free_ends)) - 1
