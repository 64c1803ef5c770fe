from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_runs import sample_table, synapse_run, synapse_table, write_run
from scipy import stats

from cimspice.campaign.limits import Share
from cimspice.campaign.load import read_run
from cimspice.errors import CimspiceError, TableError
from cimspice.fit import ModelCard
from cimspice.report import page_document
from cimspice.report.difference import compare_runs
from cimspice.report.page import write_page
from cimspice.report.page_curves import curve_charts
from cimspice.report.page_fit import NoRows, overlay
from cimspice.report.page_limits import judge, read_limits
from cimspice.report.page_samples import deviation_interval, histograms, yields
from cimspice.report.page_spread import spread_parts
from cimspice.report.page_study import Groups, Study


def study_of(folder):
    run = read_run(folder)
    return Study.of(run), run


def lines(chart):
    """Points (n, 2) of each line of a chart, split at the gaps."""
    found = []
    for trace in chart.views[0].data:
        line = []
        for x, y in [*zip(trace["x"], trace["y"], strict=True), (None, None)]:
            if x is None and line:
                found.append(np.array(line))
            line = [] if x is None else [*line, (x, y)]
    return found


def test_roles_of_columns_are_reported_from_the_run(tmp_path):
    study, _ = study_of(synapse_run(tmp_path / "run"))
    assert study.fixed == {"corner": "tt", "temperature": 27.0, "polarity": "n"}
    assert study.varied == ("gate_bias",)
    assert study.coordinates == ("membrane_voltage",)
    assert study.quantities == ("current",)


def test_curves_hold_the_tables_values_in_the_unit_of_the_axis(tmp_path):
    study, run = study_of(synapse_run(tmp_path / "run"))
    charts, problems = curve_charts(study, run.record.figures)
    assert problems == []
    assert [chart.title for chart in charts] == ["Synapse"]
    assert charts[0].views[0].layout["yaxis"]["title"]["text"] == "current (nA)"
    curves = lines(charts[0])
    assert len(curves) == 7
    one = run.table[run.table.gate_bias == 0.52]
    np.testing.assert_allclose(curves[1][:, 0], one.membrane_voltage, rtol=1e-6)
    np.testing.assert_allclose(curves[1][:, 1], one.current * 1e9, rtol=1e-6)


def test_a_loop_is_drawn_as_it_was_measured(tmp_path):
    voltage = [*np.linspace(0, 1, 5), *np.linspace(1, 0, 5)]
    table = pd.DataFrame(
        [
            {"rate": r, "voltage": v, "current": (1 + (i >= 5)) * v}
            for r in (1, 2)
            for i, v in enumerate(voltage)
        ]
    )
    figure = {"name": "loop", "x": "voltage", "y": "current", "by": ["rate"]}
    study, run = study_of(write_run(tmp_path / "run", table, ["rate"], figures=[figure]))
    charts, problems = curve_charts(study, run.record.figures)
    assert problems == []
    for line in lines(charts[0]):
        np.testing.assert_allclose(line[:, 0] / line[:, 0].max(), voltage)


def test_a_line_never_runs_through_several_corners(tmp_path):
    folder = write_run(
        tmp_path / "run",
        synapse_table(corners=("tt", "ss", "ff")),
        ["gate_bias", "corner", "temperature", "polarity"],
        figures=[{"x": "membrane_voltage", "y": "current", "by": ["gate_bias"]}],
    )
    study, run = study_of(folder)
    charts, _ = curve_charts(study, run.record.figures)
    curves = lines(charts[0])
    assert len(curves) == 21
    assert all((np.diff(curve[:, 0]) > 0).all() for curve in curves)
    assert "corner" in charts[0].note


def test_a_run_without_figures_gets_likely_ones_and_a_wrong_figure_is_reported(tmp_path):
    folder = write_run(tmp_path / "run", synapse_table(), ["gate_bias", "corner", "temperature", "polarity"])
    study, run = study_of(folder)
    charts, _ = curve_charts(study, run.record.figures)
    assert [chart.title for chart in charts] == ["current over membrane voltage"]
    (folder / "run.json").write_text(json.dumps({"figures": [{"x": "suply", "y": "current"}]}))
    page = write_page(folder, tmp_path / "page.html")
    assert page.problems == ["current: the table has no column 'suply'"]
    assert "suply" in page.path.read_text()


def test_many_lines_are_thinned_and_it_is_said(tmp_path):
    table = pd.DataFrame(
        [(bias, x, bias * x) for bias in np.linspace(0, 1, 500) for x in np.linspace(0, 1, 5)],
        columns=["gate_bias", "membrane_voltage", "current"],
    )
    figure = {"x": "membrane_voltage", "y": "current", "by": ["gate_bias"]}
    study, run = study_of(write_run(tmp_path / "run", table, ["gate_bias"], figures=[figure]))
    (chart,), _ = curve_charts(study, run.record.figures)
    assert len([trace for trace in chart.views[0].data if trace["x"] != [None]]) == 120
    assert "120 of 500 lines are drawn" in chart.note


def test_limits_are_judged_row_by_row_and_name_the_worst_point(tmp_path):
    table = pd.DataFrame(
        {"corner": ["tt", "ss", "ff"], "delay": [1.0e-9, 1.6e-9, np.nan], "current": [1.0, 2.0, 3.0]}
    )
    limits, problems = read_limits(
        [
            {"column": "delay", "maximum": 1.5e-9},
            {"column": "current", "minimum": 1, "maximum": 3},
            {"column": "speed", "minimum": 0},
            7,
        ]
    )
    study, _ = study_of(write_run(tmp_path / "run", table, ["corner"]))
    verdicts, unjudged = judge(study, limits)
    assert [(verdict.passed, verdict.rows, verdict.holds) for verdict in verdicts] == [
        (1, 3, False),
        (3, 3, True),
    ]
    assert study.table.corner[verdicts[0].worst] == "ff"  # what was not measured is worst of all
    assert "speed" in unjudged[0]
    assert len(problems) == 1
    stored = {**limits[0].model_dump(), "smallest": 1e-9, "yield": {"passed": 1}}
    assert read_limits([stored])[0] == [limits[0]]


def test_yield_counts_samples_that_keep_to_every_limit(tmp_path):
    table = sample_table(100)
    folder = write_run(tmp_path / "run", table, ["corner", "temperature", "sample"])
    study, _ = study_of(folder)
    limits, _ = read_limits(
        [{"column": "delay", "maximum": 1.05e-9}, {"column": "current", "minimum": 0.98e-6}]
    )
    result = yields(study, limits)
    assert result is not None
    found = {tuple(where.values()): share for where, share in result.conditions}
    assert list(found) == [("tt", 27.0), ("tt", 85.0), ("ss", 27.0), ("ss", 85.0)]
    part = table[(table.corner == "tt") & (table.temperature == 85.0)]
    expected = int(((part.delay <= 1.05e-9) & (part.current >= 0.98e-6)).sum())
    assert (found["tt", 85.0].passed, found["tt", 85.0].count) == (expected, 100)
    assert 0 < expected < 100


@pytest.mark.parametrize(("passed", "count"), [(0, 10), (10, 10), (97, 100), (1, 2)])
def test_interval_of_the_yield_is_wilsons(passed, count):
    expected = stats.binomtest(passed, count).proportion_ci(0.95, method="wilson")
    assert Share(passed, count).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_interval_of_the_deviation_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    deviations = random.normal(size=(4000, 20)).std(axis=1, ddof=1)
    covered = [low <= 1 <= high for low, high in (deviation_interval(value, 20) for value in deviations)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)


def test_histograms_hold_every_sample_once(tmp_path):
    study, _ = study_of(write_run(tmp_path / "run", sample_table(150), ["corner", "temperature", "sample"]))
    limits, _ = read_limits([{"column": "delay", "maximum": 1.2e-9}])
    delay, current = histograms(study, limits)
    assert [view.name for view in delay.views] == ["temperature 27 °C", "temperature 85 °C"]
    for chart in (delay, current):
        for view in chart.views:
            assert [sum(trace["y"]) for trace in view.data] == [150, 150]
    assert [shape["x0"] for shape in delay.views[0].layout["shapes"]] == pytest.approx([1.2])
    assert current.views[0].layout["shapes"] == []


def test_a_histogram_begins_where_limits_break_and_is_not_flattened_by_a_far_limit(tmp_path):
    study, _ = study_of(write_run(tmp_path / "run", sample_table(80), ["corner", "temperature", "sample"]))
    hot = study.table.temperature == 85.0
    study.table.loc[hot, "delay"] += 0.2e-9
    (delay, _) = histograms(study, read_limits([{"column": "delay", "maximum": 1.5e-9, "minimum": -1.0}])[0])
    assert delay.views[delay.start].name == "temperature 85 °C"
    layout = delay.views[delay.start].layout
    assert layout["xaxis"]["range"][0] > 0
    assert [shape["x0"] for shape in layout["shapes"]] == pytest.approx([1.5])
    assert [mark["text"] for mark in layout["annotations"]] == ["1.5 ns", "limit -1 s ←"]


def test_a_constant_quantity_has_a_histogram_too(tmp_path):
    table = pd.DataFrame({"sample": range(20), "delay": [0.0] * 20})
    study, _ = study_of(write_run(tmp_path / "run", table, ["sample"]))
    assert sum(histograms(study, [])[0].views[0].data[0]["y"]) == 20


def test_spread_compares_each_point_with_itself_at_nominal(tmp_path):
    folder = write_run(
        tmp_path / "run",
        synapse_table(noise=0, corners=("ss", "tt", "ff")),
        ["gate_bias", "corner", "temperature", "polarity"],
    )
    study, _ = study_of(folder)
    chart, table = spread_parts(study)
    (trace,) = chart.views[0].data
    assert trace["x"] == ["ss", "tt", "ff"]
    for key in ("lowerfence", "median", "upperfence"):
        assert trace[key] == pytest.approx([100 / 1.1 - 100, 0, 120 / 1.1 - 100], abs=1e-3)
    assert "-9.09 %" in table


def test_the_fit_over_the_rows_has_the_cards_own_residual_and_a_band_of_its_covariance(tmp_path):
    folder = synapse_run(tmp_path / "run")
    card = ModelCard.load(folder / "reversal_synapse_n.json")
    found = overlay(card, read_run(folder).table)
    left = 100 * (found.fitted - found.rows.current.to_numpy()) / found.scale
    assert np.sqrt(np.mean(left**2)) == pytest.approx(card.residual.percent, rel=0.02)
    # one parameter, the slope: its interval times the distance from reset, in currents at reset
    low, high = card.parameters["reversal_coefficient"].interval
    distance = np.abs(found.rows.membrane_voltage.to_numpy() - 1.3)
    np.testing.assert_allclose(found.band, 0.5 * (high - low) * distance * found.scale, rtol=0.02, atol=1e-15)


def test_a_card_of_another_corner_is_laid_over_no_row(tmp_path):
    folder = synapse_run(tmp_path / "run")
    card = ModelCard.load(folder / "reversal_synapse_n.json")
    other = card.model_copy(update={"provenance": {"corner": "ss"}})
    with pytest.raises(NoRows, match="no row of the table"):
        overlay(other, read_run(folder).table)


def test_broken_cards_and_links_leave_the_rest_of_the_report_standing(tmp_path):
    folder = synapse_run(tmp_path / "run")
    text = (folder / "reversal_synapse_n.json").read_text()
    (folder / "bad.json").write_text(text.replace('"kind": "reversal_synapse"', '"kind": "no_such_kind"'))
    (folder / "deep.json").write_text(
        '{"schema": "cimspice.card/1", "family": "model", "parts": ' + "[" * 100_000
    )
    card = json.loads(text)
    card["parts"]["reversal_synapse"]["data"]["covariance"] = [[1e308]]
    (folder / "huge.json").write_text(json.dumps(card))
    (folder / "link.json").symlink_to(folder / "reversal_synapse_n.json")
    page = write_page(folder, tmp_path / "page.html")
    assert page.cards == 4
    html = page.path.read_text()
    assert "no_such_kind" in html
    assert "link" not in re.findall(r"<h3>([^<]*)</h3>", html)


def test_the_page_names_conditions_provenance_and_failures(tmp_path):
    failure = {
        "parameters": {"width": 1e-6},
        "corner": "ss",
        "temperature": 85,
        "error": "NonConvergence",
        "message": "too small",
    }
    page = write_page(synapse_run(tmp_path / "run", failures=[failure] * 3), tmp_path / "page.html")
    html = page.path.read_text()
    assert page.failed == 3
    for words in ("3 points failed", "NonConvergence", "too small", "sky130 1.0", "libngspice 39", "0.62 V"):
        assert words in html


def test_the_same_run_gives_the_same_page(tmp_path):
    folder = synapse_run(tmp_path / "run")
    one, two = (write_page(folder, tmp_path / name).path.read_bytes() for name in ("1.html", "2.html"))
    assert one == two


def test_a_run_of_one_point_and_one_without_rows_have_a_page(tmp_path):
    table = pd.DataFrame({"corner": ["tt"], "delay": [1e-9]})
    assert write_page(write_run(tmp_path / "one", table, ["corner"])).figures == 0
    page = write_page(write_run(tmp_path / "none", table[:0], ["corner"], failures=[{"error": "TimeLimit"}]))
    assert page.failed == 1
    assert page.path == tmp_path / "none" / "report.html"


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1e-320, -1e308, 1e308, 1.0])
WORDS = st.text(max_size=8)
COLUMN = st.one_of(
    st.lists(NUMBERS, min_size=6, max_size=6),
    st.lists(WORDS, min_size=6, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.lists(st.lists(st.floats(-1, 1), max_size=2), min_size=6, max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(
    columns=st.dictionaries(WORDS.filter(bool), COLUMN, min_size=1, max_size=3),
    corners=st.lists(WORDS, min_size=6, max_size=6),
    samples=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    conditions=st.integers(0, 3),
    bound=st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_a_table_holds_it_has_a_page(tmp_path_factory, columns, corners, samples, conditions, bound):
    folder = tmp_path_factory.mktemp("any")
    table = pd.DataFrame({"corner": corners, "temperature": [27.0, 85.0] * 3, "sample": samples, **columns})
    names = list(table.columns)
    write_run(
        folder / "run",
        table,
        ["corner", "temperature", "sample", *names[3 : 3 + conditions]],
        limits=[{"column": name, "maximum": bound} for name in names],
        figures=[
            {"x": one, "y": other, "by": [names[0]], "log": ["y"]} for one in names for other in names[3:]
        ],
    )
    html = write_page(folder / "run", folder / "page.html").path.read_text()
    charts = json.loads(re.search(r'id="charts">(.*?)</script>', html, re.DOTALL)[1])
    assert len(charts) == html.count('<div class="chart"')
    difference = compare_runs(folder / "run", folder / "run")
    assert difference.same, difference


def test_without_plotly_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(page_document, "find_spec", lambda name: None)
    with pytest.raises(CimspiceError) as raised:
        write_page(synapse_run(tmp_path / "run"), tmp_path / "page.html")
    assert "pip install plotly" in raised.value.remedy
    assert not (tmp_path / "page.html").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(TableError, match="no such run folder"):
        write_page(tmp_path / "nowhere")


def test_a_page_of_many_conditions_makes_only_those_it_shows_and_says_how_many_rows(tmp_path, monkeypatch):
    """20,000 conditions of 2 samples: what is thinned is reported, and no frame is made of the others."""
    bias = np.repeat(np.linspace(0, 1, 20_000), 2)
    table = pd.DataFrame({"gate_bias": bias, "sample": np.tile([0, 1], 20_000), "current": bias + 1e-3})
    table["current"] *= np.where(table["sample"] == 0, 1.0, 1.1)
    made = []
    real = Groups.__getitem__
    monkeypatch.setattr(Groups, "__getitem__", lambda self, index: made.append(index) or real(self, index))
    limits = [{"column": "current", "maximum": 0.5}]
    folder = write_run(tmp_path / "run", table, ["gate_bias", "sample"], limits=limits)
    page = write_page(folder)
    assert len(made) < 2000
    html = page.path.read_text()
    assert "60 of 20,000 conditions, evenly chosen, can be chosen: 120 of 40,000 rows." in html
    assert "200 of 20,000 conditions, evenly chosen, are shown: 400 of 40,000 rows." in html
    assert "of 40,000 rows are shown." in html
