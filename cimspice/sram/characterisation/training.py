"""Reads from which the model of an SRAM column's bit lines is fitted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cimspice.progress import OnProgress, in_stage
from cimspice.sram.characterisation.conditions import SramConditions

LEAKAGE_TIME = 4e-9
"""How long (s) all rows stay closed where leakage is measured."""


def training_reads(
    conditions: SramConditions, tables: Mapping[str, pd.DataFrame], progress: OnProgress
) -> dict[str, pd.DataFrame]:
    """Reads from which capacitance, widths and leakage are fitted: even patterns, no random words."""
    shifts = tables["shifts"].to_numpy()
    runs, frames = [], []
    for pattern in _patterns(conditions, units_of_swing(conditions, tables), len(shifts)):
        known = None if pattern.cells is None else shifts[pattern.cells]
        still = {} if pattern.codes.any() else {"settle": LEAKAGE_TIME}
        runs.append(conditions.read(pattern.rows, pattern.codes, pattern.bits, shifts=known, **still))
        cells = -1 if pattern.cells is None else pattern.cells
        opened = {"row": pattern.rows, "code": pattern.codes, "bit": pattern.bits, "cell": cells}
        frames.append(pd.DataFrame({"run": len(frames), **opened}))
    text = "training reads of a column"
    table = conditions.run("sram_multi_row_read", runs, in_stage(text, progress))
    idle = [run["settle"] - conditions.settle + conditions.idle_time for run in runs]
    return {
        "reads": table.assign(idle_time=np.array(idle)[table["run"]]),
        "opened": pd.concat(frames, ignore_index=True),
    }


def units_of_swing(conditions: SramConditions, tables: Mapping[str, pd.DataFrame]) -> float:
    """Units of pulse width that take a full line to 0.15 V above where a nominal cell flips, roughly."""
    array, currents, trips = conditions.array, tables["currents"], tables["trips"]
    full = currents[np.isclose(currents["held_voltage"], array.supply_voltage)].sort_values("line_voltage")
    current = np.interp(array.supply_voltage, full["line_voltage"], full["bit_line_current"])
    swing = array.supply_voltage - 0.15 - max(trips["trip_voltage"][trips["cell"] < 0].max(), 0.1)
    line = array.rows * (array.bit_line_capacitance + array.idle_capacitance)
    return swing * line / (current * conditions.unit_width)


@dataclass(frozen=True)
class _Pattern:
    """Rows of one training read; ``cells`` are those of the population with mismatch, None for nominal."""

    rows: np.ndarray
    codes: np.ndarray
    bits: np.ndarray
    cells: np.ndarray | None = None


def _patterns(conditions: SramConditions, units: float, cells: int) -> Iterator[_Pattern]:
    """All rows closed; every code alone; many rows to ever lower lines; short pulses of cells that differ."""
    rows, largest = conditions.array.rows, conditions.largest_code
    few = np.zeros(max(1, min(4, rows, int(units / largest))), int)
    yield _Pattern(_spread(rows, len(few)), few, few)
    for code in range(1, largest + 1):
        yield _Pattern(_spread(rows, len(few)), few + code, few)
    for many in (8, 16, 32):
        if many > rows:
            return
        reached = {min(largest, round(share * units / many)) for share in (0.25, 0.5, 0.75, 1.0)} - {0}
        turns, place = np.arange(many) % 4, _spread(rows, many)
        for code in sorted(reached):
            yield _Pattern(place, np.full(many, code), 0 * turns)
            yield _Pattern(place, np.full(many, code), turns % 2)
            yield _Pattern(place, np.where(turns, code, max(code // 2, 1)), turns // 3)
    for first in range(0, cells - 15, 16):
        code = min(1 + first // 16, largest)
        yield _Pattern(_spread(rows, 16), np.full(16, code), np.arange(16) % 2, np.arange(first, first + 16))


def _spread(rows: int, count: int) -> np.ndarray:
    """``count`` rows spread evenly over a bit line."""
    return ((np.arange(count) + 0.5) * rows / count).astype(int)
