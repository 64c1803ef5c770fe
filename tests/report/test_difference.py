from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page_runs import sample_table, synapse_table, write_run

from cimspice.cli.app import run
from cimspice.report.difference import Change, compare_runs

CONDITIONS = ["gate_bias", "corner", "temperature", "polarity"]


def curves(**changed):
    return synapse_table(**{"noise": 0.0, "corners": ("tt", "ss"), **changed})


@pytest.fixture
def original(tmp_path):
    return write_run(tmp_path / "a", curves(), CONDITIONS)


def test_a_run_is_the_same_as_itself(original, tmp_path):
    assert compare_runs(original, original).same
    # other digests of results alone, and round-off, are no change
    other = write_run(
        tmp_path / "b",
        curves().assign(current=lambda t: t.current * (1 + 1e-13)),
        CONDITIONS,
        provenance={"digest": "x"},
    )
    assert compare_runs(original, other).same


def test_what_a_run_rests_on_and_what_was_asked_are_reported(original, tmp_path):
    table = curves().assign(width=2e-6, corner=lambda t: t.corner.replace("ss", "ff"))
    other = write_run(
        tmp_path / "b", table, [*CONDITIONS, "width"], provenance={"pdk": "sky130 2.0"}, parameters={"n": 3}
    )
    found = compare_runs(original, other)
    assert found.changes[:3] == [
        Change("provenance", "pdk", "sky130 1.0", "sky130 2.0"),
        Change("parameters", "n", None, 3),
        Change("parameters", "width", None, 2e-6, "m"),
    ]
    assert found.changes[3] == Change("conditions", "corner", '["tt", "ss"]', '["tt", "ff"]')
    assert found.unchanged == ["current"]  # at the corner that both have
    assert (found.only_a, found.only_b) == (182, 182)


def test_effects_are_ranked_by_their_size_against_the_spread(tmp_path):
    """``quiet`` changes by half of its spread over corners, ``loud`` by a hundredth of a much larger one."""
    rows = [(corner, sign * 1e-9, sign * 1e-3) for corner, sign in (("tt", 1.0), ("ss", -1.0))]
    table = pd.DataFrame(rows, columns=["corner", "quiet", "loud"])
    moved = table.assign(quiet=table.quiet + 0.5e-9, loud=table.loud + 1e-5)
    found = compare_runs(
        write_run(tmp_path / "a", table, ["corner"]), write_run(tmp_path / "b", moved, ["corner"])
    )
    assert [entry.column for entry in found.effects] == ["quiet", "loud"]
    assert [entry.effect for entry in found.effects] == pytest.approx([0.5, 0.01])
    assert found.effects[0].spread_over == "corners"
    assert found.effects[0].change == pytest.approx(0.5e-9)
    assert found.effects[0].percent == pytest.approx(50)


def test_rows_are_paired_by_their_conditions_whatever_their_order(original, tmp_path):
    table = curves()
    table.loc[(table.gate_bias == 0.56) & (table.corner == "ss"), "current"] *= 1.5
    shuffled = table.sample(frac=1, random_state=2, ignore_index=True)
    (entry,) = compare_runs(original, write_run(tmp_path / "b", shuffled, CONDITIONS)).effects
    assert entry.pairs == 364
    assert entry.where == {"gate_bias": 0.56, "corner": "ss", "membrane_voltage": 1.4}
    assert entry.place == "gate bias 0.56 V, corner ss, membrane voltage 1.4 V"
    assert entry.percent == pytest.approx(0)


def test_samples_are_compared_by_mean_and_deviation(tmp_path):
    table = sample_table(400, ("tt",))
    random = np.random.default_rng(9)
    other = table.assign(
        delay=1.1e-9 + 1e-10 * random.normal(size=len(table)), current=table.current.to_numpy()[::-1]
    )
    found = compare_runs(
        write_run(tmp_path / "a", table, ["temperature", "sample"]),
        write_run(tmp_path / "b", other, ["temperature", "sample"]),
    )
    delay = found.effects[0]
    assert (delay.column, delay.pairs, delay.spread_over) == ("delay", 2, "samples")
    assert delay.spread == pytest.approx(5e-11, rel=0.1)
    assert delay.effect == pytest.approx(2, rel=0.15)
    assert delay.deviation_ratio == pytest.approx(2, rel=0.1)
    # other chips of the same population: no effect to report
    assert all(entry.effect < 0.2 for entry in found.effects[1:])


def test_limits_that_break_and_points_that_fail_are_reported(tmp_path):
    table = pd.DataFrame({"corner": ["tt", "ss"], "delay": [1e-9, 1.2e-9]})
    limit = [{"column": "delay", "maximum": 1.3e-9}]
    failure = {"corner": "ff", "error": "NonConvergence", "message": "too small"}
    a = write_run(tmp_path / "a", table, ["corner"], limits=limit)
    b = write_run(
        tmp_path / "b", table.assign(delay=table.delay * 1.2), ["corner"], limits=limit, failures=[failure]
    )
    found = compare_runs(a, b)
    assert Change("limits", "delay", "pass", "1 of 2 fail") in found.changes
    assert [entry.error for entry in found.new_failures] == ["NonConvergence"]
    assert compare_runs(b, a).gone_failures == found.new_failures


def test_runs_without_a_common_condition_or_spread_are_compared_as_far_as_they_go(tmp_path):
    one = pd.DataFrame({"corner": ["tt"], "delay": [1e-9]})
    a = write_run(tmp_path / "a", one, ["corner"])
    b = write_run(tmp_path / "b", one.assign(corner="ss", delay=2e-9), ["corner"])
    (entry,) = compare_runs(a, b).effects
    assert (entry.effect, entry.change) == (None, pytest.approx(1e-9))
    c = write_run(tmp_path / "c", pd.DataFrame({"corner": ["ff", "fs"], "delay": [1.0, 2.0]}), ["corner"])
    found = compare_runs(a, c)
    assert (found.only_a, found.only_b) == (1, 2)
    empty = write_run(tmp_path / "d", one[:0], ["corner"])
    assert not compare_runs(a, empty).same


def test_a_changed_template_or_model_file_is_named(tmp_path):
    table = pd.DataFrame({"corner": ["tt"], "delay": [1e-9]})
    files = ({"cell": "aa", "models/n.spice": "bb"}, {"cell": "aa", "models/n.spice": "cc"}, None)
    folders = [
        write_run(tmp_path / str(k), table, ["corner"], provenance={} if entry is None else {"design": entry})
        for k, entry in enumerate(files)
    ]
    (change,) = compare_runs(*folders[:2]).changes
    assert (change.section, change.name, change.before, change.after) == (
        "design",
        "models/n.spice",
        "bb",
        "cc",
    )
    assert compare_runs(folders[0], folders[2]).same  # a run of an earlier version does not say


def leaking(**changed):
    """A column of 1 mA and 0.1 pA, one of text and one of truth values at every corner and temperature."""
    rows = [(corner, degrees, edge) for corner in ("tt", "ss") for degrees in (27.0, 85.0) for edge in (0, 1)]
    table = pd.DataFrame(rows, columns=["corner", "temperature", "edge"]).assign(
        current=lambda t: np.where(t.edge == 1, 1e-3, 1e-13), state="held", relaxed=False, count=3
    )
    return table.assign(**changed)


def put(row, column, value):
    def change(table):
        table[column] = table[column].astype(object if isinstance(value, str) else table[column].dtype)
        table.loc[row, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (put(4, "current", np.nan), "current"),
        (put(4, "current", np.inf), "current"),
        (lambda t: t.assign(current=np.nan), "current"),
        (put(0, "current", 9e-13), "current"),
        (put(0, "current", 0.0), "current"),
        (put(3, "state", "lost"), "state"),
        (put(3, "relaxed", True), "relaxed"),
        (lambda t: t.drop(index=5), "rows"),
        (lambda t: t[:0], "rows"),
        (lambda t: pd.concat([t, t[:1]]), "rows"),
        (lambda t: t.drop(columns="count"), "count"),
        (lambda t: t.assign(more=1.0), "more"),
        (lambda t: t.assign(count=3.0), "count"),
        (lambda t: t.assign(current=t.current.astype("float32")), "current"),
        (lambda t: t.assign(current=t.current.map(str)), "current"),
        (lambda t: t.assign(temperature=t.temperature + 1), "rows"),
    ],
)  # fmt: skip
def test_compare_reports_every_change_of_a_table_to_programs_and_people(tmp_path, capsys, change, name):
    conditions = ["corner", "temperature"]
    a = write_run(tmp_path / "a", leaking(), conditions)
    b = write_run(tmp_path / "b", change(leaking()), conditions)
    for pair in ((a, b), (b, a)):
        assert run(["compare", *map(str, pair), "--json"]) == 0
        reported = json.loads(capsys.readouterr().out)
        assert reported["same"] is False
        assert name in reported["changed"]
        assert run(["compare", *map(str, pair)]) == 0
        shown = capsys.readouterr().out
        assert "the runs are the same" not in shown
        assert name in shown


def test_not_finite_to_not_finite_and_huge_values_are_compared_as_they_are(tmp_path):
    values = ([np.nan, np.inf, 1e200, 1.0], [np.inf, np.inf, 2e200, 1.0])
    folders = [
        write_run(tmp_path / name, pd.DataFrame({"corner": list("abcd"), "gain": column}), ["corner"])
        for name, column in zip("ab", values, strict=True)
    ]
    (entry,) = compare_runs(*folders).effects
    assert (entry.rows, entry.changed, entry.not_finite) == (4, 2, (2, 2))
    assert entry.largest == 1e200
    assert compare_runs(folders[0], folders[0]).same


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    row=st.integers(0, 119),
    column=st.sampled_from(["delay", "current"]),
    factor=st.one_of(
        st.floats(-12, -8.5).map(lambda power: 1 + 10**power), st.sampled_from([np.nan, np.inf, -1.0, 0.0])
    ),
)
def test_one_changed_value_of_one_sample_is_a_change_whatever_its_size(tmp_path_factory, row, column, factor):
    folder = tmp_path_factory.mktemp("runs")
    table = sample_table(30)
    other = table.copy()
    other.loc[row, column] *= factor
    conditions = ["corner", "temperature", "sample"]
    a, b = (write_run(folder / n, t, conditions) for n, t in (("a", table), ("b", other)))
    found = compare_runs(a, b)
    if 1e-9 / 2 < abs(factor - 1) < 1e-9 * 2:  # at the border of rounding either may be
        return
    assert found.changed == ([] if abs(factor - 1) < 1e-9 else [column])


def test_what_was_asked_and_counted_is_compared_too(tmp_path):
    table = sample_table(5)
    asked = {"points": 20, "limits": [{"column": "delay", "maximum": 1.0}], "adaptive": {"target": 0.1}}
    a = write_run(tmp_path / "a", table, ["corner", "temperature", "sample"], **asked)
    for number, changed in enumerate(
        [{"points": 21}, {"limits": [{"column": "delay", "maximum": 2.0}]}, {"adaptive": {"target": 0.2}}]
    ):
        b = write_run(tmp_path / str(number), table, ["corner", "temperature", "sample"], **asked | changed)
        (change,) = compare_runs(a, b).changes
        assert change.section in {"counts", "limits", "adaptive"}
