"""Waveforms of many points in one Parquet file: a row per value of the axis, a column per vector.

Column ``point`` says whose the rows are. A complex vector ``out`` stands in two columns, ``out.real`` and
``out.imag``. An operating point has one row and no axis. Rows of a point stand together, in order.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cimspice.errors import SimulationError
from cimspice.spice import Waveforms
from cimspice.spice.waveforms import plain_name

POINT = "point"
ROWS_TOGETHER = 1 << 16  # a row group ends with the point that reaches it

Vectors = dict[str, np.ndarray]
"""Column -> real values, shape (points,), the axis first."""


def columns_of(waveforms: Waveforms, wanted: Sequence[str]) -> Vectors:
    """Axis and vectors of one analysis as real columns.

    ParameterError if a wanted vector is not there; SimulationError if the vectors are of different lengths,
    or one has a name that the file uses itself.

    Parameters
    ----------
    waveforms
        What was simulated.
    wanted
        Names of vectors; empty: all.
    """
    names = [plain_name(name) for name in wanted] or list(waveforms.names)
    axis = [] if waveforms.axis_name is None else [waveforms.axis_name]
    columns: Vectors = {}
    for name in (*axis, *names):
        values = waveforms[name]
        if np.iscomplexobj(values) and name not in axis:
            columns |= {f"{name}.real": np.real(values).copy(), f"{name}.imag": np.imag(values).copy()}
        else:
            columns[name] = np.real(values)
    if len({len(values) for values in columns.values()}) > 1:
        raise SimulationError("the vectors are of different lengths", place=", ".join(columns))
    if POINT in columns:
        raise SimulationError(
            f"a vector named {POINT!r} cannot be kept: so is the column that says whose it is",
            remedy="rename the node, or name the vectors to keep",
        )
    return columns


def has(columns: Collection[str], name: str) -> bool:
    """Whether a vector, real or complex, is among columns."""
    return name in columns or f"{name}.real" in columns


def write(
    path: Path, names: Iterable[str], waveforms: Iterable[tuple[str | int, Vectors]], kind: pa.DataType
) -> None:
    """Write points, a few at a time.

    Parameters
    ----------
    path
        The file.
    names
        All columns; a point that lacks one has null there.
    waveforms
        Points (digests or indices) and their columns.
    kind
        Arrow type of the column ``point``.
    """
    names = list(names)
    schema = pa.schema([(POINT, kind), *((name, pa.float64()) for name in names)])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for group in _groups(waveforms):
            lengths = [_length(columns) for _, columns in group]
            points = pa.array([point for point, _ in group], kind)
            arrays = [points.take(pa.array(np.repeat(np.arange(len(group)), lengths)))]
            for name in names:
                parts = [
                    pa.array(columns[name]) if name in columns else pa.nulls(length, pa.float64())
                    for (_, columns), length in zip(group, lengths, strict=True)
                ]
                arrays.append(pa.concat_arrays(parts))
            file.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=sum(lengths))


def _groups(waveforms: Iterable[tuple[str | int, Vectors]]) -> Iterator[list[tuple[str | int, Vectors]]]:
    """Points, in lists of about as many rows as stand well in one row group."""
    group, rows = [], 0
    for point, columns in waveforms:
        group.append((point, columns))
        rows += _length(columns)
        if rows >= ROWS_TOGETHER:
            yield group
            group, rows = [], 0
    if group:
        yield group


def read(path: Path, points: Container[str]) -> Iterator[tuple[str, Vectors]]:
    """Those of the given points that a file of the store holds, with the columns that they have.

    OSError or pyarrow.ArrowException if the file is missing or damaged.
    """
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        encoded = table[POINT].combine_chunks().dictionary_encode()
        codes = encoded.indices.to_numpy()
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        start = 0
        for code, stop in zip(codes[starts], [*starts[1:], len(codes)], strict=True):
            digest = encoded.dictionary[code].as_py()
            if digest in points:
                part = table.slice(start, stop - start).drop_columns([POINT])
                held = [name for name in part.column_names if part[name].null_count == 0]
                yield digest, {name: part[name].to_numpy() for name in held}
            start = stop


def _length(columns: Vectors) -> int:
    return len(next(iter(columns.values())))
