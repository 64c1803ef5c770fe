from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.campaign import Store
from cimspice.campaign.store import Record
from cimspice.errors import StoreError


def record(digest, rows=None, **changed):
    values = {
        "digest": digest,
        "bench": "b",
        "parameters": {"width": 1e-6},
        "corner": "tt",
        "temperature": 27.0,
        "rows": rows,
        "error": None if rows is not None else "NonConvergence",
        "message": None if rows is not None else "why",
        "cpu_seconds": 0.5,
    }
    return Record(**{**values, **changed})


def test_records_come_back_as_they_were_and_failed_ones_are_not_done(tmp_path):
    kept = [
        record("a", {"x": [1.0, 2.0], "n": [1, 2], "word": ["p", "q"], "flag": [True, False]}),
        record("b"),
    ]
    path = tmp_path / "deep" / "points.sqlite"
    with Store(path) as store:
        store.record(kept)
    with Store(path) as store:
        assert store.read(["a", "b", "c"]) == {"a": kept[0], "b": kept[1]}
        assert store.done(["a", "b", "c"]) == {"a"}
        store.record([record("b", {"x": [3.0]})])
        assert store.done(["b"]) == {"b"}


@given(st.lists(st.floats(), min_size=1))
def test_every_float_comes_back_to_the_last_bit(values):
    with Store(":memory:") as store:
        store.record([record("a", {"x": values})])
        back = store.read(["a"])["a"].rows
    assert back is not None
    assert [value.hex() for value in back["x"]] == [value.hex() for value in values]


def test_thousands_of_digests_are_asked_for_at_once(tmp_path):
    with Store(tmp_path / "points.sqlite") as store:
        store.record(record(f"{i}", {"x": [float(i)]}) for i in range(1500))
        assert len(store.done([f"{i}" for i in range(3000)])) == 1500
        assert store.mean_cpu_seconds("b") == 0.5
        assert store.mean_cpu_seconds("other") is None


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path):
    def interrupted():
        yield record("a", {"x": [1.0]})
        raise KeyboardInterrupt

    with Store(tmp_path / "points.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            store.record(interrupted())
        with pytest.raises(StoreError):
            store.record([record("b", {"x": [1.0]}), record("c", {"x": [1.0]}, corner=None)])
        assert store.read(["a", "b", "c"]) == {}
        store.record([record("d", {"x": [1.0]})])
        assert store.done(["d"]) == {"d"}


def test_two_stores_may_write_one_file(tmp_path):
    path = tmp_path / "points.sqlite"
    with Store(path) as one, Store(path) as two:
        one.record([record("a", {"x": [1.0]})])
        two.record([record("b", {"x": [2.0]})])
        assert one.done(["a", "b"]) == two.done(["a", "b"]) == {"a", "b"}


def test_the_file_is_readable_with_sqlite_alone(tmp_path):
    path = tmp_path / "points.sqlite"
    with Store(path) as store:
        store.record([record("a", {"x": [0.1, math.pi]})])
    connection = sqlite3.connect(path)
    query = "SELECT value FROM points, json_each(points.rows, '$.x') WHERE status = 'done'"
    assert [row[0] for row in connection.execute(query)] == [0.1, math.pi]
    assert connection.execute("SELECT version FROM schema").fetchall() == [(3,)]
    connection.close()


def test_a_store_of_a_newer_layout_is_refused(tmp_path):
    path = tmp_path / "points.sqlite"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema SET version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="layout 99"):
        Store(path)


def test_a_new_file_that_another_process_is_just_making_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "points.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # SQLite would not wait for the end of this before it makes a log
    waits = []
    monkeypatch.setattr(time, "sleep", lambda seconds: waits.append(other.execute("COMMIT")))
    with Store(path) as store:
        assert store.done(["a"]) == set()
    assert len(waits) == 1


def test_what_is_no_store_is_refused_with_its_path(tmp_path):
    path = tmp_path / "points.sqlite"
    path.write_text("not a database, but long enough to have a header " * 100)
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    with pytest.raises(StoreError):
        Store(path / "below" / "points.sqlite")


def test_a_full_disk_is_reported_and_what_was_kept_stays(tmp_path):
    """A limit on the size of files stands in for the disk, in a process of its own."""
    script = """
        import resource, signal, sys
        from cimspice.campaign import Store
        from cimspice.campaign.store import Record
        from cimspice.errors import StoreError

        def record(i):
            return Record(f"{i}", "b", {}, "tt", 27.0, {"x": [float(i)] * 500}, None, None, 0.0)

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = Store(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        kept = 0
        try:
            for i in range(1000):
                store.record([record(i)])
                kept += 1
        except StoreError as error:
            assert "free the disk" in str(error)
            print(kept)
    """
    path = tmp_path / "points.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    kept = int(done.stdout)
    assert kept > 0
    with Store(path) as store:
        assert store.done([f"{i}" for i in range(1000)]) == {f"{i}" for i in range(kept)}


def test_a_store_in_memory_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store(":memory:") as store:
        store.record([record("a", {"x": [1.0]})])
    assert list(tmp_path.iterdir()) == []
