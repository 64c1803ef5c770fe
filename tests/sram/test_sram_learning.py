"""The learning array computes what its words say, both ways, on many chips, and refuses what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sram_lines import hand_made

from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import MappingError, ParameterError
from cimspice.sram.emulator.ideal_read import IdealRead
from cimspice.sram.emulator.layer import SramLayer
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.learning import LearningNetwork, random_words
from cimspice.sram.emulator.periphery import Periphery, PeripherySpread
from cimspice.sram.emulator.read import Cells, MultiRowRead
from cimspice.sram.emulator.stuck import StuckFlags
from cimspice.sram.mapping.format import WordFormat, stochastic_rounding
from cimspice.sram.mapping.pulses import compensated_codes, power_codes
from cimspice.sram.model.multiplier import ChargeMultiplier

UNIT = 2.0**-8  # V; powers of two, so that whole numbers stay whole in floating point
CHIPS, GROUPS, COLUMNS, SAMPLES = 3, 3, 4, 5


def exact_design(form, factors=1, step=UNIT / 64):
    """No error anywhere: one converter step is one unit of word times input over 16 times 4 columns."""
    converter = SignedConverter.ideal(16, step * 2**15)
    return LayerDesign(
        IdealRead(UNIT),
        Periphery(converter=converter),
        form,
        power_codes(form.slice_bits, 15, factors=factors),
    )


def real_design():
    form = WordFormat(4, 2)
    lines = hand_made()
    periphery = Periphery(
        multiplier=replace(ChargeMultiplier.ideal(), gain_sigma=0.02, offset_sigma=1e-3),
        converter=replace(SignedConverter.ideal(6, 0.1), offset_sigma=2e-3, noise_sigma=1e-3),
    )
    pulses = compensated_codes(lines.widths / lines.unit_width, form.slice_bits)
    return LayerDesign(MultiRowRead(lines), periphery, form, pulses, charge_limit=lines.charge_limit)


def real_layer(design, words, seed=0):
    """With mismatch everywhere."""
    form, (chips, _, columns) = design.form, words.shape
    shape = (*words.shape, form.slices, form.slice_bits, 2)
    rng = np.random.default_rng(seed)
    return SramLayer(
        design,
        words,
        cells=Cells(rng.normal(0, 0.1, shape), np.zeros(shape)),
        spread=PeripherySpread.draw(design.periphery, seed, chips=chips, columns=columns, slices=form.slices),
    )


def words_and_inputs(form, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, form.largest + 1, (CHIPS, GROUPS, COLUMNS)),
        rng.integers(0, 16, (CHIPS, SAMPLES, COLUMNS)),
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([(4, 1), (4, 2), (3, 2), (2, 4)]))
@settings(max_examples=20, deadline=None)
def test_ideal_circuits_compute_with_whole_numbers_exactly(seed, shape):
    form = WordFormat(*shape)
    words, inputs = words_and_inputs(form, seed)
    layer = SramLayer(exact_design(form), words)
    found = layer.convert(layer.rails(inputs)) * form.weights[-1]
    wanted = np.einsum("igc,isc->isg", 2 * words - form.largest, inputs)
    assert np.array_equal(found, wanted)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_transposed_read_is_a_product_with_the_transposed_matrix(seed):
    form = WordFormat(3, 2)
    words, _ = words_and_inputs(form, seed)
    errors = np.random.default_rng(seed).integers(-3, 4, (CHIPS, GROUPS))
    layer = SramLayer(exact_design(form, factors=3, step=UNIT), words)
    found = layer.backward(errors) * form.weights[-1]
    assert np.array_equal(found, np.einsum("ig,igc->ic", errors, 2 * words - form.largest))


def test_chips_and_samples_at_once_are_each_alone():
    design = real_design()
    words, inputs = words_and_inputs(design.form)
    layer = real_layer(design, words)
    rails, errors = layer.rails(inputs), np.array([[1, 0, -1], [0, 0, 0], [-1, 1, 0]])
    codes, backward = layer.codes(rails), layer.backward(errors)
    for chip in range(CHIPS):
        only = slice(chip, chip + 1)
        whole = layer.spread
        spread = PeripherySpread(
            type(whole.multiplier)(whole.multiplier.gain[only], whole.multiplier.offset[only]),
            whole.shares[only],
            whole.offset[only],
        )
        cells = Cells(layer.cells.log_current[only], layer.cells.trip_voltage[only])
        one = SramLayer(design, words[only], cells=cells, spread=spread)
        assert one.backward(errors[only])[0] == pytest.approx(backward[chip], abs=1e-12)
        for sample in range(SAMPLES):
            alone = one.rails(inputs[only, sample : sample + 1])
            assert alone[0, 0] == pytest.approx(rails[chip, sample], abs=1e-12)
            assert np.array_equal(one.codes(alone)[0, 0], codes[chip, sample])


def test_the_table_of_words_follows_what_is_written():
    design = real_design()
    words, inputs = words_and_inputs(design.form)
    other, _ = words_and_inputs(design.form, 1)
    layer = real_layer(design, words)
    layer.write(other)
    assert np.array_equal(layer.words, other)
    assert layer.rails(inputs) == pytest.approx(real_layer(design, other).rails(inputs), abs=1e-15)
    wanted = np.bitwise_count(words ^ other).sum()
    assert layer.bits_written == wanted


def test_random_rounding_is_right_on_average():
    values = np.array([-1.75, -0.3, 0.0, 0.01, 0.5, 2.9])
    drawn = stochastic_rounding(np.tile(values, (40_000, 1)), np.random.default_rng(0))
    assert np.abs(drawn - values).max() < 1
    spread = np.sqrt((values - np.floor(values)) * (np.ceil(values) - values) / 40_000)
    assert (np.abs(drawn.mean(axis=0) - values) <= 5 * spread + 1e-12).all()


def test_a_step_lowers_the_rival_and_raises_the_own_class():
    form = WordFormat(4, 2)
    design, rng = exact_design(form), np.random.default_rng(0)
    network = LearningNetwork([SramLayer(design, random_words(form, (50, 3, 5), rng))], rng)
    inputs, labels = rng.integers(4, 16, (50, 4)), rng.integers(0, 3, 50)
    before = network.forward(inputs[:, None]).outputs[-1][:, 0]
    for _ in range(60):
        network.step(inputs, labels)
    after = network.forward(inputs[:, None]).outputs[-1][:, 0]
    assert (before.argmax(axis=1) == labels).mean() < 0.7
    assert np.array_equal(after.argmax(axis=1), labels)


def test_the_hidden_gradient_is_that_of_the_weights():
    """With ideal circuits, against the product in real numbers; what is beyond the rectifier has none."""
    form = WordFormat(4, 2)
    design, rng = exact_design(form, step=UNIT / 256), np.random.default_rng(4)
    layers = [SramLayer(design, random_words(form, (40, a, b), rng)) for a, b in ((6, 5), (3, 7))]
    network = LearningNetwork(layers, rng)
    trace = network.forward(rng.integers(0, 16, (40, 1, 4)))
    errors = rng.integers(-1, 2, (40, 3))
    signal = trace.inputs[1][:, 0, :-1]
    weights = form.values(layers[1].words)[:, :, :-1] / form.largest
    wanted = np.einsum("ig,igc->ic", errors, weights) * ((signal > 0) & (signal < 15))
    assert network.hidden_errors(0, trace, errors) == pytest.approx(wanted, abs=1e-3)
    assert 0.1 < (wanted != 0).mean() < 0.9


def test_a_neuron_read_alone_is_looked_up_as_the_lines_would_be_solved():
    design = real_design()
    words, _ = words_and_inputs(design.form)
    layer, chips = real_layer(design, words), np.arange(CHIPS)
    factors = np.eye(GROUPS, dtype=int)[[2, 0, 1]]
    solved = layer._several_neurons(factors, chips, COLUMNS)
    expected = design.periphery.sampled(solved[..., 1] - solved[..., 0])
    found = layer.transposed_difference(factors, chips, COLUMNS)
    assert np.array_equal(found, expected)
    assert np.array_equal(layer.transposed_difference(factors[1:], chips[1:], 2), expected[1:, :2])


def test_only_a_neuron_stuck_for_a_whole_period_takes_errors_at_its_limit_and_only_away_from_it():
    """Of neurons that are silent always, at times, and never; full always; 3 samples a period."""
    signals = np.array([[0, 0, 7, 15], [0, 4, 0, 15], [0, 0, 9, 15], [0, 0, 9, 15], [3, 0, 9, 15]])
    up, down = (np.full((1, 4), sign) for sign in (1.0, -1.0))
    flags, twin = StuckFlags(), StuckFlags()
    lifted = [flags.passes(signal[None], 15, up, 3)[0].tolist() for signal in signals]
    lowered = [twin.passes(signal[None], 15, down, 3)[0].tolist() for signal in signals]
    inside = ((signals > 0) & (signals < 15)).tolist()
    assert lifted[:3] == lowered[:3] == inside[:3]
    assert lifted[3] == [True, False, True, False]
    assert lowered[3] == [False, False, True, True]
    assert lifted[4] == [True, False, True, False]
    never = StuckFlags()
    assert [never.passes(signal[None], 15, up, 0)[0].tolist() for signal in signals] == inside


def test_more_neurons_at_once_than_the_design_opens_are_refused():
    design = replace(real_design(), charge_limit=100.0, open_groups=1)
    layer = SramLayer(design, np.zeros((2, 9, 4), int))
    errors = np.zeros((2, 9), int)
    errors[:, :2] = [1, -1]
    layer.backward(errors)
    errors[1, 5] = 1
    with pytest.raises(ParameterError, match="errors of 2 neurons at once, the design opens 1"):
        layer.backward(errors)


def test_compensated_pulses_weight_bits_better_than_powers_of_two():
    widths = np.arange(1, 16) - 0.5
    plain, found = power_codes(4, 15)[0], compensated_codes(widths, 4)[0]

    def error(codes):
        weight = widths[codes - 1] / widths[codes - 1].sum()
        return np.abs(weight * 15 - [1, 2, 4, 8]).max()

    assert error(found) < 0.4 * error(plain)


@pytest.mark.parametrize("word", [-1, 256, 3.5, np.nan])
def test_a_word_that_does_not_fit_is_named(word):
    words = np.zeros((1, 3, 4))
    words[0, 1, 2] = word
    with pytest.raises(MappingError, match=f"word {word:g}.*8 bits".replace("nan", ".*")):
        SramLayer(real_design(), words)


def test_more_neurons_than_cells_survive_are_refused():
    design = replace(real_design(), charge_limit=100.0)
    with pytest.raises(ParameterError, match="disturb limit of 100"):
        SramLayer(design, np.zeros((1, 9, 4), int))
    with pytest.raises(ParameterError, match="array has 512"):
        SramLayer(replace(design, charge_limit=np.inf), np.zeros((1, 200, 4), int))


def test_inputs_and_errors_beyond_their_range_are_refused():
    layer = SramLayer(real_design(), np.zeros((2, 3, 4), int))
    for wrong in (16, -1, 0.5):
        with pytest.raises(ParameterError, match="input code"):
            layer.rails(np.full((2, 1, 4), wrong))
    with pytest.raises(ParameterError, match="shape"):
        layer.rails(np.zeros((2, 1, 5), int))
    with pytest.raises(ParameterError, match="error 2 is beyond 1"):
        layer.backward(np.array([[0, 2, 0], [0, 0, 0]]))


def test_pulses_longer_than_characterised_are_refused():
    with pytest.raises(MappingError, match="needs a pulse of 24 units"):
        power_codes(4, 15, factors=3)
