"""Injected charge: recovery, coverage, and grids too small for the polynomial."""

import numpy as np
import pandas as pd
import pytest

from cimspice.errors import FitError, ParameterError, TableError
from cimspice.neuron.model.injection import InjectedCharge

BIASES, VOLTS = np.linspace(0.4, 0.65, 6), np.linspace(0.43, 1.36, 9)
TRUTH = np.array([[1e-16, 2e-17, 0.0], [3e-17, -1e-17, 2e-18], [5e-18, 1e-18, 0.0]])


def table(noise=0.0, seed=0):
    bias, volts = (axis.ravel() for axis in np.meshgrid(BIASES, VOLTS, indexing="ij"))
    g, u = (bias - 0.525) / 0.125, (volts - 0.895) / 0.465
    charge = np.polynomial.polynomial.polyval2d(g, u, TRUTH)
    charge = charge + noise * 1e-16 * np.random.default_rng(seed).normal(size=charge.size)
    on = pd.DataFrame({"gate_bias": bias, "membrane_voltage": volts, "charge": charge, "edge": "on"})
    return pd.concat([on, on.assign(edge="off", charge=-0.5 * charge)], ignore_index=True).assign(
        polarity="n"
    )


@pytest.mark.parametrize(("edge", "factor"), [("on", 1.0), ("off", -0.5)])
def test_a_known_charge_is_recovered_per_edge(edge, factor):
    fit = InjectedCharge.fit(table(), polarity="n", edge=edge)
    np.testing.assert_allclose(fit.model.coefficients, factor * TRUTH, atol=1e-28)
    assert fit.identifiable


def test_intervals_cover_the_truth_at_95_percent():
    inside, trials = np.zeros(9), 200
    for seed in range(trials):
        fit = InjectedCharge.fit(table(0.02, seed), polarity="n", edge="on")
        ends = np.array([estimate.interval for estimate in fit.estimates.values()])
        inside += (ends[:, 0] <= TRUTH.ravel()) & (TRUTH.ravel() <= ends[:, 1])
    np.testing.assert_allclose(inside / trials, 0.95, atol=4.2 * 0.0154)


def test_a_single_gate_bias_carries_a_constant_in_it():
    single = table().query("gate_bias == 0.4")
    with pytest.raises(FitError, match="1 values of gate bias"):
        InjectedCharge.fit(single, polarity="n", edge="on")
    fit = InjectedCharge.fit(single, polarity="n", edge="on", gate_bias_degree=0)
    rows = single[single["edge"] == "on"]
    np.testing.assert_allclose(fit.model.charge(0.4, rows["membrane_voltage"]), rows["charge"], rtol=1e-9)


def test_what_is_not_there_is_refused():
    with pytest.raises(TableError, match="no rows with polarity = 'p'"):
        InjectedCharge.fit(table(), polarity="p", edge="on")
    with pytest.raises(ParameterError, match="edge"):
        InjectedCharge(
            polarity="n",
            edge="up",
            coefficients=TRUTH,
            gate_bias_map=[0.5, 0.1],
            membrane_voltage_map=[0.9, 0.4],
        )
