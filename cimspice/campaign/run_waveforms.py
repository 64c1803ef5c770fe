"""Waveforms of a run folder, ``waveforms.parquet``: written from the store, read back point by point.

Column ``point`` is that of the table; see ``cimspice.campaign.waveform_file`` for the others. Alone with
pandas: ``pandas.read_parquet("RUN/waveforms.parquet", filters=[("point", "==", 3)])``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cimspice.campaign import waveform_file
from cimspice.campaign.load import LARGEST_FILE, LARGEST_TABLE, check_file, open_regular
from cimspice.campaign.plan import Plan
from cimspice.campaign.store import Store
from cimspice.campaign.table import batches, recorded
from cimspice.campaign.waveform_file import POINT, Vectors, has
from cimspice.errors import TableError

_AXES = ("time", "v-sweep", "frequency")
_POINTS_TOGETHER = 64
_MADE_BY = "make the run anew, with waveforms under [keep] of the campaign"


def write_run_waveforms(path: Path, *, plan: Plan, store: Store) -> None:
    """Write the kept waveforms of a plan's done points, in the plan's order, from the store."""
    wanted = plan.specification.keep.vectors or ()
    columns: dict[str, None] = {}
    for digests in _done(plan, store):
        for names in store.with_waveforms(list(digests), wanted).values():
            columns |= dict.fromkeys(name for name in names if _asked_for(name, wanted))

    def waveforms() -> Iterator[tuple[int, Vectors]]:
        for digests in _done(plan, store):
            found = store.waveforms(list(digests))
            for digest, index in digests.items():
                if digest in found:
                    yield index, {name: found[digest][name] for name in columns if name in found[digest]}

    waveform_file.write(path, columns, waveforms(), pa.int64())


def _done(plan: Plan, store: Store) -> Iterator[dict[str, int]]:
    """Digests under which done points are kept, with their places in the plan."""
    for points in batches(plan, _POINTS_TOGETHER):
        kept = recorded(points, store, plan.specification.policy)
        yield {record.digest: point.index for point, record, _ in kept if record.rows is not None}


def _asked_for(column: str, wanted: tuple[str, ...]) -> bool:
    return (
        not wanted
        or column in _AXES
        or any(has([column], name) or column == f"{name}.imag" for name in wanted)
    )


def waveforms(run: str | Path, point: int) -> pd.DataFrame:
    """Waveforms of one point of a run whose campaign keeps them (``[keep]``).

    Parameters
    ----------
    run
        The folder that ``cimspice characterize`` left.
    point
        As in the column ``point`` of the run's table.

    Returns
    -------
    pandas.DataFrame
        A column per vector (V, A; complex for small-signal analyses), indexed by the axis: ``time`` (s),
        ``v-sweep`` or ``frequency`` (Hz); one row for an operating point.

    Raises
    ------
    TableError
        If the run has no waveforms, none of this point, or the file is damaged, a link, no plain file or of
        another run.
    """
    path = Path(run) / "waveforms.parquet"
    check_file(path)
    with open_regular(path, LARGEST_FILE) as file:
        try:
            table = _read(file, point)
        except (pa.ArrowException, OSError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            if isinstance(error, TableError):
                raise
            words = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise TableError(f"not a file of waveforms: {words}", place=str(path), remedy=_MADE_BY) from None
    if table is None or len(table) == 0:
        raise TableError(
            f"there are no waveforms of point {point}",
            place=str(path),
            remedy="point is that of the run's table; a failed point has none",
        )
    return _frame({name: table[name].to_numpy() for name in table.column_names})


def _read(file: BinaryIO, point: int) -> pa.Table | None:
    parquet = pq.ParquetFile(file)
    schema = parquet.schema_arrow
    if POINT not in schema.names or not pa.types.is_int64(schema.field(POINT).type):
        raise TableError("there is no column of points", remedy=_MADE_BY)
    if not all(pa.types.is_float64(field.type) for field in schema if field.name != POINT):
        raise TableError("a vector is not of numbers", remedy=_MADE_BY)
    found: list[pa.Table] = []
    size = 0
    place = schema.names.index(POINT)
    for group in range(parquet.num_row_groups):
        known = parquet.metadata.row_group(group).column(place).statistics
        if known is not None and known.has_min_max and not known.min <= point <= known.max:
            continue
        for batch in parquet.iter_batches(batch_size=1 << 16, row_groups=[group]):
            part = pa.Table.from_batches([batch])
            part = part.filter(pa.array(part[POINT].to_numpy() == point)).drop_columns([POINT])
            size += part.nbytes
            if size > LARGEST_TABLE:
                raise TableError(f"a point of more than {LARGEST_TABLE} bytes", remedy=_MADE_BY)
            found.append(part)
    return pa.concat_tables(found) if found else None


def _frame(columns: Vectors) -> pd.DataFrame:
    """Columns of one point, without those it does not have; complex vectors put together."""
    held = {name: values for name, values in columns.items() if not np.all(np.isnan(values))}
    axis = next((name for name in _AXES if name in held), None)
    vectors = {}
    for name, values in held.items():
        if name.endswith(".real") and f"{name[:-5]}.imag" in held:
            vectors[name[:-5]] = values + 1j * held[f"{name[:-5]}.imag"]
        elif name != axis and not (name.endswith(".imag") and f"{name[:-5]}.real" in held):
            vectors[name] = values
    index = None if axis is None else pd.Index(held[axis], name=axis)
    return pd.DataFrame(vectors, index=index)
