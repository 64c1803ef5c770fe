"""Every kind of model that a column of a run shows is laid over its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from page_runs import synapse_table

from cimspice.fit import CurveSelection, ModelCard
from cimspice.neuron.model.capacitance import ConstantCapacitance, SplineCapacitance
from cimspice.neuron.model.comparator import Comparator
from cimspice.neuron.model.gate_law import PolynomialGateLaw
from cimspice.neuron.model.injection import InjectedCharge
from cimspice.neuron.model.ramp import Ramp
from cimspice.report.page_fit import NoRows, overlay


def capacitance():
    voltage = np.linspace(0.0, 1.8, 40)
    return pd.DataFrame({"membrane_voltage": voltage, "capacitance": 1e-13 * (1 + 0.1 * np.sin(3 * voltage))})


def comparator():
    slope = np.geomspace(1e5, 1e7, 30)
    return pd.DataFrame({"slope": slope, "delay": 1e-9 + 5e-9 * (slope / 1e6) ** -0.5, "threshold": 0.428})


def injection():
    rows = [
        (bias, voltage, "n", edge, sign * (1e-16 + 2e-16 * bias * voltage))
        for bias in np.linspace(0.4, 0.7, 7)
        for voltage in np.linspace(0.4, 1.4, 7)
        for edge, sign in (("on", 1), ("off", -1))
    ]
    return pd.DataFrame(rows, columns=["gate_bias", "membrane_voltage", "polarity", "edge", "charge"])


FITS = {
    "spline": (capacitance, lambda table: SplineCapacitance.fit(table, knots=12), "capacitance", 40),
    "comparator": (comparator, Comparator.fit, "delay", 30),
    "injection": (injection, lambda table: InjectedCharge.fit(table, polarity="n", edge="off"), "charge", 49),
    "gate law": (
        lambda: synapse_table(noise=0.0),
        lambda table: PolynomialGateLaw.fit(table, CurveSelection("n", order=None), degree=3),
        "current",
        7,
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_a_card_predicts_the_rows_it_was_fitted_on(name):
    make, fit, column, count = FITS[name]
    table = make()
    found = overlay(ModelCard.from_fit(fit(table)), table)
    assert (found.y, len(found.rows)) == (column, count)
    np.testing.assert_allclose(found.fitted, found.rows[column], rtol=1e-3, atol=1e-20)


def test_the_band_of_a_constant_is_the_interval_of_the_mean():
    random = np.random.default_rng(4)
    table = pd.DataFrame(
        {"membrane_voltage": np.linspace(0, 1, 400), "capacitance": 1e-13 + 1e-15 * random.normal(size=400)}
    )
    found = overlay(ModelCard.from_fit(ConstantCapacitance.fit(table)), table)
    expected = 1.96 * table.capacitance.std() / np.sqrt(400)
    np.testing.assert_allclose(found.band, expected, rtol=0.01)


def test_rows_outside_of_the_cards_range_are_left_alone():
    table = capacitance()
    fit = SplineCapacitance.fit(table[table.membrane_voltage.between(0.5, 1.0)])
    rows = overlay(ModelCard.from_fit(fit), table).rows
    assert rows.membrane_voltage.between(0.5, 1.0).all()
    assert len(rows) == 11


def test_a_model_that_no_column_shows_says_so():
    card = ModelCard.from_model(Ramp(rate=1e6, reversal_coefficient=0.2))
    with pytest.raises(NoRows, match="predicts no column"):
        overlay(card, capacitance())
    with pytest.raises(NoRows, match="no column 'slope'"):
        overlay(ModelCard.from_fit(Comparator.fit(comparator())), capacitance())
