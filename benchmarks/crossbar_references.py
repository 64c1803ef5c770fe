"""What benchmarks/crossbar.py compares with: peers as they are called by their users, scipy and ngspice."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from cimspice.bench import bench
from cimspice.spice import simulate


def badcrossbar_currents(conductances: np.ndarray, voltages: np.ndarray) -> np.ndarray:
    """Column currents (batch, columns), segments of 1 ohm."""
    package: Any = importlib.import_module("badcrossbar")
    solution = package.compute(voltages.T, 1 / conductances, 1.0, node_voltages=False, all_currents=False)
    return np.asarray(solution.currents.output)


def cross_sim(
    checkout: str | None,
) -> Callable[[np.ndarray, float, float], Callable[[np.ndarray], np.ndarray]]:
    """CrossSim's passive array with a separate input for each row; raises ImportError with the reason."""
    if checkout is not None:
        if not (Path(checkout) / "simulator").is_dir():
            raise ImportError(f"{checkout} is no checkout of CrossSim")
        sys.path.insert(0, checkout)
    try:
        importlib.import_module("simulator.backend").ComputeBackend(use_gpu=False)
        arrays: Any = importlib.import_module("simulator.circuits.array.NonInterleaved_InputSource")
        parameters: Any = importlib.import_module("simulator")
    except ImportError as error:
        raise ImportError(f"give --cross-sim PATH or CROSS_SIM=PATH ({error})") from None
    kind = next(value for name, value in vars(arrays).items() if name.lower().startswith("noninterleaved"))

    def prepared(conductances: np.ndarray, resistance: float, tolerance: float):
        largest = conductances.max()
        settings = parameters.CrossSimParameters()
        settings.xbar.device.Rmin = 1 / largest
        settings.xbar.device.Rmax = 1 / conductances.min()
        parasitics = settings.xbar.array.parasitics
        parasitics.enable = True
        parasitics.Rp_row = parasitics.Rp_col = resistance
        settings.simulation.Verr_th_mvm = tolerance
        settings.simulation.Niters_max_parasitics = 1000
        matrix = conductances.T / largest

        def solve(voltages: np.ndarray) -> np.ndarray:
            vectors = np.atleast_2d(voltages)
            array = kind(settings)
            found = [np.ravel(array.iterative_solve(matrix.copy(), v)) for v in vectors]
            return np.array(found) * largest

        return solve

    return prepared


def direct_currents(conductances: np.ndarray, voltages: np.ndarray) -> np.ndarray:
    """Column currents by a sparse LU of all nodes, nested dissection order, refined once; 1 ohm segments."""
    rows, columns = conductances.shape
    cells = rows * columns
    word = np.arange(cells).reshape(rows, columns)
    bit = cells + word
    ones = np.ones
    branches = [
        (word, bit, conductances),
        (word[:, :-1], word[:, 1:], ones((rows, columns - 1))),
        (bit[:-1], bit[1:], ones((rows - 1, columns))),
    ]
    one, other, value = (np.concatenate([np.ravel(branch[k]) for branch in branches]) for k in range(3))
    diagonal = np.zeros(2 * cells)
    for nodes in (one, other):
        np.add.at(diagonal, nodes, value)
    diagonal[word[:, 0]] += 1.0
    diagonal[bit[-1]] += 1.0
    order = np.concatenate([(word[i, j], bit[i, j]) for i, j in _dissected(rows, columns)])
    place = np.argsort(order)
    every = np.arange(2 * cells)
    index = np.concatenate([one, other, every]), np.concatenate([other, one, every])
    entries = np.concatenate([-value, -value, diagonal])
    matrix = csc_array((entries, (place[index[0]], place[index[1]])), shape=(2 * cells, 2 * cells))
    right = np.zeros((2 * cells, len(voltages)))
    right[place[word[:, 0]]] = voltages.T
    factor = splu(matrix, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    found = factor.solve(right)
    found += factor.solve(right - matrix @ found)
    return found[place[bit[-1]]].T


def _dissected(rows: int, columns: int) -> list[tuple[int, int]]:
    """Cells (row, column) with halves before the line that separates them."""
    order: list[tuple[int, int]] = []

    def visit(top: int, bottom: int, left: int, right: int) -> None:
        if bottom - top < 3 or right - left < 3:
            order.extend((i, j) for i in range(top, bottom) for j in range(left, right))
        elif right - left >= bottom - top:
            middle = (left + right) // 2
            visit(top, bottom, left, middle)
            visit(top, bottom, middle + 1, right)
            order.extend((i, middle) for i in range(top, bottom))
        else:
            middle = (top + bottom) // 2
            visit(top, middle, left, right)
            visit(middle + 1, bottom, left, right)
            order.extend((middle, j) for j in range(left, right))

    visit(0, rows, 0, columns)
    return order


def ngspice_currents(
    conductances: np.ndarray, voltages: np.ndarray, nonlinearity: float
) -> tuple[np.ndarray, float]:
    """Column currents (batch, columns) from one run of ngspice at tight tolerances, and its CPU seconds."""
    read: Any = bench("crossbar_read")
    parameters = read.Parameters(conductances=conductances, voltages=voltages, nonlinearity=nonlinearity)
    netlist = read.netlist(parameters)
    start = time.process_time()
    waveforms = simulate(netlist, read.analysis(parameters), options=read.options(parameters))
    seconds = time.process_time() - start
    table = read.measure(parameters, waveforms)
    return table["column_current"].to_numpy().reshape(len(voltages), -1), seconds
