"""A multi-row read in a few numbers, for campaigns: so many rows opened for the same time."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import model_validator

from cimspice.bench.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, quantity, render
from cimspice.spice import Analysis, SolverOptions, Waveforms
from cimspice.sram.circuit.array import Array
from cimspice.sram.circuit.cell import SramCell
from cimspice.sram.circuit.multi_row_read import PRECISE, MultiRowParameters, MultiRowRead, OpenRow


class EqualRowsParameters(NetlistParameters):
    """Rows spread over a column, all opened for ``code`` units; the last ``ones`` of them store 1."""

    cell: SramCell = SramCell()
    idle: Literal["device", "linear", "full"] = "device"
    """``cell``, ``idle``: transistors of the cells, and what stands for the closed rows: see ``Array``."""
    supply_voltage: Annotated[float, quantity("V", gt=0, le=1.95)] = 1.8
    word_line_voltage: Annotated[float, quantity("V", gt=0, le=1.95)] = 1.2
    rows: Annotated[int, quantity("1", ge=8, le=4096, description="of the column, a multiple of 8")] = 512
    open_rows: Annotated[int, quantity("1", ge=1, le=256)] = 16
    ones: Annotated[int, quantity("1", ge=0, le=256)] = 0
    code: Annotated[int, quantity("1", ge=1, le=1023)] = 8
    unit_width: Annotated[float, quantity("s", gt=20e-12, le=1e-9)] = 60e-12
    neighbours: Literal["none", "same", "opposite"] = "none"
    """``none``, or a column in full on either side whose cells store what the column's do (``same``) or the
    contrary (``opposite``). They share word lines; their bit lines are ``neighbour_coupling`` per cell away
    (0: a supply rail stands between, as in the layout)."""
    neighbour_coupling: Annotated[float, quantity("F", ge=0, le=1e-12, description="per cell")] = 0.0
    restore: Annotated[float, quantity("s", ge=0, le=1e-6, description="precharge after the read")] = 0.0

    @model_validator(mode="after")
    def _fits(self) -> EqualRowsParameters:
        if self.open_rows > self.rows or self.ones > self.open_rows:
            raise ValueError(f"{self.ones} ones in {self.open_rows} open rows of {self.rows}")
        if self.rows % 8:
            raise ValueError(f"{self.rows} rows are no multiple of 8")
        return self

    @property
    def read(self) -> MultiRowParameters:
        """The same in full."""
        columns = 1 if self.neighbours == "none" else 3
        array = Array(
            cell=self.cell,
            idle=self.idle,
            supply_voltage=self.supply_voltage,
            word_line_voltage=self.word_line_voltage,
            rows=self.rows,
            simulated_columns=columns,
            neighbour_coupling=self.neighbour_coupling,
        )
        place = ((np.arange(self.open_rows) + 0.5) * self.rows / self.open_rows).astype(int)
        stored = (np.arange(self.open_rows) >= self.open_rows - self.ones).astype(int)
        rows = tuple(
            OpenRow(row=int(row), width=self.code * self.unit_width, bits=self._bits(int(bit)))
            for row, bit in zip(place, stored, strict=True)
        )
        return MultiRowParameters(array=array, open_rows=rows, restore=self.restore)

    def _bits(self, bit: int) -> tuple[int, ...]:
        beside = bit if self.neighbours == "same" else 1 - bit
        return (bit,) if self.neighbours == "none" else (beside, bit, beside)


@register
class EqualRowsRead(Bench):
    """As ``sram_multi_row_read``, of one column; the energies are those of all simulated columns."""

    name: ClassVar[str] = "sram_equal_rows_read"
    title: ClassVar[str] = "multi-row read of one SRAM column, all open rows for the same time"
    template: ClassVar[str] = "sram/array_read"
    Parameters: ClassVar[type[NetlistParameters]] = EqualRowsParameters
    columns: ClassVar[dict[str, str]] = {
        name: unit for name, unit in MultiRowRead.columns.items() if name != "column"
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = PRECISE

    def netlist(self, parameters: EqualRowsParameters) -> Netlist:
        return render(self.template, parameters.read)

    def analysis(self, parameters: EqualRowsParameters) -> Analysis:
        return MultiRowRead().analysis(parameters.read)

    def measure(self, parameters: EqualRowsParameters, waveforms: Waveforms) -> pd.DataFrame:
        table = MultiRowRead().measure(parameters.read, waveforms)
        middle = table["column"] == len(table) // 2
        return table[middle].drop(columns="column").reset_index(drop=True)
