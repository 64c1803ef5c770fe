"""Where finished points are kept: one SQLite file, shared by all campaigns of a user, readable with sqlite3
alone; waveforms in Parquet files beside it. The layout is described in ``cimspice.campaign.schema``.
"""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cimspice.campaign.schema import DIGEST_VERSION
from cimspice.campaign.store_file import Reserve, delete, open_store, transaction
from cimspice.campaign.waveform_file import Vectors, has
from cimspice.campaign.waveform_folder import WaveformFolder
from cimspice.errors import CimspiceError, StoreError
from cimspice.pdk import cache_directory

_BATCH = 500  # digests asked for in one query; SQLite allows 999 variables on old builds


@dataclass(frozen=True)
class Record:
    """What is known of one point that was run.

    ``rows`` maps column to values, one per row; None for a failed point, which has ``error`` (the
    exception's name) and ``message``.
    """

    digest: str
    bench: str
    parameters: dict[str, Any]
    corner: str
    temperature: float
    rows: dict[str, list[Any]] | None
    error: str | None
    message: str | None
    cpu_seconds: float

    @property
    def status(self) -> str:
        return "done" if self.rows is not None else "failed"


@dataclass(frozen=True)
class Holding:
    """What a store holds of one bench: counts, CPU time (s) of the done points, first and last record (UTC,
    ISO 8601).
    """

    bench: str
    done: int
    failed: int
    cpu_seconds: float
    oldest: str
    newest: str


class OldPointsWarning(UserWarning):
    """A store holds points that are not used any more."""


def default_path() -> Path:
    """``points.sqlite`` in ``CIMSPICE_CACHE``, or else in the user's cache folder."""
    return cache_directory() / "points.sqlite"


class Store:
    """The points file, open for reading and writing; a context manager.

    Each :meth:`record` is one transaction: after a kill at any moment the file holds every batch that was
    recorded, whole. Several processes may use one file at once.

    Parameters
    ----------
    path
        The file; made if absent. Default: :func:`default_path`.

    Attributes
    ----------
    read_only
        Whether the file can only be read: no rights to write, or a full disk.

    Raises
    ------
    StoreError
        If the file cannot be opened, is of a newer layout, or is no such file; later if the disk is full. A
        file of an older layout becomes one of this; an `OldPointsWarning` says which points are not used any
        more.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._waveforms = WaveformFolder(self.path)
        self._reserve = Reserve(self.path)
        with self._explained():
            self._connection, self.read_only, old = open_store(self.path)
            if not self.read_only:
                self._reserve.keep()
        if old:
            warnings.warn(_of_old_points(old, self.path), OldPointsWarning, stacklevel=2)

    def require_writable(self) -> None:
        """StoreError if the file can only be read: what is run now could not be kept."""
        if self.read_only:
            raise StoreError(
                "the store of finished points can only be read, and not all that is asked for is in it",
                place=str(self.path),
                remedy="free the disk (`cimspice cache prune`) or make file and folder writable; or name "
                "another folder in CIMSPICE_CACHE",
            )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was recorded stays."""
        self._connection.close()

    def record(self, records: Iterable[Record], waveforms: Mapping[str, Vectors] | None = None) -> None:
        """Keep these points, and the waveforms (digest -> columns) of those that have some, in one
        transaction. A point recorded before is replaced.
        """
        self.require_writable()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lines = [
            (
                record.digest,
                record.bench,
                json.dumps(record.parameters, sort_keys=True),
                record.corner,
                record.temperature,
                record.status,
                record.error,
                record.message,
                None if record.rows is None else json.dumps(record.rows),
                record.cpu_seconds,
                now,
                DIGEST_VERSION,
            )
            for record in records
        ]
        with self._explained():
            file = self._waveforms.write(waveforms) if waveforms else ""
            kept = [
                (digest, file, json.dumps(list(columns))) for digest, columns in (waveforms or {}).items()
            ]
            with transaction(self._connection):
                points = f"INSERT OR REPLACE INTO points VALUES ({','.join('?' * 12)})"
                self._connection.executemany(points, lines)
                self._connection.executemany("INSERT OR REPLACE INTO waveforms VALUES (?, ?, ?)", kept)

    def done(self, digests: Sequence[str]) -> set[str]:
        """Those of the digests whose points are done."""
        found: set[str] = set()
        for batch in _batches(digests):
            found.update(row[0] for row in self._select("digest", batch, "AND status = 'done'"))
        return found

    def with_waveforms(self, digests: Sequence[str], wanted: Sequence[str]) -> dict[str, list[str]]:
        """Those of the digests whose waveforms are kept with all wanted vectors (empty: with any), and their
        columns.
        """
        found: dict[str, list[str]] = {}
        for batch in _batches(digests):
            for digest, text in self._select("digest, vectors", batch, table="waveforms"):
                with self._explained():
                    columns = json.loads(text)
                if all(has(columns, name) for name in wanted):
                    found[digest] = columns
        return found

    def waveforms(self, digests: Sequence[str]) -> dict[str, Vectors]:
        """Kept waveforms of these points, by digest; unknown ones are absent.

        Raises
        ------
        StoreError
            If a file with waveforms is missing or damaged.
        """
        found: dict[str, Vectors] = {}
        for batch in _batches(digests):
            files: dict[str, set[str]] = {}
            for digest, file in self._select("digest, file", batch, table="waveforms"):
                files.setdefault(file, set()).add(digest)
            for file, asked in files.items():
                found.update(self._waveforms.read(file, asked))
        return found

    def read(self, digests: Sequence[str]) -> dict[str, Record]:
        """What is known of these points, by digest; unknown ones are absent."""
        columns = "digest, bench, parameters, corner, temperature, rows, error, message, cpu_seconds"
        found: dict[str, Record] = {}
        for batch in _batches(digests):
            for digest, bench, parameters, corner, temperature, rows, *rest in self._select(columns, batch):
                with self._explained():
                    loaded = None if rows is None else json.loads(rows)
                    given = json.loads(parameters)
                found[digest] = Record(digest, bench, given, corner, temperature, loaded, *rest)
        return found

    def mean_cpu_seconds(self, bench: str) -> float | None:
        """Mean CPU time (s) of a bench's done points; None if there are none."""
        with self._explained():
            query = "SELECT avg(cpu_seconds) FROM points WHERE bench = ? AND status = 'done'"
            return self._connection.execute(query, (bench,)).fetchone()[0]

    @property
    def size(self) -> int:
        """Bytes on disk, the log of recent transactions and waveforms included."""
        files = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.is_file()) + self._waveforms.size

    def holdings(self) -> list[Holding]:
        """What is held, bench by bench."""
        query = (
            "SELECT bench, sum(status = 'done'), sum(status = 'failed'), "
            "sum(CASE status WHEN 'done' THEN cpu_seconds ELSE 0.0 END), min(created), max(created) "
            "FROM points GROUP BY bench ORDER BY bench"
        )
        with self._explained():
            return [Holding(*row) for row in self._connection.execute(query)]

    def prune(
        self,
        *,
        older_than_days: float | None = None,
        bench: str | None = None,
        failed: bool = False,
        outdated: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Remove the points that every given condition holds for (without any: all), and give the disk back.

        It works on a full disk too: a file that is kept beside the store for that makes room.

        Parameters
        ----------
        older_than_days
            Recorded before that many days ago.
        bench
            Of this bench.
        failed
            Failed ones.
        outdated
            Those that are not used any more: see `OldPointsWarning`.
        dry_run
            Count only.

        Returns
        -------
        int
            How many.
        """
        conditions, values = ["1"], []
        if older_than_days is not None:
            before = datetime.now(UTC) - timedelta(days=older_than_days)
            conditions.append("created < ?")
            values.append(before.isoformat(timespec="seconds"))
        if bench is not None:
            conditions.append("bench = ?")
            values.append(bench)
        if failed:
            conditions.append("status = 'failed'")
        if outdated:
            conditions.append("digest_version < ?")
            values.append(DIGEST_VERSION)
        where = " AND ".join(conditions)
        with self._explained():
            if dry_run:
                counted = self._connection.execute(f"SELECT count(*) FROM points WHERE {where}", values)
                return counted.fetchone()[0]
            self._make_room()
            before = self._waveform_files()
            count = delete(self._connection, where, values, self._reserve)
            named = self._waveform_files()
            self._waveforms.remove((before - named) | self._waveforms.abandoned(named))
            self._reserve.keep()
        return count

    def _make_room(self) -> None:
        """Open for writing what could only be read, with the room that the reserve took."""
        if self.read_only:
            self._reserve.release()
            self._connection.close()
            self._connection, self.read_only, _ = open_store(self.path)
            self.require_writable()

    def _waveform_files(self) -> set[str]:
        return {row[0] for row in self._connection.execute("SELECT DISTINCT file FROM waveforms")}

    def _select(
        self, columns: str, digests: Sequence[str], condition: str = "", table: str = "points"
    ) -> list[tuple[Any, ...]]:
        marks = ",".join("?" * len(digests))
        with self._explained():
            query = f"SELECT {columns} FROM {table} WHERE digest IN ({marks}) {condition}"
            return self._connection.execute(query, tuple(digests)).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except (sqlite3.Error, OSError, CimspiceError, ValueError, TypeError, RecursionError) as error:
            raise StoreError(
                f"the store of finished points cannot be used: {getattr(error, 'message', error)}",
                place=str(self.path),
                remedy="free the disk, or name another folder in CIMSPICE_CACHE; what was finished is kept",
            ) from error


def _batches(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(digests), _BATCH):
        yield digests[start : start + _BATCH]


def _of_old_points(old: Sequence[tuple[str, int]], path: Path) -> str:
    counts = ", ".join(f"{count} of {bench}" for bench, count in old)
    return (
        f"{sum(count for _, count in old)} finished points are not used any more, and are simulated again "
        "when they are asked for: their digests did not cover all that decides a result. "
        f"They are {counts} in {path}; `cimspice cache prune --outdated` removes them"
    )
