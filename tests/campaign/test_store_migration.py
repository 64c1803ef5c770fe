"""A store that an older cimspice wrote becomes one of this version, whole or not at all."""

from __future__ import annotations

import sqlite3
import warnings

import numpy as np
import pytest
from campaign_fakes import ENVIRONMENT, FakePool

from cimspice.campaign import Store, parse_specification, run_campaign, schema
from cimspice.campaign.store import OldPointsWarning, Record
from cimspice.cli.app import run
from cimspice.errors import StoreError

# As cimspice wrote it before it kept waveforms.
VERSION_1 = """
CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS points (
  digest TEXT PRIMARY KEY,
  bench TEXT NOT NULL,
  parameters TEXT NOT NULL,
  corner TEXT NOT NULL,
  temperature REAL NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
  error TEXT,
  message TEXT,
  rows TEXT,
  cpu_seconds REAL NOT NULL,
  created TEXT NOT NULL
);
INSERT INTO schema VALUES (1);
"""
CAMPAIGN = {"campaign": {"bench": "test_divider"}, "sweep": {"supply": [0.5, 1.0, 2.0]}}


def finished_campaign(path):
    """A campaign's points, in a store of version 1."""
    new = path.with_name("new.sqlite")
    specification = parse_specification(CAMPAIGN)
    result = run_campaign(specification, store=new, engine=FakePool(), environment=ENVIRONMENT)
    with sqlite3.connect(new) as source:
        rows = [row[:11] for row in source.execute("SELECT * FROM points")]
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA journal_mode = WAL")
        old.executescript(VERSION_1)
        old.executemany(f"INSERT INTO points VALUES ({','.join('?' * 11)})", rows)
    return specification, result


def version(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT version FROM schema").fetchall()


def test_points_whose_digests_did_not_cover_all_are_reported_once_kept_and_removed_when_asked(tmp_path):
    path = tmp_path / "points.sqlite"
    finished_campaign(path)
    assert version(path) == [(1,)]
    with pytest.warns(OldPointsWarning, match=r"^3 finished points are not used any more.*3 of test_divider"):
        Store(path).close()
    assert version(path) == [(schema.VERSION,)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Store(path) as store:
            store.record(
                [Record("new", "b", {}, "tt", 27.0, {"x": [0.25]}, None, None, 0.0)],
                {"new": {"out": np.array([0.25])}},
            )
            assert store.waveforms(["new"])["new"]["out"].tolist() == [0.25]
            assert [holding.done for holding in store.holdings()] == [1, 3]
            assert store.prune(outdated=True) == 3
            assert [holding.bench for holding in store.holdings()] == ["b"]


def test_old_points_are_reported_in_one_line_and_pruned(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path))
    finished_campaign(tmp_path / "points.sqlite")
    assert run(["cache", "show", "--json"]) == 0
    reported = capsys.readouterr().err.splitlines()
    assert [line for line in reported if "3 of test_divider" in line] == reported
    assert reported[0].startswith("warning: 3 finished points are not used any more")
    assert run(["cache", "prune", "--outdated"]) == 0
    assert "3 points are removed" in capsys.readouterr().err


def test_a_migrated_store_has_the_tables_of_a_new_one(tmp_path):
    def tables(path):
        with sqlite3.connect(path) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
            return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}

    finished_campaign(tmp_path / "points.sqlite")
    with pytest.warns(OldPointsWarning):
        Store(tmp_path / "points.sqlite").close()
    Store(tmp_path / "fresh.sqlite").close()
    assert tables(tmp_path / "points.sqlite") == tables(tmp_path / "fresh.sqlite")


def test_a_migration_that_fails_leaves_the_old_store_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "points.sqlite"
    finished_campaign(path)
    broken = {**schema.MIGRATIONS, 1: (*schema.MIGRATIONS[1], "CREATE TABLE points (again)")}
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="points already exists"):
        Store(path)
    monkeypatch.undo()
    assert version(path) == [(1,)]
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert names == {"schema", "points"}
        assert connection.execute("SELECT count(*) FROM points").fetchone() == (3,)
    with pytest.warns(OldPointsWarning):
        Store(path).close()
    assert version(path) == [(schema.VERSION,)]


def test_every_version_before_this_one_has_a_way_up():
    assert sorted(schema.MIGRATIONS) == list(range(1, schema.VERSION))


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE other (x)",
        "CREATE TABLE schema (version)",
        VERSION_1 + "UPDATE schema SET version = 'x'",
    ],
)
def test_a_database_that_is_no_store_is_refused_and_left_alone(tmp_path, statements):
    path = tmp_path / "points.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(statements)
        before = connection.execute("SELECT sql FROM sqlite_master").fetchall()
    with pytest.raises(StoreError, match="no store of points"):
        Store(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT sql FROM sqlite_master").fetchall() == before
