"""`cimspice characterize` with limits, failures and samples: what it prints, and its exit code."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from cimspice.cli.app import run as command_line
from cimspice.pdk import cache_directory

pytestmark = pytest.mark.spice

FILE = """
[campaign]
bench = "transistor"
[parameters]
drain_step = 0.9
gate_voltage = 1.0
[monte_carlo]
samples = 4
[[limit]]
column = "drain_current"
maximum = {maximum}
unit = "uA"
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, with the device models that are installed."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "pdk").symlink_to(cache_directory() / "pdk")
    monkeypatch.setenv("CIMSPICE_CACHE", str(folder))
    return folder


@pytest.mark.parametrize(("maximum", "code", "passed"), [(1e4, 0, 4), (1e-3, 3, 0)])
def test_exit_code_and_json_say_whether_the_limits_are_kept(tmp_path, cache, capsys, maximum, code, passed):
    path = tmp_path / "mine.toml"
    path.write_text(FILE.format(maximum=maximum))
    words = ["characterize", str(path), "-o", str(tmp_path / "run"), "--jobs", "1"]
    assert command_line([*words, "--json"]) == code
    reported = json.loads(capsys.readouterr().out)
    assert (reported["points"], reported["done"], reported["failed"]) == (4, 4, 0)
    assert (reported["yield"]["passed"], reported["yield"]["points"]) == (passed, 4)
    assert reported["limits"][0]["maximum"] == pytest.approx(maximum * 1e-6)
    table = pd.read_parquet(reported["table"])
    assert list(table.groupby("sample").within_limits.all()) == [passed == 4] * 4
    assert command_line(words) == code
    shown = capsys.readouterr().out
    assert f"{passed} of 4 samples pass" in shown
    assert "(4 finished before)" in shown


def test_screen_json_run_and_page_have_one_yield_of_samples(tmp_path, cache, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(
        FILE.format(maximum=1e4) + '[sweep]\ncorners = ["tt", "ss"]\ntemperatures = [0, 27, 85]\n'
    )
    words = ["characterize", str(path), "-o", str(tmp_path / "run"), "--jobs", "1"]
    assert command_line([*words, "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    low, high = 0.5101091635454, 1.0  # Wilson's interval of 4 of 4, scipy.stats.binomtest
    assert reported["yield"]["interval"] == pytest.approx([low, high], abs=1e-9)
    assert reported["yield"]["everywhere"]["points"] == 4
    assert json.loads((tmp_path / "run" / "run.json").read_text())["yield"] == reported["yield"]
    assert reported["limits"][0]["yield"] == reported["yield"]
    assert command_line(words) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "4 of 4 samples pass under the worst of 6 conditions" in shown
    assert "between 51.01% and 100.00% with 95 %; 4 of 4 under all" in shown
    assert command_line(["report", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["yield"] == reported["yield"]
    assert "yield 100.0% (51.0% to 100.0%)" in (tmp_path / "run" / "report.html").read_text()


def test_a_folder_with_the_run_of_another_bench_is_left_alone(tmp_path, cache, capsys):
    (tmp_path / "one.toml").write_text('[campaign]\nbench = "inverter"\n')
    (tmp_path / "other.toml").write_text('[campaign]\nbench = "transistor"\n')
    assert command_line(["characterize", str(tmp_path / "one.toml"), "-o", str(tmp_path / "run")]) == 0
    before = (tmp_path / "run" / "run.json").read_bytes()
    capsys.readouterr()
    assert command_line(["characterize", str(tmp_path / "other.toml"), "-o", str(tmp_path / "run")]) == 2
    assert "a run of the bench inverter, not of transistor" in capsys.readouterr().err
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_a_run_folder_that_cannot_be_made_is_reported_before_anything_runs(tmp_path, cache, capsys):
    (tmp_path / "file").write_text("")
    words = ["characterize", "transistor_iv", "-o", str(tmp_path / "file" / "run"), "--json"]
    assert command_line(words) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["place"] == str(tmp_path / "file" / "run")
    assert not (cache / "points.sqlite").exists()


def test_failed_points_outrank_limits_and_a_stop_is_said(tmp_path, cache, capsys):
    path = tmp_path / "mine.toml"
    text = FILE.format(maximum=1e-3) + "[failures]\nstop_after = 1\n[sweep]\nlength = [1e-8, 2e-8, 3e-8]\n"
    path.write_text(text.replace("[monte_carlo]\nsamples = 4\n", ""))
    words = ["characterize", str(path), "-o", str(tmp_path / "run"), "--jobs", "1", "--json"]
    assert command_line(words) == 1
    streams = capsys.readouterr()
    reported = json.loads(streams.out)
    assert reported["failed"] >= 1
    assert reported["stopped"] == (reported["failed"] < 3)
    assert reported["yield"]["fraction"] is None
    assert "covers" in streams.err


def test_a_smaller_second_run_takes_the_old_page_and_figures_with_it_and_says_so(tmp_path, cache, capsys):
    path, folder = tmp_path / "mine.toml", tmp_path / "run"
    figure = '[[figure]]\nname = "{}"\nx = "drain_voltage"\ny = "drain_current"\n'
    path.write_text(FILE.format(maximum=1e4) + figure.format("first"))
    words = ["characterize", str(path), "-o", str(folder), "--jobs", "1"]
    assert command_line(words) == 0
    assert f"cimspice report {folder}" in capsys.readouterr().out.splitlines()[-1]
    assert command_line(["report", str(folder)]) == 0
    capsys.readouterr()
    assert command_line([*words, "--json"]) == 0  # the same run again
    streams = capsys.readouterr()
    assert (json.loads(streams.out)["removed"], "replaced" in streams.err) == ([], False)
    assert (folder / "report.html").exists()
    path.write_text(FILE.format(maximum=1e4).replace("samples = 4", "samples = 2") + figure.format("second"))
    assert command_line([*words, "--json"]) == 0
    streams = capsys.readouterr()
    removed = [str(folder / name) for name in ("figures/first.png", "figures/first.svg", "report.html")]
    assert json.loads(streams.out)["removed"] == removed
    assert f"the run of 4 points that {folder} held is replaced; removed with it:" in streams.err
    assert sorted(file.name for file in (folder / "figures").iterdir()) == ["second.png", "second.svg"]
