"""Thresholds that dummy cells make: sums next to both of them, in columns under the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import model_validator

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.converter import Converter
from cimspice.hybrid.circuit.column_read import ColumnRead, ColumnReadParameters
from cimspice.hybrid.circuit.comparator import Comparator
from cimspice.hybrid.mapping.slices import stored_bits
from cimspice.hybrid.model.column import Column
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Analysis, SolverOptions, Waveforms
from cimspice.sram.circuit.array import Array
from cimspice.sram.circuit.multi_row_read import PRECISE, OpenRow


class ThresholdParameters(Comparator):
    """Columns of weights of two cells each, and how they are read."""

    weights: Annotated[int, quantity("1", ge=4, le=1024)] = 64
    dummies: Annotated[int, quantity("1", ge=1, le=31, description="odd")] = 3
    rows: Annotated[int, quantity("1", ge=8, le=4096)] = 144
    active: Annotated[int, quantity("1", ge=4, le=1024, description="open weights")] = 20
    comparators: Annotated[int, quantity("1", ge=1, le=2)] = 1
    pulse: Annotated[float, quantity("s", gt=0, le=1e-9)] = 60e-12
    word_line_voltage: Annotated[float, quantity("V", gt=0, le=1.95)] = 1.2
    strobe: Annotated[float, quantity("s", gt=0, le=1e-7)] = 0.6e-9
    recovery: Annotated[float, quantity("s", gt=0, le=1e-7)] = 0.4e-9
    """How much longer than a strobe it takes from the first word lines to those of the dummy cells for the
    second decision: the comparator is reset. In cold, slow silicon 0.4 ns leave it some of its decision."""

    @model_validator(mode="after")
    def _fits(self) -> ThresholdParameters:
        _ = self.column
        if not self.sums[-1] <= self.active <= self.weights:
            raise ValueError(
                f"{self.active} open weights: give {self.sums[-1]} to {self.weights}, whose sums reach the "
                "thresholds"
            )
        return self

    @property
    def column(self) -> Column:
        """Rows of each column."""
        return Column(weights=self.weights, dummies=self.dummies, rows=self.rows)

    @property
    def sums(self) -> list[int]:
        """On both sides of both thresholds, rising."""
        beyond = (self.dummies + 1) // 2
        return [-beyond, 1 - beyond, beyond - 1, beyond]

    @property
    def read(self) -> ColumnReadParameters:
        """The read of four columns with these sums."""
        column = self.column
        opened = np.arange(self.active) * self.weights // self.active
        cells = np.zeros((4, self.weights), int)
        for values, total in zip(cells, self.sums, strict=True):
            values[opened[: abs(total)]] = np.sign(total)
            pairs = opened[abs(total) :]
            values[pairs[: len(pairs) // 3]], values[pairs[-(len(pairs) // 3) :]] = 1, -1
        bits = stored_bits(cells)
        rows = np.sort(np.concatenate([2 * opened, 2 * opened + 1]))
        opening = [(row, bits[:, row], 0.0) for row in rows]
        opening += [(row, np.zeros(4, int), 0.0) for row in column.first_dummies]
        opening += [(row, np.ones(4, int), self.strobe + self.recovery) for row in column.second_dummies]
        array = Array(rows=self.rows, simulated_columns=4, word_line_voltage=self.word_line_voltage)
        settle = ColumnReadParameters.model_fields["settle"].default
        first = array.word_line_start + self.pulse + settle
        return ColumnReadParameters(
            array=array,
            open_rows=tuple(
                OpenRow(row=int(row), width=self.pulse, bits=tuple(map(int, stored)), delay=delay)
                for row, stored, delay in opening
            ),
            converter=Converter.model_validate(self.converter.model_dump(round_trip=True)),
            comparators=self.comparators,
            strobes=(first, first + self.strobe + self.recovery),
            strobe=self.strobe,
        )


def thresholds_of(table: pd.DataFrame, sums: Sequence[float]) -> dict[str, float]:
    """Thresholds in units, the unit (V), and the share of right decisions: four reads with two strobes each,
    of sums just below and above the lower and the upper threshold."""
    difference, decided = (table[name].to_numpy().reshape(4, 2) for name in ("difference", "decided"))
    ordered = np.array(sums)
    units = difference[3, 0] - difference[2, 0], difference[1, 1] - difference[0, 1]
    return {
        "upper": ordered[2] - difference[2, 0] / units[0],
        "lower": ordered[0] - difference[0, 1] / units[1],
        "unit": float(np.mean(units)),
        "right": float(np.mean(decided == np.stack([ordered >= ordered[3], ordered > ordered[0]], axis=1))),
    }


@register
class Threshold(Bench):
    """``upper`` and ``lower`` threshold in cells: where the lines would not differ, between two sums.

    ``unit`` is what one cell makes of the lines' difference, the mean of both; ``discharge`` the mean of both
    lines at the first strobe; ``right`` the share of decisions that are those of the sums.
    ``comparator_energy`` and ``strobe_energy`` are of one column, ``decision_delay`` is the longest.
    """

    name: ClassVar[str] = "hybrid_threshold"
    title: ClassVar[str] = "thresholds that dummy cells make for the ternary read of a column"
    Parameters: ClassVar[type[NetlistParameters]] = ThresholdParameters
    columns: ClassVar[dict[str, str]] = {
        "upper": "1",
        "lower": "1",
        "unit": "V",
        "discharge": "V",
        "right": "1",
        "decision_delay": "s",
        "comparator_energy": "J",
        "strobe_energy": "J",
        "flipped": "",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = PRECISE

    def netlist(self, parameters: ThresholdParameters) -> Netlist:
        return ColumnRead().netlist(parameters.read)

    def analysis(self, parameters: ThresholdParameters) -> Analysis:
        return ColumnRead().analysis(parameters.read)

    def measure(self, parameters: ThresholdParameters, waveforms: Waveforms) -> pd.DataFrame:
        table = ColumnRead().measure(parameters.read, waveforms)
        lines = table.loc[table["strobe"] == 0, ["bit_line_discharge", "bit_line_bar_discharge"]]
        row = {
            **thresholds_of(table, parameters.sums),
            "discharge": float(lines.to_numpy().mean()),
            "decision_delay": table["decision_delay"].max(),
            **{name: table[name].iloc[0] / 4 for name in ("comparator_energy", "strobe_energy")},
            "flipped": table["flipped"].sum() / 2,
        }
        return pd.DataFrame([row], columns=list(self.columns))
