"""Membrane capacitance: charge as an integral, its inverse, interpolation, fits and refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.interpolate import make_lsq_spline

from cimspice.errors import FitError, ParameterError, TableError
from cimspice.neuron.model.capacitance import ConstantCapacitance, SplineCapacitance

VOLTS = np.linspace(0.3, 1.45, 47)


def true_capacitance(volts):
    """Junction-like fall with a peak, as near a comparator's trip point."""
    volts = np.asarray(volts, dtype=float)
    return 140e-15 * (1 + 0.01 / np.sqrt(1 + volts / 0.7) + 0.02 * np.exp(-(((volts - 0.6) / 0.15) ** 2)))


def table(noise=0.0, seed=0):
    values = true_capacitance(VOLTS) * (1 + noise * np.random.default_rng(seed).normal(size=VOLTS.size))
    return pd.DataFrame({"membrane_voltage": VOLTS, "capacitance": values})


def test_a_spline_through_the_table_follows_the_curve_between_its_points():
    model = SplineCapacitance.fit(table().sample(frac=1, random_state=1)).model
    between = (VOLTS[1:] + VOLTS[:-1]) / 2
    np.testing.assert_allclose(model.capacitance(VOLTS), true_capacitance(VOLTS), rtol=1e-12)
    np.testing.assert_allclose(model.capacitance(between), true_capacitance(between), rtol=1e-5)


def test_charge_is_the_integral_and_voltage_its_inverse():
    model = SplineCapacitance.fit(table()).model
    for volts in (0.35, 0.6, 1.3, 1.42):
        integral, _ = quad(
            lambda v: float(model.capacitance(v)) * 1e15, 1.3, volts, epsabs=1e-12, points=VOLTS, limit=200
        )
        assert model.charge(volts) == pytest.approx(integral * 1e-15, rel=1e-9, abs=1e-25)
    np.testing.assert_allclose(model.voltage(model.charge(VOLTS)), VOLTS, atol=1e-12)
    step = 1e-6
    np.testing.assert_allclose(
        model.capacitance_slope(VOLTS[1:-1]),
        (model.capacitance(VOLTS[1:-1] + step) - model.capacitance(VOLTS[1:-1] - step)) / (2 * step),
        rtol=1e-5,
        atol=1e-19,
    )


def test_a_constant_capacitance_is_the_mean_with_its_interval():
    fit = ConstantCapacitance.fit(table(0.001))
    values = table(0.001)["capacitance"]
    assert fit.model.total_capacitance == pytest.approx(values.mean(), rel=1e-12)
    assert np.sqrt(fit.covariance[0, 0]) == pytest.approx(values.std() / np.sqrt(len(values)), rel=1e-9)
    np.testing.assert_allclose(fit.model.voltage(fit.model.charge(VOLTS)), VOLTS)


def test_few_knots_agree_with_scipys_spline_and_cover_at_95_percent():
    knots = np.linspace(VOLTS[0], VOLTS[-1], 6)
    fit = SplineCapacitance.fit(table(0.002), knots=6)
    # The not-a-knot spline on six points is the least-squares cubic spline with the inner two as its knots.
    scaled = table(0.002)["capacitance"].to_numpy() * 1e15
    other = make_lsq_spline(VOLTS, scaled, np.r_[[knots[0]] * 4, knots[2:-2], [knots[-1]] * 4])
    np.testing.assert_allclose(fit.model.capacitance(VOLTS) * 1e15, other(VOLTS), rtol=1e-9)


def test_intervals_at_the_knots_cover_the_truth_at_95_percent():
    truth = SplineCapacitance.fit(table(), knots=6).model
    inside, trials = np.zeros(6), 300
    for seed in range(trials):
        noise = 1e-16 * np.random.default_rng(seed).normal(size=VOLTS.size)
        noisy = pd.DataFrame({"membrane_voltage": VOLTS, "capacitance": truth.capacitance(VOLTS) + noise})
        fit = SplineCapacitance.fit(noisy, knots=6)
        ends = np.array([estimate.interval for estimate in fit.estimates.values()])
        inside += (ends[:, 0] <= truth.capacitances) & (truth.capacitances <= ends[:, 1])
    np.testing.assert_allclose(inside / trials, 0.95, atol=4 * 0.0126)


def test_a_charge_that_the_range_does_not_hold_is_refused():
    model = SplineCapacitance.fit(table()).model
    with pytest.raises(ParameterError, match="the spline holds"):
        model.voltage([0.0, 1e-12])
    with pytest.raises(ParameterError, match="the spline holds"):
        model.voltage(np.nan)


def test_tables_and_values_that_make_no_capacitance_are_refused():
    with pytest.raises(TableError, match="not positive"):
        ConstantCapacitance.fit(table().assign(capacitance=0.0))
    with pytest.raises(FitError, match="3 knots"):
        SplineCapacitance.fit(table(), knots=3)
    with pytest.raises(ParameterError, match="rising"):
        SplineCapacitance(knots=[1, 0.5, 0.7, 0.9], capacitances=[1e-15] * 4)
    with pytest.raises(ParameterError, match="positive capacitance"):
        ConstantCapacitance(total_capacitance=0.0)
