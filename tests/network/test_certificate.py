"""Bounds from a few runs, against enumeration of everything that could be drawn."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from cimspice.errors import ParameterError
from cimspice.network.certificate import (
    Stratum,
    accuracy_interval,
    chips_bound,
    flip_bound,
    paired_draw,
    runs_needed,
)


def probability(found: int, runs: int, population: int, among: int) -> float:
    return comb(among, found) * comb(population - among, runs - found) / comb(population, runs)


def test_one_percent_of_899_inputs_at_95_percent_needs_254_runs_without_a_flip():
    assert runs_needed(899, 0.01) == 254
    assert flip_bound(0, 254, 899).bound <= 0.01 < flip_bound(0, 253, 899).bound


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_bound_on_flips_is_the_largest_count_that_enumeration_cannot_refuse(data):
    population = data.draw(st.integers(1, 25))
    runs = data.draw(st.integers(0, population))
    flips = data.draw(st.integers(0, runs))
    confidence = data.draw(st.sampled_from([0.5, 0.8, 0.95, 0.99]))
    possible = [
        count
        for count in range(flips, population - (runs - flips) + 1)
        if sum(probability(k, runs, population, count) for k in range(flips + 1)) > 1 - confidence + 1e-12
    ]
    found = flip_bound(flips, runs, population, confidence)
    assert found.bound == pytest.approx(max(possible) / population)
    assert (found.runs, found.population, found.kind) == (runs, population, "decision_flips")


@pytest.mark.parametrize(("population", "runs"), [(12, 5), (20, 10), (20, 20)])
def test_bound_on_flips_covers_whatever_the_number_of_flips(population, runs):
    for flips in range(population + 1):
        held = sum(
            probability(k, runs, population, flips)
            for k in range(max(0, runs - population + flips), min(flips, runs) + 1)
            if flip_bound(k, runs, population).bound * population >= flips - 1e-9
        )
        assert held >= 0.95 - 1e-12


def test_accuracy_interval_covers_in_every_draw_of_small_populations():
    right, wrong, runs = 5, 3, 4
    for lost in range(right + 1):
        for gained in range(wrong + 1):
            flipped = [*range(lost), *range(right, right + gained)]
            truth, held, draws = (right - lost + gained) / 8, 0, 0
            for drawn in combinations(range(right + wrong), runs):
                ran = sum(i < right for i in drawn)
                changed = [i for i in drawn if i in flipped]
                few = sum(i < right for i in changed)
                found = accuracy_interval(
                    Stratum(right, ran, few), Stratum(wrong, runs - ran, len(changed) - few), 0.8
                )
                held += found.low - 1e-12 <= truth <= found.high + 1e-12
                draws += 1
            assert held / draws >= 0.8


def test_paired_accuracy_interval_is_at_most_half_as_wide_as_the_unpaired_one_at_400_runs():
    rng = np.random.default_rng(0)
    population, runs, wrong = 899, 400, 42
    emulator = np.arange(population) >= wrong
    circuit = emulator.copy()
    circuit[[3, 100, 500, 700, 800]] ^= True  # one gained, four lost
    paired, unpaired = [], []
    for _ in range(40):
        drawn = paired_draw(emulator, runs, rng)
        strata = [
            Stratum(int(kind.sum()), int(kind[drawn].sum()), int((kind & (emulator != circuit))[drawn].sum()))
            for kind in (emulator, ~emulator)
        ]
        interval = accuracy_interval(*strata)
        assert strata[1].runs == wrong
        paired.append(interval.high - interval.low)
        hits = int(circuit[rng.permutation(population)[:runs]].sum())
        counts = np.arange(hits, population - (runs - hits) + 1)
        kept = counts[
            (hypergeom.cdf(hits, population, counts, runs) > 0.025)
            & (hypergeom.sf(hits - 1, population, counts, runs) > 0.025)
        ]
        unpaired.append((kept.max() - kept.min()) / population)
    assert np.mean(paired) <= 0.5 * np.mean(unpaired)


def test_all_inputs_run_leave_nothing_open():
    assert flip_bound(3, 50, 50).bound == 3 / 50
    whole = accuracy_interval(Stratum(40, 40, 2), Stratum(10, 10, 1))
    assert whole.low == whole.high == 39 / 50


def test_tolerance_limit_of_chips_is_the_worst_of_29_and_of_fewer_refused():
    values = np.random.default_rng(0).permutation(29) / 29  # 0.9**29 < 0.05 < 0.9**28
    assert chips_bound(values).bound == 0.0
    with pytest.raises(ParameterError, match="28 chips"):
        chips_bound(values[:28])


def test_tolerance_limit_of_chips_holds_as_often_as_it_says():
    rng = np.random.default_rng(1)
    below = [chips_bound(rng.exponential(size=60)).bound <= -np.log(0.9) for _ in range(400)]
    assert np.mean(below) >= 0.92


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: flip_bound(3, 2, 10), "flips is 3"),
        (lambda: flip_bound(0, 11, 10), "runs is 11"),
        (lambda: runs_needed(100, 0.01, flips=2), "2 flips of 100"),
        (lambda: flip_bound(0, 2, 10, confidence=1.0), "confidence is 1"),
        (lambda: accuracy_interval(Stratum(0, 0, 0), Stratum(0, 0, 0)), "no inputs"),
    ],
)
def test_what_cannot_be_certified_is_named(call, named):
    with pytest.raises(ParameterError, match=named):
        call()
