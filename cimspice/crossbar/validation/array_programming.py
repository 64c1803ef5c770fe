"""A matrix of conductances programmed on a 1T1R array in ngspice, bit line after bit line.

Cells of a bit line are written together: each source line has its own word line, whose level limits the SET
of its cell. Every transient ends with the verifying read of the bit line. All cells of the array are in every
transient, so what a pulse does to the others is simulated too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cimspice.bench import bench
from cimspice.campaign.bench_run import run_bench
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.errors import ParameterError
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, Progress, silent
from cimspice.rram.model.cell import WritePulse, WriteResult
from cimspice.rram.model.programming import SetResponse, WriteRecord, WriteRun, WriteScheme
from cimspice.spice import InProcess


@dataclass
class CircuitArray:
    """Memories of a 1T1R array in ngspice with their states (rows, columns); see `CellsWrite`.

    ``transients`` counts the pulses simulated, ``seconds`` is ngspice's CPU time in them.
    """

    states: np.ndarray
    array: ArrayCircuit = field(default_factory=ArrayCircuit)
    model: str = "skywater"
    changes: dict[str, float] = field(default_factory=dict)
    corner: str = "tt"
    temperature: float = 27.0
    read_voltage: float = 0.1
    read_word_line_voltage: float = 3.3
    engine: InProcess = field(default_factory=InProcess)
    transients: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.states = np.array(self.states, dtype=float)
        if self.array.cell != "1T1R":
            raise ParameterError(
                f"cells are {self.array.cell!r}", place="CircuitArray", remedy="programming needs 1T1R cells"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Bit lines and source lines."""
        rows, columns = self.states.shape
        return rows, columns

    def conductances(self) -> np.ndarray:
        """What each cell conducts (rows, columns) in S, read bit line by bit line in one sweep."""
        rows, columns = self.shape
        table = self._run(
            "crossbar_cells_read",
            voltages=(self.read_voltage * np.eye(rows)).tolist(),
            read_word_line_voltage=self.read_word_line_voltage,
        )
        return table["column_current"].to_numpy().reshape(rows, columns) / self.read_voltage

    def pulse(self, row: int, selected: np.ndarray, pulse: WritePulse) -> pd.DataFrame:
        """Write the cells of a bit line that ``selected`` (columns,) marks; states of all cells follow.

        The levels of ``pulse`` are numbers, or one for each selected cell. In a RESET the other bit lines
        rise with the source lines, so that their cells see no voltage.
        """
        rows, columns = self.shape
        resetting = bool(np.any(np.asarray(pulse.source_line) > 0))
        bit_lines = np.full(rows, float(np.max(pulse.source_line)))
        bit_lines[row] = float(np.max(pulse.bit_line))
        word_lines, source_lines = np.zeros(columns), np.zeros(columns)
        word_lines[selected] = pulse.word_line
        source_lines[selected] = pulse.source_line
        if not resetting:
            bit_lines[np.arange(rows) != row] = 0.0
        table = self._run(
            "crossbar_write",
            bit_line_voltages=bit_lines.tolist(),
            word_line_voltages=word_lines.tolist(),
            source_line_voltages=source_lines.tolist(),
            pulse_width=float(np.max(pulse.width)),
            edge=float(np.max(pulse.edge)),
            read_row=row,
            read_voltage=self.read_voltage,
            read_word_line_voltage=self.read_word_line_voltage,
        )
        self.seconds += table.attrs["cpu_seconds"]
        self.transients += 1
        reached = table["state_after"].to_numpy().reshape(self.shape)
        # round-off of an integration may leave a formed cell below 0, where it would count as pristine
        self.states = np.clip(reached, np.minimum(self.states, 0.0), 1.0)
        return table

    def _run(self, name: str, **parameters: object) -> pd.DataFrame:
        made = bench(name)
        given = made.Parameters(
            array=self.array,
            model=self.model,
            changes=self.changes,
            states=self.states.tolist(),
            **parameters,
        )
        return run_bench(name, given, Conditions(self.corner, self.temperature), engine=self.engine)


class _BitLine(WriteRun):
    """Write-verify of one bit line of a circuit."""

    def __init__(self, circuit: CircuitArray, row: int, scheme: WriteScheme, target, first) -> None:
        self.circuit, self.row, self.read = circuit, row, circuit.conductances()[row]
        super().__init__(scheme, target, circuit.states[row], first)

    def _write(self, cells: np.ndarray, pulse: WritePulse) -> WriteResult:
        table = self.circuit.pulse(self.row, cells, pulse)
        mine = table[table["row"] == self.row]
        self.read = mine["read_current"].to_numpy() / self.circuit.read_voltage
        charge = mine["column_charge"].to_numpy()[cells]
        energy = (mine["energy"] + mine["gate_energy"]).iloc[0] * charge / charge.sum()
        # what this pulse did to the bit line's other cells counts, too
        self.state[:] = self.circuit.states[self.row]
        return WriteResult(self.circuit.states[self.row][cells], energy)

    def _read(self, cells: np.ndarray) -> np.ndarray:
        return self.read[cells]


@dataclass(frozen=True)
class ArrayRecord:
    """What programming an array did.

    ``record`` holds each cell's pulses, energy and the conductance at its last verifying read (rows,
    columns); energies of a pulse are shared among its cells by charge. ``final`` (S) is read after all bit
    lines were written, ``disturb`` the largest change of a state (of 0 to 1) that pulses on other bit lines
    caused, ``time`` in s that of all pulses and reads one after another.
    """

    record: WriteRecord
    final: np.ndarray
    disturb: float
    time: float
    transients: int
    seconds: float


def program_array(
    circuit: CircuitArray,
    target: np.ndarray,
    scheme: WriteScheme | None = None,
    *,
    response: SetResponse | None = None,
    progress: OnProgress = silent,
) -> ArrayRecord:
    """Program conductances (rows, columns) in S on an array.

    Raises
    ------
    ParameterError
        For targets of another shape, or not positive and finite.
    """
    scheme, target = scheme or WriteScheme(), np.asarray(target, dtype=float)
    if target.shape != circuit.shape or not np.all(np.isfinite(target) & (target > 0)):
        raise ParameterError(
            f"targets of shape {target.shape} for an array of {circuit.shape}, or not positive",
            place="program_array",
            remedy="give one positive conductance in S for each cell",
        )
    low = np.full(target.shape, scheme.set_word_line_min)
    first = response.level(target) if response else low
    records, left = [], np.zeros(target.shape)
    before, spent = circuit.transients, circuit.seconds
    for row in range(target.shape[0]):
        progress(Progress(stage="ngspice: bit lines", done=row, points=target.shape[0]))
        run = _BitLine(circuit, row, scheme, target[row], first[row])
        while run.wanting.any():
            run.pulse()
        records.append(run.record(target[row].shape))
        left[row] = circuit.states[row]
    names = WriteRecord.__dataclass_fields__
    record = WriteRecord(*(np.stack([getattr(one, name) for one in records]) for name in names))
    pulses = circuit.transients - before
    one = scheme.width + 2 * scheme.edge + scheme.read_time
    return ArrayRecord(
        record,
        circuit.conductances(),
        float(np.abs(circuit.states - left).max()),
        pulses * one + target.shape[0] * scheme.read_time,
        pulses,
        circuit.seconds - spent,
    )
