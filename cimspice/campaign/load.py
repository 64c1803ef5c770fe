"""Read a run folder back: the tidy table, and what ``run.json`` says of it.

Run folders come from strangers too: nothing outside the folder is read, nothing in it is run, and what is not
as it should be is a clear error.
"""

import errno
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cimspice.campaign.figure import Figure
from cimspice.documents import parse_json
from cimspice.errors import CimspiceError, TableError
from cimspice.files import open_plain
from cimspice.notebook import head, shown

LARGEST_JSON = 64 << 20  # bytes; about 200,000 failures
LARGEST_TABLE = 4 << 30  # bytes in memory
LARGEST_FILE = 1 << 40  # bytes of a file of waveforms; only the row groups of the point are read
_BATCH_ROWS = 1 << 16
_MADE_BY = "make the run anew with: cimspice characterize SPEC -o RUN"

Text = Annotated[str, BeforeValidator(str)]


class Campaign(BaseModel):
    """What was asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    bench: str = ""
    title: str = ""
    source: str = ""
    parameters: dict[str, Any] = {}
    sweep: list[dict[str, Any]] = []
    corners: list[str] = []
    temperatures: list[float] = []
    monte_carlo: dict[str, Any] | None = None


class Failure(BaseModel):
    """A failed point with its error."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parameters: dict[str, Any] = {}
    corner: str = ""
    temperature: float | None = None
    sample: int | None = None
    error: Text = ""
    message: Text = ""


class Record(BaseModel):
    """``run.json``; keys that this version does not know are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    campaign: Campaign = Campaign()
    points: int | None = Field(default=None, ge=0)
    done: int | None = Field(default=None, ge=0)
    cached: int | None = Field(default=None, ge=0)
    failed: int | None = Field(default=None, ge=0)
    relaxed: int = 0
    stopped: bool = False
    seconds: float | None = None
    units: dict[str, str] = {}
    provenance: dict[str, Any] = {}
    failures: list[Failure] = []
    figures: list[Figure] = []
    limits: Any = None
    adaptive: Any = None
    files: dict[str, str] = {}
    """SHA-256 of the run's other files, by their paths in the folder; empty in runs of earlier versions."""


@dataclass(frozen=True)
class Run:
    """A run folder's content: ``table`` as of :func:`load`, ``record`` as of its ``run.json``; ``problem``
    says that the two are not of one run, "" where they are.
    """

    folder: Path
    table: pd.DataFrame
    record: Record
    problem: str = ""

    def _repr_html_(self) -> str:
        facts = self.record.model_dump(include={"points", "done", "cached", "failed", "relaxed", "seconds"})
        title = self.record.campaign.title or self.folder.name
        return shown(title, {**facts, "rows": len(self.table)}, head(self.table))


def load(run: str | Path) -> pd.DataFrame:
    """The table of a run folder.

    Parameters
    ----------
    run
        The folder that ``cimspice characterize`` left.

    Returns
    -------
    pandas.DataFrame
        One row per measured row: conditions (parameters, ``corner``, ``temperature`` in degrees Celsius,
        ``sample`` of a Monte Carlo run), then what was measured, in SI units. ``attrs["units"]`` maps column
        to unit, ``attrs["conditions"]`` lists the columns that are conditions, ``attrs["provenance"]`` says
        what the numbers rest on, ``attrs["campaign"]`` what was asked for.

    Raises
    ------
    TableError
        If a file of the folder is missing, damaged, a link, larger than a run can be, or not of the same run
        as the others.
    """
    return read_run(run).table


def read_table(path: str | Path) -> pd.DataFrame:
    """The table of a run, from its ``table.parquet`` alone. TableError as :func:`load`."""
    check_file(path)
    table = _table(Path(path))
    table.attrs = {name: _mapping(table.attrs.get(name)) for name in ("units", "provenance")}
    return table


def read_run(run: str | Path, *, whole: bool = True) -> Run:
    """As :func:`load`, with the counts, failures, figures and limits of ``run.json``.

    A table that is not of the same run as ``run.json`` is read too unless ``whole``; ``problem`` says so.
    """
    folder = Path(run)
    if not folder.is_dir():
        raise TableError("there is no such run folder", place=str(folder), remedy=_MADE_BY)
    record = _record(folder / "run.json")
    problem = _problem(folder / "table.parquet", record)
    if problem and whole:
        raise TableError(problem, place=str(folder / "table.parquet"), remedy=_MADE_BY)
    table = _table(folder / "table.parquet")
    stored = table.attrs
    conditions = stored.get("conditions")
    table.attrs = {
        "units": {**record.units, **_words(stored.get("units"))},
        "conditions": _conditions(conditions, record, table),
        "provenance": {**record.provenance, **_mapping(stored.get("provenance"))},
        "campaign": record.campaign.model_dump(mode="json"),
    }
    return Run(folder, table, record, problem)


def read_record(run: str | Path) -> Record | None:
    """What a folder's ``run.json`` says; None if it holds no run."""
    try:
        return _record(Path(run) / "run.json")
    except TableError:
        return None


def check_file(path: str | Path) -> None:
    """TableError if a file lies in a run folder and is not the one that its ``run.json`` names."""
    record = read_record(Path(path).parent)
    problem = "" if record is None else _problem(Path(path), record)
    if problem:
        raise TableError(problem, place=str(path), remedy=_MADE_BY)


def _problem(path: Path, record: Record) -> str:
    """Why a file is not of the run that ``run.json`` records; "" if it is, or ``run.json`` does not say."""
    expected = record.files.get(path.name)
    if expected is None or file_digest(path) == expected:
        return ""
    return "it is not the file that run.json names: one of the two is of another run, or was changed since"


def file_digest(path: Path) -> str:
    """SHA-256 of a file of a run folder."""
    with open_regular(path, LARGEST_FILE) as file:
        status = os.fstat(file.fileno())
        return _digest(str(path), status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: str, *_: int) -> str:
    """Computed once for each state of a file: one of waveforms is asked for point after point."""
    digest = hashlib.sha256()
    with open_regular(Path(path), LARGEST_FILE) as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _conditions(stored: object, record: Record, table: pd.DataFrame) -> list[str]:
    """Condition columns; of a table that does not say them, what the campaign fixed and swept."""
    if isinstance(stored, list):
        names = [str(name) for name in stored]
    else:
        swept = [str(name) for axis in record.campaign.sweep for name in axis.get("names", [])]
        names = [*record.campaign.parameters, *swept, "corner", "temperature", "sample"]
    return [name for name in dict.fromkeys(names) if name in table.columns]


def _mapping(value: object) -> dict[str, Any]:
    return {str(key): entry for key, entry in value.items()} if isinstance(value, dict) else {}


def _words(value: object) -> dict[str, str]:
    return {key: str(entry) for key, entry in _mapping(value).items()}


def open_regular(path: Path, largest: int) -> BinaryIO:
    """Open a plain file for reading: no link, pipe or device, and not larger than ``largest`` bytes.

    Raises
    ------
    TableError
        Otherwise, or if it is not there.
    """
    try:
        return open_plain(path, largest, links=False)
    except OSError as error:
        remedy = _MADE_BY if error.errno == errno.ENOENT else "put the run's own file there"
        raise TableError(f"cannot read: {error.strerror}", place=str(path), remedy=remedy) from error


def _record(path: Path) -> Record:
    with open_regular(path, LARGEST_JSON) as file:
        content = file.read(LARGEST_JSON)
    try:
        return Record.model_validate(parse_json(content))
    except ValidationError as error:
        first = error.errors()[0]
        raise TableError(
            f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']} (it is {str(first['input'])[:60]})",
            place=str(path),
            remedy=_MADE_BY,
        ) from None
    except ValueError as error:
        raise TableError(
            f"not the JSON of a run: {str(error)[:200]}", place=str(path), remedy=_MADE_BY
        ) from None


def _table(path: Path) -> pd.DataFrame:
    with open_regular(path, LARGEST_TABLE) as file:
        try:
            return _frame(file, str(path))
        except (pa.ArrowException, OSError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            if isinstance(error, CimspiceError):
                raise
            words = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise TableError(f"not a Parquet table: {words}", place=str(path), remedy=_MADE_BY) from None


def _frame(file: BinaryIO, place: str) -> pd.DataFrame:
    """The frame, read batch by batch so that a small file that unpacks to a huge table is noticed early."""
    # Text stays a dictionary while it is read: a million copies of one long word take the room of one.
    texts = [
        field.name
        for field in pq.read_schema(file)
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    parquet = pq.ParquetFile(file, read_dictionary=texts)
    schema = parquet.schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise TableError("two columns have the same name", place=place, remedy=_MADE_BY)
    batches, size = [], 0
    for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
        size += sum(_unpacked(column) for column in batch.columns)
        if size > LARGEST_TABLE:
            raise TableError(
                f"the table unpacks to more than {LARGEST_TABLE} bytes", place=place, remedy=_MADE_BY
            )
        batches.append(batch)
    read = pa.Table.from_batches(batches, schema=None if batches else schema)
    # What is said of pandas' own types is not followed: it names Python types.
    frame = read.to_pandas(ignore_metadata=True)
    for name in frame.columns[[isinstance(kind, pd.CategoricalDtype) for kind in frame.dtypes]]:
        frame[name] = frame[name].astype("str")
    stored = (schema.metadata or {}).get(b"PANDAS_ATTRS")
    frame.attrs = _mapping(parse_json(stored)) if stored else {}
    return frame


def _unpacked(column: pa.Array) -> int:
    """Bytes of a column with its dictionary written out."""
    if not isinstance(column, pa.DictionaryArray):
        return column.nbytes
    longest = max((len(word) for word in column.dictionary.to_pylist() if word is not None), default=0)
    return column.indices.nbytes + len(column) * longest
