"""One passive array of memories in ngspice and in the exact solver, and what its wires take."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np

from cimspice.campaign.bench_run import run_bench
from cimspice.crossbar.circuit.passive import CrossbarReadParameters
from cimspice.crossbar.emulator.array import Crossbar
from cimspice.crossbar.emulator.cells import SinhCell
from cimspice.crossbar.emulator.nonlinear import NonlinearCrossbar
from cimspice.crossbar.emulator.tile_layer import TileWires
from cimspice.spice import InProcess


@dataclass(frozen=True, eq=False)
class ArrayStudy:
    """A square array of random cells read in ngspice and in the solver.

    Attributes
    ----------
    error, nonlinear_error
        Largest difference of a column current relative to the largest: linear cells, sinh cells.
    wire_loss
        Share of the current that wires take.
    cell_voltage
        Across each cell, all word lines at the read voltage, relative to it (rows, columns).
    solver_seconds
        CPU time of the exact solver for ``vectors`` inputs of an array of ``solver_size``, set-up included.
    """

    size: int
    error: float
    nonlinear_error: float
    wire_loss: float
    cell_voltage: np.ndarray
    spice_seconds: float
    solver_size: int
    vectors: int
    solver_seconds: float


def study_array(
    nonlinearity: float,
    *,
    size: int = 24,
    resistance: float = 5.0,
    read_voltage: float = 0.2,
    solver_size: int = 128,
    vectors: int = 1000,
    seed: int = 0,
) -> ArrayStudy:
    """Cells from 2 to 80 µS, random inputs; ``nonlinearity`` in 1/V, ``resistance`` in ohm per segment."""
    rng = np.random.default_rng(seed)
    conductances = rng.uniform(2e-6, 80e-6, (size, size))
    voltages = rng.uniform(0, read_voltage, (4, size)).round(6)
    wires = asdict(TileWires(resistance, resistance))
    linear = Crossbar(conductances, **wires)
    engine = InProcess()
    circuit, seconds = _ngspice(conductances, voltages, 0.0, resistance, engine)
    bent_circuit, bent_seconds = _ngspice(conductances, voltages, nonlinearity, resistance, engine)
    bent = NonlinearCrossbar(SinhCell(conductances, nonlinearity), **wires)
    inside = linear.solve(np.full((1, size), read_voltage))
    large = rng.uniform(2e-6, 80e-6, (solver_size, solver_size))
    inputs = rng.uniform(0, read_voltage, (vectors, solver_size))
    Crossbar(large[:8, :8], **wires).currents(inputs[:, :8])  # compiled loops are compiled now
    began = time.process_time()
    Crossbar(large, **wires).currents(inputs)
    return ArrayStudy(
        size=size,
        error=_relative(linear.currents(voltages), circuit),
        nonlinear_error=_relative(bent.currents(voltages), bent_circuit),
        wire_loss=float(1 - circuit.sum() / (voltages @ conductances).sum()),
        cell_voltage=(inside.word_line_voltages - inside.bit_line_voltages)[0] / read_voltage,
        spice_seconds=seconds + bent_seconds,
        solver_size=solver_size,
        vectors=vectors,
        solver_seconds=time.process_time() - began,
    )


def _ngspice(
    conductances: np.ndarray, voltages: np.ndarray, nonlinearity: float, resistance: float, engine: InProcess
) -> tuple[np.ndarray, float]:
    """Column currents (vectors, columns) in A, and CPU seconds."""
    given = CrossbarReadParameters(
        conductances=tuple(map(tuple, conductances.tolist())),
        voltages=tuple(map(tuple, voltages.tolist())),
        nonlinearity=nonlinearity,
        word_line_resistance=resistance,
        bit_line_resistance=resistance,
    )
    table = run_bench("crossbar_read", given, engine=engine)
    return table["column_current"].to_numpy().reshape(len(voltages), -1), table.attrs["cpu_seconds"]


def _relative(found: np.ndarray, circuit: np.ndarray) -> float:
    return float(np.abs(found - circuit).max() / np.abs(circuit).max())
