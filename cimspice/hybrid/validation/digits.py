"""Whole samples through the last layer's columns in ngspice: every code, and what is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.fit.family_card import Card
from cimspice.hybrid.emulator.column_read import ColumnReader
from cimspice.hybrid.emulator.columns import column_outputs, quantised_scale
from cimspice.hybrid.model.card import column_model
from cimspice.hybrid.pair_characterisation import conditions_of
from cimspice.hybrid.training.train import READ_OUT, Schedule
from cimspice.hybrid.validation.layer import LayerReads, layer_reads, read_layer, read_seconds
from cimspice.hybrid.validation.reads import column_design, trained
from cimspice.progress import OnProgress, Progress, silent


@dataclass(frozen=True, eq=False)
class DigitComparison:
    """Samples through emulator and circuit, the layers before the last one emulated."""

    reads: LayerReads
    emulated: Array
    circuit: Array
    labels: Array
    """``emulated``, ``circuit``, ``labels``: classes (samples,)."""
    expected_seconds: float
    """CPU time that was expected of ngspice (s)."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice validate hybrid --digits --json`` prints of it."""
        differing = self.reads.codes != self.reads.emulated
        return {
            "digits": len(self.labels),
            "codes": int(differing.size),
            "codes_differing": int(differing.sum()),
            "codes_differing_far": int((differing & ~self.reads.near).sum()),
            "digits_equal": int((self.emulated == self.circuit).sum()),
            "digits_right": int((self.circuit == self.labels).sum()),
            "expected_spice_seconds": self.expected_seconds,
            "spice_seconds": self.reads.cpu_seconds,
        }


def compare_digits(
    card: Card,
    digits: int,
    *,
    name: str = "digits-64",
    seed: int = 0,
    schedule: Schedule = READ_OUT,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> DigitComparison:
    """Train a built-in network through the column's thresholds, and read its last layer in both.

    What ngspice is expected to take is said as a stage first; reads that are finished are kept.
    SimulationError if a read fails; ParameterError for an unknown network.

    Parameters
    ----------
    card
        The column's.
    digits
        How many of the held-out samples, drawn.
    name, seed, schedule
        Of the network, its training and the draw.
    jobs, progress
        Worker processes; progress.
    """
    reader = ColumnReader.of(column_model(card))
    progress(Progress(stage=f"train {name} through these thresholds"))
    network, built = trained(name, column_design(reader.column), seed, schedule)
    checked_count("digits", digits, high=len(built.x_test), place="--digits")
    drawn = np.random.default_rng([seed, 2]).permutation(len(built.x_test))[:digits]
    last, layer = list(network.layers.items())[-1]
    inputs = network.column_reads(built.x_test[drawn])[last]
    seconds = read_seconds(reader.column) * layer_reads(layer, inputs)
    progress(Progress(stage=f"{digits} digits in ngspice, some {seconds:.0f} s of CPU time"))
    reads = read_layer(layer, inputs, reader, conditions_of(card, jobs), progress=progress)
    weights = quantised_scale(layer.scale, layer.design.scale_bits) * layer.design.places
    emulated, circuit = (
        (column_outputs(codes, weights) + layer.bias).argmax(axis=-1)
        for codes in (reads.emulated, reads.codes)
    )
    return DigitComparison(reads, emulated, circuit, built.y_test[drawn], seconds)
