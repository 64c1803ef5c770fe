"""Reads of a trained network's columns through the emulator and through ngspice: lines and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.fit.family_card import Card
from cimspice.hybrid.characterisation import by_read
from cimspice.hybrid.emulator.column_read import ColumnReader, ColumnReading
from cimspice.hybrid.emulator.columns import Design, cell_values, pulses
from cimspice.hybrid.model.card import column_model
from cimspice.hybrid.model.column import Column
from cimspice.hybrid.model.readout import Ternary
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.hybrid.pair_characterisation import conditions_of
from cimspice.hybrid.training.network import ColumnNetwork
from cimspice.hybrid.training.networks import network_of
from cimspice.hybrid.training.study import quantised
from cimspice.hybrid.training.train import READ_OUT, Schedule, train
from cimspice.network.built_in_networks import BuiltIn
from cimspice.progress import OnProgress, Progress, silent

NEAR = 0.5e-3
"""Of a threshold (V): a decision as near is counted, not compared."""


@dataclass(frozen=True, eq=False)
class ReadComparison:
    """The same reads through both; voltages in V."""

    threshold: float
    """Of the column (cells)."""
    unit: float
    """What one cell makes of the lines' difference (V)."""
    sums: Array
    """Partial sums, (reads,)."""
    emulated: ColumnReading
    discharge: Array
    difference: Array
    codes: Array
    """``discharge``, ``difference``, ``codes``: in ngspice, (reads, 2), (reads, 2), (reads,)."""
    spice_seconds: float

    @property
    def full_scale(self) -> float:
        """Largest discharge at the first strobe (V)."""
        return float(self.discharge.max())

    def facts(self) -> dict[str, Any]:
        """What ``cimspice validate hybrid --reads --json`` prints of it."""
        far = np.abs(self.difference) > NEAR
        circuit, emulator = (
            np.stack([codes > 0, codes > -1], axis=-1) for codes in (self.codes, self.emulated.codes)
        )
        error = 100 * (self.emulated.difference - self.difference) / self.full_scale
        expected = (self.sums > self.threshold).astype(int) - (self.sums < -self.threshold)
        return {
            "reads": len(self.codes),
            "decisions_equal": float(np.mean((circuit == emulator)[far])),
            "near_threshold": int((~far).sum()),
            "codes_of_integers_equal": float(np.mean(self.codes == expected)),
            "line_rmse_percent_full_scale": float(np.sqrt(np.mean(error**2))),
            "line_worst_percent_full_scale": float(np.abs(error).max()),
            "full_scale_mv": 1e3 * self.full_scale,
            "unit_mv": 1e3 * self.unit,
            "nearest_mv": 1e3 * float(np.abs(self.difference).min()),
            "outside": int(self.emulated.outside.sum()),
            "zeros": float(np.mean(self.codes == 0)),
            "spice_seconds": self.spice_seconds,
        }


def compare_reads(
    card: Card,
    *,
    reads: int = 500,
    name: str = "digits-64",
    seed: int = 0,
    schedule: Schedule = READ_OUT,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> ReadComparison:
    """Train a built-in network through the column's own thresholds, and read some of its columns in both.

    SimulationError if a read fails; ParameterError for an unknown network.

    Parameters
    ----------
    card
        The column's.
    reads
        How many, drawn from all of the held-out samples: each layer alike, then any crossbar, slice, input
        bit, position and column.
    name, seed
        Of the network; of its training and of the draw.
    schedule
        Of the training through the read-out.
    jobs, progress
        Worker processes; progress.
    """
    checked_count("reads", reads, place="reads")
    reader, conditions = ColumnReader.of(column_model(card)), conditions_of(card, jobs)
    progress(Progress(stage=f"train {name} through these thresholds"))
    network, built = trained(name, column_design(reader.column), seed, schedule)
    cells, inputs = drawn_reads(network, built.x_test, reads, seed)
    table = conditions.column_reads(cells, inputs, progress, stage="the network's reads in ngspice")
    return ReadComparison(
        reader.column.threshold,
        reader.unit,
        (cells * inputs).sum(axis=1),
        reader(cells, inputs),
        *by_read(table),
        table.attrs["cpu_seconds"],
    )


def column_design(column: Column | RramColumn, *, independent: bool = False) -> Design:
    """Of layers on this column: its thresholds and rows, a scale factor for each slice and input bit;
    ``independent`` for two comparators."""
    return Design(Ternary(column.threshold, independent), rows=column.weights, shared="slice")


def trained(name: str, design: Design, seed: int, schedule: Schedule) -> tuple[ColumnNetwork, BuiltIn]:
    """A built-in network trained through nominal columns."""
    built = network_of(name, seed)
    network = quantised(built, design, seed=seed).with_readout(design)
    network.start_scales(built.x_train)
    train(network, built.x_train, built.y_train, schedule, seed=seed)
    return network, built


def drawn_reads(network: ColumnNetwork, x: Array, reads: int, seed: int) -> tuple[Array, Array]:
    """Cell values and input bits, (reads, rows), of single column reads of these samples."""
    rng = np.random.default_rng([seed, 1])
    entered = [
        (network.layers[name], rows)
        for name, rows in network.column_reads(x).items()
        if network.layers[name].design.readout.scaled
    ]
    cells, inputs = [], []
    for read in range(reads):
        layer, rows = entered[read % len(entered)]
        row = rows[rng.integers(len(rows))][None]
        stored = cell_values(layer.stored_weights, layer.design)
        crossbar, column = rng.integers(len(stored)), rng.integers(stored.shape[-1])
        bit = rng.integers(layer.design.bits)
        cells.append(stored[crossbar, :, column])
        inputs.append(pulses(layer.input_codes(row), layer.design)[crossbar, bit])
    return np.array(cells).astype(int), np.array(inputs).astype(int)
