"""Time, energy and error of a matrix-vector product on columns read by comparators, from simulations."""

from __future__ import annotations

import numpy as np

from cimspice.fit.family_card import Card
from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.circuit.accumulator import SumTiming
from cimspice.hybrid.column_blocks import RESTORE
from cimspice.hybrid.emulator.circuit import HybridCircuit
from cimspice.hybrid.energy import column_energy
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.schedule.element_card import PART, ElementCard

_INPUTS = 64
REASONS = {
    "settle_time": "its clock's: word lines, both decisions, precharge",
    "conversion_time": "its clock's: both decisions, and the code added while lines are precharged",
    "energy_per_mvm": "mean of a trained network's reads and codes, scale factors of 4 bits, nominal",
    "idle_power": "leakage of all cells, nominal; not of comparators and registers",
    "error": f"of the emulated columns, {_INPUTS} random inputs, not trained through the read-out",
}


def with_element(card: Card, conditions: ColumnConditions, progress: OnProgress = silent) -> Card:
    """The card with the part of processing elements: all columns of an array, each with its comparator and
    the register that adds its codes, and a read for each input bit. A weight's slices lie side by side."""
    array, column, circuit = conditions.array, conditions.column, HybridCircuit(card=card)
    blocks = column_energy(conditions, progress=progress)
    leakage = conditions.run("sram_leakage", [{}], in_stage("leakage", progress))
    decisions, timing = 2 * conditions.strobe + conditions.recovery, SumTiming()
    first = array.word_line_start + conditions.unit_width + conditions.settle
    element = ElementCard(
        rows=column.weights,
        columns=array.columns,
        columns_per_weight=circuit.design.weights.slices,
        input_bits=circuit.input_bits,
        settle_time=first + decisions + RESTORE,
        conversion_time=timing.period + decisions - timing.second - timing.strobe,
        columns_per_converter=1,
        energy_per_mvm=array.columns * circuit.input_bits * sum(blocks.values()),
        idle_power=array.rows * array.columns * float(leakage["leakage_power"].iloc[0]),
        error=error_of(circuit, array.columns // circuit.design.weights.slices),
        overlap=1,
        origin="simulated",
    )
    source = {
        "benches": ["hybrid_column_energy", "hybrid_accumulator", "sram_leakage"],
        "column_read": blocks,
    }
    part = element.part("of the array", REASONS).model_copy(update={"source": source})
    return card.model_copy(update={"parts": {**card.parts, PART: part}})


def error_of(circuit: HybridCircuit, outputs: int) -> float:
    """Rms error of sums of random inputs by normally distributed weights on emulated columns, nominal,
    relative to the largest exact sum."""
    rng, inputs = np.random.default_rng(0), circuit.design.rows
    weights, x = rng.normal(size=(outputs, inputs)), rng.random((2 * _INPUTS, inputs))
    exact = x[_INPUTS:] @ weights.T
    found = circuit.layer(weights, x[:_INPUTS])(x[_INPUTS:])
    return float(np.sqrt(np.mean((found - exact) ** 2)) / np.abs(exact).max())
