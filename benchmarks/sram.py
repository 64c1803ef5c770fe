"""The SRAM array that multiplies: time per emulated read against ngspice, energy per MAC against digital.

    python benchmarks/sram.py [--words 100] [--columns 16] [--layers 4 8 3] [--json]

ngspice's time is the CPU time of its workers on the words, now or when they were first simulated; the
emulator's is that of one process, on the same words and on a large batch. Energies are those of supplies in
ngspice (``cimspice.sram.characterisation.energy`` says what is in them); ``--layers`` is the network of a
decision.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.energy import energy_table
from cimspice.sram.emulator.read import MultiRowRead
from cimspice.sram.validation.read import SramValidation, validate_sram

BATCH = 20_000


def process_seconds(call: Any, repeats: int) -> float:
    """Median CPU time (s) of a call."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return float(np.median(times))


def measure(result: SramValidation) -> dict[str, Any]:
    """CPU time per read of both, and their ratio on the same words and in a large batch."""
    words, read = result.words, MultiRowRead(result.fit.model)
    positions = (words.rows + 0.5) / result.conditions.array.rows
    count = len(words.codes)
    same = process_seconds(lambda: read(words.codes, words.bits, positions=positions), 9) / count
    chosen = np.random.default_rng(0).integers(0, count, BATCH)
    codes, bits, places = words.codes[chosen], words.bits[chosen], positions[chosen]
    large = process_seconds(lambda: read(codes, bits, positions=places), 3) / BATCH
    spice = result.spice_seconds / count
    return {
        "words": count,
        "spice_seconds_per_read": spice,
        "emulator_seconds_per_read": same,
        "emulator_seconds_per_read_in_large_batch": large,
        "speed_ratio": spice / same,
        "speed_ratio_in_large_batch": spice / large,
        "rmse_percent_full_scale": result.percent(result.predicted)[0],
    }


def energies(columns: int, layers: list[int]) -> dict[str, Any]:
    """Energy per MAC by block, and per decision, ours and the baseline's."""
    table = energy_table(columns)
    ours, baseline = table.decision(layers)
    return {
        **table.as_dict(),
        "layers": layers,
        "energy_per_decision_joule": ours,
        "baseline_energy_per_decision_joule": baseline,
        "decision_energy_ratio": baseline / ours,
    }


def shown(value: Any) -> str:
    """A fact on the terminal: a number, or the numbers of a table."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {entry:.3g}" for name, entry in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--columns", type=int, default=16, help="on one rail, 4 to 16")
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 8, 3])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    facts = energies(arguments.columns, arguments.layers)
    facts |= measure(validate_sram(SramConditions(), words=arguments.words))
    if arguments.json:
        print(json.dumps(facts, indent=2, sort_keys=True))
        return
    for name, value in facts.items():
        print(f"{name:45} {shown(value)}")


if __name__ == "__main__":
    main()
