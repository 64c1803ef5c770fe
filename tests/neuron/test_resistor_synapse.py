"""The resistor synapse on the real device models: its rails, its parasitics, and whole networks of it."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.neuron.characterisation.tables import characterise_neuron
from cimspice.neuron.circuit.circuit import resistor_circuit
from cimspice.neuron.circuit.network import (
    OPTIONS,
    LayerProgramming,
    NetworkParameters,
    network_analysis,
    network_netlist,
    read_network,
)
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.model.build import neuron_model
from cimspice.neuron.model.simplify import Terms, reversal_slopes, simplify
from cimspice.spice import simulate

pytestmark = pytest.mark.spice

CIRCUIT = resistor_circuit()
SIZE = 3


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return characterise_neuron(
        CIRCUIT,
        [(SIZE, SIZE), (SIZE, 0)],
        workers=2,
        store=tmp_path_factory.mktemp("store") / "points.sqlite",
    )


@pytest.fixture(scope="module")
def model(tables):
    return neuron_model(tables, phase=CIRCUIT.phase, rest_voltage=CIRCUIT.rest_voltage)


@pytest.mark.parametrize(("polarity", "rail"), [("n", 0.0), ("p", CIRCUIT.supply)])
def test_reversal_potentials_are_the_rails(model, polarity, rail):
    # the line through the currents between V_switch and the rails meets zero at the rail, at every length
    slopes = reversal_slopes(model.synapses[polarity], (0.43, 1.36))
    distance = 1 / slopes
    np.testing.assert_allclose(distance, abs(rail - CIRCUIT.rest_voltage), rtol=3e-3)


def test_selectors_are_small_against_the_shortest_resistor(tables):
    # a resistor's own length dependence is linear: what the line through the long ones misses is the selector
    rows = tables["current"]
    for polarity, rail in (("n", 0.0), ("p", CIRCUIT.supply)):
        one = rows[
            (rows["polarity"] == polarity) & np.isclose(rows["membrane_voltage"], CIRCUIT.rest_voltage)
        ]
        one = one.sort_values("program")
        resistance = abs(rail - CIRCUIT.rest_voltage) / one["current"].to_numpy()
        per_metre = np.diff(resistance[-2:]) / np.diff(one["program"].to_numpy()[-2:])
        rest = resistance[0] - per_metre * one["program"].to_numpy()[0]
        assert np.all(np.abs(rest) < 0.03 * resistance[0])


def test_lengths_span_small_and_large_weights(model):
    for synapse in model.synapses.values():
        weights = synapse.rest_current / model.unit_current(SIZE)
        assert weights.min() < 0.02
        assert weights.max() > 2.9


def test_near_end_is_half_of_the_process_capacitance(model):
    # the PDK: 0.106 fF/um2 under a resistor of 0.35 um drawn, 0.294 um real width, 2.08 um of heads
    for synapse in model.synapses.values():
        length = synapse.internal_node.program * 1e6
        expected = 0.5 * 0.106e-15 * 0.294 * (length + 2.08)
        np.testing.assert_allclose(synapse.internal_node.near, expected, rtol=5e-3)


def test_currents_in_a_transient_are_those_at_rest(tables, model):
    # the PDK's resistor has a second operating point at tens of volts, with milliamperes
    injection = tables["injection"]
    for polarity, synapse in model.synapses.items():
        rows = injection[injection["polarity"] == polarity]
        expected = synapse.current(rows["program"].to_numpy(), rows["membrane_voltage"].to_numpy())
        np.testing.assert_allclose(rows["static_current"], expected, rtol=2e-3, atol=2e-9)


def test_ramp_brings_an_empty_membrane_to_the_end_of_the_phase(model):
    rest = model.rest_voltage + model.reset_step[SIZE]
    for readout in model.readouts.values():
        assert readout.time(np.array(rest)) == pytest.approx(CIRCUIT.phase, rel=1e-3)


def random_network(model, seed) -> NetworkParameters:
    random = np.random.default_rng(seed)
    unit, layers = model.unit_current(SIZE), []
    for fan_out in (SIZE, 0):
        polarity = random.choice([-1, 1], (SIZE, SIZE), p=[0.4, 0.6])
        polarity[0, 0] = 0
        current = random.uniform(0.05, 1.5, (SIZE, SIZE)) * unit
        program = np.where(
            polarity == 1,
            model.synapses["n"].program_for(current),
            model.synapses["p"].program_for(current),
        )
        layers.append(
            LayerProgramming(
                ramp_bias=model.readouts[SIZE, fan_out].ramp_bias, polarity=polarity, program=program
            )
        )
    return NetworkParameters(circuit=CIRCUIT, programming=tuple(layers), spikes=random.random(SIZE))


def emulated(model, network) -> list[np.ndarray]:
    times = np.array(network.spikes)[None] * CIRCUIT.phase + model.driver_delay[SIZE]
    outputs = []
    for layer, fan_out in zip(network.programming, (SIZE, 0), strict=True):
        _, times = NeuronLayer(model, np.array(layer.polarity), np.array(layer.program), fan_out)(times)
        outputs.append(times[0])
    return outputs


def test_random_network_spikes_when_the_circuit_does(model):
    networks = (random_network(model, seed) for seed in range(100))
    network = next(
        n for n in networks if all((times < CIRCUIT.phase).sum() >= 2 for times in emulated(model, n))
    )
    waveforms = simulate(network_netlist(network), network_analysis(network), options=OPTIONS, flat=True)
    circuit = read_network(network, waveforms).spikes
    fired = [times < CIRCUIT.phase for times in circuit]
    assert all(layer.sum() >= 2 for layer in fired)
    for times, expected in zip(emulated(model, network), circuit, strict=True):
        np.testing.assert_allclose(times, expected, rtol=0, atol=0.15e-9)
    # without the internal nodes and each neuron's own capacitance it is another circuit
    blind = emulated(simplify(model, Terms(capacitance=False)), network)
    assert (
        max(np.abs(times - expected).max() for times, expected in zip(blind, circuit, strict=True)) > 0.5e-9
    )
