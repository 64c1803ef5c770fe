"""One write pulse on an array of resistive memories, and the read that verifies a bit line."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.crossbar.circuit.cells import CellArrayParameters, require_simulable
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.rram.circuit.device import ReadVoltage, State
from cimspice.spice import SolverOptions, Tran, Waveforms

SWITCHING = SolverOptions(method="gear", reltol=1e-5, trtol=3.0)
"""States to 2e-4 in half the time of ``ACCURATE``; looser, the step of a run-away gets too small."""
Level = Annotated[float, quantity("V", ge=0, le=5.5)]


class CellsWriteParameters(CellArrayParameters):
    """Levels of all lines during the pulse, one for each line, in V.

    SET of cell (i, j): bit line i high, word line j at the level that limits the current, source line j at
    0 V. RESET: source line j and word line j high, bit line i at 0 V and the other bit lines as high as the
    source line. Forming is a SET of a pristine cell (its state below 0) at a higher bit line. Passive arrays
    have no word lines; theirs are ignored.
    """

    states: tuple[tuple[State, ...], ...] = ((0.0, 0.0), (0.0, 0.0))
    bit_line_voltages: tuple[Level, ...] = (2.2, 0.0)
    word_line_voltages: tuple[Level, ...] = (1.4, 0.0)
    source_line_voltages: tuple[Level, ...] = (0.0, 0.0)
    pulse_width: Annotated[float, quantity("s", ge=1e-9, le=1e-2, description="at full voltage")] = 1e-6
    edge: Annotated[float, quantity("s", ge=1e-11, le=1e-6, description="of every edge")] = 5e-9
    read_row: Annotated[int, quantity("1", ge=0)] = 0
    read_voltage: ReadVoltage = 0.1
    read_word_line_voltage: Level = 3.3
    read_time: Annotated[float, quantity("s", ge=1e-9, le=1e-3, description="until the read settled")] = 50e-9

    @model_validator(mode="after")
    def _lines_are_counted(self) -> CellsWriteParameters:
        for name, wanted in (
            ("bit_line_voltages", self.rows),
            ("word_line_voltages", self.columns),
            ("source_line_voltages", self.columns),
        ):
            if len(getattr(self, name)) != wanted:
                raise ValueError(f"{name} must be {wanted}, one for each line")
        if self.read_row >= self.rows:
            raise ValueError(f"read_row must be less than {self.rows}")
        return self

    @computed_field
    @property
    def times(self) -> tuple[float, ...]:
        """Corners of the waveforms (s): word lines up, pulse, word lines down, read levels, end."""
        edge = self.edge
        lengths = (edge, edge, edge, edge, self.pulse_width, edge, edge, edge, edge, self.read_time)
        return tuple(float(time) for time in np.cumsum(lengths))


@register
class CellsWrite(Bench):
    """States of all cells after the pulse; one row per cell.

    ``read_current`` is the current of the cell's column while bit line ``read_row`` is read. ``energy`` is
    what bit and source lines deliver during the pulse, ``gate_energy`` what the word lines deliver,
    ``peak_current`` the largest of the cell's column and ``column_charge`` its
    integral; energies are of the whole array.
    """

    name: ClassVar[str] = "crossbar_write"
    title: ClassVar[str] = "write pulse on an array of resistive memories and read of one bit line"
    template: ClassVar[str] = "crossbar/cells_write"
    Parameters: ClassVar[type[NetlistParameters]] = CellsWriteParameters
    columns: ClassVar[dict[str, str]] = {
        "row": "",
        "column": "",
        "state_before": "1",
        "state_after": "1",
        "read_current": "A",
        "peak_current": "A",
        "column_charge": "C",
        "energy": "J",
        "gate_energy": "J",
    }
    flat: ClassVar[bool] = True

    def netlist(self, parameters: CellsWriteParameters) -> Netlist:
        require_simulable(parameters, switching=True)
        return super().netlist(parameters)

    def analysis(self, parameters: CellsWriteParameters) -> Tran:
        rows, columns = range(parameters.rows), range(parameters.columns)
        save = [f"s{i}_{j}" for i in rows for j in columns]
        save += [name for i in rows for name in (f"in{i}", f"vin{i}#branch")]
        save += [name for j in columns for name in (f"out{j}", f"vout{j}#branch")]
        if parameters.array.cell == "1T1R":
            save += [name for j in columns for name in (f"gate{j}", f"vgate{j}#branch")]
        step = max(parameters.pulse_width / 50, parameters.edge / 5)
        return Tran(min(parameters.edge / 20, step), parameters.times[-1], max_step=step, save=tuple(save))

    def options(self, parameters: CellsWriteParameters) -> SolverOptions:
        return SWITCHING

    def measure(self, parameters: CellsWriteParameters, waveforms: Waveforms) -> pd.DataFrame:
        rows, columns, time = parameters.rows, parameters.columns, waveforms.axis
        write = time <= parameters.times[7]

        def delivered(node: str, count: int) -> float:
            power = sum(-waveforms[f"v{node}{k}#branch"] * waveforms[f"{node}{k}"] for k in range(count))
            return float(np.trapezoid(np.asarray(power)[write], time[write]))

        row, column = (index.ravel() for index in np.indices((rows, columns)))
        currents = [waveforms[f"vout{j}#branch"] for j in range(columns)]
        return pd.DataFrame(
            {
                "row": row,
                "column": column,
                "state_before": np.ravel(parameters.states),
                "state_after": [
                    waveforms[f"s{i}_{j}"][-1] for i, j in zip(row.tolist(), column.tolist(), strict=True)
                ],
                "read_current": np.array([current[-1] for current in currents])[column],
                "peak_current": np.array([np.abs(current[write]).max() for current in currents])[column],
                "column_charge": np.array(
                    [np.trapezoid(np.abs(current[write]), time[write]) for current in currents]
                )[column],
                "energy": delivered("in", rows) + delivered("out", columns),
                "gate_energy": delivered("gate", columns) if parameters.array.cell == "1T1R" else 0.0,
            }
        )
