"""The SQLite file of a store: opened also where it can only be read, and made smaller also on a full disk."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from cimspice.campaign.schema import DIGEST_VERSION, VERSION, bring_up_to_date, found_version
from cimspice.errors import StoreError

_PATIENCE = 60.0  # seconds that another process may hold the file
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_LOG_PAGES = 64  # of 4 kB, after which the log is written back: on a full disk it is what must find room
_RESERVE = 1 << 20  # bytes
_ROWS_AT_ONCE = 10_000
_PAGES_AT_ONCE = 1000


class Reserve:
    """A file beside the store that takes room on its disk: `prune` gives it up to have some to work with.

    SQLite needs room to delete: what changes goes into its log first.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path = store.with_name(store.name + "-reserve")

    def keep(self) -> None:
        """Make it, a tenth of the free room at most; without room there is none."""
        with contextlib.suppress(OSError):
            if self._store.is_file() and not self._path.exists():  # a store may be in memory alone
                size = min(_RESERVE, shutil.disk_usage(self._path.parent).free // 10)
                self._path.write_bytes(os.urandom(size))  # zeros would take none on some file systems

    def release(self) -> None:
        """Give its room back."""
        self._path.unlink(missing_ok=True)


def open_store(path: Path) -> tuple[sqlite3.Connection, bool, list[tuple[str, int]]]:
    """Open a store's file, or make it.

    StoreError, sqlite3.Error or OSError if it cannot be opened at all or is no store.

    Returns
    -------
    tuple
        The connection; whether the file can only be read (no rights, or no room for a log); if it was of an
        older layout, which points (bench, count) have a digest of an older kind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path)
        with _closed_on_error(connection):
            with transaction(connection):
                renewed = bring_up_to_date(connection, str(path))
            return connection, False, _old_points(connection) if renewed else []
    except (sqlite3.OperationalError, OSError) as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_READONLY) & 0xFF
        if code not in (*_FULL, sqlite3.SQLITE_READONLY) or not path.is_file():
            raise
    connection = _connect_read_only(path)
    with _closed_on_error(connection):
        version = found_version(connection, str(path))
        if version != VERSION:
            raise StoreError(
                f"the store has layout {version} instead of {VERSION}, and cannot be written",
                place=str(path),
                remedy="make it writable once, or name another folder in CIMSPICE_CACHE",
            )
    return connection, True, []


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _old_points(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    query = "SELECT bench, count(*) FROM points WHERE digest_version < ? GROUP BY bench ORDER BY bench"
    return connection.execute(query, (DIGEST_VERSION,)).fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    """For reading and writing, made if absent; its log kept short."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    with _closed_on_error(connection):
        connection.execute("PRAGMA trusted_schema = OFF")  # the file may be a stranger's
        _keep_a_log(connection)
        connection.execute(f"PRAGMA busy_timeout = {1000 * _PATIENCE:.0f}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    return connection


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """Where not even the files of the log can be opened, what stands in the log is not seen."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        place = f"{path.resolve().as_uri()}?{mode}"
        connection = sqlite3.connect(place, uri=True, timeout=_PATIENCE, isolation_level=None)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            refusal = error
    raise refusal


def delete(connection: sqlite3.Connection, where: str, values: Sequence[object], reserve: Reserve) -> int:
    """Delete rows of ``points``, and give the disk back; on a full one in steps as small as needed.

    Returns
    -------
    int
        How many.
    """
    count, step = 0, _ROWS_AT_ONCE
    try:
        _write_log_back(connection)
    except sqlite3.OperationalError as error:
        if not _is_full(error):
            raise
        reserve.release()
        _write_log_back(connection)
    while True:
        chosen = f"SELECT digest FROM points WHERE {where} LIMIT {step}"
        try:
            with transaction(connection):
                connection.execute(f"DELETE FROM waveforms WHERE digest IN ({chosen})", values)
                removed = connection.execute(
                    f"DELETE FROM points WHERE digest IN ({chosen})", values
                ).rowcount
            count += removed
            _write_log_back(connection)
            if removed < step:
                break
        except sqlite3.OperationalError as error:
            if not _is_full(error) or step == 1:
                raise
            reserve.release()
            with contextlib.suppress(sqlite3.OperationalError):
                _write_log_back(connection)
            step = max(1, step // 10)
    _shrink(connection)
    return count


def _shrink(connection: sqlite3.Connection) -> None:
    """Give free pages back to the disk. Without room for that, the next points fill them."""
    try:
        if not connection.execute("PRAGMA auto_vacuum").fetchone()[0]:  # a file of an older cimspice
            connection.execute("VACUUM")
        while (free := connection.execute("PRAGMA freelist_count").fetchone()[0]) > 0:
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            _write_log_back(connection)
            if connection.execute("PRAGMA freelist_count").fetchone()[0] >= free:
                break
        _write_log_back(connection)
    except sqlite3.OperationalError as error:
        if not _is_full(error):
            raise


def _write_log_back(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _is_full(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in _FULL


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Readers and a writer at once. SQLite does not wait by itself where two make a new file so."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect in a new file
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
