"""The ramp against an ODE solver, its limits, and its two fits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from cimspice.errors import ParameterError, TableError
from cimspice.fit import ModelRangeWarning
from cimspice.neuron.model.ramp import Ramp

TIME = np.linspace(0, 1e-6, 60)

V_TH = 0.87725


def papers_ramp(beta=0.1543, phase=1e-6):
    return Ramp(rate=-np.log1p(-beta) / beta / phase, reversal_coefficient=beta / V_TH)


@pytest.mark.parametrize("beta", [0.3, 1e-5, -0.2])
@pytest.mark.parametrize("start", [0.0, 0.4])
def test_the_closed_form_equals_an_ode_solver(beta, start):
    ramp = Ramp(rate=1.1e6, reversal_coefficient=beta / V_TH)
    solution = solve_ivp(
        lambda t, v: 1.1 * (1 - beta * v), (0, 1), [start], t_eval=TIME * 1e6, rtol=1e-12, atol=1e-13
    )
    np.testing.assert_allclose(ramp.potential(TIME, start), solution.y[0], atol=1e-10)
    np.testing.assert_allclose(ramp.slope(start), 1.1e6 * (1 - beta * start))


def test_zero_input_fires_at_the_end_of_the_phase():
    assert papers_ramp().time(1.0) == pytest.approx(1e-6, rel=1e-14)
    assert papers_ramp().reversal_potential == pytest.approx(1 / 0.1543)


@given(st.floats(-0.5, 0.9), st.floats(0, 0.99), st.floats(0, 0.99))
def test_time_and_potential_are_inverse(beta, start, potential):
    ramp = Ramp(rate=1e6, reversal_coefficient=beta / V_TH)
    assert ramp.potential(ramp.time(potential, start), start) == pytest.approx(potential, abs=1e-12)


def test_an_ideal_ramp_is_a_straight_line():
    ramp = Ramp(rate=1e6, reversal_coefficient=0.0)
    np.testing.assert_array_equal(ramp.potential(TIME), 1e6 * TIME)
    np.testing.assert_array_equal(ramp.time([0.25, 1.0], 0.25), [0.0, 0.75e-6])
    assert np.isinf(ramp.reversal_potential)


def test_a_potential_beyond_the_reversal_is_never_reached():
    ramp = Ramp(rate=1e6, reversal_coefficient=2 / V_TH)
    np.testing.assert_array_equal(np.isinf(ramp.time([0.4, 0.5, 0.6])), [False, True, True])


def discharger(noise=0.0, seed=0, points=25):
    ramp = papers_ramp()
    volts = np.linspace(0.43, 1.36, points)
    current = 140e-15 * V_TH * ramp.slope(-(volts - 1.3) / V_TH)
    current = current + noise * current.mean() * np.random.default_rng(seed).normal(size=points)
    return pd.DataFrame({"membrane_voltage": volts, "current": current})


def trace(noise=0.0, seed=0, until=1e-6, start=0.1):
    time = np.linspace(0, until, 60)
    volts = 1.3 - V_TH * papers_ramp().potential(time, start)
    volts = volts + noise * np.random.default_rng(seed).normal(size=60)
    return pd.DataFrame({"time": time + 3e-6, "membrane_voltage": volts})


def test_both_fits_recover_a_known_ramp():
    truth = papers_ramp()
    for fit in (Ramp.fit(discharger(), membrane_capacitance=140e-15), Ramp.fit_trace(trace())):
        assert fit.model.rate == pytest.approx(truth.rate, rel=1e-9)
        assert fit.model.reversal_coefficient == pytest.approx(truth.reversal_coefficient, rel=1e-8)
        assert fit.identifiable


def test_intervals_of_both_fits_cover_the_truth_at_95_percent():
    truth = np.array(list(papers_ramp().parameters().values()))
    inside, trials = np.zeros((2, 2)), 200
    for seed in range(trials):
        fits = (
            Ramp.fit(discharger(0.01, seed), membrane_capacitance=140e-15),
            Ramp.fit_trace(trace(0.002, seed)),
        )
        for row, fit in zip(inside, fits, strict=True):
            ends = np.array([estimate.interval for estimate in fit.estimates.values()])
            row += (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    np.testing.assert_allclose(inside / trials, 0.95, atol=4 * 0.0154)


def test_a_potential_outside_the_trace_warns():
    fit = Ramp.fit_trace(trace(until=5e-7))
    with pytest.warns(ModelRangeWarning, match="ramp: membrane_voltage"):
        fit.model.time(1.0)


def test_a_short_trace_shows_no_reversal_and_says_so():
    fit = Ramp.fit_trace(trace(noise=0.002, seed=3, until=5e-8))
    assert not fit.estimates["reversal_coefficient"].identifiable
    assert "wider" in fit.estimates["reversal_coefficient"].reason


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (discharger().assign(current=-1e-7), "magnitude"),
        (discharger().iloc[:2], "2 points"),
    ],
)
def test_a_discharger_that_cannot_be_fitted_is_refused(table, words):
    with pytest.raises(TableError, match=words):
        Ramp.fit(table, membrane_capacitance=140e-15)


def test_a_rising_trace_and_a_bad_capacitance_are_refused():
    rising = trace().assign(membrane_voltage=lambda t: 1.7 - t["membrane_voltage"])
    with pytest.raises(TableError, match="does not fall"):
        Ramp.fit_trace(rising)
    with pytest.raises(ParameterError, match="membrane_capacitance"):
        Ramp.fit(discharger(), membrane_capacitance=0.0)
