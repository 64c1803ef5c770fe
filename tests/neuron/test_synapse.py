"""The reversal-potential synapses: known parameters recovered, coverage, the simulated SKY130 curves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit

from cimspice.errors import ParameterError, TableError
from cimspice.fit import CurveSelection, read_measured
from cimspice.fit.table import SYNAPSE
from cimspice.neuron.model.current_dependent import CurrentDependentSynapse
from cimspice.neuron.model.reversal import reversal_figures
from cimspice.neuron.model.synapse import ReversalSynapse
from cimspice.neuron.model.voltage_dependent import VoltageDependentSynapse

SIMULATED = Path(__file__).parent / "data" / "synapse_tt_27.csv"
V_TH = 0.87725
VOLTS = np.linspace(0.43, 1.36, 24)
BIASES = np.linspace(0.4, 0.65, 6)


def table_of(model, biases=BIASES, noise=0.0, seed=0, volts=VOLTS):
    """Curves of a model with I0 exponential in the gate bias (falling for p), and relative noise."""
    generator = np.random.default_rng(seed)
    frames = []
    for bias in biases:
        at_reset = 2e-9 * np.exp((bias - 0.4 if model.polarity == "n" else 0.65 - bias) / 0.05)
        current = model.current(at_reset, volts) + noise * at_reset * generator.normal(size=volts.size)
        frames.append(pd.DataFrame({"gate_bias": bias, "membrane_voltage": volts, "current": current}))
    return pd.concat(frames, ignore_index=True).assign(polarity=model.polarity)


@pytest.fixture(scope="module")
def simulated():
    return read_measured(SIMULATED, SYNAPSE)


@pytest.mark.parametrize(("polarity", "sign"), [("n", 1), ("p", -1)])
def test_the_two_forms_of_the_law_are_one(polarity, sign):
    model = ReversalSynapse(polarity=polarity, reversal_coefficient=0.41)
    potential = -(VOLTS - 1.3) / V_TH
    reversal = model.reversal_potential(1e-7)
    assert reversal == pytest.approx(sign / (0.41 * V_TH))
    np.testing.assert_allclose(model.current(1e-7, VOLTS), 1e-7 * (1 - potential / reversal), rtol=1e-14)


def test_an_nfet_weakens_and_a_pfet_strengthens_as_the_membrane_falls():
    n = ReversalSynapse(polarity="n", reversal_coefficient=0.4)
    p = ReversalSynapse(polarity="p", reversal_coefficient=0.7)
    assert n.current(1e-7, 0.5) < 1e-7 < p.current(1e-7, 0.5)
    assert n.conductance(1e-7, 0.9) == pytest.approx(0.4e-7)
    assert p.conductance(1e-7, 0.9) == pytest.approx(-0.7e-7)


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_a_known_coefficient_is_recovered_exactly_from_exact_curves(polarity):
    truth = ReversalSynapse(polarity=polarity, reversal_coefficient=0.41)
    fit = ReversalSynapse.fit(table_of(truth), CurveSelection(polarity))
    assert fit.model.reversal_coefficient == pytest.approx(0.41, rel=1e-12)
    assert fit.residual.percent < 1e-10
    assert fit.identifiable


def test_one_curve_agrees_with_another_solver():
    truth = ReversalSynapse(polarity="n", reversal_coefficient=0.41)
    table = table_of(truth, BIASES[2:3], noise=0.003)
    fit = ReversalSynapse.fit(table, CurveSelection("n"))
    moved, current = VOLTS - 1.3, table["current"].to_numpy() * 1e9
    values, covariance = curve_fit(lambda d, i0, rate: i0 * (1 + rate * d), moved, current, p0=[10.0, 0.3])
    assert fit.model.reversal_coefficient == pytest.approx(values[1], rel=1e-6)
    assert fit.covariance[0, 0] == pytest.approx(covariance[1, 1], rel=1e-5)
    residual = current - values[0] * (1 + values[1] * moved)
    assert fit.residual.percent == pytest.approx(100 * np.sqrt(np.mean(residual**2)) / values[0], rel=1e-6)


def test_intervals_cover_the_truth_at_95_percent_for_all_curves_together():
    truth = ReversalSynapse(polarity="p", reversal_coefficient=0.7)
    inside, trials = 0, 200
    for seed in range(trials):
        fit = ReversalSynapse.fit(table_of(truth, BIASES[:3], 0.01, seed, VOLTS[::3]), CurveSelection("p"))
        low, high = fit.estimates["reversal_coefficient"].interval
        inside += low <= 0.7 <= high
    assert 0.95 - 4 * 0.0154 <= inside / trials <= 0.99


def test_curves_that_are_flat_within_the_noise_have_no_reversal_potential():
    truth = ReversalSynapse(polarity="n", reversal_coefficient=0.002)
    fit = ReversalSynapse.fit(table_of(truth, noise=0.05, seed=1), CurveSelection("n"))
    assert not fit.identifiable
    potential = fit.derived("reversal_coefficient", lambda value: 1 / value, "1")
    assert not potential.identifiable
    assert np.isinf(potential.interval).all()
    assert "wider than the value" in potential.reason


def test_a_coefficient_that_depends_on_the_current_is_recovered():
    truth = CurrentDependentSynapse(polarity="n", coefficients=[0.4, -0.02, -0.003])
    fit = CurrentDependentSynapse.fit(table_of(truth), CurveSelection("n"), degree=2)
    np.testing.assert_allclose(fit.model.coefficients, truth.coefficients, rtol=1e-9)
    assert fit.model.reversal_coefficient(122e-9) == pytest.approx(0.4)
    assert fit.model.reversal_potential(122e-9) == pytest.approx(1 / (0.4 * V_TH))


def test_a_curved_synapse_is_recovered_and_its_chord_is_its_reversal_potential():
    truth = VoltageDependentSynapse(polarity="p", coefficients=[[0.6, -0.05], [0.03, 0.01], [-0.01, 0.002]])
    fit = VoltageDependentSynapse.fit(
        table_of(truth), CurveSelection("p"), voltage_degree=3, current_degree=1
    )
    np.testing.assert_allclose(fit.model.coefficients, truth.coefficients, rtol=1e-7)
    potential = -(VOLTS - 1.3) / V_TH
    chord = truth.reversal_potential(5e-8, VOLTS)
    np.testing.assert_allclose(truth.current(5e-8, VOLTS), 5e-8 * (1 - potential / chord), rtol=1e-12)
    assert truth.reversal_potential(5e-8, 1.3) == pytest.approx(truth.reversal_potential(5e-8), rel=1e-12)


def test_the_slope_is_the_derivative_of_the_curved_synapse():
    model = VoltageDependentSynapse(polarity="p", coefficients=[[0.6, -0.05], [0.03, 0.01], [-0.01, 0.002]])
    step = 1e-5
    differences = (model.current(3e-8, VOLTS + step) - model.current(3e-8, VOLTS - step)) / (2 * step)
    np.testing.assert_allclose(model.conductance(3e-8, VOLTS), differences, rtol=1e-8)


def test_sky130_gives_the_papers_coefficients_at_the_unit_current(simulated):
    figures = reversal_figures(simulated)
    assert 0.39 <= figures.lambda_n.value <= 0.42
    assert 0.64 <= figures.lambda_p.value <= 0.80
    assert 0.02 <= figures.residual_percent.value <= 0.24
    assert figures.e_plus.value == pytest.approx(1 / (V_TH * figures.lambda_n.value))
    assert figures.e_minus.value == pytest.approx(-1 / (V_TH * figures.lambda_p.value))
    for name, figure in figures.as_dict().items():
        low, high = figure["interval"]
        assert low < figure["value"] < high, name
        assert figure["identifiable"], name


def test_the_other_order_of_transistors_gives_the_worse_law(simulated):
    figures = reversal_figures(simulated, CurveSelection("n", order="selector_at_membrane"))
    assert 0.24 <= figures.lambda_n.value <= 0.54
    assert 0.24 <= figures.lambda_p.value <= 0.54
    assert 2.0 <= figures.residual_percent.value <= 4.0


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_each_better_synapse_leaves_less_of_sky130(simulated, polarity):
    selection = CurveSelection(polarity)
    constant = ReversalSynapse.fit(simulated, selection).residual.percent
    by_current = CurrentDependentSynapse.fit(simulated, selection).residual.percent
    by_voltage = VoltageDependentSynapse.fit(simulated, selection).residual.percent
    assert by_voltage < by_current / 3 < constant / 9


def test_the_figures_do_not_depend_on_the_grid_of_gate_biases(simulated):
    coarse = simulated[~simulated["gate_bias"].round(6).isin([0.55, 1.05])]
    fine, sparse = reversal_figures(simulated), reversal_figures(coarse)
    assert sparse.lambda_n.value == pytest.approx(fine.lambda_n.value, abs=5e-4)
    assert sparse.lambda_p.value == pytest.approx(fine.lambda_p.value, abs=5e-4)


def test_a_unit_current_beyond_the_curves_is_refused_with_what_there_is(simulated):
    with pytest.raises(TableError, match=r"1e-05 A lies outside the n curves[\s\S]*0\.6 V"):
        reversal_figures(simulated, unit_current=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(current=-t["current"]), "magnitude"),
        (lambda t: t.assign(membrane_voltage=t["membrane_voltage"] + 3), "no membrane voltage lies between"),
        (lambda t: t.iloc[:3], "3 points in the window"),
        (lambda t: t.assign(polarity="p"), "no rows with polarity = 'n'"),
    ],
)
def test_curves_that_cannot_be_fitted_are_refused(change, words):
    table = table_of(ReversalSynapse(polarity="n", reversal_coefficient=0.4), BIASES[:1])
    with pytest.raises(TableError, match=words):
        ReversalSynapse.fit(change(table), CurveSelection("n"))


def test_near_current_takes_the_nearest_curve(simulated):
    fit = ReversalSynapse.fit(simulated, CurveSelection("n", near_current=122e-9))
    assert fit.provenance["gate_biases"] == [0.55]


@pytest.mark.parametrize("settings", [{"polarity": "nmos"}, {"polarity": "n", "voltage_scale": 0.0}])
def test_settings_that_make_no_synapse_are_refused(settings):
    with pytest.raises(ParameterError):
        ReversalSynapse(reversal_coefficient=0.4, **settings)
