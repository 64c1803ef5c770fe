"""What stands in a run folder is of one run: written together, checked by who reads it, old things gone."""

from __future__ import annotations

import errno
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from campaign_fakes import ENVIRONMENT, FakePool

import cimspice
from cimspice.campaign import parse_specification, run_campaign
from cimspice.campaign.export import add_files, export
from cimspice.cli.app import run as command
from cimspice.errors import CimspiceError, TableError


def run(tmp_path, corner="tt", points=3, **keys):
    raw = {
        "campaign": {"bench": "test_divider"},
        "sweep": {"lower_resistance": np.linspace(1e3, 5e3, points).tolist(), "corners": [corner]},
        "figure": [{"x": "lower_resistance", "y": "output", "name": "curve"}],
        **keys,
    }
    return run_campaign(
        parse_specification(raw), store=tmp_path / "points.sqlite", engine=FakePool(), environment=ENVIRONMENT
    )


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("where", ["to_parquet", "to_csv"])
def test_a_disk_that_fills_between_files_leaves_the_old_run_whole(tmp_path, monkeypatch, where):
    folder = tmp_path / "run"
    export(run(tmp_path, keep={"waveforms": True}), folder)
    (folder / "figures").mkdir()
    (folder / "figures" / "curve.png").write_bytes(b"old")
    before, table = content(folder), cimspice.load(folder)

    def full(self, path, **_):
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, where, full)
    with pytest.raises(CimspiceError, match="No space left") as raised:
        export(run(tmp_path, "ss"), folder)
    assert raised.value.place.startswith(str(folder / "table"))
    assert content(folder) == before
    pd.testing.assert_frame_equal(cimspice.load(folder), table)


@pytest.mark.parametrize("name", ["run.json", "table.parquet", "table.csv", "waveforms.parquet"])
def test_a_folder_of_two_runs_is_refused_by_every_reader(tmp_path, capsys, name):
    for corner in ("tt", "ss"):
        export(run(tmp_path, corner, 4, keep={"waveforms": True}), tmp_path / corner)
    shutil.copy(tmp_path / "tt" / name, tmp_path / "ss" / name)
    mixed = tmp_path / "ss"
    refused = 0
    for read in (
        lambda: cimspice.load(mixed),
        lambda: cimspice.waveforms(mixed, 0),
        lambda: command(["report", str(mixed), "--json"]),
        *(
            lambda source=source: command(["fit", str(source), "--model", "gate_law", "--json"])
            for source in (mixed, mixed / "table.parquet", mixed / "table.csv")
        ),
    ):
        try:
            read()
        except TableError as error:
            assert "another run" in error.message  # noqa: PT017 (which reader meets which file depends)
            refused += 1
        refused += "another run" in capsys.readouterr().out
    assert refused == {"run.json": 6, "table.parquet": 4, "table.csv": 1, "waveforms.parquet": 1}[name]
    assert command(["compare", str(tmp_path / "tt"), str(mixed), "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    if name in ("run.json", "table.parquet"):
        assert "table.parquet" in reported["changed"]


def test_a_run_killed_among_the_renames_is_refused_until_it_is_made_again(tmp_path, monkeypatch):
    folder, other = tmp_path / "run", run(tmp_path, "ss")
    export(run(tmp_path), folder)
    replace, done = os.replace, []

    def killed(source, target):
        if target.parent == folder and len(done) == 2:
            raise KeyboardInterrupt
        done.extend([target] * (target.parent == folder))
        replace(source, target)

    monkeypatch.setattr("cimspice.files.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        export(other, folder)
    monkeypatch.undo()
    with pytest.raises(TableError, match="not the file that run"):
        cimspice.load(folder)
    export(other, folder)
    assert set(cimspice.load(folder).corner) == {"ss"}
    assert sorted(p.name for p in folder.iterdir()) == ["run.json", "table.csv", "table.parquet"]


def test_figures_cards_waveforms_and_page_of_the_old_table_go_with_it_and_nothing_else(tmp_path):
    folder = tmp_path / "run"
    export(run(tmp_path, keep={"waveforms": True}), folder)
    made = [folder / "figures" / "curve.svg", folder / "cards" / "gate_law_tt.json"]
    own = [folder / "notes.txt", folder / "figures" / "mine.png", folder / "gate_law.json"]
    for path in (*made, *own, folder / "report.html", folder / "figures" / "curve.png"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    add_files(folder, made)
    export(run(tmp_path, keep={"waveforms": True}), folder)
    assert (folder / "report.html").exists()  # the same run: its page is still right
    made[1].write_text("x")
    add_files(folder, made[1:])
    export(run(tmp_path, points=2), folder)
    left = {path for path in folder.rglob("*") if path.is_file()}
    assert left == {*own, *(folder / name for name in ("run.json", "table.csv", "table.parquet"))}


@pytest.mark.parametrize("name", ["../outside", "figures/../../outside", "/outside", "figures/link", ".", ""])
def test_a_record_of_a_stranger_removes_nothing_outside_its_folder(tmp_path, name):
    folder = tmp_path / "run"
    export(run(tmp_path), folder)
    (tmp_path / "outside").write_text("gold")
    (tmp_path / "link").write_text("gold")
    (folder / "figures").symlink_to(tmp_path)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "files": {name: "0"}}))
    export(run(tmp_path, "ss"), folder)
    assert (tmp_path / "outside").read_text() == (tmp_path / "link").read_text() == "gold"
