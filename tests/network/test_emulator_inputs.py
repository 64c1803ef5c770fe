"""Every emulator refuses what does not fit, with place and remedy; what it keeps is its own copy."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from neuron.neuron_layers import PHASE, programmed, synthetic
from sram_lines import hand_made

from cimspice.arrays import ClippedWarning
from cimspice.converter.model.converter import SignedConverter
from cimspice.crossbar.family import circuit
from cimspice.errors import CimspiceError, ParameterError
from cimspice.network import CircuitNetwork, dense_network, map_network
from cimspice.network.decisions import agreement, share_right, strongest
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.rram import Vteam, WriteScheme
from cimspice.rram.model.cell import WritePulse
from cimspice.sram.emulator.ideal_read import IdealRead
from cimspice.sram.emulator.layer import SramLayer
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.learning import LearningNetwork, LearningRule
from cimspice.sram.emulator.periphery import Periphery
from cimspice.sram.emulator.read import Cells, MultiRowRead
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.mapping.pulses import power_codes
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.variation import CellVariation

NAN, INF = np.nan, np.inf
FEATURES, CLASSES = 3, 2
WEIGHTS = np.array([[0.5, -0.2, 0.3], [0.1, 0.4, -0.3]])
POLARITY, PROGRAM = programmed(WEIGHTS)
FORM = WordFormat(2, 2)


def spiking(method="exact"):
    return SpikingNetwork([SpikingLayer(WEIGHTS, 2.8, -1.5, method=method)])


def neurons():
    return NeuronNetwork(synthetic(), [POLARITY], [PROGRAM])


def dense(weights=WEIGHTS):
    return dense_network("one", [weights], [np.zeros(CLASSES)])


def tiled() -> CircuitNetwork:
    return map_network(dense(), np.ones((1, FEATURES)), circuit(tile=2))


def accuracy(network, x, labels) -> float:
    return share_right(strongest(network.outputs(x)), labels, CLASSES)


def design(**changes) -> LayerDesign:
    given = {"pulses": power_codes(FORM.slice_bits, 15)} | changes
    return LayerDesign(IdealRead(1e-3), Periphery(), FORM, **given)


def learning() -> LearningNetwork:
    words = np.random.default_rng(0).integers(0, 16, (1, CLASSES, FEATURES + 1))
    return LearningNetwork([SramLayer(design(), words)], np.random.default_rng(1))


EMULATORS = {
    "spiking": lambda: spiking(),
    "spiking compiled": lambda: spiking("compiled"),
    "spiking dstd": lambda: spiking("dstd"),
    "neurons": lambda: lambda x: neurons()(x)[-1][1],
    "dense": lambda: dense().outputs,
    "tiles": lambda: tiled().outputs,
    "sram": lambda: lambda x: learning().forward(np.asarray(x)[None]).outputs[-1][0],
}
SIGNED = {"dense"}
"""Networks without a circuit: a negative number is an input like any other."""
GOOD = np.array([[0, 1, 0], [1, 0, 1]])
BAD = {
    "a surplus column": np.ones((2, FEATURES + 1)),
    "a missing column": np.ones((2, FEATURES - 1)),
    "one column": np.ones((FEATURES, 1)),
    "one sample without its axis": np.ones(FEATURES),
    "a number": 1.0,
    "three axes": np.ones((2, 1, FEATURES)),
    "nan": np.where(GOOD == 1, NAN, 0.5),
    "minus infinity": np.where(GOOD == 1, -INF, 0.5),
    "a negative number": np.where(GOOD == 1, -0.1, 0.5),
    "complex numbers": GOOD + 0j,
    "text": GOOD.astype(str),
    "objects": np.full(GOOD.shape, None),
    "rows of unequal length": [[0, 1, 0], [1, 0]],
    "masked values": np.ma.masked_equal(GOOD, 1),
}


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("bad", BAD)
def test_inputs_that_do_not_fit_are_refused(emulator, bad):
    if bad == "a negative number" and emulator in SIGNED:
        pytest.skip("no circuit")
    if bad in ("rows of unequal length", "masked values") and emulator == "sram":
        pytest.skip("the test's own axis of chips is not made of them")
    with pytest.raises(CimspiceError) as refused:
        EMULATORS[emulator]()(BAD[bad])
    assert refused.value.place
    assert refused.value.remedy


@pytest.mark.parametrize("emulator", EMULATORS)
def test_no_samples_give_an_empty_result(emulator):
    assert np.shape(EMULATORS[emulator]()(np.zeros((0, FEATURES), int))) == (0, CLASSES)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_marks_that_are_bools_are_the_numbers_0_and_1(emulator):
    run = EMULATORS[emulator]()
    np.testing.assert_array_equal(run(GOOD == 1), run(GOOD))


@pytest.mark.parametrize("labels", [[[0], [1]], [0, -1], [0, CLASSES], [0.5, 1], [0, NAN], ["0", "1"], [0]])
@pytest.mark.parametrize("network", [dense, tiled])
def test_labels_that_are_no_classes_of_these_samples_are_refused(network, labels):
    with pytest.raises(ParameterError, match="labels"):
        accuracy(network(), GOOD, labels)


def test_accuracy_counts_each_sample_once_and_none_is_no_accuracy():
    x, right = np.array([[1, 0, 0], [0, 1, 0]]), np.array([0, 1])
    for network in (dense(), tiled()):
        assert accuracy(network, x, right) == 1.0
        assert accuracy(network, x, [0, 0]) == 0.5
        with pytest.raises(ParameterError, match="no samples"):
            accuracy(network, x[:0], right[:0])


def test_silent_networks_decide_nothing():
    assert spiking().decisions(np.ones((3, FEATURES))).tolist() == [-1] * 3
    assert spiking().decisions(np.zeros((1, FEATURES)), classes=1).tolist() == [0]
    for network in (dense(), tiled()):
        assert accuracy(network, np.zeros((4, FEATURES)), np.zeros(4, int)) == 0.0
    for classes in (0, -1, 3, 1.5, True):
        with pytest.raises(ParameterError, match="classes"):
            spiking().decisions(np.zeros((1, FEATURES)), classes)


def test_what_the_caller_does_with_his_arrays_later_changes_nothing():
    weights, e_plus, initial = WEIGHTS.copy(), np.array([[2.8]]), np.zeros(CLASSES)
    layer = SpikingLayer(weights, e_plus, -1.5, initial=initial)
    times = np.full((1, FEATURES), 0.25)
    before = layer(times)
    polarity, program = POLARITY.copy(), PROGRAM.copy()
    circuit = NeuronLayer(synthetic(), polarity, program)
    fired = circuit(times * PHASE)[1]
    mine, bias = WEIGHTS.copy(), np.zeros(CLASSES)
    kept = dense_network("one", [mine], [bias])
    for array in (weights, e_plus, initial, polarity, program, mine, bias):
        array[...] = 1
    np.testing.assert_array_equal(layer(times), before)
    np.testing.assert_array_equal(layer.conductance, SpikingLayer(WEIGHTS, 2.8, -1.5).conductance)
    np.testing.assert_array_equal(circuit(times * PHASE)[1], fired)
    np.testing.assert_array_equal(kept.outputs(GOOD), dense().outputs(GOOD))
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0, 0] = 0.0


def test_inputs_beyond_what_word_lines_take_are_counted():
    network = tiled()
    trace = network.trace(3.0 * GOOD)
    assert trace.clipped == {"dense1": 3}
    np.testing.assert_allclose(trace.outputs, network.outputs(GOOD), rtol=1e-12)
    assert network.trace(GOOD).clipped == {"dense1": 0}
    with pytest.warns(ClippedWarning, match="1 of 3 weights"):
        assert FORM.words([-1.0, 0.99, 7.0]).tolist() == [0, 15, 15]


def test_voltages_beyond_the_converter_are_counted():
    layer = learning().layers[0]
    converter = layer.design.periphery.converter
    ends = converter.value(np.array([converter.smallest_code, converter.largest_code]))
    assert layer.codes(ends.reshape(2, 1)).tolist() == [[converter.smallest_code], [converter.largest_code]]
    assert layer.saturated == 0
    layer.codes(2 * ends.reshape(2, 1))
    assert layer.saturated == 2


REFUSED = {
    "SpikingLayer initial nan": lambda: SpikingLayer(WEIGHTS, initial=NAN),
    "SpikingLayer initial of another width": lambda: SpikingLayer(WEIGHTS, initial=[0, 0, 0])(GOOD),
    "SpikingLayer weights complex": lambda: SpikingLayer(WEIGHTS + 0j),
    "SpikingLayer e_plus nan": lambda: SpikingLayer(WEIGHTS, NAN),
    "SpikingLayer instants": lambda: SpikingLayer(WEIGHTS).membrane_trace(GOOD, [NAN]),
    "Ramp nan": lambda: Ramp(NAN),
    "Ramp inverse beyond the phase": lambda: Ramp().membrane(np.array([1.5])),
    "Discretisation 2.5 steps": lambda: Discretisation(2.5),
    "Discretisation True": lambda: Discretisation(True),
    "NeuronLayer step -1": lambda: NeuronLayer(synthetic(), POLARITY, PROGRAM, step=-1),
    "NeuronLayer step nan": lambda: NeuronLayer(synthetic(), POLARITY, PROGRAM, step=NAN),
    "NeuronLayer program nan": lambda: NeuronLayer(synthetic(), POLARITY, PROGRAM * NAN),
    "NeuronLayer polarity 0.5": lambda: NeuronLayer(synthetic(), POLARITY * 0.5, PROGRAM),
    "NeuronLayer fan_out 0.5": lambda: NeuronLayer(synthetic(), POLARITY, PROGRAM, 0.5),
    "NeuronLayer voltages": lambda: NeuronLayer(synthetic(), POLARITY, PROGRAM).fire([[NAN, 0]], GOOD[:1]),
    "NeuronNetwork fewer programs": lambda: NeuronNetwork(synthetic(), [POLARITY] * 2, [PROGRAM]),
    "NeuronNetwork that does not chain": lambda: NeuronNetwork(synthetic(), [POLARITY] * 2, [PROGRAM] * 2),
    "layers that do not chain": lambda: dense_network("two", [WEIGHTS, WEIGHTS], [np.zeros(2)] * 2),
    "biases nan": lambda: dense_network("one", [WEIGHTS], [np.full(2, NAN)]),
    "tile of three numbers": lambda: circuit(tile=(4, 4, 4)),
    "calibration of another width": lambda: map_network(dense(), np.ones((2, 4)), circuit()),
    "positions nan": lambda: read(positions=[NAN, 0.5]),
    "positions beyond the line": lambda: read(positions=[0.5, 1.5]),
    "two rows at one position": lambda: read(positions=[0.5, 0.5]),
    "codes nan": lambda: read(codes=[NAN, 1]),
    "codes as text": lambda: read(codes=["1", "2"]),
    "bits nan": lambda: read(bits=[NAN, 1]),
    "cells nan": lambda: Cells(np.full((2, 2), NAN), np.zeros((2, 2))),
    "trip voltages of another shape": lambda: Cells(np.zeros((2, 2)), np.zeros((1, 2))),
    "IdealRead negative code": lambda: IdealRead(1e-3)(np.array([-1]), np.array([1])),
    "LayerDesign charge_limit nan": lambda: design(charge_limit=NAN),
    "LayerDesign pulse 0": lambda: design(pulses=[[0, 1]]),
    "LayerDesign pulse -1": lambda: design(pulses=[[1, -1]]),
    "LayerDesign pulse 1.5": lambda: design(pulses=[[1, 1.5]]),
    "LayerDesign open_groups 0": lambda: design(open_groups=0),
    "Periphery temperature": lambda: Periphery(temperature=NAN),
    "LearningRule rate nan": lambda: LearningRule(rate=NAN),
    "LearningRule rate inf": lambda: LearningRule(rate=INF),
    "LearningRule negative": lambda: LearningRule(hidden_rate=-0.1),
    "LearningRule margin": lambda: LearningRule(margin=NAN),
    "LearningRule period": lambda: LearningRule(stuck_period=1.5),
    "LearningRule slowed": lambda: LearningRule().slowed(NAN),
    "label -1": lambda: learning().step(GOOD[:1], [-1]),
    "label beyond": lambda: learning().step(GOOD[:1], [CLASSES]),
    "labels (n, 1)": lambda: learning().step(GOOD[:1], [[0]]),
    "words of another shape": lambda: learning().layers[0].write(np.zeros((1, 1, 4), int)),
    "cells of other words": lambda: SramLayer(design(), np.zeros((1, 2, 4), int), cells=other_cells()),
    "Vteam with R_on above R_off": lambda: Vteam.published(resistance_on=2e3),
    "Vteam made beyond its bounds": lambda: replace(Vteam.published(), window=-1.0),
    "forming from high to low": lambda: WriteScheme(form_word_line=(2.0, 1.4)),
    "forming nan": lambda: WriteScheme(form_bit_line=(NAN, 3.1)),
    "forming of one level": lambda: WriteScheme(form_bit_line=(3.1,)),
    "WriteScheme bit line nan": lambda: WriteScheme(set_bit_line=NAN),
    "WriteScheme 2.5 pulses": lambda: WriteScheme(largest_count=2.5),
    "WritePulse text": lambda: WritePulse("1.4"),
    "SignedConverter offset nan": lambda: SignedConverter.ideal()(0.01, offset=NAN),
    "SignedConverter noise": lambda: replace(SignedConverter.ideal(), noise_sigma=-1.0),
    "IdealRead that charges": lambda: IdealRead(-1e-3),
    "Vteam text": lambda: Vteam.published(window="0.01"),
    "Vteam state beyond": lambda: Vteam.published().conductance(1.5),
    "Vteam read at 0 V": lambda: Vteam.published().conductance(0.5, 0.0),
    "agreement of other samples": lambda: agreement(np.zeros(2, int), np.zeros(3, int)),
    "agreement of none": lambda: agreement([], []),
    "the strongest of nan": lambda: strongest([[NAN, 1.0]]),
    "BitLines nan": lambda: hand_made(coupling=NAN),
    "BitLines without capacitance": lambda: hand_made(capacitance=0.0),
    "BitLines corrections": lambda: hand_made(width_correction=[NAN]),
    "CellCurrents uneven": lambda: CellCurrents([0, 1, 3], [0, 1], np.ones((3, 2)), np.ones((3, 2))),
    "CellCurrents nan": lambda: CellCurrents([0, 1], [0, 1], np.full((2, 2), NAN), np.ones((2, 2))),
    "CellVariation shape": lambda: CellVariation(np.zeros(4), np.zeros((3, 3))),
}


def other_cells() -> Cells:
    return Cells(*np.zeros((2, 1, 2, 4, 2, 1, 2)))


def read(codes=(1, 2), bits=(0, 1), positions=None):
    given = None if positions is None else np.array(positions)
    return MultiRowRead(hand_made())(np.array(codes), np.array(bits), positions=given)


@pytest.mark.parametrize("case", REFUSED)
def test_parameters_that_no_circuit_has_are_refused(case):
    with pytest.raises(CimspiceError) as refused:
        REFUSED[case]()
    assert refused.value.remedy


def test_models_of_different_corners_or_temperatures_do_not_mix():
    lines = replace(hand_made(), corner="ss", temperature=85.0)
    around = Periphery(temperature=85.0, corner="ss")
    assert made_of(lines, around).read.lines.corner == "ss"
    for other in (replace(around, corner="tt"), replace(around, temperature=27.0)):
        with pytest.raises(ParameterError, match=r"different (corner|temperature)s: lines .*, periphery"):
            made_of(lines, other)
    pair = [SramLayer(made_of(lines, around), np.zeros((1, 2, 4), int))]
    cold = made_of(replace(lines, temperature=27.0), replace(around, temperature=27.0))
    pair.append(SramLayer(cold, np.zeros((1, 2, 3), int)))
    with pytest.raises(ParameterError, match=r"layer 0 85\.0, layer 1 27\.0"):
        LearningNetwork(pair, np.random.default_rng(0))


def made_of(lines, around) -> LayerDesign:
    return LayerDesign(MultiRowRead(lines), around, FORM, power_codes(FORM.slice_bits, 15))


def test_a_neuron_of_another_corner_is_not_compared_with_the_circuit():
    from cimspice.neuron.characterisation.card import Conditions
    from cimspice.neuron.validation.mapped import programmed as mapped_for
    from cimspice.neuron.validation.network import validate

    model = replace(synthetic(), corner="ss", temperature=27.0)
    with pytest.raises(ParameterError, match="mapped for ss, simulated tt"):
        validate(Conditions(), mapped_for(model, [WEIGHTS]), GOOD, GOOD)
    with pytest.raises(ParameterError, match="corner"):
        replace(model, corner=SimpleNamespace())
