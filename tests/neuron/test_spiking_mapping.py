"""Weights to gate biases and back, on a model with an analytic exponential gate law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cimspice.errors import MappingError
from cimspice.neuron.mapping import map_layer, realised_weights
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse_currents import SynapseModel

CAPACITANCE, PHASE, REST, SWITCH = 140e-15, 1e-6, 1.3, 0.43
UNIT = CAPACITANCE * (REST - SWITCH) / PHASE
VOLTAGE = np.linspace(-0.1, 1.9, 41)


def _synapse(polarity: str, bias: np.ndarray, at_rest: np.ndarray) -> SynapseModel:
    distance = (VOLTAGE - REST) * (1 if polarity == "n" else -1)
    current = SeparableTable(bias, VOLTAGE, at_rest[:, None] * (1 + 0.4 * distance), at_rest)
    idle = SeparableTable(bias, VOLTAGE, np.zeros((len(bias), len(VOLTAGE))), np.ones(len(bias)))
    return SynapseModel(polarity, REST, current, idle, VOLTAGE, np.zeros_like(VOLTAGE))


@pytest.fixture(scope="module")
def model() -> NeuronModel:
    n_bias, p_bias = np.linspace(0.3, 0.8, 21), np.linspace(0.8, 1.4, 25)
    return NeuronModel(
        phase=PHASE,
        rest_voltage=REST,
        switch_voltage=SWITCH,
        synapses={
            "n": _synapse("n", n_bias, UNIT * np.exp((n_bias - 0.55) / 0.06)),
            "p": _synapse("p", p_bias, UNIT * np.exp((1.05 - p_bias) / 0.09)),
        },
        edges={},
        driver_delay={},
        capacitance_voltage=VOLTAGE,
        capacitance=np.full_like(VOLTAGE, CAPACITANCE),
        leakage=np.zeros_like(VOLTAGE),
        reset_step={},
        readouts={},
    )


def test_gate_bias_of_a_weight_is_that_of_the_analytic_gate_law(model: NeuronModel) -> None:
    mapping = map_layer(model, np.array([[1.0, 0.3, -0.5]]))
    expected = [0.55, 0.55 + 0.06 * np.log(0.3), 1.05 - 0.09 * np.log(0.5)]
    np.testing.assert_allclose(mapping.program[0], expected, atol=1e-6)
    np.testing.assert_array_equal(mapping.polarity, [[1, 1, -1]])


@settings(max_examples=60, deadline=None)
@given(
    weights=arrays(float, (3, 4), elements=st.floats(-3, 3)),
    plus=st.floats(0.7, 1.3),
    minus=st.floats(0.7, 1.3),
)
def test_what_is_neither_clipped_nor_dropped_is_realised(
    model: NeuronModel, weights: np.ndarray, plus: float, minus: float
) -> None:
    mapping = map_layer(model, weights, scale_plus=plus, scale_minus=minus)
    scaled = np.where(weights >= 0, weights * plus, weights * minus)
    good = ~(mapping.clipped | mapping.dropped)
    np.testing.assert_allclose(mapping.realised[good], scaled[good], rtol=1e-6, atol=1e-12)
    assert np.all(mapping.realised[mapping.dropped] == 0)
    assert np.all(np.abs(mapping.realised[mapping.clipped]) < np.abs(scaled[mapping.clipped]))
    np.testing.assert_allclose(realised_weights(model, mapping.polarity, mapping.program), mapping.realised)


def test_zero_weight_places_no_synapse_and_is_not_reported(model: NeuronModel) -> None:
    mapping = map_layer(model, np.zeros((2, 3)))
    assert not mapping.polarity.any()
    assert not mapping.dropped.any()


def test_weight_beyond_the_largest_current_is_clipped_and_reported_or_refused_by_name(
    model: NeuronModel,
) -> None:
    weights = np.array([[0.1, 500.0]])
    mapping = map_layer(model, weights)
    np.testing.assert_array_equal(mapping.clipped, [[False, True]])
    assert mapping.program[0, 1] == pytest.approx(0.8)
    with pytest.raises(MappingError, match=r"weight 500 needs .* the largest n-current"):
        map_layer(model, weights, beyond="raise")


def test_weight_below_the_smallest_current_is_left_out_and_reported(model: NeuronModel) -> None:
    mapping = map_layer(model, np.array([[1e-4, -1.0]]))
    np.testing.assert_array_equal(mapping.dropped, [[True, False]])
    assert mapping.polarity[0, 0] == 0


@pytest.mark.parametrize("weights", [np.array([1.0]), np.array([[np.nan]]), np.array([[np.inf]])])
def test_weights_that_are_no_finite_matrix_are_refused(model: NeuronModel, weights: np.ndarray) -> None:
    with pytest.raises(MappingError, match="finite"):
        map_layer(model, weights)
