"""Energy of a column read by a comparator, against converters of 3 to 8 bits on the same column.

    python benchmarks/hybrid.py [--seeds 3] [--json]

Energies are those of supplies and drivers in ngspice, per read of one column and per multiply-accumulate of
3 by 3 bits (``cimspice.hybrid.energy`` says what is in them); accuracies those of networks that are
trained through the same column. What the store lacks is simulated, some ten minutes of CPU time.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from cimspice.hybrid.energy import ColumnEnergy, EnergyTable, energy_table
from cimspice.schedule import Builder, ElementCard, Elements, Graph, Schedule, Settings
from cimspice.schedule.facts import schedule_facts

BITS, SLICES, COLUMNS = 3, 3, 48
"""Of an input and of a weight of the network below; columns of its crossbars, which all layers fill."""


def resnet_20() -> Graph:
    """The 18 convolutions of ResNet-20 on CIFAR-10 that lie on crossbars, one after another."""
    builder = Builder("resnet20", 16, 32, 32)
    for channels in (16, 32, 64):
        for place in range(6):
            builder.conv(channels, 3, 2 if channels > 16 and place == 0 else 1, 1)
    return builder.graph()


def network(one: ColumnEnergy) -> dict[str, float]:
    """Energy (J) and time (s) of an image, one crossbar for each tile, layers overlapping row by row."""
    element = ElementCard(
        rows=one.weights,
        columns=COLUMNS,
        columns_per_weight=SLICES,
        input_bits=BITS,
        settle_time=one.time / 2,
        conversion_time=one.time,
        columns_per_converter=1,
        energy_per_mvm=COLUMNS * BITS * one.per_read,
        overlap=1,
        gated=1,
        origin="simulated",
    )
    settings = Settings(elements=Elements(one.weights, COLUMNS, SLICES))
    plan = Schedule(resnet_20(), settings, element)
    facts = schedule_facts(plan)
    return {
        "energy": plan.work * element.energy_per_mvm,
        "time": facts["mvm_time_second"] * plan.steps,
        "crossbars": facts["pe"]["minimum"],
    }


def networks(table: EnergyTable) -> dict[str, dict[str, float]]:
    """Of the column and of converters."""
    found = {"column": network(next(iter(table.columns.values())))}
    return found | {f"adc{bits}": network(one) for bits, one in table.converters.items()}


def shown(name: str, one: dict[str, Any]) -> str:
    """A line of the table: fJ of each block, and what it comes to."""
    blocks = ", ".join(f"{block} {1e15 * value:.0f}" for block, value in one["blocks"].items())
    ratio = f"{one['ratio']:.2f}x, " if "ratio" in one else ""
    energies = f"{1e15 * one['per_read']:.0f} fJ a read, {1e15 * one['per_mac']:.0f} fJ a MAC"
    right = f"{100 * one['accuracy']['value']:.2f} % right"
    return f"{name} ({one['readout']}): {ratio}{energies}, {right}\n    {blocks}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="networks trained for each accuracy")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    table = energy_table(seeds=range(arguments.seeds))
    facts = {**table.facts(), "resnet20": networks(table)}
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    energy = facts["energy"]
    print(shown("column", energy["column"]))
    for name in ("vs_adc7", "vs_adc4", "vs_equal_accuracy"):
        print(shown(name, energy[name]))
    for name, one in energy["by_design"].items():
        print(
            f"comparator of {name}: {one['vs_adc7']:.2f}x and {one['vs_adc4']:.2f}x, {shown('column', one)}"
        )
    for name in ("operations", "counter"):
        print(f"{name}: " + ", ".join(f"{key} {1e15 * value:.1f} fJ" for key, value in energy[name].items()))
    print("activity: " + ", ".join(f"{key} {value:.3g}" for key, value in facts["activity"].items()))
    for name, one in facts["resnet20"].items():
        print(f"ResNet-20, {name}: {1e6 * one['energy']:.2f} uJ, {1e6 * one['time']:.1f} us an image")
    published = facts["published"]
    print(f"published: {published['vs_adc7']:g}x and {published['vs_adc4']:g}x ({published['source']})")


if __name__ == "__main__":
    main()
