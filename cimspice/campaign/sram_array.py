"""The characterisation of one SRAM column: every table that the model of its bit lines is built from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.batch import Batch, run_batch
from cimspice.campaign.store import Store
from cimspice.circuits.sram_array import Array
from cimspice.errors import ParameterError
from cimspice.pdk import CORNERS, draw_mismatch, threshold_sigma

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


@dataclass(frozen=True)
class SramConditions:
    """Which column, how it is read, and where it stands.

    Attributes
    ----------
    array
        The bank.
    unit_width
        Pulse of code 1 (s); code n is n times as long.
    largest_code
        Longest pulse in units.
    settle
        From the last word line's end to the reading (s).
    corner, temperature
        Corner, degrees Celsius.
    workers, store
        As for ``run_campaign``.

    Raises
    ------
    ParameterError
        If a condition is outside what the models are for.
    """

    array: Array = field(default_factory=Array)
    unit_width: float = 60e-12
    largest_code: int = 15
    settle: float = 250e-12
    corner: str = "tt"
    temperature: float = 27.0
    workers: int | None = None
    store: Store | Path | str | None = None

    def __post_init__(self) -> None:
        if self.corner not in CORNERS:
            raise ParameterError(f"unknown corner {self.corner!r}", remedy=f"use one of {', '.join(CORNERS)}")
        if not -55 <= self.temperature <= 150:
            raise ParameterError(
                f"temperature {self.temperature:g} °C is outside the models' range",
                remedy="stay in -55 to 150 °C",
            )
        shortest = 1.5 * self.array.driver_edge
        if self.unit_width < shortest:
            raise ParameterError(
                f"a unit of {self.unit_width * 1e12:g} ps is too short for edges of "
                f"{self.array.driver_edge * 1e12:g} ps",
                place="unit_width",
                remedy=f"use {shortest * 1e12:g} ps or more, or a quicker driver",
            )
        if self.largest_code < 1:
            raise ParameterError(f"largest code {self.largest_code}", remedy="use 1 or more, usually 15")

    @cached_property
    def idle_time(self) -> float:
        """Time beside the longest pulse for which the lines float before they are read (s)."""
        return self.settle + 2 * self.array.driver_edge

    def read(
        self, rows: Sequence[int], codes: Sequence[int], bits: Sequence[int], **more: Any
    ) -> dict[str, Any]:
        """Parameters of one multi-row read of one column; ``shifts`` (rows, 6) makes the cells differ."""
        shifts = more.pop("shifts", None)
        opened = [
            {"row": int(row), "width": int(code) * self.unit_width, "bits": [int(bit)]}
            | ({} if shifts is None else {"shifts": [list(map(float, shifts[k]))]})
            for k, (row, code, bit) in enumerate(zip(rows, codes, bits, strict=True))
        ]
        return {
            "array": self.array.model_dump(exclude=set(type(self.array).model_computed_fields)),
            "open_rows": opened,
            "settle": self.settle,
            **more,
        }

    def run(self, bench: str, runs: Sequence[dict[str, Any]], told: Callable[..., object]) -> Batch:
        """The runs of a bench under these conditions."""
        return run_batch(
            bench,
            runs,
            corner=self.corner,
            temperature=self.temperature,
            workers=self.workers,
            store=self.store,
            told=told,
        )

    def population(self, shifts: np.ndarray | None = None, **settings: Any) -> dict[str, Any]:
        """Parameters of the DC bench of cells, with threshold shifts (V) of shape (cells, 6)."""
        array = self.array
        cells = {} if shifts is None else {"shifts": np.asarray(shifts).tolist()}
        return {
            "supply_voltage": array.supply_voltage,
            "word_line_voltage": array.word_line_voltage,
            **cells,
            **settings,
        }


Told = Callable[[str, int, int], object]


def cell_shifts(cells: Sequence[int], seed: int) -> np.ndarray:
    """Threshold shifts (V) of the cells of one chip, shape (cells, 6), in the order of ``TRANSISTORS``.

    Functions of the seed, the cell's number and the transistor's name alone.
    """
    sigma = {
        name: threshold_sigma(*device)
        for name, device in {
            "pull_up": ("special_pfet_latch", 0.14, 0.15),
            "pull_down": ("special_nfet_latch", 0.21, 0.15),
            "pass": ("special_nfet_pass", 0.14, 0.15),
        }.items()
    }
    sigmas = {name: sigma[name.rpartition("_")[0]] for name in TRANSISTORS}
    return np.array([list(draw_mismatch(sigmas, seed, int(cell)).values()) for cell in cells])


def characterise_array(
    conditions: SramConditions,
    *,
    cells: int = 100,
    seed: int = 1,
    told: Told = lambda text, done, total: None,
) -> dict[str, pd.DataFrame]:
    """Every table of the column under one condition.

    Parameters
    ----------
    conditions
        What is characterised.
    cells, seed
        How many cells with mismatch give the spread of current and trip voltage, and their seed.
    told
        Called with what is done, and how many of how many.

    Returns
    -------
    dict
        ``currents`` (nominal cell over both lines' voltages), ``trips`` (lines lowered until a cell flips,
        nominal cell first), ``cells`` (currents of cells with mismatch), ``shifts`` (theirs), ``reads`` and
        ``opened`` (training reads: what they measured, and the rows that each opened).
    """
    tables = {"currents": _currents(conditions, told)}
    shifts = cell_shifts(range(cells), seed)
    tables["trips"] = _trips(conditions, shifts, told)
    tables["cells"] = cell_currents(conditions, shifts, told)
    tables["shifts"] = pd.DataFrame(shifts, columns=list(TRANSISTORS))
    return tables | _training_reads(conditions, tables, told)


def _currents(conditions: SramConditions, told: Told) -> pd.DataFrame:
    top = round(conditions.array.supply_voltage + HEADROOM, 6)
    held = np.round(np.arange(0.0, top + 1e-9, 0.1), 6)
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
    table = conditions.run("sram_cell_population", runs, lambda done, total: told(text, done, total)).table
    return table.assign(held_voltage=held[table["run"]])


def _trips(conditions: SramConditions, shifts: np.ndarray, told: Told) -> pd.DataFrame:
    """The line on the side that stores 1 is lowered, one cell at a time: a flip disturbs the solution of all."""
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
    table = conditions.run("sram_cell_population", runs, lambda done, total: told(text, done, total)).table
    lost = table[table["state_margin"] < 0].groupby("run")["line_voltage"].max()
    trip = lost.reindex(range(len(runs)), fill_value=-0.4).to_numpy()
    return pd.DataFrame({
        "cell": np.repeat(np.arange(-1, len(shifts)), 2),  # the nominal one is -1
        "stored": np.tile([0, 1], len(every)),
        "trip_voltage": trip,
    })  # fmt: skip


def cell_currents(
    conditions: SramConditions, shifts: np.ndarray, told: Told = lambda text, done, total: None
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
    table = conditions.run("sram_cell_population", runs, lambda done, total: told(text, done, total)).table
    stored, first = np.array(which).T[:, table["run"]]
    current = np.where(stored, table["bit_line_bar_current"], table["bit_line_current"])
    return pd.DataFrame({
        "cell": table["cell"] + first,
        "stored": stored,
        "line_voltage": table["line_voltage"],
        "current": current,
    })  # fmt: skip


def _training_reads(
    conditions: SramConditions, tables: Mapping[str, pd.DataFrame], told: Told
) -> dict[str, pd.DataFrame]:
    """Reads from which capacitance, widths and leakage are fitted: even patterns, no random words."""
    reads = list(_patterns(conditions, _units_of_swing(conditions, tables)))
    runs = [conditions.read(rows, codes, bits) for rows, codes, bits in reads]
    rows, codes, bits = reads[0]
    runs.append(conditions.read(rows, [0] * len(rows), bits, settle=4e-9))  # what leaks with all rows closed
    reads.append((rows, np.zeros(len(rows), int), bits))
    text = "training reads of a column"
    table = conditions.run("sram_multi_row_read", runs, lambda done, total: told(text, done, total)).table
    opened = pd.concat(
        [
            pd.DataFrame({"run": run, "row": rows, "code": codes, "bit": bits})
            for run, (rows, codes, bits) in enumerate(reads)
        ],
        ignore_index=True,
    )
    return {"reads": table, "opened": opened}


def _units_of_swing(conditions: SramConditions, tables: Mapping[str, pd.DataFrame]) -> float:
    """Units of pulse width that take a full line to 0.15 V above where a nominal cell flips, roughly."""
    array, currents, trips = conditions.array, tables["currents"], tables["trips"]
    full = currents[np.isclose(currents["held_voltage"], array.supply_voltage)].sort_values("line_voltage")
    current = np.interp(array.supply_voltage, full["line_voltage"], full["bit_line_current"])
    swing = array.supply_voltage - 0.15 - max(trips["trip_voltage"][trips["cell"] < 0].max(), 0.1)
    line = array.rows * (array.bit_line_capacitance + array.idle_capacitance)
    return swing * line / (current * conditions.unit_width)


def _patterns(
    conditions: SramConditions, units: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(rows, codes, bits) of each training read: every code alone, then many rows to ever lower lines."""
    rows, largest = conditions.array.rows, conditions.largest_code
    few = min(4, rows)
    for code in range(1, largest + 1):
        yield _spread(rows, few), np.full(few, code), np.zeros(few, int)
    for many in (8, 16, 32):
        reached = {min(largest, round(share * units / many)) for share in (0.25, 0.5, 0.75, 1.0)} - {0}
        if many > rows:
            return
        turns = np.arange(many) % 4
        for code in sorted(reached):
            yield _spread(rows, many), np.full(many, code), np.zeros(many, int)
            yield _spread(rows, many), np.full(many, code), turns % 2
            yield _spread(rows, many), np.where(turns, code, max(code // 2, 1)), turns // 3


def _spread(rows: int, count: int) -> np.ndarray:
    """``count`` rows spread evenly over a bit line."""
    return ((np.arange(count) + 0.5) * rows / count).astype(int)
