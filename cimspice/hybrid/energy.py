"""Energy of a column's read by block: read by a comparator with scale factors added, against converters.

Everything is simulated at transistor level in the same technology, activity and codes are those of a
trained network's own reads. In, on both sides: cells, precharge with its gates, word lines (the column's
share), the read-out with what drives it and, of converters, with its reference, and the addition of its
codes at the place of their input bit. The code of a converter comes to the adder at once. Out, on both
sides: decoders, the controller, the clock tree, wires between blocks, the reference's generator, reading
the finished sum, and leakage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cimspice.arrays import checked_count
from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.choices import READ, STEPS, WAYS, Choice
from cimspice.hybrid.circuit.accumulator import SumTiming
from cimspice.hybrid.column_blocks import (
    comparator_reads,
    converter_reads,
    counter_blocks,
    digital_part,
    plain_reads,
    stored_size,
)
from cimspice.hybrid.emulator.columns import Design
from cimspice.hybrid.model.readout import Converter, ReadOut, Ternary
from cimspice.hybrid.training.activity import activity, drawn_sequences
from cimspice.hybrid.training.study import ReadOutStudy, study
from cimspice.hybrid.training.train import READ_OUT, Schedule
from cimspice.hybrid.validation.reads import drawn_reads, trained
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.means import mean_with_interval

PUBLISHED = {
    "vs_adc7": 28.0,
    "vs_adc4": 12.0,
    "source": "Negi et al., IEEE TCAS-AI 2024 (10750360): up to 28x and 12x; the abstract of the earlier"
    " arXiv 2403.13577 says up to 28 % and 12 %",
}


@dataclass(frozen=True, eq=False)
class ColumnEnergy:
    """One way to read a column."""

    readout: ReadOut
    blocks: dict[str, float]
    """Energy of one column read (J)."""
    accuracy: dict[str, Any]
    """Of the network read so, with its interval."""
    weights: int
    """Of the column."""
    time: float
    """From one read to the next (s): of both decisions with the lines' precharge, or of a conversion, while
    lines are restored and codes added."""

    @property
    def per_read(self) -> float:
        return sum(self.blocks.values())

    def facts(self, compared: ColumnEnergy | None = None) -> dict[str, Any]:
        """Energies in J; a multiply-accumulate of 3 by 3 bits takes 9 reads of its column for all weights."""
        found = {
            "readout": str(self.readout),
            "per_read": self.per_read,
            "per_mac": 9 * self.per_read / self.weights,
            "blocks": self.blocks,
            "accuracy": self.accuracy,
            "time": self.time,
        }
        return found if compared is None else {"ratio": self.per_read / compared.per_read, **found}


@dataclass(frozen=True, eq=False)
class EnergyTable:
    """The column against converters."""

    columns: dict[str, ColumnEnergy]
    """By what was chosen, the first with the converter's comparator."""
    counter: dict[str, float]
    """Blocks of the digital part (J) where one scale factor serves all and codes are counted."""
    converters: dict[int, ColumnEnergy]
    activity: dict[str, float]
    operations: dict[str, float]
    """Energy (J) of the digital part for a code of 1, −1 and 0."""
    sums_checked: int
    """Sums of the digital part that were the emulator's."""

    @property
    def equal_accuracy(self) -> int:
        """Bits of the smallest converter whose network is right as often."""
        wanted = next(iter(self.columns.values())).accuracy["value"]
        return next(
            (bits for bits, one in self.converters.items() if one.accuracy["value"] >= wanted),
            max(self.converters),
        )

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        column = next(iter(self.columns.values()))
        return {
            "energy": {
                "column": column.facts(),
                "vs_adc7": self.converters[7].facts(column),
                "vs_adc4": self.converters[4].facts(column),
                "vs_equal_accuracy": self.converters[self.equal_accuracy].facts(column),
                "equal_accuracy": self.equal_accuracy,
                "converters": {str(bits): one.facts(column) for bits, one in self.converters.items()},
                "by_design": {
                    name: {
                        **one.facts(),
                        "vs_adc7": self.converters[7].per_read / one.per_read,
                        "vs_adc4": self.converters[4].per_read / one.per_read,
                    }
                    for name, one in self.columns.items()
                },
                "operations": self.operations,
                "counter": self.counter,
            },
            "activity": self.activity,
            "sums_checked": self.sums_checked,
            "published": PUBLISHED,
        }


def energy_table(
    conditions: ColumnConditions | None = None,
    *,
    reads: int = 6,
    sequences: int = 24,
    seeds: Sequence[int] = (0, 1, 2),
    ways: Sequence[str] = tuple(WAYS),
    converters: Sequence[int] = tuple(range(3, 9)),
    schedule: Schedule = READ_OUT,
    progress: OnProgress = silent,
) -> EnergyTable:
    """Train, simulate what the store lacks, and sum up.

    SimulationError if a circuit fails or a sum of the digital part is not the emulator's.

    Parameters
    ----------
    conditions
        The column, corner, temperature.
    reads
        Reads of the array, drawn from the network's own.
    sequences
        Samples of single columns that the digital part adds up, one read for each input bit.
    seeds
        Of the networks whose accuracy stands beside; the first one's reads are simulated.
    ways, converters
        Columns among `WAYS`, and bits of the converters, 4 and 7 among them.
    schedule
        Of the training through the read-out.
    progress
        Progress.
    """
    conditions = conditions or ColumnConditions()
    for name, count in (("reads", reads), ("sequences", sequences), ("seeds", len(seeds))):
        checked_count(name, count, place="energy_table")
    rows, chosen = conditions.column.weights, {name: WAYS[name] for name in ways}

    def studied(design: Design) -> ReadOutStudy:
        return study("digits-64", design, seeds, schedule=schedule, progress=progress)

    whose = chosen.get(READ, chosen[ways[0]]).design(rows)
    accuracy, digital, seen = {}, {}, {}
    for design in dict.fromkeys(choice.design(rows) for choice in chosen.values()):
        progress(Progress(stage="train the network whose reads are simulated"))
        network, built = trained("digits-64", design, seeds[0], schedule)
        drawn = drawn_sequences(network, built.x_test, sequences)
        shares = activity(network, built.x_test)
        digital[design] = digital_part(conditions, drawn, stored_size(design), shares, progress)
        accuracy[design] = studied(design)
        seen[design] = drawn, shares, drawn_reads(network, built.x_test, reads, seeds[0])
    drawn, shares, (cells, inputs) = seen[whose]
    shares["open_weights_simulated"] = float(inputs.sum(axis=1).mean())
    columns = {
        name: ColumnEnergy(
            choice.readout,
            {**comparator_reads(conditions, cells, inputs, choice, progress), **digital[design][0]},
            {**mean_with_interval(accuracy[design].trained),
             "below_ideal": mean_with_interval(accuracy[design].ideal - accuracy[design].trained)},
            rows,
            SumTiming().period,
        )
        for name, choice in chosen.items()
        for design in [choice.design(rows)]
    }  # fmt: skip
    array, unit = plain_reads(conditions, cells, inputs, progress)
    converted = {}
    for bits in converters:
        blocks, step, duration = converter_reads(conditions, bits, array, drawn, unit, progress)
        found = accuracy[whose].ideal
        if bits < 5:
            found = studied(Design(Converter(bits, STEPS[bits]), rows=rows)).trained
        converted[bits] = ColumnEnergy(
            Converter(bits, step), blocks, mean_with_interval(found), rows, duration
        )
    counter = counter_blocks(conditions, shares, progress)
    sums = drawn.codes.size * len(digital)
    return EnergyTable(columns, counter, converted, shares, digital[next(iter(digital))][1], sums)


def column_energy(
    conditions: ColumnConditions, *, reads: int = 6, sequences: int = 24, progress: OnProgress = silent
) -> dict[str, float]:
    """Blocks (J) of one read of this column by its comparator, with scale factors of 4 bits."""
    column = conditions.column
    choice = Choice(
        Ternary(column.threshold), input_width=conditions.input_width, pulse=conditions.unit_width
    )
    progress(Progress(stage="train the network whose reads are simulated"))
    network, built = trained("digits-64", choice.design(column.weights), 0, READ_OUT)
    drawn, shares = drawn_sequences(network, built.x_test, sequences), activity(network, built.x_test)
    cells, inputs = drawn_reads(network, built.x_test, reads, 0)
    array = comparator_reads(conditions, cells, inputs, choice, progress)
    return array | digital_part(conditions, drawn, choice.scale_bits, shares, progress)[0]
