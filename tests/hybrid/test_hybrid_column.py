"""A column of 6T cells read by a comparator on its lines: circuit, law of its second decision, and rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice import run_bench
from cimspice.errors import FitError, ParameterError
from cimspice.hybrid import (
    Column,
    ColumnNetwork,
    ColumnReading,
    Design,
    ReadComparison,
    Ternary,
    stored_bits,
)
from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.model.column import SecondRead
from cimspice.hybrid.validation.reads import drawn_reads
from cimspice.network import built_in


def four_columns() -> tuple[dict, np.ndarray]:
    """Parameters of one read of four columns under the same 16 inputs, and their partial sums."""
    column, inputs = Column(), np.arange(64) % 4 == 0
    rng = np.random.default_rng(5)
    cells = rng.integers(-1, 2, (4, 64))
    for place, wanted in enumerate((-2, -1, 1, 2)):
        active = np.flatnonzero(inputs)
        while (total := cells[place, active].sum()) != wanted:
            cell = rng.choice(active)
            cells[place, cell] = np.clip(cells[place, cell] + np.sign(wanted - total), -1, 1)
    bits, rows = stored_bits(cells), np.flatnonzero(np.repeat(inputs, 2))
    opened = [(row, bits[:, row], 0.0) for row in rows]
    opened += [(row, np.zeros(4, int), 0.0) for row in column.first_dummies]
    opened += [(row, np.ones(4, int), 1e-9) for row in column.second_dummies]
    open_rows = [
        {"row": int(row), "width": 60e-12, "bits": stored.tolist(), "delay": delay}
        for row, stored, delay in opened
    ]
    strobes = [0.61e-9, 0.61e-9 + 1e-9]
    array = {"rows": column.rows, "simulated_columns": 4}
    return {"array": array, "open_rows": open_rows, "strobes": strobes}, (cells * inputs).sum(axis=1)


@pytest.mark.spice
def test_dummy_cells_make_both_thresholds_of_one_comparator_in_ngspice():
    parameters, sums = four_columns()
    table = run_bench("hybrid_column_read", parameters, workers=1)
    decided, difference = (table[name].to_numpy().reshape(4, 2) for name in ("decided", "difference"))
    assert sums.tolist() == [-2, -1, 1, 2]
    assert (decided.sum(axis=1) - 1).tolist() == [-1, 0, 0, 1]
    (unit, first), (slope, second) = (np.polyfit(sums, each, 1) for each in difference.T)
    assert 9e-3 < unit < 14e-3
    assert (-first / unit, -second / slope) == pytest.approx((1.5, -1.45), abs=0.1)
    assert (table["flipped"] == 0).all()
    assert (table["decision_delay"] < 0.6e-9).all()
    assert 100e-15 < (table["comparator_energy"] + table["strobe_energy"]).iloc[0] / 4 < 600e-15


def test_rows_of_a_column_are_used_once_and_its_threshold_is_no_sum():
    column = Column(weights=16, dummies=5, rows=47)
    rows = [*range(32), *column.first_dummies, *column.second_dummies]
    assert sorted(rows) == list(range(47))
    assert column.threshold == 2.5
    for wrong in ({"dummies": 4}, {"rows": 46}, {"dummies": 0}):
        with pytest.raises(ParameterError):
            Column(**{"weights": 16, "dummies": 5, "rows": 47, **wrong})


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_second_difference_is_found_from_the_first_read(coefficients):
    rng = np.random.default_rng(0)
    discharge = rng.uniform(0.05, 0.35, (30, 2))
    d, m = discharge[:, 1] - discharge[:, 0], discharge.mean(axis=1)
    second = np.stack([np.ones(30), d, m, d * d, d * m, m * m], axis=1) @ coefficients
    law = SecondRead.fit(discharge, second)
    assert np.allclose(law(discharge), second, atol=1e-9)
    assert law.residual_rms < 1e-9
    assert not law.outside(discharge).any()
    assert law.outside(np.array([0.5, 0.5]))
    with pytest.raises(FitError):
        SecondRead.fit(discharge[:11], second[:11])


def test_column_decides_the_rows_of_its_array():
    assert ColumnConditions(column=Column(rows=160)).array.rows == 160
    with pytest.raises(ParameterError):
        ColumnConditions(column=Column(), temperature=1e3)


def test_drawn_reads_are_reads_of_the_network_and_give_its_partial_sums():
    built = built_in("digits-64")
    network = ColumnNetwork(built.network, Design(Ternary(1.5)), built.x_train)
    cells, inputs = drawn_reads(network, built.x_test[:50], 40, 0)
    assert cells.shape == inputs.shape == (40, 64)
    assert set(np.unique(cells)) <= {-1, 0, 1}
    entered = network.column_reads(built.x_test[:50])
    for place, (name, layer) in enumerate(network.layers.items()):
        known = {float(value) for value in np.unique(layer.sums_of(entered[name]))}
        assert {float(value) for value in (cells * inputs).sum(axis=1)[place::2]} <= known


def test_decisions_nearer_than_half_a_millivolt_are_counted_and_not_compared():
    difference = np.array([[5e-3, 38e-3], [0.3e-3, 33e-3], [-6e-3, 20e-3], [-40e-3, -6e-3]])
    codes = np.array([1, 1, 0, -1])
    emulated = ColumnReading(
        discharge=np.full((4, 2), 0.2),
        difference=difference + 0.04e-3,
        codes=np.array([1, 0, 0, 0]),  # the second differs near a threshold, the last far from any
        outside=np.zeros(4, bool),
    )
    discharge = np.full((4, 2), 0.4)
    sums = np.array([2, 2, 1, -2])
    facts = ReadComparison(1.5, 11e-3, sums, emulated, discharge, difference, codes, 4.0).facts()
    assert facts["near_threshold"] == 1
    assert facts["decisions_equal"] == pytest.approx(6 / 7)
    assert facts["codes_of_integers_equal"] == 1.0
    assert facts["line_rmse_percent_full_scale"] == pytest.approx(0.01)
