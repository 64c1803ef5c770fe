"""A network's layer in columns through ngspice: both decisions of every column, one transient a read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.hybrid.characterisation import ColumnConditions, by_read
from cimspice.hybrid.emulator.column_read import ColumnReader
from cimspice.hybrid.emulator.columns import (
    Deviations,
    cell_values,
    codes_of,
    column_outputs,
    open_weights,
    partial_sums,
    pulses,
    quantised_scale,
)
from cimspice.hybrid.emulator.mapped_layer import MappedLayer
from cimspice.hybrid.model.column import Column
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.hybrid.pair_characterisation import PairConditions
from cimspice.hybrid.training.column_layer import ColumnLayer
from cimspice.hybrid.validation.reads import NEAR
from cimspice.network.simulated import LineComparison, SimulatedSums
from cimspice.progress import OnProgress, silent


def read_seconds(column: Column | RramColumn) -> float:
    """CPU time of a read with both decisions, some 20 of 64 weights open; all cells of RRAM columns are
    simulated, of 6T cells the open ones."""
    return 0.05 * column.weights if isinstance(column, RramColumn) else 1.1


@dataclass(frozen=True, eq=False)
class LayerReads:
    """Every read of a layer's columns, axes (crossbars, bits, n, slices, columns), and last the decisions."""

    codes: Array
    emulated: Array
    """``codes``, ``emulated``: ternary, of ngspice and of the column's emulator in volts."""
    difference: Array
    emulated_difference: Array
    """``difference``, ``emulated_difference``: of the lines (V), (..., 2)."""
    cpu_seconds: float

    @property
    def near(self) -> Array:
        """Whether a decision is nearer than 0.5 mV to its threshold."""
        return np.abs(self.difference).min(axis=-1) <= NEAR


def read_layer(
    columns: ColumnLayer,
    x: Array,
    reader: ColumnReader,
    conditions: ColumnConditions | PairConditions,
    *,
    progress: OnProgress = silent,
) -> LayerReads:
    """All columns of a layer in ngspice for inputs (n, inputs), each different read once.

    SimulationError if a read fails.
    """
    design = columns.design
    cells = cell_values(columns.stored_weights, design).swapaxes(1, 2).astype(int)
    opened = pulses(columns.input_codes(x), design).astype(int)  # (crossbars, bits · n, rows)
    shape = (len(cells), opened.shape[1], cells.shape[1], design.rows)
    pairs = np.concatenate(
        [
            np.broadcast_to(cells[:, None], shape).reshape(-1, design.rows),
            np.broadcast_to(opened[:, :, None], shape).reshape(-1, design.rows),
        ],
        axis=1,
    )
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    values, inputs = distinct[:, : design.rows], distinct[:, design.rows :]
    table = conditions.column_reads(values, inputs, progress, stage="columns in ngspice")
    _, difference, codes = by_read(table)
    emulated = reader(values, inputs)
    slices = design.weights.slices
    axes = (len(cells), design.bits, -1, slices, cells.shape[1] // slices)

    def every(found: Array) -> Array:
        return found[np.ravel(place)].reshape(*axes, *found.shape[1:])

    return LayerReads(
        every(codes),
        every(emulated.codes),
        every(difference),
        every(emulated.difference),
        table.attrs["cpu_seconds"],
    )


def layer_reads(columns: ColumnLayer, x: Array) -> int:
    """How many different reads `read_layer` makes of each crossbar's columns, at most."""
    opened = pulses(columns.input_codes(x), columns.design)
    each = columns.design.weights.slices * len(columns.weights)
    return sum(len(np.unique(one, axis=0)) for one in opened) * each


def simulate_layer(
    layer: MappedLayer,
    x: Array,
    conditions: ColumnConditions | PairConditions,
    *,
    progress: OnProgress = silent,
) -> SimulatedSums:
    """Weighted sums of inputs (n, inputs). Finished reads are kept and are not run again.

    ParameterError for a chip, whose deviations are not simulated; SimulationError if a read fails.
    """
    if layer.circuit.chips:
        raise ParameterError(
            "a drawn chip is emulated only", place="hybrid circuit", remedy="leave out the setting chips"
        )
    design, columns = layer.circuit.design, layer.columns
    scale = quantised_scale(columns.scale, design.scale_bits)
    outputs = np.zeros((len(x), len(layer.weights)))
    errors, sizes = np.zeros((2, layer.tiles))
    lines, seconds = LineComparison(), 0.0
    for sign, part in layer.passes(x):
        opened = pulses(columns.input_codes(part), design)
        expected = codes_of(
            partial_sums(opened, cell_values(columns.stored_weights, design), design),
            design.readout,
            scale / columns.unit,
            Deviations(law=layer.circuit.spread.law),
            active=open_weights(opened, design),
        )
        reads = read_layer(columns, part, layer.circuit.reader, conditions, progress=progress)
        other = reads.codes != expected
        wrong, volts = reads.difference - reads.emulated_difference, reads.emulated_difference
        rest = tuple(range(1, wrong.ndim))
        errors, sizes = (
            np.maximum(errors, np.abs(wrong).max(rest)),
            np.maximum(sizes, np.abs(volts).max(rest)),
        )
        lines += LineComparison(
            float((wrong**2).sum()),
            float((volts**2).sum()),
            other.size,
            int(other.sum()),
            int((other & ~reads.near).sum()),
        )
        seconds += reads.cpu_seconds
        outputs += sign * column_outputs(reads.codes, scale * design.places)
    places = [
        (slice(first, min(first + design.rows, x.shape[1])), slice(0, len(layer.weights)))
        for first in range(0, x.shape[1], design.rows)
    ]
    return SimulatedSums(outputs, errors / np.maximum(sizes, 1e-12), places, lines, seconds)


def expected_seconds(layer: MappedLayer, inputs: int) -> float:
    """CPU time that `simulate_layer` is expected to take, within a factor of about two."""
    design = layer.circuit.design
    reads = layer.tiles * design.bits * design.weights.slices * len(layer.weights)
    seconds = read_seconds(layer.circuit.model.column)
    return seconds * reads * inputs * (2 if layer.signed else 1)
