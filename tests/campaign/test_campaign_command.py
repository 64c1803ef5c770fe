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
def test_exit_code_and_json_tell_whether_the_limits_are_kept(tmp_path, cache, capsys, maximum, code, passed):
    path = tmp_path / "mine.toml"
    path.write_text(FILE.format(maximum=maximum))
    words = ["characterize", str(path), "-o", str(tmp_path / "run"), "--jobs", "1"]
    assert command_line([*words, "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["points"], told["done"], told["failed"]) == (4, 4, 0)
    assert (told["yield"]["passed"], told["yield"]["points"]) == (passed, 4)
    assert told["limits"][0]["maximum"] == pytest.approx(maximum * 1e-6)
    table = pd.read_parquet(told["table"])
    assert list(table.groupby("sample").within_limits.all()) == [passed == 4] * 4
    assert command_line(words) == code
    shown = capsys.readouterr().out
    assert f"{passed} of 4 points pass" in shown
    assert "(4 finished before)" in shown


def test_failed_points_outrank_limits_and_a_stop_is_said(tmp_path, cache, capsys):
    path = tmp_path / "mine.toml"
    text = FILE.format(maximum=1e-3) + "[failures]\nstop_after = 1\n[sweep]\nlength = [1e-8, 2e-8, 3e-8]\n"
    path.write_text(text.replace("[monte_carlo]\nsamples = 4\n", ""))
    words = ["characterize", str(path), "-o", str(tmp_path / "run"), "--jobs", "1", "--json"]
    assert command_line(words) == 1
    streams = capsys.readouterr()
    told = json.loads(streams.out)
    assert told["failed"] >= 1
    assert told["stopped"] == (told["failed"] < 3)
    assert told["yield"]["fraction"] is None
    assert "covers" in streams.err
