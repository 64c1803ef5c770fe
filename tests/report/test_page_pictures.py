"""Charts and tables of the page: panels, limits, colours of corners, tables on a phone."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from browser import Browser, find_chromium
from page_runs import sample_table, write_run

from cimspice.campaign.load import read_run
from cimspice.report.colours import CORNERS
from cimspice.report.page import write_page
from cimspice.report.page_curves import curve_charts
from cimspice.report.page_limits import read_limits
from cimspice.report.page_samples import histograms
from cimspice.report.page_study import Study

UNITS = {"frequency": "Hz", "gain": "dB", "phase": "°"}


@pytest.fixture
def bode(tmp_path):
    """A low-pass at five corners, with limits near and far."""
    frequency = np.logspace(0, 8, 81)
    parts = []
    for number, corner in enumerate(CORNERS):
        response = 100 / (1 + 1j * frequency / (1e4 * (1 + number)))
        gain, phase = 20 * np.log10(np.abs(response)), np.angle(response, deg=True)
        parts.append(pd.DataFrame({"corner": corner, "frequency": frequency, "gain": gain, "phase": phase}))
    folder = write_run(
        tmp_path / "bode",
        pd.concat(parts, ignore_index=True),
        ["corner"],
        figures=[{"x": "frequency", "y": ["gain", "phase"], "by": "corner"}],
        limits=[{"column": "gain", "minimum": -50.0}, {"column": "phase", "maximum": 500.0}],
    )
    table = pd.read_parquet(folder / "table.parquet")
    table.attrs["units"] |= UNITS
    table.to_parquet(folder / "table.parquet")
    return folder


def sampled(folder):
    """Samples at five corners."""
    one = sample_table(40)
    one = one[(one["corner"] == one["corner"].iloc[0])]
    parts = [one.assign(corner=corner, delay=one["delay"] * (1 + n / 10)) for n, corner in enumerate(CORNERS)]
    return write_run(folder, pd.concat(parts, ignore_index=True), ["corner", "temperature", "sample"])


def test_a_bode_plot_is_two_panels_with_limits_over_a_log_frequency(bode):
    run = read_run(bode)
    limits, _ = read_limits(run.record.limits)
    (chart,), problems = curve_charts(Study.of(run), run.record.figures, limits)
    layout = chart.views[0].layout
    assert not problems
    assert layout["xaxis"]["type"] == "log"
    assert layout["xaxis"]["exponentformat"] == "SI"
    assert (layout["yaxis"]["dtick"], layout["yaxis2"]["dtick"]) == (20, 15)
    assert layout["yaxis"]["domain"][0] > layout["yaxis2"]["domain"][1]
    assert [(line["yref"], line["y0"]) for line in layout["shapes"]] == [("y", -50.0)]
    assert layout["yaxis"]["range"][0] < -50
    assert [note["text"] for note in layout["annotations"]] == ["min -50 dB", "max 500 ° ↑"]
    shown = [trace for trace in chart.views[0].data if trace["showlegend"]]
    assert [trace["line"]["color"] for trace in shown] == list(CORNERS.values())


def test_distributions_of_five_corners_are_outlines_in_five_colours(tmp_path):
    study = Study.of(read_run(sampled(tmp_path / "run")))
    delay = histograms(study, [])[0]
    assert [trace["line"]["color"] for trace in delay.views[0].data] == list(CORNERS.values())
    assert {trace["type"] for trace in delay.views[0].data} == {"scatter"}


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium")
def test_a_table_that_is_cut_off_on_a_phone_says_so(bode, tmp_path):
    page = write_page(sampled(tmp_path / "run"))
    hint = "getComputedStyle(table, '::before').content !== 'none'"
    cut = "table.scrollWidth > table.clientWidth + 1"
    tables = "[...document.querySelectorAll('.scroll')].filter(table => table.clientWidth)"
    with Browser(str(find_chromium())) as browser:
        for width, some in ((390, True), (1280, False)):
            browser.open(page.path, width)
            assert browser.evaluate(f"{tables}.every(table => ({hint}) === ({cut}))"), width
            assert browser.evaluate(f"{tables}.some(table => {hint})") == some
        browser.open(page.path, 390)
        browser.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        browser.wait(f"{tables}.every(table => ({hint}) === ({cut}))")
        browser.open(write_page(bode).path, 390)
        assert browser.evaluate("document.documentElement.scrollWidth") == 390
        ticks = browser.evaluate("[...document.querySelectorAll('.xtick text')].map(e => e.textContent)")
        assert {"1k", "1M"} <= set(ticks)
        assert browser.errors == [], json.dumps(browser.errors)
