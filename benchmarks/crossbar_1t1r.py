"""Reads of 1T1R arrays with SKY130 access transistors: the solver against ngspice, errors and CPU seconds."""

from __future__ import annotations

import argparse
import json

import numpy as np

from cimspice.models.rram import SkywaterReram
from cimspice.validation.one_transistor import compare_reads


def main() -> None:
    """Compare arrays of the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--vectors", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    device, found = SkywaterReram.published(), {}
    warm = np.full((2, 2), 0.5)
    compare_reads(device, warm, np.array([[0.1, 0.2]]))
    for size in given.sizes:
        rng = np.random.default_rng(given.seed)
        states = rng.uniform(0.2, 1.0, (size, size))
        voltages = rng.uniform(0.0, 0.2, (given.vectors, size)).round(4)
        done = compare_reads(device, states, voltages)
        found[f"n{size}"] = {
            "error_vs_ngspice": done.error,
            "ngspice_seconds": done.circuit_seconds,
            "solver_seconds": done.solver_seconds,
            "table_seconds": done.table_seconds,
            "speed_ratio": done.circuit_seconds / done.solver_seconds,
        }
        if not given.json:
            print(f"{size} x {size}: " + ", ".join(f"{k} {v:.3g}" for k, v in found[f"n{size}"].items()))
    if given.json:
        print(json.dumps({"one_transistor": {"vectors": given.vectors, **found}}))


if __name__ == "__main__":
    main()
