"""Multi-row functional read: several rows of an SRAM column opened at once, each for a time of its own.

Every open cell takes charge off one of its two bit lines for as long as its word line is open: one line's
discharge is the sum of pulse widths of the cells that store 0, the other's of those that store 1 (Kang et
al., JSSC 53 (2018) 642; Kumar et al., arXiv 2005.09526).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.array import Array, Diffusion, cell_diffusion

Bit = Annotated[int, quantity("1", ge=0, le=1)]
Shift = Annotated[float, quantity("V", ge=-1, le=1)]
CellShifts = tuple[Shift, Shift, Shift, Shift, Shift, Shift]
NO_SHIFTS: CellShifts = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class OpenRow(NetlistParameters):
    """A row that is opened."""

    row: Annotated[int, quantity("1", ge=0, le=4095)]
    """Its place along the bit line, from 0 at the precharge."""
    width: Annotated[float, quantity("s", ge=0, le=1e-6)]
    """How long its word line is open at half its swing (s); 0 leaves it closed, the cell in full."""
    delay: Annotated[float, quantity("s", ge=0, le=1e-6)] = 0.0
    """How much later than the array's ``word_line_start`` it opens (s)."""
    bits: tuple[Bit, ...]
    """What is stored, one per simulated column; 0 discharges the bit line, 1 its complement."""
    shifts: tuple[CellShifts, ...] = ()
    """Threshold shifts (V) of pull-up, pull-down and pass, left then right, per simulated column; empty for
    none."""


class MultiRowParameters(NetlistParameters):
    """One multi-row read of the simulated columns."""

    array: Array = Array()
    open_rows: tuple[OpenRow, ...]
    settle: Annotated[float, quantity("s", gt=0, le=1e-6)] = 250e-12
    """From the last word line's end to the reading (s)."""
    restore: Annotated[float, quantity("s", ge=0, le=1e-6)] = 0.0
    """Length of a precharge after the reading (s); 0 for none. Energy counts it."""
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 4e-12

    @model_validator(mode="after")
    def _fits(self) -> MultiRowParameters:
        array = self.array
        for row in self.open_rows:
            if row.row >= array.rows:
                raise ValueError(f"row {row.row} is outside the array of {array.rows} rows")
            if len(row.bits) != array.simulated_columns:
                raise ValueError(
                    f"row {row.row} has {len(row.bits)} bits for {array.simulated_columns} columns"
                )
            if row.shifts and len(row.shifts) != array.simulated_columns:
                raise ValueError(f"row {row.row} has shifts of {len(row.shifts)} cells")
            if 0 < row.width <= array.driver_edge:
                raise ValueError(
                    f"row {row.row}: a pulse of {row.width:g} s is not longer than the driver's edge"
                )
        if len({row.row for row in self.open_rows}) < len(self.open_rows):
            raise ValueError("a row is opened twice")
        return self

    @property
    def read_time(self) -> float:
        """When the lines are read (s)."""
        last = max((row.delay + row.width for row in self.open_rows), default=0.0)
        return self.array.word_line_start + last + self.settle

    @property
    def stop(self) -> float:
        return self.read_time + self.restore

    @computed_field
    @property
    def restore_at(self) -> float:
        return self.read_time if self.restore > 0 else 0.0

    @computed_field
    @property
    def diffusion(self) -> Diffusion:
        return cell_diffusion(self.array.cell)

    def _idle_rows(self) -> list[tuple[int, int]]:
        """Closed rows as (row, stored bit), the ones spread evenly."""
        opened = {row.row for row in self.open_rows}
        closed = [row for row in range(self.array.rows) if row not in opened]
        share = self.array.idle_ones
        return [(row, int((k + 1) * share + 1e-9) - int(k * share + 1e-9)) for k, row in enumerate(closed)]

    def _idle_counts(self, bit: int) -> tuple[int, ...]:
        counts = [0] * self.array.sections
        for row, stored in self._idle_rows():
            counts[row // self.array.rows_per_section] += stored == bit
        return tuple(counts)

    @computed_field
    @property
    def idle_zeros(self) -> tuple[int, ...]:
        return self._idle_counts(0)

    @computed_field
    @property
    def idle_ones(self) -> tuple[int, ...]:
        return self._idle_counts(1)

    @computed_field
    @property
    def cells(self) -> tuple[Cell, ...]:
        columns = self.array.simulated_columns
        none = (NO_SHIFTS,) * columns
        opened = [
            Cell(name=f"{k}", section=row.row // self.array.rows_per_section, word_line=f"w{k}",
                 bits=row.bits, shifts=row.shifts or none)
            for k, row in enumerate(self.open_rows)
        ]  # fmt: skip
        if self.array.idle != "full":
            return tuple(opened)
        closed = [
            Cell(name=f"i{row}", section=row // self.array.rows_per_section, word_line="0",
                 bits=(bit,) * columns, shifts=none)
            for row, bit in self._idle_rows()
        ]  # fmt: skip
        return tuple(opened + closed)


class Cell(NetlistParameters):
    """A row's cells that are simulated in full, as the template sees them."""

    name: str
    section: int
    word_line: str
    bits: tuple[int, ...]
    shifts: tuple[CellShifts, ...]


MultiRowParameters.model_rebuild()

PRECISE = SolverOptions(reltol=1e-4, abstol=1e-12, vntol=1e-7, chgtol=1e-17)
"""With steps of 4 ps; halving the step or dividing reltol by ten moves a discharge by less than 0.01 %."""


@register
class MultiRowRead(Bench):
    """What several open rows take off both bit lines, and what it does to the cells. One row per column."""

    name: ClassVar[str] = "sram_multi_row_read"
    title: ClassVar[str] = "multi-row functional read of SRAM columns with pulse-width-modulated word lines"
    template: ClassVar[str] = "sram/array_read"
    Parameters: ClassVar[type[NetlistParameters]] = MultiRowParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "bit_line_discharge": "V",
        "bit_line_bar_discharge": "V",
        "start_voltage": "V",
        "flipped": "",
        "state_margin": "V",
        "energy_cells": "J",
        "energy_precharge": "J",
        "energy_word_lines": "J",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: MultiRowParameters) -> Tran:
        rows, columns = range(len(parameters.open_rows)), range(parameters.array.simulated_columns)
        nodes = [f"{side}_{k}_{column}" for side in ("left", "right") for k in rows for column in columns]
        lines = [f"{line}{column}_0" for line in "bc" for column in columns]
        sources = ["vcell#branch", "vprecharge#branch", "vword#branch"]
        if parameters.array.driver == "resistance":
            sources += [f"vword{k}#branch" for k in rows]
        step = parameters.time_step
        return Tran(step, parameters.stop, max_step=step, save=(*nodes, *lines, *sources))

    def measure(self, parameters: MultiRowParameters, waveforms: Waveforms) -> pd.DataFrame:
        frames = []
        energies = _energies(parameters, waveforms)
        for column in range(parameters.array.simulated_columns):
            margin, flipped = _states(parameters, waveforms, column)
            start, discharge = _lines(parameters, waveforms, column)
            frames.append({
                "column": column,
                "bit_line_discharge": discharge[0],
                "bit_line_bar_discharge": discharge[1],
                "start_voltage": start,
                "flipped": flipped,
                "state_margin": margin,
                **energies,
            })  # fmt: skip
        return pd.DataFrame(frames)


def _lines(parameters: MultiRowParameters, waveforms: Waveforms, column: int) -> tuple[float, list[float]]:
    """Voltage of the lines just before the word lines open (their mean), and the discharge of each (V)."""
    time, array = waveforms.axis, parameters.array
    before = array.word_line_start - 2 * array.driver_edge
    traces = [waveforms[f"{line}{column}_0"] for line in "bc"]
    start = [float(np.interp(before, time, trace)) for trace in traces]
    end = [float(np.interp(parameters.read_time, time, trace)) for trace in traces]
    return float(np.mean(start)), [first - last for first, last in zip(start, end, strict=True)]


def _states(parameters: MultiRowParameters, waveforms: Waveforms, column: int) -> tuple[float, int]:
    """Smallest difference of an open cell's storage nodes in the sense of what it stored; flipped cells."""
    margins, flipped = [], 0
    for k, row in enumerate(parameters.open_rows):
        difference = waveforms[f"left_{k}_{column}"] - waveforms[f"right_{k}_{column}"]
        held = difference if row.bits[column] else -difference
        margins.append(float(held.min()))
        flipped += int(held[-1] < 0)
    return min(margins, default=float(parameters.array.supply_voltage)), flipped


def _energies(parameters: MultiRowParameters, waveforms: Waveforms) -> dict[str, float]:
    """Energy (J) that each supply delivers from the opening of the word lines on.

    A resistive driver is a pulse source: a real driver takes the rising edge's charge from its supply and
    gives the falling edge's to ground. So what the source delivers is counted, at the word lines' voltage.
    """
    time, array = waveforms.axis, parameters.array
    during = time >= array.word_line_start - 2 * array.driver_edge
    axis = time[during]

    def charge(source: str) -> np.ndarray:
        return -waveforms[f"{source}#branch"][during]

    word_lines = float(np.trapezoid(charge("vword"), axis))
    if array.driver == "resistance":
        for k in range(len(parameters.open_rows)):
            word_lines += float(np.trapezoid(np.maximum(charge(f"vword{k}"), 0.0), axis))
    return {
        "energy_cells": array.supply_voltage * float(np.trapezoid(charge("vcell"), axis)),
        "energy_precharge": array.supply_voltage * float(np.trapezoid(charge("vprecharge"), axis)),
        "energy_word_lines": array.word_line_voltage * word_lines,
    }
