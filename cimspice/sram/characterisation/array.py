"""The characterisation of one SRAM column: every table that the model of its bit lines is built from."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cimspice.errors import ParameterError
from cimspice.pdk import draw_mismatch, threshold_sigma
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.training import training_reads, units_of_swing
from cimspice.sram.circuit.cell import SramCell

DEFAULT_CELL = SramCell()
HEADROOM = 0.1
"""How far (V) above the supply the tables of currents reach: the end of precharge lifts the lines."""
TRANSISTORS = (
    "pull_up_left",
    "pull_down_left",
    "pass_left",
    "pull_up_right",
    "pull_down_right",
    "pass_right",
)


def cell_shifts(cells: Sequence[int], seed: int, cell: SramCell = DEFAULT_CELL) -> np.ndarray:
    """Threshold shifts (V) of cells of one chip and of this design, shape (cells, 6), in the order of
    ``TRANSISTORS``.

    Functions of the design, the seed, the cell's number and the transistor's name alone.
    """
    sigma = {
        name: threshold_sigma(one.device, round(1e6 * one.width, 9), round(1e6 * one.length, 9))
        for name, one in {"pull_up": cell.pull_up, "pull_down": cell.pull_down, "pass": cell.access}.items()
    }
    sigmas = {name: sigma[name.rpartition("_")[0]] for name in TRANSISTORS}
    return np.array([list(draw_mismatch(sigmas, seed, int(number)).values()) for number in cells])


def characterise_array(
    conditions: SramConditions,
    *,
    cells: int = 100,
    seed: int = 1,
    progress: OnProgress = silent,
) -> dict[str, pd.DataFrame]:
    """Every table of the column under one condition.

    Parameters
    ----------
    conditions
        What is characterised.
    cells, seed
        How many cells with mismatch give the spread of current and trip voltage, and their seed.
    progress
        Called with what is done, and how many of how many.

    Returns
    -------
    dict
        ``currents`` (nominal cell over both lines' voltages), ``trips`` (lines lowered until a cell flips,
        nominal cell first), ``cells`` (currents of cells with mismatch), ``shifts`` (theirs), ``reads`` and
        ``opened`` (training reads: what they measured, and the rows that each opened).
    """
    shifts = cell_shifts(range(cells), seed, conditions.array.cell)
    supply, top = conditions.array.supply_voltage, conditions.array.supply_voltage + HEADROOM
    tables: dict[str, pd.DataFrame] = {}
    # first one curve of the nominal cell and its trip voltage: what cannot work is reported within seconds
    for held, spread in (([supply], shifts[:0]), ([*np.arange(0.0, top + 1e-9, 0.1), supply], shifts)):
        tables["currents"] = _currents(conditions, np.unique(np.round(held, 6)), progress)
        tables["trips"] = _trips(conditions, spread, progress)
        check_swing(conditions, tables)
    tables["cells"] = cell_currents(conditions, shifts, progress)
    tables["shifts"] = pd.DataFrame(shifts, columns=list(TRANSISTORS))
    return tables | training_reads(conditions, tables, progress)


def _currents(conditions: SramConditions, held: np.ndarray, progress: OnProgress) -> pd.DataFrame:
    """Currents of the nominal cell while one line is swept and the other held at each of these voltages."""
    top = round(conditions.array.supply_voltage + HEADROOM, 6)
    runs = [
        conditions.population(
            swept="bit_line",
            held_voltage=float(value),
            start_voltage=top,
            stop_voltage=0.0,
            intervals=round(top / 0.02),
        )
        for value in held
    ]
    text = "currents of a cell over both bit lines"
    table = conditions.run("sram_cell_population", runs, in_stage(text, progress))
    return table.assign(held_voltage=held[table["run"]])


def _trips(conditions: SramConditions, shifts: np.ndarray, progress: OnProgress) -> pd.DataFrame:
    """The line on the side that stores 1 is lowered, one cell at a time: a flip upsets the solver."""
    top = conditions.array.supply_voltage
    every = np.vstack([np.zeros((1, 6)), shifts])
    runs = [
        conditions.population(
            cell[None],
            stored=stored,
            swept="bit_line" if stored else "bit_line_bar",
            held_voltage=top,
            start_voltage=top,
            stop_voltage=-0.4,
            intervals=round((top + 0.4) / 0.01),
        )
        for cell in every
        for stored in (0, 1)
    ]
    text = "trip voltages of cells with mismatch"
    table = conditions.run("sram_cell_population", runs, in_stage(text, progress))
    lost = table[table["state_margin"] < 0].groupby("run")["line_voltage"].max()
    trip = lost.reindex(range(len(runs)), fill_value=-0.4).to_numpy()
    return pd.DataFrame({
        "cell": np.repeat(np.arange(-1, len(shifts)), 2),  # the nominal one is -1
        "stored": np.tile([0, 1], len(every)),
        "trip_voltage": trip,
    })  # fmt: skip


def cell_currents(
    conditions: SramConditions, shifts: np.ndarray, progress: OnProgress = silent
) -> pd.DataFrame:
    """DC read current of cells with these threshold shifts (V), shape (cells, 6), in both states.

    Columns ``cell``, ``stored``, ``line_voltage``, ``current`` (A); the line from the supply down by 0.6 V.
    """
    top = conditions.array.supply_voltage
    together = 64
    runs, which = [], []
    for stored in (0, 1):
        for first in range(0, len(shifts), together):
            runs.append(
                conditions.population(
                    shifts[first : first + together],
                    stored=stored,
                    swept="bit_line_bar" if stored else "bit_line",
                    held_voltage=top,
                    start_voltage=top,
                    stop_voltage=round(top - 0.6, 6),
                    intervals=6,
                )
            )
            which.append((stored, first))
    text = "read currents of cells with mismatch"
    table = conditions.run("sram_cell_population", runs, in_stage(text, progress))
    stored, first = np.array(which).T[:, table["run"]]
    current = np.where(stored, table["bit_line_bar_current"], table["bit_line_current"])
    return pd.DataFrame({
        "cell": table["cell"] + first,
        "stored": stored,
        "line_voltage": table["line_voltage"],
        "current": current,
    })  # fmt: skip


def check_swing(conditions: SramConditions, tables: Mapping[str, pd.DataFrame]) -> None:
    """Whether a read leaves the cells alone at all.

    ParameterError if cells lose their bit as soon as they are opened (a supply below what holds them, a word
    line too high), or if the longest pulse of a single cell takes the line to where a cell flips.
    """
    array, trips = conditions.array, tables["trips"]
    lost = trips.groupby("cell")["trip_voltage"].max() >= array.supply_voltage - 0.2
    if lost.any():
        raise ParameterError(
            f"{int(lost.sum())} of {len(lost)} cells lose their bit before a line has fallen by 0.2 V from a "
            f"supply of {array.supply_voltage:g} V",
            place=f"supply_voltage, word_line_voltage = {array.word_line_voltage:g} V, {conditions.corner}, "
            f"{conditions.temperature:g} °C",
            remedy="raise the supply, or lower the word line's voltage",
        )
    units = units_of_swing(conditions, tables)
    if units < conditions.largest_code:
        unit = conditions.unit_width * 1e12
        raise ParameterError(
            f"a pulse of {conditions.largest_code} × {unit:g} ps is longer than the bit line lasts: one cell "
            f"takes it to where cells flip in {units * unit:.0f} ps",
            place="unit_width",
            remedy=f"use a unit of at most {units / conditions.largest_code * unit:.0f} ps, a lower word "
            "line, or more rows on the line",
        )
