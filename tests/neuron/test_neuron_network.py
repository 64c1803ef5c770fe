"""The network's netlist for any size, programming and sample."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.errors import ParameterError
from cimspice.neuron.circuit.circuit import NeuronCircuit, resistor_circuit
from cimspice.neuron.circuit.network import (
    LayerProgramming,
    NetworkParameters,
    network_analysis,
    network_netlist,
    read_network,
)
from cimspice.spice import Waveforms

CIRCUIT = NeuronCircuit()
DRIVER, SYNAPSE, NEURON = 6, 4, 17  # transistors; six of a neuron's are its driver


@st.composite
def networks(draw, synapse="mosfet") -> NetworkParameters:
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    program = st.floats(0, 1.8) if synapse == "mosfet" else st.floats(2e-6, 900e-6)
    layers = []
    for size, neurons in pairwise(sizes):
        bias_line = draw(st.booleans())
        inputs = size + bias_line

        def matrix(elements, inputs=inputs, neurons=neurons):
            row = st.lists(elements, min_size=inputs, max_size=inputs)
            return draw(st.lists(row, min_size=neurons, max_size=neurons))

        layers.append(
            LayerProgramming(
                ramp_bias=draw(st.floats(0.3, 0.9)),
                polarity=matrix(st.sampled_from([-1, 0, 1])),
                program=matrix(program),
                bias_line=bias_line,
            )
        )
    spikes = draw(st.lists(st.floats(0, 1), min_size=sizes[0], max_size=sizes[0]))
    circuit = CIRCUIT if synapse == "mosfet" else resistor_circuit()
    return NetworkParameters(circuit=circuit, programming=layers, spikes=spikes)


def elements(text: str) -> dict[str, list[str]]:
    """Top-level elements of a netlist: name → words after it."""
    top, inside = {}, False
    for line in text.splitlines():
        words = line.split()
        if not words or line.startswith("*"):
            continue
        if words[0].lower() in (".subckt", ".ends"):
            inside = words[0].lower() == ".subckt"
        elif not inside and not words[0].startswith("."):
            assert words[0] not in top, f"two elements are called {words[0]}"
            top[words[0]] = words[1:]
    return top


def devices(text: str) -> Counter:
    """PDK devices of the whole circuit, every subcircuit unfolded."""
    bodies: dict[str, list[str]] = {"": []}
    current = ""
    for line in text.splitlines():
        words = line.split()
        if line.lower().startswith(".subckt"):
            current = words[1]
            bodies[current] = []
        elif line.lower().startswith(".ends"):
            current = ""
        elif words and words[0][0] in "xX":
            bodies[current].append(next(w for w in reversed(words) if "=" not in w))

    def unfold(name: str) -> Counter:
        total = Counter()
        for called in bodies[name]:
            total += (
                Counter([called.removeprefix("sky130_fd_pr__")]) if called not in bodies else unfold(called)
            )
        return total

    return unfold("")


def transistors(found: Counter) -> int:
    return sum(count for name, count in found.items() if "fet" in name)


def shape(parameters: NetworkParameters) -> tuple[int, int, int]:
    """Inputs and bias lines, neurons, synapses."""
    sizes, layers = parameters.layers, parameters.programming
    lines = sizes[0] + sum(layer.bias_line for layer in layers)
    return lines, sum(sizes[1:]), sum(np.size(layer.polarity) for layer in layers)


def pulse(words: list[str]) -> tuple[float, ...]:
    """PULSE's numbers: low, high, delay, rise, fall, width, period."""
    numbers = re.fullmatch(r"PULSE\((.*)\)", " ".join(words[2:]))
    assert numbers is not None
    return tuple(float(number) for number in numbers[1].split())


@settings(deadline=None, max_examples=25)
@given(networks())
def test_every_input_neuron_and_synapse_has_its_devices(parameters):
    found = devices(network_netlist(parameters).text)
    inputs, neurons, synapses = shape(parameters)
    assert transistors(found) == inputs * DRIVER + neurons * NEURON + synapses * SYNAPSE
    assert found["cap_mim_m3_1"] == neurons
    assert found["nfet_01v8_lvt"] == found["pfet_01v8_hvt"] == neurons


@settings(deadline=None, max_examples=25)
@given(networks("resistor"))
def test_resistor_synapse_is_built_only_where_there_is_a_weight(parameters):
    found = devices(network_netlist(parameters).text)
    used = sum(np.count_nonzero(layer.polarity) for layer in parameters.programming)
    inputs, neurons, _ = shape(parameters)
    assert found["res_xhigh_po"] == used
    assert transistors(found) == inputs * DRIVER + neurons * NEURON + used


@settings(deadline=None, max_examples=25)
@given(networks())
def test_every_node_is_connected_to_more_than_one_element(parameters):
    uses = Counter()
    for name, words in elements(network_netlist(parameters).text).items():
        uses.update(words[:2] if name[0] == "V" else [w for w in words[:-1] if "=" not in w])
    outputs = len(parameters.layers) - 1
    last = {f"{kind}{outputs}_{j}" for kind in "sc" for j in range(parameters.layers[-1])}
    assert {node for node, count in uses.items() if count < 2} <= last


@settings(deadline=None, max_examples=25)
@given(networks())
def test_a_spike_crosses_half_supply_at_its_time_and_ends_with_its_phase(parameters):
    top = elements(network_netlist(parameters).text)
    circuit, start = parameters.circuit, parameters.start
    for index, spike in enumerate(parameters.spikes):
        words = top[f"Vi{index}"]
        if spike == 1:
            assert words == [f"i{index}", "0", "0"]
            continue
        low, high, delay, rise, fall, width, period = pulse(words)
        assert (low, high) == (0.0, circuit.supply)
        assert delay + rise / 2 == pytest.approx(start + spike * circuit.phase, abs=1e-15)
        end = delay + rise + width + fall / 2
        if spike < 1 - circuit.edge / circuit.phase:
            assert end == pytest.approx(start + circuit.phase, abs=1e-15)
        else:  # no room for two edges: the shortest pulse there is
            assert start + circuit.phase <= end + 1e-15 <= start + circuit.phase + circuit.edge + 2e-12
        assert width > 0
        assert period > network_analysis(parameters).stop, "the pulse must not come again"


@settings(deadline=None, max_examples=25)
@given(networks())
def test_each_layer_accumulates_in_its_phase_and_fires_in_the_next(parameters):
    top = elements(network_netlist(parameters).text)
    circuit, start = parameters.circuit, parameters.start
    for layer in range(1, len(parameters.layers)):
        begins = start + (layer - 1) * circuit.phase
        _, _, delay, _, _, _, _ = pulse(top[f"Vreset{layer}"])
        assert 0 < delay == pytest.approx(begins - circuit.reset_lead)
        pulses = {
            "fire": (0.0, circuit.supply, begins + circuit.phase),
            "fire_bar": (circuit.supply, 0.0, begins + circuit.phase),
        }
        assert (f"Vbias{layer}" in top) == parameters.programming[layer - 1].bias_line
        if f"Vbias{layer}" in top:
            pulses["bias"] = (0.0, circuit.supply, begins)
        for name, (rest, active, at) in pulses.items():
            low, high, delay, rise, fall, width, _ = pulse(top[f"V{name}{layer}"])
            assert (low, high) == (rest, active)
            assert delay + rise / 2 == pytest.approx(at, abs=1e-15)
            assert delay + rise + width + fall / 2 == pytest.approx(at + circuit.phase, abs=1e-15)
        assert float(top[f"Vramp{layer}"][2]) == parameters.programming[layer - 1].ramp_bias
    assert network_analysis(parameters).stop == pytest.approx(start + len(parameters.layers) * circuit.phase)


def _biases(sign: int, program: float, off: dict[str, float]) -> dict[str, float]:
    """Gate biases of a synapse's two halves (V)."""
    return {**off, **({1: {"n": program}, -1: {"p": program}}.get(sign, {}))}


@settings(deadline=None, max_examples=25)
@given(networks())
def test_a_synapse_without_weight_is_biased_off_and_one_with_weight_carries_its_program(parameters):
    top = elements(network_netlist(parameters).text)
    off = {kind: parameters.circuit.unselected_bias(kind) for kind in ("n", "p")}
    for number, layer in enumerate(parameters.programming, 1):
        for j, (signs, programs) in enumerate(zip(layer.polarity, layer.program, strict=True)):
            for i, (sign, program) in enumerate(zip(signs, programs, strict=True)):
                name = f"{number}_{j}_{i}"
                bias = {kind: float(top[f"V{kind}{name}"][2]) for kind in ("n", "p")}
                assert bias == _biases(sign, program, off)
                membrane, spike, complement = f"m{number}_{j}", f"s{number - 1}_{i}", f"c{number - 1}_{i}"
                assert top[f"Xn{name}"] == [membrane, f"n{name}", spike, "synapse_n"]
                assert top[f"Xp{name}"] == [membrane, f"p{name}", complement, "vdd", "synapse_p"]


@settings(deadline=None, max_examples=25)
@given(networks(), st.data())
def test_digest_changes_with_any_program_polarity_bias_or_spike(parameters, data):
    digest = network_netlist(parameters).digest
    assert network_netlist(NetworkParameters(**parameters.model_dump(exclude={"layers"}))).digest == digest
    number = data.draw(st.integers(0, len(parameters.programming) - 1))
    layer = parameters.programming[number]
    j = data.draw(st.integers(0, len(layer.polarity) - 1))
    i = data.draw(st.integers(0, len(layer.polarity[0]) - 1))

    def changed(**update) -> str:
        layers = list(parameters.programming)
        layers[number] = LayerProgramming(**{**layer.model_dump(), **update})
        return network_netlist(
            NetworkParameters(circuit=parameters.circuit, programming=layers, spikes=parameters.spikes)
        ).digest

    program, polarity = np.array(layer.program), np.array(layer.polarity)
    used = polarity[j, i] != 0
    off = {kind: parameters.circuit.unselected_bias(kind) for kind in ("n", "p")}
    before = _biases(polarity[j, i], program[j, i], off)
    polarity[j, i] = data.draw(st.sampled_from([-1, 0, 1]).filter(lambda value: value != polarity[j, i]))
    # a programmed bias may be that of an unselected half: then no node of the circuit differs
    if _biases(polarity[j, i], program[j, i], off) != before:
        assert changed(polarity=polarity) != digest
    program[j, i] = data.draw(st.floats(0, 1.8).filter(lambda value: value != program[j, i]))
    assert (changed(program=program) != digest) == used  # what no synapse uses is not in the circuit
    assert changed(ramp_bias=layer.ramp_bias / 2) != digest
    spikes = (*parameters.spikes[:-1], (parameters.spikes[-1] + 1) / 2 if parameters.spikes[-1] < 1 else 0.5)
    other = NetworkParameters(circuit=parameters.circuit, programming=parameters.programming, spikes=spikes)
    assert network_netlist(other).digest != digest


GOOD = {"ramp_bias": 0.5, "polarity": [[1, -1], [0, 1]], "program": [[0.5, 1.2], [0.0, 0.4]]}


@pytest.mark.parametrize(
    "change",
    [
        {"program": [[0.5, 1.2]]},
        {"program": [[0.5], [0.5]]},
        {"program": [[0.5, 1.2], [0.5]]},
        {"polarity": [[1, -1], [1]], "program": [[0.5, 1.2], [0.5]]},
        {"polarity": [], "program": []},
        {"polarity": [1, 1], "program": [0.5, 0.5]},
        {"polarity": [[2, 0], [0, 0]]},
        {"program": [[0.5, -0.1], [0.0, 0.0]]},
        {"program": [[0.5, 2.5], [0.0, 0.0]]},
        {"program": [[0.5, float("nan")], [0.0, 0.0]]},
        {"ramp_bias": float("inf")},
        {"ramp_bias": "0.5"},
    ],
)
def test_programming_of_a_wrong_shape_or_value_is_refused(change):
    LayerProgramming(**GOOD)
    with pytest.raises(ParameterError):
        LayerProgramming(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("layers", "spikes", "message"),
    [
        (1, [0.5], "layer 1 has 2 inputs; the layer before has 1"),
        (1, [0.5] * 3, "layer 1 has 2 inputs; the layer before has 3"),
        (1, [], "spikes"),
        (0, [0.5, 0.5], "programming"),
        (1, [0.5, 1.1], "1.1"),
        (1, [0.5, -0.1], "-0.1"),
        (1, [0.5, float("nan")], "spikes"),
    ],
)
def test_sample_or_layers_that_do_not_fit_are_refused(layers, spikes, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        NetworkParameters(programming=[LayerProgramming(**GOOD)] * layers, spikes=spikes)


def test_second_layer_that_does_not_fit_the_first_is_named():
    narrow = LayerProgramming(ramp_bias=0.5, polarity=[[1]], program=[[0.5]])
    with pytest.raises(ParameterError, match="layer 2 has 1 inputs; the layer before has 2"):
        NetworkParameters(programming=[LayerProgramming(**GOOD), narrow], spikes=[0.1, 0.2])
    line = LayerProgramming(**GOOD, bias_line=True)
    with pytest.raises(ParameterError, match="layer 2 has 2 inputs; the layer before has 2 and there is a"):
        NetworkParameters(programming=[LayerProgramming(**GOOD), line], spikes=[0.1, 0.2])


def test_spikes_and_membranes_are_read_at_the_right_moments():
    """Drawn waveforms: a spike at a known time, one that never comes, one with another a phase before."""
    second = LayerProgramming(ramp_bias=0.5, polarity=[[1, 0]], program=[[0.5, 0.0]])
    parameters = NetworkParameters(programming=[LayerProgramming(**GOOD), second], spikes=[0.2, 0.4])
    start, phase = parameters.start, CIRCUIT.phase
    time = np.linspace(0, start + 3 * phase, 30201)  # 0.1 ns

    def rises(at):
        return np.interp(time, [at - 1e-9, at + 1e-9], [0.0, 1.8])

    ramp = 1.3 - 0.2e6 * (time - start)
    vectors = {
        "time": time,
        "s1_0": rises(start + 1.25 * phase),
        "s1_1": np.zeros_like(time),
        "s2_0": np.where(time < start + 1.5 * phase, rises(start + 0.7 * phase), rises(start + 2.6 * phase)),
        **dict.fromkeys(("m1_0", "m1_1", "m2_0"), ramp),
    }
    run = read_network(parameters, Waveforms("time", vectors))
    np.testing.assert_allclose(run.spikes[0], [0.25 * phase, phase], rtol=0, atol=1e-15)
    np.testing.assert_allclose(run.spikes[1], [0.6 * phase], rtol=0, atol=1e-15)
    edge = 0.2e6 * CIRCUIT.edge / 2
    np.testing.assert_allclose(run.voltages[0], 1.3 - 0.2 + edge, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.voltages[1], 1.3 - 0.4 + edge, rtol=0, atol=1e-12)
    assert [trace.shape for trace in run.membranes] == [(2, len(time)), (1, len(time))]
    assert run.time[0] == -start
