"""Digits learnt in the SRAM array with one layer and with a hidden one, against the same network in software.

    python benchmarks/sram_digits.py [--hidden 15] [--epochs 5] [--seeds 5] [--reference 0.1] [--json]

Ten classes, and the two that no single layer can separate: up to 4, and from 5. Every fold is a learner on
a chip of its own, with everything that ``cimspice train sram`` calls "all of it". The circuits are
characterised first as far as the store lacks them (some four minutes of CPU).
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.training.accuracy import Row
from cimspice.sram.training.chip import ChipFamily
from cimspice.sram.training.lessons import accuracy, learn
from cimspice.sram.training.software import SoftwareNetwork
from cimspice.sram.validation.learning import characterised
from cimspice.training.digits_folds import digits_folds

DECAY = 0.65
"""Of the rates: a tenth is left after five epochs."""
SAMPLES = 40
"""Of multiplier and comparator, for their spread."""


def compare(
    family: ChipFamily, hidden: int, *, halves: bool, epochs: int, seeds: int
) -> list[dict[str, Any]]:
    """Software and chip with these hidden neurons (0: one layer); the chip's difference is paired."""
    splits = digits_folds(range(seeds), halves=halves)
    outputs = 2 if halves else 10
    sizes = (12, hidden, outputs) if hidden else (12, outputs)
    software = SoftwareNetwork.drawn(len(splits), sizes, np.random.default_rng([0, 3]))
    chips = family.network(len(splits), sizes, seed=0)
    rows = []
    for name, network in (("software", software), ("chip", chips)):
        learn(network, splits, epochs=epochs, seed=0, decay=DECAY)
        rows.append(Row(name, f"{'-'.join(map(str, sizes))}, {name}", accuracy(network, splits)))
    return [rows[0].facts(), rows[1].facts(rows[0])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=15, help="neurons, 4 to 15")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5, help="splits into 5 folds")
    parser.add_argument("--reference", type=float, help="of the converter, below the supply (V); 0.1")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    conditions = SramConditions.with_readout(reference_drop=arguments.reference)
    family = characterised(conditions, samples=SAMPLES).family(8)
    rows = []
    for halves in (False, True):
        for hidden in (0, arguments.hidden):
            rows += compare(family, hidden, halves=halves, epochs=arguments.epochs, seeds=arguments.seeds)
    if arguments.json:
        print(json.dumps(rows, indent=2, sort_keys=True))
        return
    for row in rows:
        low, high = row.get("interval_percent", (0.0, 0.0))
        beside = f"  {row['difference_percent']:+.1f} ({low:+.1f} to {high:+.1f})" if low or high else ""
        print(f"{row['title']:24} {row['mean_percent']:5.1f} %{beside}")


if __name__ == "__main__":
    main()
