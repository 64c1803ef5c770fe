"""Where the readout meets the bit lines: tables of its capacitance, and of lines that a converter samples."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.conditions import SramConditions

_SWINGS = ((0.1, 0.05), (0.2, 0.1), (0.3, 0.15))
"""Of bit line and rail (V)."""
_READS = ((2, 7), (4, 7), (8, 15))
"""Rows and their code."""


def readout_loads(conditions: SramConditions, progress: OnProgress = silent) -> pd.DataFrame:
    """Capacitances of the readout on a bit line and on a rail, over several swings.

    SimulationError if a run fails.
    """
    given = {"supply_voltage": conditions.array.supply_voltage} | conditions.converter
    runs = [{"line_discharge": line, "rail_discharge": rail, **given} for line, rail in _SWINGS]
    text = "capacitance of the readout"
    table = conditions.run("sram_readout_loads", runs, in_stage(text, progress))
    swings = pd.DataFrame(_SWINGS, columns=["line_discharge", "rail_discharge"])
    return table.join(swings, on="run")


def sampled_lines(conditions: SramConditions, progress: OnProgress = silent) -> pd.DataFrame:
    """A few rows, all storing 0 or all 1, opened for equal times: differences of either sign.

    SimulationError if a read fails.
    """
    bare = conditions.array.model_copy(update={"readout_capacitance": 0.0})  # the circuit has its own
    conditions = replace(conditions, array=bare)
    reads = [
        conditions.read(np.arange(rows), np.full(rows, code), np.full(rows, bit)) | conditions.converter
        for rows, code in _READS
        for bit in (0, 1)
    ]
    text = "bit lines sampled by a converter"
    return conditions.run("sram_transposed_pass", reads, in_stage(text, progress))
