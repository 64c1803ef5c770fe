"""The network's transient against the emulator, and whether its solver options have converged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from cimspice.neuron.circuit.network import (
    OPTIONS,
    LayerProgramming,
    NetworkParameters,
    network_analysis,
    network_netlist,
    read_network,
)
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.spice import Session, SolverOptions, Tran


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session() as one:
        yield one


@pytest.fixture(scope="module")
def network(neuron) -> NetworkParameters:
    """3-2-2, both polarities in both layers, every neuron fires inside its phase."""
    weights = [np.array([[0.5, -0.35, 0.7], [-0.4, 0.8, 0.45]]), np.array([[0.9, -0.3], [-0.25, 1.1]])]
    layers = []
    for number, weight in enumerate(weights):
        inputs = weight.shape[1]
        current = np.abs(weight) * neuron.unit_current(inputs)
        program = np.where(
            weight > 0, neuron.synapses["n"].program_for(current), neuron.synapses["p"].program_for(current)
        )
        bias = neuron.readouts[inputs, 2 if number == 0 else 0].ramp_bias
        layers.append(LayerProgramming(ramp_bias=bias, polarity=np.sign(weight).astype(int), program=program))
    return NetworkParameters(programming=layers, spikes=[0.1, 0.35, 0.6])


def transient(session, network, options=OPTIONS, analysis=None):
    session.load(network_netlist(network), flat=True, options=options)
    return read_network(network, session.run(analysis or network_analysis(network)))


@pytest.fixture(scope="module")
def simulated(session, network):
    return transient(session, network)


@pytest.mark.spice
def test_emulated_spikes_are_within_half_a_nanosecond_of_the_circuit(neuron, network, simulated):
    """Of 1000 ns. The model knows only the stored characterisation of single parts, never a network."""
    emulated = NeuronNetwork(
        neuron,
        [np.array(layer.polarity) for layer in network.programming],
        [np.array(layer.program) for layer in network.programming],
    )(np.array([network.spikes]))
    for (voltage, times), circuit_times, circuit_voltage in zip(
        emulated, simulated.spikes, simulated.voltages, strict=True
    ):
        assert np.all((circuit_times > 20e-9) & (circuit_times < 0.98e-6)), (
            "a spike at its limit proves little"
        )
        assert np.ptp(circuit_times) > 20e-9
        np.testing.assert_allclose(times[0], circuit_times, rtol=0, atol=0.5e-9)
        np.testing.assert_allclose(voltage[0], circuit_voltage, rtol=0, atol=0.5e-3)


@pytest.mark.spice
def test_default_solver_options_have_converged(session, network, simulated):
    """Tolerances ten to a hundred times tighter and steps a fifth as long move no spike by 0.1 ns."""
    coarse = network_analysis(network)
    tight = transient(
        session,
        network,
        SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-8, chgtol=1e-18),
        Tran(coarse.step, coarse.stop, max_step=coarse.max_step / 5, save=coarse.save),
    )
    for mine, other in zip(tight.spikes, simulated.spikes, strict=True):
        np.testing.assert_allclose(other, mine, rtol=0, atol=0.1e-9)
    for mine, other in zip(tight.voltages, simulated.voltages, strict=True):
        np.testing.assert_allclose(other, mine, rtol=0, atol=0.2e-3)
