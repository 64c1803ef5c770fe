"""The array's card: exact, with the intervals of its fit, refused where it contradicts itself; measured
curves in it move the emulator as the equations say."""

from __future__ import annotations

import json
import warnings
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats
from sram_lines import LINEAR, hand_made_fit

from cimspice.errors import CimspiceError, TableError
from cimspice.fit.family_card import Card, encode
from cimspice.fit.measured import read_measured
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.sram.emulator.read import MultiRowRead
from cimspice.sram.model.build import fitted_names
from cimspice.sram.model.card import LINE_CURRENT, sram_card, sram_fit, with_measured_current
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.variation import CellVariation

CONDUCTANCE = 9e-6
VOLTAGE = np.linspace(0.0, 1.9, 20)
OHMIC = CellCurrents(
    VOLTAGE, VOLTAGE, np.repeat(CONDUCTANCE * VOLTAGE[:, None], 20, axis=1), np.zeros((20, 20))
)
"""A cell that is a resistor: its line discharges exponentially."""


def drawn_fit(**changes):
    """A fit whose numbers have all their digits."""
    rng = np.random.default_rng(3)
    cells = CellVariation.fit(
        rng.normal(0, 0.09, (40, 2)), rng.normal(0.15, 0.03, (40, 2)), rng.normal(size=2)
    )
    values = {"width_correction": rng.normal(-2e-11, 1e-12, 15), "variation": cells, "corner": "ss"}
    return hand_made_fit(**values, temperature=85.0, leakage=1.1e-9, **changes)


def ohmic_fit():
    single = {"coupling": 0.0, "width_correction": np.zeros(15), "trip_voltage": 0.0, **LINEAR}
    return hand_made_fit(currents=OHMIC, variation=CellVariation.none(), **single)


def curve(tmp_path, voltage, current, header="line_voltage (V),current (uA)"):
    """A user's file of such a curve (A), read."""
    rows = [f"{v:.17g},{1e6 * i:.17g}" for v, i in zip(voltage, current, strict=True)]
    path = tmp_path / "probe.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return read_measured(path, LINE_CURRENT)


def same(one, other):
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, entry.name), getattr(other, entry.name)) for entry in fields(one))
    return one == other


def test_a_column_comes_back_from_its_file_to_the_last_bit(tmp_path):
    fit = drawn_fit()
    read = sram_fit(Card.load(sram_card(fit).save(tmp_path / "sram.json"), "sram"))
    assert same(read, fit)
    assert (read.model.corner, read.model.temperature) == ("ss", 85.0)


def test_intervals_are_those_of_student_and_chi_square():
    fit = drawn_fit()
    parts = sram_card(fit).parts
    capacitance = parts["bit_line"].parameters["capacitance"]
    half = stats.t.ppf(0.975, fit.freedom) * np.sqrt(fit.covariance[0, 0])
    assert capacitance.interval == pytest.approx((160e-15 - half, 160e-15 + half), rel=1e-9)
    # one factor that counts: the interval of a standard deviation from 40 values
    alone = CellVariation(np.zeros(4), np.diag([0.0081, 0.0, 4e-4, 0.0]), 40)
    variation = sram_card(hand_made_fit(variation=alone)).parts["variation"]
    low, high = variation.parameters["trip_deviation"].interval
    expected = np.sqrt(2e-4 * 39 / stats.chi2.ppf([0.975, 0.025], 39))
    assert (low, high) == pytest.approx(tuple(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("part", "change", "reported"),
    [
        (
            "bit_line",
            lambda part: part["parameters"]["charge_limit"].update(value=999.0),
            "charge_limit is 999",
        ),
        ("bit_line", lambda part: part["parameters"].pop("coupling"), "coupling"),
        ("bit_line", lambda part: part["parameters"]["capacitance"].update(unit="fF"), "in 'fF'"),
        (
            "bit_line",
            lambda part: part["parameters"]["capacitance"].update(value=-1.0, interval=[-2.0, 0.0]),
            "capacitance",
        ),
        ("bit_line", lambda part: part.update(data={"map": [["freedom", 3]]}), "covariance"),
        ("cell_current", lambda part: part.update(data=None), "do not make a column"),
        ("cell_current", lambda part: part["data"]["voltage"]["array"].reverse(), "even steps"),
        ("cell_current", lambda part: part["parameters"].clear(), "full_line_current is not there"),
        (
            "variation",
            lambda part: part["parameters"]["trip_mean"].update(value=0.2, interval=[0.1, 0.3]),
            "trip_mean is 0.2",
        ),
        ("variation", lambda part: part["data"].update(map=[]), "do not make a column"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(tmp_path, part, change, reported):
    path = sram_card(drawn_fit()).save(tmp_path / "sram.json")
    content = json.loads(path.read_text())
    change(content["parts"][part])
    path.write_text(json.dumps(content))
    with pytest.raises(CimspiceError, match=reported) as error:
        sram_fit(Card.load(path))
    assert error.value.remedy


def test_a_stronger_measured_cell_discharges_as_the_exponential_says(tmp_path):
    """A line of capacitance C that n cells of conductance G discharge for t: V0 exp(-n G t / C)."""
    voltage = np.linspace(0.1, 1.9, 7)
    card = with_measured_current(
        sram_card(ohmic_fit()), curve(tmp_path, voltage, 1.05 * CONDUCTANCE * voltage)
    )
    lines = sram_fit(card).model
    codes, bits = np.array([[3, 3, 3], [15, 15, 15], [7, 7, 0]]), np.zeros((3, 3), int)
    found = MultiRowRead(lines)(codes, bits).discharge[:, 0]
    seconds = codes.sum(axis=1) * 60e-12
    nominal = MultiRowRead(ohmic_fit().model)(codes, bits).discharge[:, 0]
    for conductance, discharge in ((1.05 * CONDUCTANCE, found), (CONDUCTANCE, nominal)):
        expected = 1.82 * -np.expm1(-conductance * seconds / 160e-15)
        assert discharge == pytest.approx(expected, rel=1e-5)
    assert lines.charge_limit == pytest.approx(ohmic_fit().model.charge_limit / 1.05)
    assert lines.unit_discharge == pytest.approx(1.05 * CONDUCTANCE * 1.82 * 60e-12 / 160e-15)


def test_a_measured_part_says_its_file_range_ratio_and_what_was_scaled(tmp_path):
    before = sram_card(ohmic_fit(), {"cell_current": {"benches": ["cells"]}})
    voltage = np.array(
        [0.01, 0.9, 1.4, 1.8, 2.4]
    )  # at the first hardly any current, the last beyond the tables
    table = curve(tmp_path, voltage, CONDUCTANCE * voltage * [9.0, 0.9, 1.0, 1.1, 1.0])
    part = with_measured_current(before, table).parts["cell_current"]
    assert part.origin == "measured"
    assert part.source["file"] == "probe.csv"
    assert len(part.source["sha256"]) == 64
    assert part.source["voltages_left_out"] == 2
    assert (part.range["line_voltage"].low, part.range["line_voltage"].high) == (0.9, 1.8)
    assert part.source["ratio"] == pytest.approx({"low": 0.9, "high": 1.1})
    assert part.source["scaled"] == {"origin": "simulated", "source": {"benches": ["cells"]}}
    assert part.parameters["full_line_current"].reason == "every voltage was read once: the noise is unknown"


def test_an_export_of_the_tables_own_points_changes_nothing_whatever_its_sign(tmp_path):
    fit = hand_made_fit()
    voltage = fit.model.currents.voltage[20::5]
    for sign in (1, -1):
        table = curve(tmp_path, voltage, sign * fit.model.currents.zero_alone(voltage))
        new = sram_fit(with_measured_current(sram_card(fit), table)).model
        assert new.currents.zero == pytest.approx(fit.model.currents.zero, rel=1e-12)


def test_repeats_give_the_full_line_current_its_interval(tmp_path):
    voltage = np.repeat([1.0, 1.9], 3)
    current = CONDUCTANCE * voltage * np.tile([0.99, 1.0, 1.01], 2)
    card = with_measured_current(sram_card(ohmic_fit()), curve(tmp_path, voltage, current))
    found = card.parts["cell_current"].parameters["full_line_current"]
    value = CONDUCTANCE * 1.82
    half = stats.t.ppf(0.975, 4) * 0.01 * value / np.sqrt(3)
    assert (found.value, *found.interval) == pytest.approx((value, value - half, value + half), rel=1e-6)


def test_a_line_that_falls_below_the_measured_voltages_is_reported(tmp_path):
    voltage = np.linspace(1.0, 1.8, 5)
    card = with_measured_current(sram_card(ohmic_fit()), curve(tmp_path, voltage, CONDUCTANCE * voltage))
    read = MultiRowRead(sram_fit(card).model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(np.array([1, 1]), np.array([0, 0]))
    with pytest.warns(ModelRangeWarning, match="cell_current: line_voltage .* 1 to 1.8 V"):
        read(np.full(16, 15), np.zeros(16, int))


@pytest.mark.parametrize(
    ("voltage", "factor", "reported"),
    [
        ([1.0], 1.0, "1 of 1 voltages"),
        ([0.0, 0.01, 1.0], 1.0, "1 of 3 voltages"),
        ([1.0, 1.8], 1e-3, "the card's cell has"),
        ([1.0, 1.8], 20.0, "the card's cell has"),
    ],
)
def test_a_curve_that_cannot_be_the_cells_is_refused(tmp_path, voltage, factor, reported):
    table = curve(tmp_path, np.array(voltage), factor * CONDUCTANCE * np.array(voltage))
    with pytest.raises(TableError, match=reported) as error:
        with_measured_current(sram_card(ohmic_fit()), table)
    assert error.value.remedy


def test_a_card_whose_leakage_was_not_fitted_is_read_with_the_others_covariance():
    fit = hand_made_fit()
    card, names = sram_card(fit), fitted_names(fit.model.largest_code)
    place = names.index("leakage")
    smaller = np.delete(np.delete(fit.covariance, place, 0), place, 1)
    old = card.parts["bit_line"].model_copy(update={"data": encode({"covariance": smaller, "freedom": 40})})
    read = sram_fit(card.replaced("bit_line", old)).covariance
    assert read[place].tolist() == [0.0] * len(names)
    np.testing.assert_array_equal(np.delete(np.delete(read, place, 0), place, 1), smaller)
