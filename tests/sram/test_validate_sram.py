"""The emulator of multi-row reads against ngspice on a small column, and the clear refusals before that."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.progress import silent
from cimspice.sram.characterisation.array import cell_currents, cell_shifts, characterise_array
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.circuit.array import Array
from cimspice.sram.emulator.read import Cells, MultiRowRead, Reading
from cimspice.sram.model.build import log_factors
from cimspice.sram.validation.beyond import beyond_bound
from cimspice.sram.validation.budget import ideal_sum
from cimspice.sram.validation.read import characterised_lines
from cimspice.sram.validation.words import draw_words

SMALL = Array(rows=128, sections=8, columns=16, column=8)


@pytest.fixture(scope="module")
def conditions():
    return SramConditions(array=SMALL, largest_code=4, workers=2)


@pytest.fixture(scope="module")
def fit(conditions):
    return characterised_lines(conditions, cells=16)


@pytest.mark.spice
def test_random_words_agree_with_ngspice_to_a_thousandth(conditions, fit):
    """None of these words is in the training; the bound of 0.2 % rms and 0.6 % worst is the project's own."""
    model = fit.model
    limit = model.charge_limit
    words = draw_words(8, 3, rows=(4, 16), array_rows=128, largest_code=4, charge_limit=limit).within
    runs = [
        conditions.read(words.rows[k, :n], words.codes[k, :n], words.bits[k, :n])
        for k, n in enumerate(words.opened)
    ]
    table = conditions.run("sram_multi_row_read", runs, silent)
    measured = table[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()
    reading = MultiRowRead(model)(words.codes, words.bits, positions=(words.rows + 0.5) / 128)
    error = 100 * (reading.discharge - measured) / measured.max()
    assert np.sqrt(np.mean(error**2)) < 0.2
    assert np.abs(error).max() < 0.6
    ideal = 100 * (ideal_sum(words.sums, measured, both=True) - measured) / measured.max()
    assert np.sqrt(np.mean(ideal**2)) > 5 * np.sqrt(np.mean(error**2))
    assert table["flipped"].sum() == 0


@pytest.mark.spice
def test_the_fitted_line_has_the_capacitance_of_the_netlist(fit):
    """Wires by the technology's own numbers; the rest is junctions and overlaps, 0.06 to 0.12 fF per cell."""
    wires = 128 * SMALL.bit_line_capacitance
    assert 128 * 0.06e-15 < fit.model.capacitance - wires < 128 * 0.12e-15
    assert fit.model.start_voltage > 1.8  # the end of precharge couples in
    assert fit.model.variation.current_deviation == pytest.approx(0.09, abs=0.04)


@pytest.mark.spice
@pytest.mark.parametrize(
    ("array", "unit", "words"),
    [
        ({"supply_voltage": 0.35, "word_line_voltage": 0.35}, 60e-12, "cells lose their bit .* 0.35 V"),
        ({"word_line_voltage": 1.8}, 900e-12, "longer than the bit line lasts"),
    ],
)
def test_a_supply_too_low_and_a_pulse_too_long_are_reported_before_any_read(conditions, array, unit, words):
    asked = SramConditions(
        array=Array(rows=128, sections=8, columns=16, column=8, **array),
        unit_width=unit,
        workers=2,
        store=conditions.store,
    )
    with pytest.raises(ParameterError, match=words) as error:
        characterise_array(asked, cells=2)
    assert error.value.remedy


def test_words_beyond_the_disturb_bound_are_left_out_counted_and_kept_apart():
    drawn = draw_words(50, 0, rows=(4, 32), array_rows=512, largest_code=15, charge_limit=100)
    words, beyond = drawn.within, drawn.beyond
    assert drawn.excluded > 0
    assert words.sums.max() <= 100
    assert beyond.sums.max(axis=1).min() > 100
    assert len(beyond.codes) == min(drawn.excluded, 50)
    assert np.array_equal(words.opened, (np.arange(32) < words.opened[:, None]).sum(axis=1))


def test_words_beyond_the_bound_report_flips_alarms_and_misses():
    """Four words: sound, flipped and flagged, flipped and missed, flagged for nothing."""
    measured = np.array([[0.1, 0.2]] * 4)
    reading = Reading(
        discharge=measured + np.array([[0.002, -0.002], [9, 9], [9, 9], [9, 9]]),
        lowest=np.full((4, 2), 1.0),
        disturbed=np.array([False, True, False, True]),
        disturb_probability=np.zeros(4),
    )
    found = beyond_bound(reading, measured, np.array([0, 2, 1, 0]), full_scale=0.2)
    assert (found.words, found.flipped, found.flagged, found.missed) == (4, 2, 2, 1)
    assert found.rmse_percent == pytest.approx(1.0)
    assert found.worst_percent == pytest.approx(1.0)


def test_more_rows_than_the_disturb_bound_allows_say_how_many_are_possible():
    with pytest.raises(ParameterError, match="disturb bound of 100") as error:
        draw_words(50, 0, rows=(64, 64), array_rows=512, largest_code=15, charge_limit=100)
    assert "open fewer rows: about 26" in error.value.remedy


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["--corner", "xx"], "unknown corner 'xx'"),
        (["--temperature", "300"], "temperature 300"),
        (["--supply", "3"], "supply_voltage = 3"),
        (["--cell", "big"], "devices = 'big'"),
        (["--unit", "10"], "too short for edges"),
        (["--unit", "nan"], "a unit of nan s"),
        (["--rows", "four"], "'four' is no number of rows"),
        (["--rows", "600"], "600 to 600 open rows of an array of 512"),
    ],
)
def test_bad_input_of_the_command_is_reported_before_anything_is_simulated(words, reported, tmp_path, capsys):
    assert run(["validate", "sram", *words, "-o", str(tmp_path)]) == 2
    assert reported in capsys.readouterr().err


@pytest.mark.spice
def test_a_chip_is_read_as_its_cells_currents_say(conditions, fit):
    """Cells that no fit has seen: their DC currents take most of the nominal error off."""
    shifts = cell_shifts(range(128), 77)
    words = draw_words(
        4, 5, rows=(8, 16), array_rows=128, largest_code=4, charge_limit=fit.model.charge_limit
    ).within
    cells = cell_currents(conditions, shifts)
    logs = log_factors(cells, fit.nominal)[words.rows]
    runs = [
        conditions.read(
            words.rows[k, :n], words.codes[k, :n], words.bits[k, :n], shifts=shifts[words.rows[k, :n]]
        )
        for k, n in enumerate(words.opened)
    ]
    table = conditions.run("sram_multi_row_read", runs, silent)
    measured = table[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()
    read, places = MultiRowRead(fit.model), (words.rows + 0.5) / 128
    known = read(words.codes, words.bits, positions=places, cells=Cells(logs, np.zeros_like(logs)))
    unknown = read(words.codes, words.bits, positions=places)
    error, blind = (
        100 * np.sqrt(np.mean((reading.discharge - measured) ** 2)) / measured.max()
        for reading in (known, unknown)
    )
    assert error < 0.3
    assert blind > 4 * error
