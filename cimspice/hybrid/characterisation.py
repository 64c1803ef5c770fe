"""What is simulated of a column of 6T cells with a comparator on its lines, and the models made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.errors import SimulationError
from cimspice.hybrid.emulator.column_read import ColumnReader
from cimspice.hybrid.mapping.slices import stored_bits
from cimspice.hybrid.model.column import Column, LineLaw, SecondRead
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.array import cell_currents, cell_shifts
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.validation.periphery import packaged_table
from cimspice.sram.validation.read import characterised_lines

SECOND_READS = 24
"""Reads to which the second difference is fitted."""
SECOND_DELAY = 1.0e-9
"""From the first word lines to those of the dummy cells for the second decision (s)."""
ACTIVE = (6, 32)
"""Fewest and most inputs of 1 in these reads; pulses of 60 ps take the lines 80 to 360 mV down."""


@dataclass(frozen=True, kw_only=True)
class ColumnConditions(SramConditions):
    """Which column, and where it stands; its lines carry a comparator in all reads."""

    column: Column = field(default_factory=Column)
    largest_code: int = 4
    """Longest pulse of the reads that the lines are fitted to, in units; a column's own are one unit."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.array.rows != self.column.rows:
            object.__setattr__(self, "array", self.array.model_copy(update={"rows": self.column.rows}))

    def run(self, bench: str, runs: Sequence[dict[str, Any]], progress: OnProgress) -> pd.DataFrame:
        """The runs of a bench under these conditions, reads of lines with the comparator on them."""
        return super().run("hybrid_line_read" if bench == "sram_multi_row_read" else bench, runs, progress)

    def column_reads(
        self, cells: Array, inputs: Array, progress: OnProgress = silent, *, stage: str
    ) -> pd.DataFrame:
        """Both decisions of columns in ngspice, two rows of ``hybrid_column_read`` for each read.

        Parameters
        ----------
        cells, inputs
            Cell values and input bits, (reads, weights).
        progress, stage
            Progress, and what this stage is called.
        """
        return self.run(
            "hybrid_column_read",
            [self._column_read(stored_bits(one), bits) for one, bits in zip(cells, inputs, strict=True)],
            in_stage(stage, progress),
        )

    def _column_read(self, bits: Array, inputs: Array) -> dict[str, Any]:
        column, array = self.column, self.array
        rows = np.flatnonzero(np.repeat(inputs, 2))
        opened = [*rows, *column.first_dummies, *column.second_dummies]
        stored = [*bits[rows], *[0] * column.dummies, *[1] * 2 * column.dummies]
        delays = [0.0] * (len(rows) + column.dummies) + [SECOND_DELAY] * 2 * column.dummies
        first = array.word_line_start + self.unit_width + self.settle
        return {
            "array": array.model_dump(round_trip=True, exclude_defaults=True),
            "open_rows": [
                {"row": int(row), "width": self.unit_width, "bits": [int(bit)], "delay": delay}
                for row, bit, delay in zip(opened, stored, delays, strict=True)
            ],
            "settle": self.settle,
            "strobes": [first, first + SECOND_DELAY],
        }


def characterised_reader(conditions: ColumnConditions, *, progress: OnProgress = silent) -> ColumnReader:
    """The emulator of a column, characterised in ngspice as far as the store lacks it.

    SimulationError if a read flips cells or fails; FitError if a fit does not converge.
    """
    lines = characterised_lines(conditions, cells=16, progress=progress).model
    cells, inputs = _training_reads(conditions.column.weights)
    table = conditions.column_reads(cells, inputs, progress, stage="reads with both decisions")
    discharge, difference, _ = by_read(table)
    return ColumnReader(conditions.column, lines, SecondRead.fit(discharge, difference[:, 1]))


def by_read(table: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Discharge at the first strobe (reads, 2) (V), differences (reads, 2) (V) and ternary codes (reads,).

    SimulationError if cells flipped.
    """
    if table["flipped"].any():
        raise SimulationError(
            f"{int(table['flipped'].sum())} cells flipped while their column was read",
            place="hybrid_column_read",
            remedy="open fewer rows, or shorten the pulse",
        )
    first = table[table["strobe"] == 0]
    discharge = first[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()
    difference, decided = (table[name].to_numpy().reshape(-1, 2) for name in ("difference", "decided"))
    return discharge, difference, decided.sum(axis=1).astype(int) - 1


def _training_reads(weights: int) -> tuple[Array, Array]:
    """Cell values and inputs (reads, weights): few to many open rows, sums of either sign to a third of
    them."""
    rng = np.random.default_rng(0)
    cells, inputs = np.zeros((2, SECOND_READS, weights), int)
    fewest, most = (min(active, weights) for active in ACTIVE)
    for read, active in enumerate(np.linspace(fewest, most, SECOND_READS).astype(int)):
        chosen = rng.permutation(weights)[:active]
        inputs[read, chosen] = 1
        lean = rng.uniform(-0.5, 0.5)
        cells[read] = rng.choice([-1, 0, 1], weights, p=[(1 - lean) / 3, 1 / 3, (1 + lean) / 3])
    return cells, inputs


def unit_difference(reader: ColumnReader, *, active: int = 20) -> float:
    """Volts of the lines' difference for one unit of the partial sum, about a sum of 0."""
    cells, inputs = np.zeros((2, 2, reader.column.weights), int)
    inputs[:, :active] = 1
    cells[:, 0] = 1, -1
    high, low = reader(cells, inputs).difference[:, 0]
    return float(high - low) / 2


def line_law(reader: ColumnReader) -> LineLaw:
    """Of the reader's lines: sums to twice the threshold and beyond, of 4 to 40 open weights."""
    weights, reach = reader.column.weights, int(2 * reader.column.threshold) + 1
    numbers = range(4, min(40, weights) + 1, 4)
    pairs = [(s, a) for a in numbers for s in range(-min(reach, a), min(reach, a) + 1)]
    sums, active = np.array(pairs).T
    place = np.random.default_rng(0).permutation(weights)  # along the line
    inputs = (place < active[:, None]).astype(int)
    cells = np.sign(sums)[:, None] * (place < np.abs(sums)[:, None])
    return LineLaw.fit(sums, active, reader(cells, inputs).difference, reader.column.threshold)


def cell_deviation(conditions: SramConditions, *, cells: int = 100, progress: OnProgress = silent) -> float:
    """Standard deviation of ln(current) of 6T cells with mismatch, which is that of the current over its
    mean."""
    shifts = cell_shifts(range(cells), 1, conditions.array.cell)
    table = cell_currents(conditions, shifts, progress)
    logs = table.assign(log=np.log(table["current"])).groupby(["stored", "line_voltage"])["log"]
    return float(logs.std(ddof=1).mean())


def comparator_offset(conditions: SramConditions, *, progress: OnProgress = silent) -> float:
    """Standard deviation (V) of the comparator's offset at the lines' common mode."""
    given = {"corners": [conditions.corner], "temperatures": [conditions.temperature]}
    table = packaged_table(
        "hybrid_comparator_offset",
        [f"{key}={value!r}" for key, value in given.items()],
        workers=conditions.workers,
        store=conditions.store,
        progress=in_stage("offsets of comparators", progress),
    )
    return float(table["offset"].std(ddof=1))
