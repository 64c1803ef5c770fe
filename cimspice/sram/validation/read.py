"""The multi-row read of an SRAM column: the emulator against ngspice on random words."""

import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.campaign.versions import provenance
from cimspice.fit.bands import Band
from cimspice.fit.family_card import Card
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.notebook import shown
from cimspice.progress import OnProgress, Progress, in_stage, silent
from cimspice.sram.characterisation.array import cell_currents, cell_shifts, characterise_array
from cimspice.sram.characterisation.card import card_fit, column_facts
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.emulator.bands import discharge_band
from cimspice.sram.emulator.read import Cells, DisturbWarning, MultiRowRead, Reading
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import BitLineFit, fit_bit_lines, log_factors
from cimspice.sram.model.card import sram_card
from cimspice.sram.validation.beyond import BeyondBound, beyond_bound
from cimspice.sram.validation.budget import BudgetRow, error_budget
from cimspice.sram.validation.words import Words, check_words, draw_words

IN_NGSPICE, BEYOND = "words in ngspice", "words beyond the disturb bound in ngspice"
CHIP_SEED = 1000
"""Added to the seed of the words: the chip that is compared shares no cell with the characterised ones."""


@dataclass(frozen=True, eq=False)
class SramValidation:
    """Random words through emulator and circuit."""

    conditions: SramConditions
    fit: BitLineFit
    words: Words
    excluded: int
    """``words``, ``excluded``: what is compared, and how many more words were drawn whose charge exceeds the
    disturb bound."""
    measured: Array
    predicted: Array
    """``measured``, ``predicted``: discharge of bit line and complement (V), shape (words, 2); the model
    knows each cell's DC current."""
    nominal: Array
    """What it predicts with nominal cells (V): the same without mismatch."""
    by_threshold: Array | None
    """What it predicts from threshold shifts alone (V); None without mismatch."""
    flipped: Array
    """Cells that flipped in ngspice, shape (words,)."""
    disturbed: Array
    disturb_probability: Array
    """``disturbed``, ``disturb_probability``: what the emulator says of the words."""
    band: Band
    """What the card leaves open of ``predicted``."""
    beyond: BeyondBound | None
    """What becomes of words that exceed the disturb bound; None if none was drawn."""
    budget: list[BudgetRow]
    spice_seconds: float
    emulator_seconds: float

    @property
    def full_scale(self) -> float:
        """Largest discharge that was measured (V)."""
        return float(self.measured.max())

    def percent(self, predicted: Array) -> tuple[float, float]:
        """Root mean square and worst error of a prediction, in percent of full scale."""
        error = 100 * (predicted - self.measured) / self.full_scale
        return float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())

    def _repr_html_(self) -> str:
        from cimspice.sram.report.figures import draw_discharge

        facts = sram_report(self)
        return shown(
            "6T array: emulator against ngspice", facts, facts["budget"], partial(draw_discharge, self)
        )


def characterised_lines(
    conditions: SramConditions, *, cells: int = 100, progress: OnProgress = silent
) -> BitLineFit:
    """The bit lines' model under these conditions, characterised in ngspice as far as the store lacks it;
    ``cells`` with mismatch give its spread."""
    tables = characterise_array(conditions, cells=cells, progress=progress)
    return fit_bit_lines(tables, column_facts(conditions))


def validate_sram(
    conditions: SramConditions,
    *,
    words: int = 500,
    rows: tuple[int, int] = (4, 32),
    seed: int = 0,
    mismatch: bool = False,
    card: Card | None = None,
    progress: OnProgress = silent,
) -> SramValidation:
    """Compare the emulator with ngspice.

    ParameterError if such words cannot be drawn, or the card is of another array, corner or temperature;
    SimulationError if ngspice fails on one; the others are kept.

    Parameters
    ----------
    conditions
        Column, read, corner, temperature.
    words, rows, seed
        How many random words, with how many open rows (fewest, most); see :func:`draw_words`.
    mismatch
        Whether the cells are those of one chip, with threshold shifts; the emulator is given each cell's DC
        current.
    card
        The array's, which is computed with; characterised if not given.
    progress
        Progress.
    """
    check_words(words, rows, conditions.array.rows)
    if card is None:
        fit = characterised_lines(conditions, progress=progress)
        card = sram_card(fit)
    else:
        fit = card_fit(card, conditions)
    model, array = fit.model, conditions.array
    drawn = draw_words(
        words,
        seed,
        rows=rows,
        array_rows=array.rows,
        largest_code=model.largest_code,
        charge_limit=model.charge_limit,
    )
    shifts = cell_shifts(range(array.rows), seed + CHIP_SEED, array.cell) if mismatch else None
    logs = None
    if shifts is not None:
        currents = cell_currents(conditions, shifts, progress)
        logs = log_factors(currents, fit.nominal)
    reads = _simulated(conditions, drawn.within, shifts, in_stage(IN_NGSPICE, progress))
    measured = _discharge(reads)
    progress(Progress(stage="compare, term by term"))
    read = _Reader(drawn.within, array.rows)
    reading = read(model, logs)
    began = time.process_time()
    read(model, logs)
    seconds = time.process_time() - began
    beyond = None
    if drawn.excluded:
        lost = _simulated(conditions, drawn.beyond, shifts, in_stage(BEYOND, progress))
        beyond = beyond_bound(
            _Reader(drawn.beyond, array.rows)(model, logs),
            _discharge(lost),
            lost["flipped"].to_numpy(int),
            float(measured.max()),
        )
    return SramValidation(
        conditions=conditions,
        fit=fit,
        words=drawn.within,
        excluded=drawn.excluded,
        measured=measured,
        predicted=reading.discharge,
        nominal=read(model, None).discharge,
        by_threshold=None if shifts is None else read(model, _by_threshold(model, shifts)).discharge,
        flipped=reads["flipped"].to_numpy(int),
        disturbed=reading.disturbed,
        disturb_probability=reading.disturb_probability,
        band=discharge_band(fit, card, lambda lines: read(lines, logs).discharge, seed=seed),
        beyond=beyond,
        budget=error_budget(
            model, lambda simpler: read(simpler, logs).discharge, drawn.within.sums, measured
        ),
        spice_seconds=reads.attrs["cpu_seconds"],
        emulator_seconds=seconds,
    )


def _simulated(
    conditions: SramConditions, words: Words, shifts: Array | None, progress: OnProgress
) -> pd.DataFrame:
    """The words in ngspice, with the threshold shifts (V) of all rows of the column, shape (rows, 6)."""
    runs = [
        conditions.read(
            *(values[word, :opened] for values in (words.rows, words.codes, words.bits)),
            shifts=None if shifts is None else shifts[words.rows[word, :opened]],
        )
        for word, opened in enumerate(words.opened)
    ]
    return conditions.run("sram_multi_row_read", runs, progress)


def _discharge(reads: pd.DataFrame) -> Array:
    """Of bit line and complement (V), shape (words, 2)."""
    return reads[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()


@dataclass(frozen=True)
class _Reader:
    """The words as the emulator reads them, with cells of one chip or nominal ones."""

    words: Words
    array_rows: int

    def __call__(self, model: BitLines, log_current: Array | None) -> Reading:
        words, cells = self.words, None
        if log_current is not None:
            trip = np.full((*words.rows.shape, 2), model.trip_voltage)
            cells = Cells(log_current[words.rows], trip)
        positions = (words.rows + 0.5) / self.array_rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DisturbWarning)  # counted in the report, as is this:
            warnings.simplefilter("ignore", ModelRangeWarning)
            return MultiRowRead(model)(words.codes, words.bits, positions=positions, cells=cells)


def _by_threshold(model: BitLines, shifts: Array) -> Array:
    """ln α from the threshold shifts of the conducting side's pass and pull-down, shape (cells, 2)."""
    assert model.variation.sensitivity is not None
    left, right = shifts[:, [2, 1]], shifts[:, [5, 4]]
    return np.stack([left @ model.variation.sensitivity, right @ model.variation.sensitivity], axis=1)


def sram_report(result: SramValidation) -> dict[str, Any]:
    """Everything a validation found: what ``--json`` prints. Voltages in mV, the rest as the keys say."""
    rmse, worst = result.percent(result.predicted)
    ablations = {row.name: row for row in result.budget}
    coupled = ablations["coupled"].rmse_percent
    nominal, _ = result.percent(result.nominal)
    model, conditions = result.fit.model, result.conditions
    facts: dict[str, Any] = {
        "rmse_percent_full_scale": rmse,
        "worst_percent": worst,
        "ideal_rmse_percent": coupled,
        "ideal_single_scale_rmse_percent": ablations["ideal"].rmse_percent,
        "improvement": coupled / rmse if rmse else None,
        "nominal_rmse_percent": nominal,
        "full_scale_mv": result.full_scale * 1e3,
        "discharge_interval": result.band.facts("mv", 1e3),
        "words": len(result.measured),
        "excluded_words": result.excluded,
        "beyond_bound": None if result.beyond is None else vars(result.beyond),
        "flipped_cells": int(result.flipped.sum()),
        "words_flagged": int(result.disturbed.sum()),
        "largest_disturb_probability": float(result.disturb_probability.max()),
        "training_rmse_percent": 100 * result.fit.residual_rms / result.fit.full_scale,
        "budget": [vars(row) for row in result.budget],
        "spice_seconds": result.spice_seconds,
        "emulator_seconds": result.emulator_seconds,
        "speed_ratio": result.spice_seconds / result.emulator_seconds if result.emulator_seconds else None,
        "corner": conditions.corner,
        "temperature": conditions.temperature,
        "mismatch": result.by_threshold is not None,
        "operating_point": operating_point(conditions, model),
        "provenance": provenance(),
    }
    if (seen := model.current_range) is not None:
        facts["measured_current"] = {
            "line_voltage": [seen.low, seen.high],
            "words_below": int((model.start_voltage - result.predicted < seen.low).any(axis=1).sum()),
        }
    if result.by_threshold is not None:
        facts["threshold_rmse_percent"] = result.percent(result.by_threshold)[0]
    return facts


def operating_point(conditions: SramConditions, model: BitLines) -> dict[str, Any]:
    """Where the array is operated, and what characterisation found there."""
    array = conditions.array
    return {
        "rows": array.rows,
        "columns": array.columns,
        "cell_devices": array.cell.devices,
        "supply_voltage": array.supply_voltage,
        "word_line_voltage": array.word_line_voltage,
        "word_line_driver": array.driver,
        "unit_width_ps": model.unit_width * 1e12,
        "line_capacitance_ff": model.capacitance * 1e15,
        "coupling_ff": model.coupling * 1e15,
        "line_resistance_ohm": model.resistance,
        "unit_discharge_mv": model.unit_discharge * 1e3,
        "read_current_ua": model.unit_discharge * model.capacitance / model.unit_width * 1e6,
        "current_deviation_percent": 100 * model.variation.current_deviation,
        "trip_voltage": model.trip_voltage,
        "trip_mean": model.variation.trip_mean,
        "trip_deviation": model.variation.trip_deviation,
        "safe_voltage": model.safe_voltage,
        "charge_limit_units": model.charge_limit,
    }
