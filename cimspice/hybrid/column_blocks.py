"""Blocks of a column's energy as they are simulated: its read with a comparator or without one, conversions,
and the digital part that adds its codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.errors import SimulationError
from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.choices import STEPS, Choice
from cimspice.hybrid.circuit.comparator import Comparator
from cimspice.hybrid.emulator.columns import Design
from cimspice.hybrid.mapping.slices import stored_bits
from cimspice.hybrid.model.column import Column
from cimspice.hybrid.model.readout import Binary
from cimspice.hybrid.training.activity import Sequences
from cimspice.progress import OnProgress, in_stage

RESTORE = 2e-9
"""Length of the precharge after a read (s)."""

ADDED = 8
"""Samples whose converted codes are added up."""

START = {4: 73, 3: 36, 1: 2}
"""Of the register, by bits of a scale factor: with it sums move the fewest bits. The bias takes it back."""


def stored_size(design: Design) -> int:
    """Bits of a scale factor in its store: one for the layer is 1, and selects the input bit's place."""
    return 1 if design.shared == "layer" else design.scale_bits or 4


def digital_part(
    conditions: ColumnConditions,
    drawn: Sequences,
    scale_bits: int,
    activity: dict[str, float],
    progress: OnProgress,
) -> tuple[dict[str, float], dict[str, float]]:
    """Blocks of a mean operation, and energy of each code.

    SimulationError if a sum is not the emulator's.
    """
    bits, start = drawn.codes.shape[1], START[scale_bits]
    largest = (2**scale_bits - 1) * (2**bits - 1)
    register = {"scale_bits": scale_bits, "sum_bits": largest.bit_length() + 1, "start": start}
    table = conditions.run(
        "hybrid_accumulator",
        [
            {"codes": codes.tolist(), "scale_factors": words.tolist(), "shifted": True, **register}
            for codes, words in zip(drawn.codes, drawn.scales, strict=True)
        ],
        in_stage(f"scale factors of {scale_bits} bits added", progress),
    )
    emulated = np.cumsum(drawn.codes * drawn.scales << np.arange(bits), axis=1)
    found = table["sum"].to_numpy().reshape(emulated.shape) - start - emulated
    wrong = int(np.count_nonzero(found % 2 ** register["sum_bits"]))
    if wrong:
        raise SimulationError(
            f"{wrong} sums of the digital part are not those of the emulator", place="hybrid_accumulator"
        )
    operations = {f"code_{code}": sum(_blocks_of(table, code).values()) for code in _codes(table)}
    return mean_blocks(table, activity), operations


def counter_blocks(
    conditions: ColumnConditions, activity: dict[str, float], progress: OnProgress
) -> dict[str, float]:
    """Of a read whose code is counted, where one scale factor serves all."""
    given = {"codes": [1, -1, -1, 0, 1, 1, 0, -1, 1, -1], "scale_factors": [], "sum_bits": 4}
    return mean_blocks(
        conditions.run("hybrid_accumulator", [given], in_stage("codes counted", progress)), activity
    )


def mean_blocks(table: pd.DataFrame, activity: dict[str, float]) -> dict[str, float]:
    """Of a read whose code is 1, −1 or 0 as often as in the network.

    SimulationError if the network has a code that was not simulated.
    """
    shares = {code: activity[f"codes_of_{code}"] for code in (1, -1, 0)}
    present, total = _codes(table), {}
    for code, share in shares.items():
        if share and code not in present:
            raise SimulationError(
                f"{100 * share:.2g} % of the network's codes are {code}, none of the {len(table)} simulated",
                place="hybrid_accumulator",
                remedy="draw more sequences",
            )
        for name, value in _blocks_of(table, code).items() if share else ():
            total[name] = total.get(name, 0.0) + share * value
    return total


def _codes(table: pd.DataFrame) -> list[int]:
    return [code for code in (1, -1, 0) if (table["code"] == code).any()]


def _blocks_of(table: pd.DataFrame, code: int) -> dict[str, float]:
    """Mean blocks (J) of reads with this code."""
    mean = table[table["code"] == code].mean(numeric_only=True)
    return {
        "scale_factor_read": float(mean["read_energy"]),
        "gating": float(mean["gating_energy"]),
        "add": float(mean["sum_energy"]),
        "controls": float(mean["control_energy"]),
    }


def _open_rows(conditions: ColumnConditions, cells: Array, inputs: Array) -> list[dict[str, Any]]:
    bits, rows = stored_bits(cells), np.flatnonzero(np.repeat(inputs, 2))
    return [{"row": int(row), "width": conditions.unit_width, "bits": [int(bits[row])]} for row in rows]


def _array(conditions: ColumnConditions, rows: int) -> dict[str, Any]:
    array = conditions.array.model_copy(update={"rows": rows})
    return array.model_dump(round_trip=True, exclude_defaults=True)


def comparator_reads(
    conditions: ColumnConditions, cells: Array, inputs: Array, choice: Choice, progress: OnProgress
) -> dict[str, float]:
    """Blocks of the array's read with a comparator, dummy cells apart. Binary has one decision, and one dummy
    cell that decides a sum of 0."""
    binary, column = isinstance(choice.readout, Binary), conditions.column
    column = Column(column.weights, choice.dummies, column.rows)
    first = conditions.array.word_line_start + choice.pulse + conditions.settle
    later = 0.0 if binary else conditions.strobe + conditions.recovery
    end = later + conditions.settle + conditions.strobe + 1e-10  # the last decision, and its strobe's end
    width = {"width": choice.pulse}
    down = [{"row": int(row), **width, "bits": [int(binary)]} for row in column.first_dummies]
    up = [
        {"row": int(row), **width, "bits": [1], "delay": later} for row in column.second_dummies if not binary
    ]
    strobes = [first] if binary else [first, first + later]
    shared = {"array": _array(conditions, column.rows), "strobes": strobes}
    sizes = Comparator(input_width=choice.input_width).converter.model_dump(round_trip=True)
    shared |= {"restore": RESTORE, "converter": sizes}
    own = replace(conditions, unit_width=choice.pulse)
    runs = []
    for stored, given in zip(cells, inputs, strict=True):
        opened = _open_rows(own, stored, given)
        runs.append({**shared, "open_rows": [*opened, *down, *up], "settle": end - later})
        runs.append({**shared, "open_rows": opened, "settle": end, "strobes": []})
    table = conditions.run("hybrid_column_energy", runs, in_stage("column with comparator", progress))
    both, bare = (table[table["run"] % 2 == half].mean(numeric_only=True) for half in (0, 1))
    return {
        **_array_blocks(bare),
        "dummy_cells": float(both["array_energy"] - bare["array_energy"]),
        "comparator": float(both["comparator_energy"]),
        "strobe": float(both["strobe_energy"]),
    }


def _array_blocks(read: pd.Series) -> dict[str, float]:
    return {
        "cells": float(read["cell_energy"]),
        "precharge": float(read["precharge_energy"] + read["control_energy"]),
        "word_lines": float(read["word_line_energy"]),
    }


def plain_reads(
    conditions: ColumnConditions, cells: Array, inputs: Array, progress: OnProgress
) -> tuple[dict[str, float], float]:
    """Blocks of the array's read without dummy cells, and volts of one unit of the sum."""
    array = _array(conditions, 2 * conditions.column.weights)
    runs = [
        {"array": array, "open_rows": _open_rows(conditions, stored, given), "settle": conditions.settle}
        for stored, given in zip(cells, inputs, strict=True)
    ]
    restored = [{**run, "restore": RESTORE} for run in runs]
    read = conditions.run("sram_read_energy", restored, in_stage("column", progress))
    return _array_blocks(read.mean(numeric_only=True)), _unit(conditions, runs, cells * inputs, progress)


def unit_of(
    conditions: ColumnConditions, cells: Array, inputs: Array, choice: Choice, progress: OnProgress
) -> float:
    """Volts of one unit of the sum, this comparator on the lines."""
    own = replace(conditions, unit_width=choice.pulse)
    shared = {"array": _array(conditions, conditions.column.rows), "settle": conditions.settle}
    shared |= {"converter": Comparator(input_width=choice.input_width).converter.model_dump(round_trip=True)}
    runs = [
        {**shared, "open_rows": _open_rows(own, stored, given)}
        for stored, given in zip(cells, inputs, strict=True)
    ]
    return _unit(conditions, runs, cells * inputs, progress)


def _unit(
    conditions: ColumnConditions, runs: list[dict[str, Any]], products: Array, progress: OnProgress
) -> float:
    lines = conditions.run("hybrid_line_read", runs, in_stage("lines of the column", progress))
    difference = lines["bit_line_bar_discharge"] - lines["bit_line_discharge"]
    sums = products.sum(axis=1)
    if np.ptp(sums) == 0:
        raise SimulationError(
            f"all {len(sums)} reads that were drawn have a sum of {sums[0]}, which gives no volts of a unit",
            place="hybrid_line_read",
            remedy="use another seed, or a network with more inputs",
        )
    return float(np.polyfit(sums, difference.to_numpy(), 1)[0])


def converter_reads(
    conditions: ColumnConditions,
    bits: int,
    array: dict[str, float],
    drawn: Sequences,
    unit: float,
    progress: OnProgress,
) -> tuple[dict[str, float], float, float]:
    """All blocks of a read by a converter, its step (cells), and how long a conversion takes (s)."""
    blocks, step, duration = conversions(conditions, bits, STEPS[bits] * unit, drawn, unit, progress)
    added = added_codes(conditions, bits, STEPS[bits], drawn, progress)
    return {**array, **blocks, **added}, round(step / unit, 3), duration


def conversions(
    conditions: ColumnConditions, bits: int, step: float, drawn: Sequences, unit: float, progress: OnProgress
) -> tuple[dict[str, float], float, float]:
    """Blocks of a conversion whose reference gives this step (V), the step that it has, and how long it takes
    (s)."""
    stage = in_stage(f"converter of {bits} bits", progress)

    def convert(drop: float, volts: Array) -> pd.DataFrame:
        shared = {"bits": bits, "common_drop": 0.2, "converter": {"reference_drop": round(drop, 4)}}
        return conditions.run("sram_converter", [{**shared, "difference": float(v)} for v in volts], stage)

    def step_of(table: pd.DataFrame) -> float:
        return float(abs(np.diff(table[table["run"] == 0]["residue"])[-1]))

    trial = step_of(convert(0.2, np.array([unit])))
    sums = np.quantile(drawn.sums, [0.1, 0.3, 0.5, 0.7, 0.9])
    table = convert(0.2 * step / trial, np.round(unit * (sums + 0.25), 5))
    blocks = {
        "converter": float(table["converter_energy"].mean()),
        "converter_controls": float(table["control_energy"].mean()),
    }
    return blocks, step_of(table), float(table["duration"].iloc[0])


def added_codes(
    conditions: ColumnConditions, bits: int, step: float, drawn: Sequences, progress: OnProgress
) -> dict[str, float]:
    """Blocks of the addition of a code, shifted to its input bit's place."""
    half, places = 2 ** (bits - 1), drawn.sums.shape[1]
    codes = np.clip(np.rint(drawn.sums / step), -half, half - 1).astype(int) + half
    table = conditions.run(
        "hybrid_code_accumulator",
        [
            {"codes": each.tolist(), "code_bits": bits, "places": places, "sum_bits": bits + places}
            for each in codes[:ADDED]
        ],
        in_stage(f"codes of {bits} bits added", progress),
    ).mean(numeric_only=True)
    return {
        "add": float(table["sum_energy"]),
        "add_controls": float(table["control_energy"] + table["code_energy"]),
    }
