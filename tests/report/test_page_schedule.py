"""The page of a schedule and the sweep over spare crossbars."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser import Browser, find_chromium

from cimspice.cli.app import run
from cimspice.schedule import Schedule, Settings, load_graph


def made(tmp_path, capsys, *words) -> tuple[dict, list]:
    assert run(["schedule", *words, "--output", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "report.json").read_text())["cross_layer"] == found["cross_layer"]
    page = Path(found["files"]["index.html"]).read_text(encoding="utf-8")
    charts = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page)
    assert charts is not None
    return found, json.loads(charts[1])


def test_bars_of_the_chart_are_the_work_of_every_copy(capsys, tmp_path):
    found, charts = made(tmp_path, capsys, "tinyyolov4", "--input", "64x64", "--extra", "9")
    (gantt,) = charts[0]
    for layer, trace in zip(found["layers"], gantt["data"], strict=True):
        assert trace["name"] == layer["name"]
        assert sum(trace["x"]) == layer["pixels"]  # one MVM a pixel, pauses left out
        assert min(trace["base"]) == layer["start"]
        assert len(set(trace["y"])) == layer["copies"]
        assert trace["width"] == layer["pes"]
    (buffers,) = charts[2]
    assert max(buffers["data"][0]["y"]) == found["buffers"]["peak_bytes"]


def test_the_sweep_has_the_schedules_of_single_commands(capsys, tmp_path):
    words = ["tinyyolov4", "--input", "64x64", "--sets", "row", "--sweep", "8", "--jobs", "2"]
    found, charts = made(tmp_path, capsys, *words)
    assert len(charts) == 4
    graph = load_graph("tinyyolov4", "64x64")
    assert [(one["split"], one["extra"]) for one in found["sweep"]] == [
        (split, extra) for split in ("cyclic", "shared") for extra in range(9)
    ]
    for one in found["sweep"]:
        alone = Schedule(graph, Settings(extra=one["extra"], split=one["split"]))
        assert one["steps"] == alone.steps
        assert one["seconds"] == pytest.approx(alone.steps * found["mvm_time_second"], rel=1e-12)


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium")
def test_a_page_of_a_thousand_crossbars_is_drawn_without_complaint(capsys, tmp_path):
    found, charts = made(tmp_path, capsys, "resnet152", "--extra", "64", "--sets", "pixel")
    assert found["pe"]["present"] == 1000
    assert sum(len(trace["x"]) for trace in charts[0][0]["data"]) <= 20_000
    with Browser(str(find_chromium())) as browser:
        browser.open(tmp_path / "index.html")
        browser.wait("document.querySelectorAll('#chart-0 .bars .point').length > 1000")
        assert browser.cpu_seconds() < 3
        assert browser.errors == []
    assert (tmp_path / "index.html").stat().st_size < 8e6
