"""Gate laws: recovery of known ones, the inverse, and its limits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import FitError, MappingError
from cimspice.fit import CurveSelection, ModelRangeWarning, Range, Ranges, read_measured
from cimspice.fit.table import SYNAPSE
from cimspice.neuron.model.ekv import EkvGateLaw
from cimspice.neuron.model.gate_law import PolynomialGateLaw
from cimspice.neuron.model.synapse import ReversalSynapse

SIMULATED = Path(__file__).parent / "data" / "synapse_tt_27.csv"
BIASES = {"n": np.linspace(0.4, 0.7, 13), "p": np.linspace(1.0, 1.3, 13)}
TRUTH = {"n": (-14.0, 0.6, 0.036), "p": (-14.5, 1.1, 0.04)}


def ekv(polarity):
    low, high = BIASES[polarity][[0, -1]]
    specific, threshold, slope = TRUTH[polarity]
    return EkvGateLaw(
        polarity=polarity,
        log_specific_current=specific,
        threshold=threshold,
        thermal_slope=slope,
        ranges=Ranges({"gate_bias": Range(low, high, "V")}),
    )


def table_of(polarity, noise=0.0, seed=0, biases=None):
    generator = np.random.default_rng(seed)
    synapse = ReversalSynapse(polarity=polarity, reversal_coefficient=0.4)
    volts = np.linspace(0.45, 1.35, 10)
    frames = []
    for bias in BIASES[polarity] if biases is None else biases:
        at_reset = float(np.exp(ekv(polarity).log_current(bias) + noise * generator.normal()))
        frames.append(
            pd.DataFrame(
                {"gate_bias": bias, "membrane_voltage": volts, "current": synapse.current(at_reset, volts)}
            )
        )
    return pd.concat(frames, ignore_index=True).assign(polarity=polarity)


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_a_known_law_is_recovered_from_its_curves(polarity):
    fit = EkvGateLaw.fit(table_of(polarity), CurveSelection(polarity))
    np.testing.assert_allclose(list(fit.model.parameters().values()), TRUTH[polarity], rtol=1e-8)


def test_intervals_cover_the_truth_at_95_percent():
    inside, trials = np.zeros(3), 200
    for seed in range(trials):
        fit = EkvGateLaw.fit(table_of("n", 0.01, seed), CurveSelection("n"))
        ends = np.array([estimate.interval for estimate in fit.estimates.values()])
        inside += (ends[:, 0] <= TRUTH["n"]) & (TRUTH["n"] <= ends[:, 1])
    np.testing.assert_allclose(inside / trials, 0.95, atol=4 * 0.0154)


def test_weak_inversion_alone_does_not_separate_threshold_from_specific_current():
    biases = np.linspace(0.20, 0.32, 8)
    fit = EkvGateLaw.fit(table_of("n", 0.02, 1, biases), CurveSelection("n"))
    assert not fit.identifiable
    assert fit.estimates["thermal_slope"].identifiable


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_slopes_are_derivatives(polarity):
    law = ekv(polarity)
    bias, step = BIASES[polarity][1:-1], 1e-6
    np.testing.assert_allclose(
        law.log_slope(bias),
        (law.log_current(bias + step) - law.log_current(bias - step)) / (2 * step),
        rtol=1e-7,
    )
    polynomial = PolynomialGateLaw.fit(table_of(polarity), CurveSelection(polarity)).model
    np.testing.assert_allclose(polynomial.log_slope(bias), law.log_slope(bias), rtol=1e-4)


@given(fraction=st.floats(0, 1), polarity=st.sampled_from(["n", "p"]))
def test_the_inverse_gives_back_the_current(fraction, polarity):
    law = ekv(polarity)
    low, high = law.smallest[0], law.largest[0]
    current = low * (high / low) ** fraction
    assert law.current(law.gate_bias(current)) == pytest.approx(current, rel=1e-11)


@pytest.mark.parametrize(("polarity", "largest_at"), [("n", 0.7), ("p", 1.0)])
def test_a_current_beyond_the_largest_is_refused_with_the_limit(polarity, largest_at):
    law = ekv(polarity)
    current, bias = law.largest
    assert bias == pytest.approx(largest_at)
    with pytest.raises(MappingError) as caught:
        law.gate_bias([current / 2, current * 1.01])
    assert f"the largest current is {current:.6g} A at {bias:.6g} V" in str(caught.value)


@pytest.mark.parametrize("current", [0.0, -1e-9, np.nan])
def test_a_current_that_no_bias_gives_is_refused(current):
    with pytest.raises(MappingError, match="smallest current is"):
        ekv("n").gate_bias(current)


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_sky130_is_followed_to_a_tenth_of_a_percent(polarity):
    table = read_measured(SIMULATED, SYNAPSE)
    fit = PolynomialGateLaw.fit(table, CurveSelection(polarity), degree=5)
    assert fit.residual.percent < 0.1
    at_reset = table[(table["polarity"] == polarity) & (table["order"] == "memory_at_membrane")]
    near = at_reset[np.isclose(at_reset["membrane_voltage"], 1.28)]
    np.testing.assert_allclose(fit.model.current(near["gate_bias"]), near["current"], rtol=0.02)


def test_a_gate_bias_outside_the_range_warns_with_the_range():
    with pytest.warns(ModelRangeWarning, match=r"ekv_gate_law: gate_bias .* 0\.4 to 0\.7 V"):
        ekv("n").current([0.5, 0.8])


def test_a_law_that_is_not_monotone_is_refused():
    table = table_of("n")
    bias = table["gate_bias"].to_numpy()
    mirrored = table.assign(gate_bias=np.round(1.1 - bias, 9), polarity="n")
    with pytest.raises(FitError, match="not monotone"):
        PolynomialGateLaw.fit(mirrored, CurveSelection("n"))


def test_too_few_biases_for_the_degree_are_refused():
    table = table_of("n", biases=BIASES["n"][:3])
    with pytest.raises(FitError, match="3 observations cannot determine 9 parameters"):
        PolynomialGateLaw.fit(table, CurveSelection("n"))
    with pytest.raises(FitError, match="several gate biases"):
        PolynomialGateLaw.fit(table_of("n", biases=[0.5]), CurveSelection("n"))
