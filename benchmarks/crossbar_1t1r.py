"""Reads of 1T1R arrays with SKY130 access transistors: the solver against ngspice, errors and CPU seconds.

ngspice solves all vectors in one sweep; 64 x 64 takes it 10 to 17 CPU seconds. Of the solver the median of
seven runs counts, with one BLAS thread; compilation is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

import numpy as np
from threadpoolctl import threadpool_limits

from cimspice.crossbar.validation.one_transistor import access_spline, compare_reads, one_transistor_crossbar
from cimspice.rram import SkywaterReram

RUNS = 7


def solver_seconds(device: SkywaterReram, states: np.ndarray, voltages: np.ndarray) -> float:
    """CPU seconds from states and voltages to column currents, without the transistor's table."""
    transistor, taken = access_spline(highest=0.2), []
    for _ in range(RUNS):
        started = time.process_time()
        one_transistor_crossbar(device, states, transistor).currents(voltages)
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def main() -> None:
    """Compare arrays of the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--vectors", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with threadpool_limits(limits=1):
        found = measured(given)
    if given.json:
        print(json.dumps({"one_transistor": {"vectors": given.vectors, "load": os.getloadavg()[0], **found}}))


def measured(given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Errors and seconds of each size."""
    device, found = SkywaterReram.published(), {}
    warm = np.full((2, 2), 0.5)
    compare_reads(device, warm, np.array([[0.1, 0.2]]))
    for size in given.sizes:
        rng = np.random.default_rng(given.seed)
        states = rng.uniform(0.2, 1.0, (size, size))
        voltages = rng.uniform(0.0, 0.2, (given.vectors, size)).round(4)
        done = compare_reads(device, states, voltages)
        solver = solver_seconds(device, states, voltages)
        found[f"n{size}"] = {
            "error_vs_ngspice": done.error,
            "ngspice_seconds": done.circuit_seconds,
            "solver_seconds": solver,
            "table_seconds": done.table_seconds,
            "speed_ratio": done.circuit_seconds / solver,
        }
        if not given.json:
            print(f"{size} x {size}: " + ", ".join(f"{k} {v:.3g}" for k, v in found[f"n{size}"].items()))
    return found


if __name__ == "__main__":
    main()
