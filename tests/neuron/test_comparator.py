"""The comparator: recovery of a known law, coverage, and a table that cannot carry it."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit

from cimspice.errors import ParameterError, TableError
from cimspice.neuron.model.comparator import Comparator

SLOPES = np.geomspace(1e5, 1e7, 15)
TRUTH = {"threshold": 0.43, "fixed_delay": 5e-10, "slope_delay": 2e-9, "exponent": 0.6}


def table(noise=0.0, seed=0, slopes=SLOPES):
    generator = np.random.default_rng(seed)
    delay = 5e-10 + 2e-9 * (slopes / 1e6) ** -0.6
    return pd.DataFrame(
        {
            "slope": slopes,
            "delay": delay + noise * 1e-9 * generator.normal(size=slopes.size),
            "threshold": 0.43 + noise * generator.normal(size=slopes.size),
        }
    )


def test_a_known_law_is_recovered():
    fit = Comparator.fit(table())
    model = fit.model
    assert model.reference_slope == pytest.approx(1e6)
    for name, value in TRUTH.items():
        assert getattr(model, name) == pytest.approx(value, rel=1e-7)
    assert fit.identifiable
    np.testing.assert_allclose(model.delay(SLOPES), table()["delay"], rtol=1e-9)


def test_values_and_covariance_equal_those_of_curve_fit():
    data = table(0.01)
    fit = Comparator.fit(data)
    values, covariance = curve_fit(
        lambda s, d0, d1, p: d0 + d1 * s**-p,
        SLOPES / 1e6,
        data["delay"] * 1e9,
        p0=[0.5, 2.0, 0.6],
        xtol=1e-14,
    )
    unit = np.array([1e-9, 1e-9, 1.0])
    np.testing.assert_allclose(fit.values[1:], values * unit, rtol=1e-5)
    np.testing.assert_allclose(np.diag(fit.covariance)[1:], np.diag(covariance) * unit**2, rtol=1e-4)
    assert fit.covariance[0, 0] == pytest.approx(data["threshold"].var() / SLOPES.size)
    assert fit.covariance[0, 1] == 0.0


def test_intervals_cover_the_truth_at_95_percent():
    inside, trials = np.zeros(4), 200
    for seed in range(trials):
        fit = Comparator.fit(table(0.02, seed))
        ends = np.array([estimate.interval for estimate in fit.estimates.values()])
        truth = np.array(list(TRUTH.values()))
        inside += (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    np.testing.assert_allclose(inside / trials, 0.95, atol=4 * 0.0154)


def test_slopes_that_span_little_do_not_determine_the_exponent():
    fit = Comparator.fit(table(0.02, 1, np.linspace(0.95e6, 1.05e6, 15)))
    assert fit.estimates["threshold"].identifiable
    assert not fit.estimates["exponent"].identifiable
    assert fit.estimates["exponent"].reason


def test_slopes_that_do_not_fall_are_refused():
    with pytest.raises(ParameterError, match="positive"):
        Comparator.fit(table()).model.delay([1e6, 0.0])
    with pytest.raises(TableError, match="positive"):
        Comparator.fit(table().assign(slope=np.r_[0.0, SLOPES[1:]]))
