"""Limits judge rows and points in the right unit, and the yield's interval is Wilson's."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from campaign_fakes import ENVIRONMENT, FakePool
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from cimspice.campaign import parse_specification, run_campaign
from cimspice.campaign.export import describe, export
from cimspice.campaign.limits import Limit, Share, Yield, judge, sample_yield, wilson_interval
from cimspice.errors import ParameterError, TableError


def specification(limits, **sweep):
    return parse_specification({"campaign": {"bench": "test_divider"}, "sweep": sweep, "limit": limits})


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_interval_is_that_of_an_independent_implementation(passed, points):
    passed = min(passed, points)
    expected = binomtest(passed, points).proportion_ci(0.95, method="wilson")
    assert wilson_interval(passed, points) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_points_nothing_is_known():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="cannot have passed"):
        wilson_interval(3, 2)


def test_rows_points_and_yield_of_a_campaign(tmp_path):
    limits = [
        {"column": "output", "minimum": 300, "typical": 500, "maximum": 1200.0, "unit": "mV"},
        {"column": "above", "minimum": 1},
    ]
    supplies = [0.5, 0.8, 1.0, 2.0, 3.0]  # outputs half of these, threshold 0.5 V
    result = run_campaign(
        specification(limits, supply=supplies),
        workers=1,
        store=tmp_path / "points.sqlite",
        engine=FakePool(),
        environment=ENVIRONMENT,
    )
    assert list(result.table.within_limits) == [False, False, False, True, False]
    first, second = result.limits
    assert (first.limit.minimum, first.limit.typical, first.limit.maximum) == (0.3, 0.5, 1.2)
    assert (first.smallest, first.median, first.largest) == pytest.approx((0.25, 0.5, 1.5))
    assert first.result.worst == ({}, Share(3, 5))
    assert second.result.everywhere.passed == 2
    assert result.overall is not None
    assert not result.overall.kept
    reported = json.loads(export(result, tmp_path / "run")["run"].read_text())
    assert reported["limits"][0]["yield"]["passed"] == 3
    # five chosen voltages are no random draw: they bound nothing
    assert reported["yield"] == {"passed": 1, "points": 5, "fraction": 0.2, "interval": None}
    assert list(pd.read_parquet(tmp_path / "run" / "table.parquet").within_limits) == [False] * 3 + [
        True,
        False,
    ]


def test_a_point_passes_only_with_all_its_rows_and_nan_never_does():
    table = pd.DataFrame({"x": [1.0, 2.0, 1.0, 1.0, math.nan, 1.0]})
    within, (result,), overall = judge(table, [0, 0, 1, 1, 2, 2], [Limit(column="x", maximum=1.5)])
    assert list(within) == [True, False, True, True, False, True]
    assert result.result == Yield((), Share(1, 3))
    assert overall == result.result
    assert (result.smallest, result.largest) == (1.0, 2.0)


def samples_table(samples, conditions, fails):
    rows = [(sample, *where) for where in conditions for sample in range(samples)]
    table = pd.DataFrame(rows, columns=["sample", "corner", "temperature"])
    kept = pd.Series([row not in fails for row in rows])
    return kept, table


def test_chosen_conditions_add_nothing_to_what_ten_samples_say():
    where = [(corner, temperature) for corner in "abcde" for temperature in range(9)]
    result = sample_yield(*samples_table(10, where, set()))
    expected = binomtest(10, 10).proportion_ci(0.95, method="wilson")
    assert len(result.conditions) == 45
    assert result.worst[1].interval == result.everywhere.interval
    assert result.everywhere.interval == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.integers(1, 6), st.integers(1, 4), st.data())
def test_yield_is_counted_sample_by_sample(samples, conditions, data):
    where = [("tt", 10.0 * k) for k in range(conditions)]
    every = [(sample, *place) for sample in range(samples) for place in where]
    fails = set(data.draw(st.lists(st.sampled_from(every), unique=True)))
    result = sample_yield(*samples_table(samples, where, fails))
    shares = [sum((sample, *place) not in fails for sample in range(samples)) for place in where]
    assert [share for _, share in result.conditions] == [Share(passed, samples) for passed in shares]
    assert result.worst[1].passed == min(shares)
    assert result.everywhere == Share(samples - len({fail[0] for fail in fails}), samples)
    assert result.kept == (not fails)


def test_a_sample_that_is_not_measured_everywhere_does_not_pass_everywhere():
    kept, table = samples_table(3, [("tt", 0.0), ("tt", 27.0)], {(1, "tt", 27.0)})
    absent = (table["sample"] != 0) & (table.temperature == 0.0) | (table.temperature == 27.0)
    result = sample_yield(kept[absent], table[absent])
    assert result.everywhere == Share(1, 2)


def test_bounds_belong_to_what_is_allowed():
    kept = Limit(column="x", minimum=1.0, maximum=2.0).kept(pd.Series([1.0, 2.0, np.nextafter(2.0, 3)]))
    assert list(kept) == [True, True, False]


def test_a_prefix_moves_the_decimal_point_only():
    limit = Limit(column="x", minimum=7e-3, maximum=0.3, unit="uA").in_unit("A")
    assert (limit.minimum, limit.maximum, limit.unit) == (7e-9, 0.3e-6, "A")
    assert Limit(column="x", maximum=3.0, unit="V").in_unit("V").maximum == 3.0


def test_a_column_without_numbers_cannot_have_limits():
    with pytest.raises(TableError, match="holds no numbers"):
        judge(pd.DataFrame({"x": ["a"]}), [0], [Limit(column="x", maximum=1.0)])


@pytest.mark.parametrize(
    ("limit", "reported"),
    [
        ({"column": "outptu", "minimum": 1}, "did you mean 'output'"),
        ({"column": "supply", "minimum": 1}, "measures output, above"),
        ({"column": "output"}, "give minimum, maximum or both"),
        ({"column": "output", "minimum": 2, "maximum": 1}, "must rise"),
        ({"column": "output", "minimum": 2, "typical": 1}, "must rise"),
        ({"column": "output", "minimum": 1, "unit": "A"}, "the column's unit is V"),
        ({"column": "above", "minimum": 1, "unit": "mV"}, "pure number"),
        ({"column": "output", "minimum": math.inf}, "finite number"),
        ({"column": "output", "lower": 1}, "unknown key"),
    ],
)
def test_wrong_limits_are_reported_with_what_is_allowed(limit, reported):
    with pytest.raises(ParameterError, match=r"limit\[0\]") as caught:
        specification([limit])
    assert reported in str(caught.value)


def test_limits_leave_the_digests_alone(tmp_path):
    store = tmp_path / "points.sqlite"
    for limits, cached in (([], 0), ([{"column": "output", "minimum": 0.1}], 2)):
        result = run_campaign(
            specification(limits, supply=[1.0, 2.0]), store=store, engine=FakePool(), environment=ENVIRONMENT
        )
        assert result.cached == cached
        assert (describe(result)["yield"] is None) == (not limits)
