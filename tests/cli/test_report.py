from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cimspice.cli.app import run

sys.path.append(str(Path(__file__).parents[1] / "report"))

from page_runs import PROVENANCE, sample_table, write_run


@pytest.fixture
def folder(tmp_path):
    return write_run(
        tmp_path / "a",
        sample_table(30),
        ["corner", "temperature", "sample"],
        limits=[{"column": "delay", "minimum": 0.5e-9, "maximum": 1.3e-9}],
    )


def test_report_writes_one_page_and_says_what_is_on_it(folder, tmp_path, capsys):
    assert run(["report", str(folder), "-o", str(tmp_path / "page.html"), "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert Path(reported["report"]).stat().st_size == reported["bytes"]
    assert reported["figures"] == 3
    assert [(limit["column"], limit["rows"]) for limit in reported["limits"]] == [("delay", 120)]
    assert {entry["corner"] for entry in reported["yields"]} == {"tt", "ss"}
    assert all(
        0 <= entry["interval"][0] <= entry["yield"] <= entry["interval"][1] <= 1
        for entry in reported["yields"]
    )


def test_report_goes_into_the_run_folder_and_says_where(folder, capsys):
    assert run(["report", str(folder)]) == 0
    assert "report.html" in capsys.readouterr().out
    assert (folder / "report.html").is_file()


def test_compare_says_what_changed_on_the_screen_and_in_json(folder, tmp_path, capsys):
    table = sample_table(30).assign(delay=lambda t: t.delay * 1.5)
    other = write_run(
        tmp_path / "b", table, ["corner", "temperature", "sample"], provenance={"pdk": "[red]new[/red]"}
    )
    assert run(["compare", str(folder), str(other), "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["same"] is False
    assert [entry["column"] for entry in reported["effects"]] == ["delay"]
    pdk = reported["changes"][0]
    assert (pdk["section"], pdk["name"]) == ("provenance", "pdk")
    assert (pdk["before"], pdk["after"]) == (PROVENANCE["pdk"], "[red]new[/red]")
    assert run(["compare", str(folder), str(other)]) == 0
    shown = capsys.readouterr().out
    assert "[red]new[/red]" in shown
    assert "over samples" in shown
    assert run(["compare", str(folder), str(folder)]) == 0
    assert "the same" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["report", "nowhere"], ["compare", "nowhere", "nowhere"]])
def test_a_folder_that_is_no_run_is_bad_input(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run([*words, "--json"]) == 2
    assert "no such run folder" in json.loads(capsys.readouterr().out)["error"]["message"]
