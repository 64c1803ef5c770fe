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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.circuit.accumulator import SumTiming
from cimspice.hybrid.column_blocks import (
    Sequences,
    added_codes,
    comparator_reads,
    conversions,
    counter_blocks,
    digital_part,
    plain_reads,
)
from cimspice.hybrid.emulator.columns import Design, codes_of, open_weights, pulses, quantised_scale
from cimspice.hybrid.model.readout import Converter, ReadOut, Ternary
from cimspice.hybrid.training.network import ColumnNetwork
from cimspice.hybrid.training.study import ReadOutStudy, study
from cimspice.hybrid.training.train import READ_OUT, Schedule
from cimspice.hybrid.validation.reads import drawn_reads, trained
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.means import mean_with_interval

STEPS = {3: 2.0, 4: 1.0, 5: 1.0, 6: 0.5, 7: 0.25, 8: 0.125}
"""Of a converter of so many bits (cells). From 5 bits on sums of −16 to 16, all that there are, come out as
they are; networks are trained through those of 4 and 3 bits, whose range is −8 to 8."""

WAYS = {"12 um": (12e-6, 4), "12 um, 3 bits": (12e-6, 3), "6 um, 3 bits": (6e-6, 3), "3 um": (3e-6, 4)}
"""Width of the comparator's input transistors (m), 12 µm being the converter's, and bits of the scale
factors."""

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
    schedule
        Of the training through the read-out.
    progress
        Progress.
    """
    conditions = conditions or ColumnConditions()
    for name, count in (("reads", reads), ("sequences", sequences), ("seeds", len(seeds))):
        checked_count(name, count, place="energy_table")
    column = conditions.column
    design = Design(Ternary(column.threshold), rows=column.weights, scale_bits=4)

    def studied(**changed: Any) -> ReadOutStudy:
        one = replace(design, **changed)
        return study("digits-64", one, seeds, schedule=schedule, progress=progress)

    accuracy, digital, operations = {}, {}, {}
    for bits in (3, 4):  # the last ones' reads and sums are those of the array and of converters
        progress(Progress(stage="train the network whose reads are simulated"))
        network, built = trained("digits-64", replace(design, scale_bits=bits), seeds[0], schedule)
        drawn = drawn_sequences(network, built.x_test, sequences)
        activity = _activity(network, built.x_test)
        digital[bits], operations = digital_part(conditions, drawn, bits, activity, progress)
        accuracy[bits] = studied(scale_bits=bits)
    cells, inputs = drawn_reads(network, built.x_test, reads, seeds[0])
    activity["open_weights_simulated"] = float(inputs.sum(axis=1).mean())
    columns = {
        name: ColumnEnergy(
            design.readout,
            {**comparator_reads(conditions, cells, inputs, width, progress), **digital[bits]},
            mean_with_interval(accuracy[bits].trained),
            column.weights,
            SumTiming().period,
        )
        for name, (width, bits) in WAYS.items()
    }
    array, unit = plain_reads(conditions, cells, inputs, progress)
    converters = {}
    for bits, step in STEPS.items():
        blocks, step, duration = conversions(conditions, bits, step * unit, drawn, unit, progress)
        added = added_codes(conditions, bits, STEPS[bits], drawn, progress)
        converters[bits] = ColumnEnergy(
            Converter(bits, round(step / unit, 3)),
            {**array, **blocks, **added},
            mean_with_interval(
                accuracy[4].ideal if bits > 4 else studied(readout=Converter(bits, STEPS[bits])).trained
            ),
            column.weights,
            duration,
        )
    counter = counter_blocks(conditions, activity, progress)
    sums = 2 * drawn.codes.size
    return EnergyTable(columns, counter, converters, activity, operations, sums)


def column_energy(
    conditions: ColumnConditions, *, reads: int = 6, sequences: int = 24, progress: OnProgress = silent
) -> dict[str, float]:
    """Blocks (J) of one read of this column by its comparator, with scale factors of 4 bits: the first row of
    the table alone."""
    column = conditions.column
    design = Design(Ternary(column.threshold), rows=column.weights, scale_bits=4)
    progress(Progress(stage="train the network whose reads are simulated"))
    network, built = trained("digits-64", design, 0, READ_OUT)
    drawn, activity = drawn_sequences(network, built.x_test, sequences), _activity(network, built.x_test)
    cells, inputs = drawn_reads(network, built.x_test, reads, 0)
    array = comparator_reads(conditions, cells, inputs, conditions.input_width, progress)
    return array | digital_part(conditions, drawn, 4, activity, progress)[0]


def layer_codes(network: ColumnNetwork, name: str, rows: Array) -> tuple[Array, Array, Array]:
    """Sums, codes and stored scale factors of a layer's reads."""
    layer = network.layers[name]
    scale = quantised_scale(layer.scale, layer.design.scale_bits)
    sums = layer.sums_of(rows)
    step = float(np.max(scale)) / np.rint(_largest(layer.scale, layer.design.scale_bits))
    return sums, codes_of(sums, layer.design.readout, scale / layer.unit), np.rint(scale / step).astype(int)


def _largest(scale: Array, bits: int | None) -> float:
    """The integer that stores a layer's largest scale factor."""
    assert bits is not None
    span = (scale.max() - scale.min()) / (2**bits - 2)
    return float(scale.max() / max(span, scale.max() / (2**bits - 1)))


def _activity(network: ColumnNetwork, x: Array) -> dict[str, float]:
    """Shares of the codes of all held-out reads, and how many weights are open on average."""
    codes, active = [], []
    for name, rows in network.column_reads(x).items():
        layer = network.layers[name]
        codes.append(layer_codes(network, name, rows)[1].ravel())
        opened = open_weights(pulses(layer.input_codes(rows), layer.design), layer.design)
        active.append(np.broadcast_to(opened, (*opened.shape[:-1], codes[-1].size // opened.size)).ravel())
    every = np.concatenate(codes)
    shares = {f"codes_of_{code}": float(np.mean(every == code)) for code in (1, -1, 0)}
    return {**shares, "open_weights": float(np.mean(np.concatenate(active)))}


def drawn_sequences(network: ColumnNetwork, x: Array, count: int) -> Sequences:
    """Of layers in proportion to their columns."""
    rng = np.random.default_rng(0)
    entered = network.column_reads(x)
    sizes = np.array([layer.scale[0, 0, 0].size for layer in network.layers.values()], float)
    found: list[tuple[Array, ...]] = []
    for name in rng.choice(list(entered), count, p=sizes / sizes.sum()):
        rows = entered[name]
        values = layer_codes(network, name, rows[rng.integers(len(rows))][None])
        crossbar, place, column = (rng.integers(values[0].shape[axis]) for axis in (0, 3, 4))
        found.append(tuple(each[crossbar, :, 0, place, column] for each in values))
    return Sequences(*(np.array(each).astype(int) for each in zip(*found, strict=True)))
