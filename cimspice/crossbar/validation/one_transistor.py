"""Reads of 1T1R arrays: the crossbar solver with the transistor's own table against ngspice."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cimspice.campaign.bench_run import run_bench
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.crossbar.emulator.nonlinear import NonlinearCrossbar
from cimspice.crossbar.emulator.one_transistor import OneTransistorCell
from cimspice.errors import ParameterError
from cimspice.pdk import Conditions
from cimspice.rram.circuit.access_grid import AccessGridParameters
from cimspice.rram.model.access_table import AccessTable
from cimspice.rram.model.device import RramDevice
from cimspice.spice import InProcess


def access_spline(
    array: ArrayCircuit | None = None,
    *,
    gate_voltage: float = 3.3,
    lowest: float = 0.0,
    highest: float = 0.3,
    corner: str = "tt",
    temperature: float = 27.0,
) -> AccessTable:
    """The array's access transistor at one gate voltage, simulated in steps of 10 mV.

    ``lowest`` and ``highest`` in V are the ends between which all nodes of a read lie: with negative inputs
    ``lowest`` is negative, too.
    """
    array = array or ArrayCircuit()
    given = AccessGridParameters(
        transistor=array.transistor,
        width=array.width,
        length=array.length,
        gate_voltage=gate_voltage,
        lowest=lowest,
        highest=highest,
        across=highest - lowest,
    )
    table = run_bench("rram_access_grid", given, Conditions(corner, temperature), engine=InProcess())
    table["gate_voltage"] = gate_voltage
    return AccessTable.from_table(table, temperature=temperature)


def one_transistor_crossbar(
    device: RramDevice, states: np.ndarray, transistor: AccessTable, array: ArrayCircuit | None = None
) -> NonlinearCrossbar:
    """The solver of the same array as `CellsRead`: bit lines are its rows, source lines its columns."""
    array = array or ArrayCircuit()
    if array.cell != "1T1R":
        raise ParameterError(f"cells are {array.cell!r}", place="array", remedy="give an array of 1T1R cells")
    law = OneTransistorCell(device, states, transistor)
    return NonlinearCrossbar(
        law,
        law.shape,
        word_line_resistance=array.bit_line_resistance,
        bit_line_resistance=array.source_line_resistance,
        source_resistance=array.source_resistance,
        sense_resistance=array.sense_resistance,
        drive=array.drive,
    )


@dataclass(frozen=True)
class ReadComparison:
    """Currents (vectors, columns) in A of both, and the CPU seconds that each took for all vectors.

    ``table_seconds`` is what the transistor's table took, once for any number of arrays.
    """

    circuit: np.ndarray
    solver: np.ndarray
    circuit_seconds: float
    solver_seconds: float
    table_seconds: float

    @property
    def error(self) -> float:
        """Largest difference as a share of the largest current."""
        return float(np.abs(self.solver - self.circuit).max() / np.abs(self.circuit).max())


def compare_reads(
    device: RramDevice,
    states: np.ndarray,
    voltages: np.ndarray,
    array: ArrayCircuit | None = None,
    *,
    corner: str = "tt",
) -> ReadComparison:
    """The same read in ngspice and by the solver.

    Parameters
    ----------
    states, voltages
        (rows, columns), 0 to 1, and (vectors, rows), V.

    Raises
    ------
    ParameterError
        For arrays that ngspice would not finish.
    """
    array = array or ArrayCircuit()
    given = {
        "model": device.parameter_set,
        "changes": device.parameters(),
        "array": array,
        "states": states,
        "voltages": voltages,
    }
    table = run_bench("crossbar_cells_read", given, Conditions(corner), engine=InProcess())
    circuit = table["column_current"].to_numpy().reshape(len(voltages), -1)
    began = time.process_time()
    lowest, highest = min(0.0, float(np.min(voltages))), max(0.0, float(np.max(voltages)))
    grid = np.array([np.floor(lowest * 100), np.ceil(max(highest, lowest + 0.1) * 100)]) / 100
    transistor = access_spline(array, lowest=float(grid[0]), highest=float(grid[1]), corner=corner)
    transistor.check_range(lowest, highest)
    tabled = time.process_time()
    solver = one_transistor_crossbar(device, states, transistor, array).currents(voltages)
    return ReadComparison(
        circuit, solver, table.attrs["cpu_seconds"], time.process_time() - tabled, tabled - began
    )
