"""Time, energy and error of a matrix-vector product on one 6T array with its readout, from simulations."""

from __future__ import annotations

import numpy as np

from cimspice.fit.family_card import Card
from cimspice.progress import OnProgress, silent
from cimspice.schedule.element_card import PART, ElementCard
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.energy import BITS, CODES, RAIL, energy_table
from cimspice.sram.circuit.passes import ForwardParameters
from cimspice.sram.emulator.circuit import SramCircuit

COLUMNS = RAIL[1]
"""Inputs: columns that share a pair of rails and a converter."""
_ROW = 64
"""Columns of the array."""
_RESTORE = 2e-9
"""Precharge of the lines after a read (s), as in the energy table."""
_INPUTS = 64


def with_element(card: Card, conditions: SramConditions, progress: OnProgress = silent) -> Card:
    """The card, which has its forward pass, with the part of processing elements.

    An array of R rows and 64 columns holds R / 4 words of 4 bits in each column. Sixteen columns share a
    converter, which converts one row of words after another, four converters side by side: a matrix of 16
    inputs by R outputs. Each row takes read, multiplication, sharing, conversion, and precharge.
    """
    array = conditions.array
    words, outputs = array.rows // BITS, array.rows // BITS * (_ROW // COLUMNS)
    energy = energy_table(
        COLUMNS, rows=array.rows, conditions=conditions, workers=conditions.workers, store=conditions.store,
        progress=progress,
    )  # fmt: skip
    leakage = conditions.run("sram_leakage", [{}], progress)
    rows = [
        {"row": k, "width": code * conditions.unit_width, "bits": [0] * COLUMNS}
        for k, code in enumerate(CODES)
    ]
    timing = ForwardParameters.model_validate(
        {
            "array": array.model_dump(round_trip=True, exclude_defaults=True)
            | {"simulated_columns": COLUMNS},
            "open_rows": rows,
            "codes": [0] * COLUMNS,
            "settle": conditions.settle,
        }
    )
    element = ElementCard(
        rows=COLUMNS,
        columns=outputs,
        input_bits=1,
        settle_time=_RESTORE,
        conversion_time=timing.stop + _RESTORE,
        columns_per_converter=words,
        energy_per_mvm=COLUMNS * outputs * energy.per_mac,
        idle_power=array.rows * _ROW * float(leakage["leakage_power"].iloc[0]),
        error=error_of(card, outputs),
        origin="simulated",
    )
    reasons = {
        "settle_time": "precharge before the first read",
        "conversion_time": "its clock's: read, multiplication, sharing, conversion, precharge",
        "energy_per_mvm": "mean of few operands, nominal cells",
        "idle_power": "leakage of all cells, nominal",
        "error": f"of the emulated array, {_INPUTS} random inputs",
    }
    return card.model_copy(update={"parts": {**card.parts, PART: element.part("of the array", reasons)}})


def error_of(card: Card, outputs: int) -> float:
    """Rms error of sums of 16 random inputs by normally distributed weights on the emulated array, nominal,
    relative to the largest exact sum."""
    rng = np.random.default_rng(0)
    weights, x = rng.normal(size=(outputs, COLUMNS)), rng.random((2 * _INPUTS, COLUMNS))
    layer = SramCircuit(card=card, columns=COLUMNS).layer(weights, x[:_INPUTS])
    exact = x[_INPUTS:] @ weights.T
    return float(np.sqrt(np.mean((layer(x[_INPUTS:]) - exact) ** 2)) / np.abs(exact).max())
