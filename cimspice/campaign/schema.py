"""The layout of the store's file, its version, and how a file of an older version becomes one of this.

Version 3 (this one):

- ``schema``: ``version``.
- ``points``, one row per digest: ``bench``, ``parameters`` (JSON), ``corner``, ``temperature`` (degrees
  Celsius), ``status`` (``done`` or ``failed``), ``error`` and ``message`` (of a failed point), ``rows``
  (JSON: column -> list, of a done point; floats as text that reads back exactly), ``cpu_seconds``,
  ``created`` (UTC), ``digest_version`` (what the digest covers: see `DIGEST_VERSION`).
- ``waveforms``, one row per digest of which waveforms are kept: ``file`` (Parquet, in the folder
  ``NAME.waveforms`` beside ``NAME.sqlite``) and ``vectors`` (JSON: names of the vectors in it).

Version 1 had no waveforms, version 2 no ``digest_version``.
"""

import sqlite3
from collections.abc import Mapping

from cimspice.errors import StoreError

_WAVEFORMS = """
CREATE TABLE waveforms (
  digest TEXT PRIMARY KEY,
  file TEXT NOT NULL,
  vectors TEXT NOT NULL
)
"""
_POINTS = """
CREATE TABLE points (
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
  created TEXT NOT NULL,
  digest_version INTEGER NOT NULL DEFAULT 1
)
"""

DIGEST_VERSION = 2
"""Raised when a point's digest covers more than before: points of an earlier one are never found again.

1 had the bench's module and its folder for the code, and the installed device models by their sizes.
"""

CREATION = ("CREATE TABLE schema (version INTEGER NOT NULL)", _POINTS, _WAVEFORMS)
MIGRATIONS: Mapping[int, tuple[str, ...]] = {
    1: (_WAVEFORMS,),
    2: ("ALTER TABLE points ADD COLUMN digest_version INTEGER NOT NULL DEFAULT 1",),
}
"""Version -> statements that make the next version of it."""
VERSION = max(MIGRATIONS) + 1


def bring_up_to_date(connection: sqlite3.Connection, place: str) -> bool:
    """Make an empty file a store, and a store of an older version one of this; whether it was an older one.

    To be called inside a transaction: all steps are done, or none.

    StoreError if the file is of a newer version, or no store.
    """
    version = found_version(connection, place)
    if version is None:
        for statement in CREATION:
            connection.execute(statement)
        connection.execute("INSERT INTO schema VALUES (?)", (VERSION,))
        return False
    for step in range(version, VERSION):
        for statement in MIGRATIONS[step]:
            connection.execute(statement)
    if version < VERSION:
        connection.execute("UPDATE schema SET version = ?", (VERSION,))
    return version < VERSION


def found_version(connection: sqlite3.Connection, place: str) -> int | None:
    """Version of a store's file; None if it is empty. StoreError as `bring_up_to_date`."""
    code = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger') OR sql LIKE 'CREATE VIRTUAL%'"
    ).fetchone()
    if code is not None:
        raise StoreError(
            f"the file holds {code[0]!r}, a view, trigger or virtual table: a store has none",
            place=place,
            remedy="do not use this file; give another store (CIMSPICE_CACHE)",
        )
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    found = connection.execute("SELECT version FROM schema").fetchone() if "schema" in tables else None
    if found is None or not (isinstance(found[0], int) and found[0] >= 1):
        raise StoreError(
            "the file is an SQLite database, but no store of points",
            place=place,
            remedy="give another store (CIMSPICE_CACHE)",
        )
    if found[0] > VERSION:
        raise StoreError(
            f"the store has layout {found[0]}, this cimspice writes {VERSION}",
            place=place,
            remedy="update cimspice, or give another store (CIMSPICE_CACHE)",
        )
    return found[0]
