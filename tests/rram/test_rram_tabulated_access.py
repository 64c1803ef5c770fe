"""The access transistor as a table: exact at its points, close between them, symmetric, continued outside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from cimspice.errors import TableError
from cimspice.fit import ModelCard
from cimspice.rram import RramCell, SkywaterReram, TabulatedAccess, WriteScheme

GATE, LOW, DRAIN = np.arange(0.6, 3.61, 0.1), np.arange(0.0, 2.65, 0.1), np.arange(0.0, 3.05, 0.1)
ACROSS = np.arange(0.0, 3.05, 0.05)


def channel(gate, low, across):
    """Charge-sheet law without body effect: the independent reference."""
    at_source, at_drain = (0.08 * np.logaddexp(0, (gate - 0.8 - v) / 0.08) for v in (low, low + across))
    return 1e-4 * (at_source**2 - at_drain**2)


def charge(gate, drain):
    return 1e-15 * (1.1 + 0.5 / (1 + drain) + 0 * gate)


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    gate, low, across = (x.ravel() for x in np.meshgrid(GATE, LOW, ACROSS, indexing="ij"))
    currents = {"gate_voltage": gate, "low": low, "across": across, "current": channel(gate, low, across)}
    gate, drain = (x.ravel() for x in np.meshgrid(GATE, DRAIN, indexing="ij"))
    charges = {"gate_voltage": gate, "drain_voltage": drain, "capacitance": charge(gate, drain)}
    return pd.DataFrame(currents), pd.DataFrame(charges)


@pytest.fixture(scope="module")
def table() -> TabulatedAccess:
    currents, charges = tables()
    return TabulatedAccess.from_tables(currents.sample(frac=1, random_state=0), charges)


def test_between_its_points_the_table_follows_the_law_that_it_was_made_of(table):
    rng = np.random.default_rng(0)
    gate, low, across = rng.uniform(1.0, 3.5, 500), rng.uniform(0, 2.6, 500), rng.uniform(0, 3, 500)
    exact = channel(gate, low, across)
    np.testing.assert_allclose(table.current(gate, low + across, low), exact, rtol=2e-3, atol=2e-8)
    np.testing.assert_allclose(table.capacitance(gate, across), charge(gate, across), rtol=1e-4)


def test_exchanging_drain_and_source_changes_the_sign(table):
    forward, backward = table.current(1.5, 1.2, 0.3), table.current(1.5, 0.3, 1.2)
    assert forward == -backward > 0
    assert table.current(1.5, 0.7, 0.7) == 0


def test_beyond_its_points_the_current_goes_on_along_its_slope(table):
    at_end = [float(table.current(2.0, 3.0 + more, 0.0)) for more in (0.0, 0.5, 1.0)]
    assert at_end[2] - at_end[1] == pytest.approx(at_end[1] - at_end[0], rel=1e-6, abs=1e-15)
    below = [float(table.current(2.0, 0.5, low)) for low in (0.0, -0.1, -0.2)]
    assert below[0] < below[1] < below[2]


def cell_with(table: TabulatedAccess, own: float, wire: float) -> RramCell:
    """A cell whose transistor has a charge of ``own`` F at any voltage, and whose node one of ``wire`` F."""
    even = dataclasses.replace(table, capacitances=np.full_like(table.capacitances, own))
    return RramCell(device=SkywaterReram.published(), transistor=even, inner_capacitance=wire)


def test_the_node_is_charged_by_the_transistor_and_by_the_wire(table):
    pulse = WriteScheme().set_pulse(1.6)
    shared, own, more = (
        cell_with(table, *part).write(np.full(1, 0.02), pulse).state[0]
        for part in ((5e-15, 5e-15), (1e-14, 0.0), (2e-14, 0.0))
    )
    assert shared == pytest.approx(own, abs=1e-9)
    assert more > own + 1e-3


def test_a_cell_with_a_table_survives_its_card(table, tmp_path):
    cell = cell_with(table, 2e-15, 0.0)
    ModelCard.from_model(cell).save(tmp_path / "cell.json")
    assert ModelCard.load(tmp_path / "cell.json").model() == cell


def test_a_gate_outside_of_the_table_warns(table):
    with pytest.warns(UserWarning, match="gate_voltage from 4 to 4 V leaves the range"):
        dataclasses.replace(table).current(4.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda currents, charges: (currents.drop(columns="low"), charges), "column 'low' is missing"),
        (lambda currents, charges: (currents.iloc[1:], charges), "rows are no grid"),
        (lambda currents, charges: (pd.concat([currents, currents.iloc[:1]]), charges), "rows are no grid"),
        (lambda currents, charges: (currents[currents["across"] > 0], charges), "across begins at 0.05 V"),
        (
            lambda currents, charges: (currents, charges[charges["gate_voltage"] < 3]),
            "different gate voltages",
        ),
        (lambda currents, charges: (currents, charges.assign(capacitance=0.0)), "not positive"),
        (
            lambda currents, charges: (currents, charges[charges["drain_voltage"] < 0.25]),
            "drain of rram_tabulated_access has 3 points",
        ),
    ],
)
def test_tables_that_are_no_transistor_are_refused(change, words):
    with pytest.raises(TableError, match=words):
        TabulatedAccess.from_tables(*change(*tables()))
