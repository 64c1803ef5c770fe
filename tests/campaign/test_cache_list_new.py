"""`cimspice cache`, `list` and `new`, and what progress looks like to a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cimspice.bench import benches
from cimspice.campaign import Progress, Store
from cimspice.campaign.store import Record
from cimspice.cli.app import run
from cimspice.cli.new import skeleton, write_bench
from cimspice.errors import ParameterError
from cimspice.fit import model_class
from cimspice.netlist import Template
from cimspice.pdk import cache_directory
from cimspice.screen import progress
from cimspice.screen.progress import JsonLines, Mode, shown


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, with the device models that are installed."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "pdk").symlink_to(cache_directory() / "pdk")
    monkeypatch.setenv("CIMSPICE_CACHE", str(folder))
    return folder


def record(digest, bench="b", error=None):
    rows = None if error else {"x": [1.0] * 200}
    return Record(digest, bench, {}, "tt", 27.0, rows, error, error and "reported", 2.0)


@pytest.fixture
def filled(cache, monkeypatch):
    """Three points of one bench, one of them failed, and two of another, one recorded ten days ago."""
    with Store() as store:
        store.record([record("1"), record("2"), record("3", error="NonConvergence")])
        store.record([record("4", "c"), record("5", "c")])
        store._connection.execute("UPDATE points SET created = datetime('now', '-10 days') WHERE digest = 5")
    return cache


def left():
    with Store() as store:
        return sorted(store.read([str(k) for k in range(10)]))


def test_cache_show_lists_what_is_held(filled, capsys):
    assert run(["cache", "show", "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert [(b["bench"], b["done"], b["failed"], b["cpu_seconds"]) for b in reported["benches"]] == [
        ("b", 2, 1, 4.0),
        ("c", 2, 0, 4.0),
    ]
    assert reported["path"] == str(filled / "points.sqlite")
    assert reported["bytes"] >= (filled / "points.sqlite").stat().st_size > 0
    assert run(["cache", "show"]) == 0
    assert "points.sqlite" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--failed"], "1245"),
        (["--bench", "c"], "123"),
        (["--older-than", "5"], "1234"),
        (["--bench", "b", "--failed"], "1245"),
        (["--bench", "b", "--older-than", "5"], "12345"),
        (["--all"], ""),
    ],
)
def test_prune_removes_what_all_conditions_hold_for_and_nothing_else(filled, capsys, words, kept):
    assert run(["cache", "prune", *words, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 5 - len(kept)
    assert left() == list("12345")
    assert run(["cache", "prune", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 5 - len(kept)
    assert left() == list(kept)


@pytest.mark.parametrize("words", [[], ["--all", "--failed"], ["--older-than", "-1"]])
def test_prune_without_a_clear_word_removes_nothing(filled, words):
    assert run(["cache", "prune", *words]) == 2
    assert left() == list("12345")


def test_prune_gives_the_disk_back(cache):
    with Store() as store:
        store.record([record(str(k)) for k in range(1000)])
    with Store() as store:
        before = store.size
        assert store.prune() == 1000
        assert store.size < before / 10


def test_list_names_what_there_is(capsys):
    assert run(["list", "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert set(reported["benches"]) >= {bench.name for bench in benches() if bench.name.startswith("sram")}
    assert all(Template.packaged(name).path().is_file() for name in reported["templates"])
    assert all(model_class(kind).kind == kind for kind in reported["models"])
    assert "transistor_iv" in reported["campaigns"]
    assert all(title for entries in reported.values() for title in entries.values())
    assert run(["list", "campaigns"]) == 0
    shown_text = capsys.readouterr().out
    assert "transistor_iv" in shown_text
    assert "\ntemplates" not in "\n" + shown_text
    assert run(["list", "models", "comparator", "--json"]) == 0
    assert "columns" in json.loads(capsys.readouterr().out)


def test_list_searches_names_and_titles_and_names_what_is_near(capsys):
    assert run(["list", "campaigns", "multi-row", "mismatch", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["campaigns"]) == {
        "sram_read_discharge_mismatch",
        "sram_read_disturb_mismatch",
    }
    assert run(["list", "Comparator"]) == 0
    assert "sram_comparator_offset" in capsys.readouterr().out
    assert run(["list", "comparater"]) == 2
    assert "did you mean 'comparator" in capsys.readouterr().err


def test_titles_in_the_list_are_whole_sentences(capsys):
    assert run(["list", "templates", "--json"]) == 0
    titles = json.loads(capsys.readouterr().out)["templates"]
    assert titles["rram/vteam"] == (
        "VTEAM (S. Kvatinsky et al., IEEE TCAS-II 62 (2015) 786), linear resistance"  # not cut at "S."
    )
    assert titles["crossbar/amplifier"].endswith("a resistor around it, one for each source line")
    assert titles["sram/readout"].endswith("the precharge of a shared rail")  # of two lines
    assert titles["neuron/synapse"] == "Synapse <polarity>: current over membrane voltage"


def test_help_is_wrapped_by_the_terminal_alone(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert run(["program", "--help"]) == 0
    assert "the baseline (unsorted, all cells that differ are written), sorted" in capsys.readouterr().out
    assert run(["--help"]) == 0
    assert "make the card of a family. Finished points are never run again." in capsys.readouterr().out


def command(*words, **options):
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=300, check=False, **options
    )


@pytest.mark.spice
def test_the_skeleton_of_a_new_bench_passes_its_test_and_runs_in_workers(
    tmp_path, cache, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "bench", "my_stage", "--json"]) == 0
    files = [tmp_path / name for name in json.loads(capsys.readouterr().out)["files"]]
    assert [path.name for path in files] == [
        "my_stage.cir.j2",
        "my_stage_bench.py",
        "my_stage.toml",
        "test_my_stage.py",
    ]
    tested = command("-m", "pytest", "-q", "-p", "no:cacheprovider", str(files[3]), cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout
    words = ["characterize", str(files[2]), "--import", str(files[1]), "--jobs", "1", "--corner", "tt"]
    words += ["--set", "input_voltage=[0, 0.9, 1.8]", "-o", str(tmp_path / "run"), "--json"]
    done = command("-m", "cimspice", *words, "--progress", "json-lines", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    assert (reported["points"], reported["done"]) == (9, 9)
    assert reported["yield"]["passed"] == 9
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[0]["done"] == lines[0]["cached"] < 9
    assert (lines[-1]["done"], lines[-1]["points"]) == (9, 9)
    assert run(["characterize", str(files[2])]) == 2
    assert "unknown bench 'my_stage'" in capsys.readouterr().err


def test_new_overwrites_nothing_and_refuses_names_that_cannot_be(tmp_path):
    (tmp_path / "mine.toml").write_text("kept")
    with pytest.raises(ParameterError, match="already there"):
        write_bench("mine", tmp_path, skeleton("mine"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    for name in ("transistor", "Mine", "../mine", "1st", "class", ""):
        with pytest.raises(ParameterError):
            write_bench(name, tmp_path / "new", skeleton("new"))
    assert not (tmp_path / "new").exists()


def test_the_skeleton_is_formatted_and_typed_as_this_project_asks(tmp_path):
    write_bench("my_stage", tmp_path, skeleton("my_stage"))
    options = ["--config", str(Path(__file__).parents[2] / "pyproject.toml"), str(tmp_path)]
    assert command("-m", "ruff", "format", "--check", *options).returncode == 0
    checked = command("-m", "ruff", "check", *options)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("text", "reported"),
    [("1 +", "cannot be imported"), ("raise KeyError('x')", "KeyError"), (None, "no Python file")],
)
def test_a_module_that_cannot_be_imported_is_reported(tmp_path, capsys, text, reported):
    path = tmp_path / f"broken_{len(reported)}.py"
    if text is not None:
        path.write_text(text)
    assert run(["characterize", "transistor_iv", "--import", str(path), "--dry-run"]) == 2
    assert reported in capsys.readouterr().err


def test_json_lines_have_first_and_last_and_not_all_between(capsys, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    lines = JsonLines()
    for done in range(0, 101, 2):
        lines(Progress(100, done, 0, 0))
        clock[0] += 0.1
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (lines[0]["done"], lines[-1]["done"]) == (0, 100)
    assert 5 <= len(lines) <= 8
    assert lines[0]["seconds_left"] is None
    assert lines[2]["points_per_second"] == pytest.approx(20, rel=0.01)
    assert lines[2]["seconds_left"] == pytest.approx((100 - lines[2]["done"]) / 20, rel=0.01)


def test_quiet_is_quiet_and_bars_show_failures(capsys):
    with shown(Mode.QUIET, "x", 2) as progress:
        progress(Progress(2, 1, 0, 1))
    assert capsys.readouterr() == ("", "")
    with shown(Mode.BARS, "a_bench", 2) as progress:
        progress(Progress(2, 1, 0, 1))
    reported = capsys.readouterr().err
    assert "a_bench" in reported
    assert "1 failed" in reported
