"""How points were chosen stands on the page and in the run folder; a stranger's history does no harm."""

from __future__ import annotations

import json

import pytest

from cimspice.report.adaptive_error import draw_error
from cimspice.report.page import write_page

HISTORY = [
    {"points": 40, "rms": 0.08, "largest": 0.2, "expected": 0.02},
    {"points": 60, "rms": 0.01, "largest": 0.03, "expected": 0.012},
    {"points": 80, "rms": 0.004, "largest": 0.009, "expected": 0.0},
]
DESCRIBED = {
    "column": "current", "scale": "log", "negligible": 1e-11, "target": 0.005, "held_out": 20,
    "reached": True, "grid_points": 4000, "history": HISTORY,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    import pandas as pd

    table = pd.DataFrame({"gate_bias": [0.4, 0.5, 0.6], "current": [1e-9, 3e-8, 2e-7]})
    table.attrs = {"units": {"gate_bias": "V", "current": "A"}, "conditions": ["gate_bias"]}
    table.to_parquet(tmp_path / "table.parquet")

    def write(described):
        record = {"campaign": {"bench": "any"}, "adaptive": described, "units": table.attrs["units"]}
        (tmp_path / "run.json").write_text(json.dumps(record))
        return tmp_path

    return write


def test_the_page_shows_points_error_and_target(folder):
    page = write_page(folder(DESCRIBED))
    text = page.path.read_text()
    assert not page.problems
    for reported in ("Choice of points", "After 80 simulations, 1 in 50.0 of the grid", "0.4 % rms",
                 "the target of 0.5 % was reached", "plus 10 pA"):  # fmt: skip
        assert reported in text


@pytest.mark.parametrize("wrong", [{"history": "x"}, {"target": None}, {"history": [{"points": -1}]}, []])
def test_a_history_that_cannot_be_read_is_reported_and_left_out(folder, wrong):
    page = write_page(folder({**DESCRIBED, **wrong} if isinstance(wrong, dict) else wrong))
    assert any("adaptive" in problem for problem in page.problems)
    assert "Choice of points</h2>" not in page.path.read_text()


def test_the_figure_is_drawn_and_nothing_before_the_first_fit(tmp_path):
    png, svg = draw_error(DESCRIBED, {"current": "A"}, tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "80 of 4000 simulations" in svg.read_text()
    assert draw_error({**DESCRIBED, "history": []}, {}, tmp_path) == []
