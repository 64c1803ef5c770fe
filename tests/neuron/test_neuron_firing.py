"""When the circuit neuron fires, against an independent solution; what its layer refuses."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_layers import (
    CAPACITANCE,
    DELAYS,
    PHASE,
    REST,
    SWITCH,
    circuit_layer,
    fall_time,
    programmed,
    synthetic,
)
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from cimspice.errors import ParameterError
from cimspice.neuron.emulator.layer import NeuronLayer


@pytest.fixture(scope="module")
def layer(neuron) -> NeuronLayer:
    polarity = np.array([[1, -1, 1], [-1, 0, 1]])
    return circuit_layer(
        neuron, polarity, neuron.unit_current(3) * np.array([[0.6, 0.4, 0.9], [1.2, 0.5, 0.25]])
    )


def fired(model, start, charge_at, ramp) -> float:
    """When a membrane that falls from ``start`` (V) and receives ``charge_at(t)`` (C) passes V_switch."""
    per_volt, bend = ramp

    def slope(t, y):
        charging = (charge_at(t * 1.0001) - charge_at(t * 0.9999)) / (2e-4 * t) / CAPACITANCE
        return [charging - (1 + bend * (y[0] - REST)) / per_volt]

    def passes(_, y):
        return y[0] - model.switch_voltage

    passes.terminal = True
    first = start + charge_at(DELAYS[0]) / CAPACITANCE
    first = brentq(lambda low: fall_time(first, low, ramp) - DELAYS[0], first - 0.1, first)
    solution = solve_ivp(
        slope, (DELAYS[0], 2 * PHASE), [first], method="DOP853", events=passes, rtol=1e-10, atol=1e-12
    )
    return solution.t_events[0][0]


@pytest.mark.parametrize("bend", [0.0, 0.35])
@pytest.mark.parametrize("weight", [0.5, -0.5])
@pytest.mark.parametrize("active", [1, 3])
def test_charge_that_synapses_drive_while_they_turn_off_moves_the_output_spike(bend, weight, active):
    ramp = (fall_time(REST, SWITCH, (1.0, bend)) ** -1 * PHASE, bend)
    off = (3e-17, 1.2e-17)
    model = synthetic(off=off, ramp=ramp)
    layer = NeuronLayer(model, *programmed([[weight] * 3]))
    times = np.where(np.arange(3) < active, 0.5, 1.0)[None] * PHASE

    def charge_at(t):
        return -np.sign(weight) * active * (off[0] + off[1] * np.log(t / DELAYS[0]))

    for start in (1.25, 0.9, 0.6):
        plain = float(model.readouts[3, 0].time(np.array(start)))
        expected = fired(model, start, charge_at, ramp)
        found = layer.fire(np.array([[start]]), times)[0, 0]
        assert abs(expected - plain) > 0.2e-9
        # on a straight ramp the shift is exact; on a bent one the model is of first order in the charge
        assert found == pytest.approx(expected, abs=(1e-3 if bend else 1e-6) * abs(expected - plain))


def test_output_is_never_later_than_the_phase(layer):
    times = layer.fire(np.linspace(-0.1, 1.9, 41)[:, None] * np.ones(2), np.zeros((41, 3)))
    assert np.all((times >= 0) & (times <= layer.model.phase))
    assert np.all(np.diff(times, axis=0) >= -1e-12)


def test_sizes_the_model_was_not_characterised_for_are_refused_by_name(neuron):
    with pytest.raises(ParameterError, match=r"\(2, 7\)") as caught:
        NeuronLayer(neuron, np.ones((2, 2), int), np.full((2, 2), 0.5), fan_out=7)(np.zeros((1, 2)))
    assert "(3, 2)" in str(caught.value)
    with pytest.raises(ParameterError, match="drivers of 5 neurons"):
        NeuronLayer(neuron, np.ones((5, 3), int), np.full((5, 3), 0.5), fan_out=2)(np.zeros((1, 3)))
    with pytest.raises(ParameterError, match="fan-in 4"):
        NeuronLayer(neuron, np.ones((2, 4), int), np.full((2, 4), 0.5), fan_out=2)(np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.zeros((1, 2)), r"shape \(1, 2\), the layer has 3 inputs"),
        (np.zeros(3), "shape"),
        (np.array([[0.0, np.nan, 0.0]]), "nan"),
        (np.array([[0.0, -1e-9, 0.0]]), "-1e-09"),
    ],
)
def test_spike_times_that_are_none_are_refused(layer, times, message):
    with pytest.raises(ParameterError, match=message):
        layer(times)


@pytest.mark.parametrize(
    ("polarity", "program", "message"),
    [
        (np.ones((2, 3), int), np.full((2, 2), 0.5), "shape"),
        (np.ones(3, int), np.full(3, 0.5), "shape"),
        (np.full((2, 3), 2), np.full((2, 3), 0.5), "polarity"),
        (np.ones((2, 3), int), np.full((2, 3), 0.2), "0.2"),  # below the characterised gate biases
        (np.ones((2, 3), int), np.full((2, 3), np.nan), "nan"),
    ],
)
def test_programming_that_the_tables_do_not_cover_is_refused(neuron, polarity, program, message):
    with pytest.raises(ParameterError, match=message):
        NeuronLayer(neuron, polarity, program, fan_out=2)(np.zeros((1, 3)))
