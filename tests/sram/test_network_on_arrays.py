"""Layers of a network as words of a 6T array: against sums over columns written out, and ngspice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import CimspiceError, ParameterError
from cimspice.network import built_in, map_network
from cimspice.network.decisions import share_right, strongest
from cimspice.network.fine_tuning import fine_tune
from cimspice.sram import sram_circuit
from cimspice.sram.emulator.mapped_layer import CELLS, CONVERTER, EFFECTS, MappedLayer
from cimspice.sram.emulator.read import Cells, MultiRowRead
from cimspice.sram.family import line_reads, simulate, simulation_seconds
from cimspice.sram.model.card import sram_fit
from cimspice.sram.validation.layer_passes import compare_lines, pass_seconds


def drawn(outputs: int, inputs: int, seed: int = 0, low: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Weights (outputs, inputs) and inputs (40, inputs), some of them 0."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, 1.0, (40, inputs)) * (rng.random((40, inputs)) > 0.4)
    return rng.normal(0.0, 0.3, (outputs, inputs)), x


def layer(weights: np.ndarray, x: np.ndarray, **config) -> MappedLayer:
    return sram_circuit(**config).layer(weights, x)


@given(
    outputs=st.integers(1, 5),
    inputs=st.integers(1, 9),
    columns=st.integers(1, 9),
    slices=st.integers(1, 2),
    signed=st.booleans(),
    scale=st.sampled_from(["neuron", "tensor"]),
    percentile=st.sampled_from([90.0, 100.0]),
    seed=st.integers(0, 99),
)
def test_sums_are_those_of_the_weights_where_every_effect_is_off(
    outputs, inputs, columns, slices, signed, scale, percentile, seed
):
    weights, x = drawn(outputs, inputs, seed, -1.0 if signed else 0.0)
    made = layer(
        weights,
        x,
        columns=columns,
        slices=slices,
        weight_scale=scale,
        weight_percentile=percentile,
        input_calibration="percentile",
        input_percentile=percentile,
    )
    found = made.without(*EFFECTS)(x)
    assert np.allclose(found, x @ weights.T, rtol=0, atol=1e-9 * np.abs(weights).sum())


def test_rails_are_the_sum_of_their_columns_over_those_that_share():
    weights, x = drawn(3, 10)
    made = layer(weights, x, columns=4, slices=2)
    model, discharge = made.circuit.forward, made.circuit.discharge
    (_, codes), *more = made.passes(x)
    assert not more
    rails = made.rails(codes)
    assert rails.shape == (40, 3, 3, 2)
    for sample, output, group, number in np.ndindex(5, 3, 3, 2):
        columns = [c for c in range(4 * group, min(4 * group + 4, 10)) if codes[sample, c] > 0]
        share = 8 if columns else 0  # idle ones with them: a multiple of eight
        total = common = 0.0
        for column in columns:
            word, code = made.words[output, column, number], codes[sample, column]
            signs = [1 if word >> bit & 1 else -1 for bit in range(4)]
            loaded = discharge[word] + np.dot(signs, model.word_line[share // 8])
            total += loaded * model.gain[code] + model.loading[word, code]
            common += model.common[code]
        capacitance = share * (1 + model.wire_ratio) + model.load_ratio - model.bend * common
        assert rails[sample, output, group, number] == pytest.approx(total / capacitance, abs=1e-15)


def test_words_give_the_weights_back_to_half_a_step():
    weights, x = drawn(6, 20)
    for slices, most in ((1, 15), (2, 255)):
        made = layer(weights, x, slices=slices)
        arrays = made.arrays()
        scale = np.abs(weights).max(axis=1, keepdims=True)
        assert np.all(np.abs(arrays["weights"][0] - weights) <= scale / most * (1 + 1e-12))
        assert arrays["words"].shape == (1, 6, 20, slices)
        assert made.facts()["cells"] == weights.size * 4 * slices


def test_negative_inputs_take_a_second_pass_or_are_counted_as_clipped():
    weights, x = drawn(4, 12, low=-1.0)
    both = layer(weights, x, input_calibration="percentile")
    one = layer(weights, x, input_calibration="percentile", signed=False)
    assert (both.facts()["inputs"], one.facts()["inputs"]) == ("2 passes", "one pass")
    assert both.clipped(x) == 0
    assert one.clipped(x) == np.count_nonzero(x < 0)
    exact = x @ weights.T
    error, without = (np.linalg.norm(made(x) - exact) / np.linalg.norm(exact) for made in (both, one))
    assert error < 0.15 < without


def test_weights_and_inputs_beyond_full_scale_and_saturated_conversions_are_counted():
    weights, x = drawn(4, 12)
    made = layer(
        weights, x, weight_scale="tensor", weight_percentile=75,
        input_calibration="percentile", input_percentile=75,
    )  # fmt: skip
    full = np.percentile(np.abs(weights), 75)
    assert made.facts()["clipped_weights"] == np.count_nonzero(np.abs(weights) > full)
    assert made.clipped(x) == np.count_nonzero(x > np.percentile(x, 75))
    narrow = layer(weights, x, reference_drop=0.01)
    volts = narrow.rails(narrow.passes(x)[0][1])
    low, high = narrow.thresholds[[0, -1]]
    beyond = (volts < low - narrow.step) | (volts > high + narrow.step)
    assert narrow.facts()["saturated"] == np.count_nonzero(beyond) > 0


def test_converter_range_of_a_layer_errs_least_on_its_calibration():
    weights, x = drawn(8, 16)
    exact = layer(weights, x).without(CONVERTER)(x)
    chosen = np.linalg.norm(layer(weights, x)(x) - exact)
    for reference in (0.01, 0.04):
        assert chosen <= np.linalg.norm(layer(weights, x, reference_drop=reference)(x) - exact) * 1.001


def test_digits_in_words_of_four_bits_lose_less_than_two_points():
    digits = built_in("digits")
    mapped = map_network(digits.network, digits.x_train, sram_circuit())
    right = share_right(strongest(mapped.outputs(digits.x_test)), digits.y_test, 10)
    assert right > digits.test_accuracy - 0.02


def test_settings_that_make_no_circuit_are_refused_by_name():
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"column": 3}, "column"),
        ({"columns": 41}, "columns"),
        ({"weight_scale": "row"}, "weight_scale"),
        ({"reference_drop": 0.2}, "reference"),
        ({"slices": 5}, "slices"),
        ({"signed": "yes"}, "signed"),
        ({"input_percentile": 0}, "input_percentile"),
    )
    for config, word in refused:
        with pytest.raises(CimspiceError) as found:
            sram_circuit(**config)
        assert word in str(found.value)
        assert found.value.remedy


def test_card_without_passes_takes_those_of_the_packaged_array_only_if_it_is_that_array():
    card = sram_circuit().card
    bare = card.model_copy(
        update={"parts": {name: part for name, part in card.parts.items() if name != "forward_pass"}}
    )
    assert np.array_equal(sram_circuit(bare).forward.loading, sram_circuit().forward.loading)
    hot = bare.model_copy(update={"conditions": card.conditions.model_copy(update={"temperature": 85.0})})
    with pytest.raises(ParameterError, match="passes=true"):
        sram_circuit(hot)


def test_codes_that_differ_are_explained_only_near_their_threshold():
    weights, x = drawn(2, 6)
    made = layer(weights, x)
    known, threshold = made.circuit.forward.threshold_uncertainty * made.step, made.thresholds[40]
    emulated = np.array([threshold + 1e-7, threshold + 1e-7, threshold + 1e-7, threshold + 0.4 * made.step])
    volts = emulated - np.array([2e-7, 2 * known, 0.0, 0.0])
    codes = made.convert(emulated) - np.array([1, 1, 2, 0])
    lines = compare_lines(made, volts, codes, emulated)
    assert (lines.codes, lines.differing, lines.unexplained) == (4, 3, 2)
    assert lines.relative == pytest.approx(np.linalg.norm(volts - emulated) / np.linalg.norm(emulated))


@pytest.mark.spice
def test_a_neuron_of_three_columns_equals_ngspice_on_its_rails_and_code():
    weights = np.array([[0.3, -0.9, 0.6, 0.1]])
    x = np.array([[1.0, 0.7, 0.0, 0.4]])  # one column has no input
    made = layer(weights, np.vstack([x, 0 * x]))
    found = simulate(made, x, jobs=1)
    assert found.lines.relative < 2e-3
    assert (found.lines.codes, found.lines.unexplained) == (1, 0)
    reads = line_reads(made, jobs=1)
    volts, lines, seconds = reads.simulated(x, np.array([0]), lambda state: None)
    assert volts[0] == pytest.approx(reads.emulated(x)[0, 0], rel=2e-3)
    assert lines == found.lines
    assert 0 < seconds < 5 * simulation_seconds(made, 1) + 20


def test_expected_time_of_passes_is_near_those_that_were_timed():
    """CPU seconds until the converter has sampled, and some 4 of the conversion."""
    timed = {8: 7.8, 16: 16.1, 24: 25.0, 32: 40.9}
    expected = pass_seconds(np.array([0, *timed]))
    assert expected[0] == 0
    assert expected[1:] == pytest.approx([4 + one for one in timed.values()], rel=0.15)


def test_fine_tuning_through_the_arrays_gives_back_what_clipped_weights_lose():
    iris, arrays = built_in("iris"), sram_circuit(weight_scale="tensor", weight_percentile=70)
    tuned = fine_tune(iris.network, arrays, iris.x_train, iris.y_train, epochs=20)
    before, after = (
        share_right(strongest(map_network(one, iris.x_train, arrays).outputs(iris.x_test)), iris.y_test, 3)
        for one in (iris.network, tuned.network)
    )
    assert before < 0.75
    assert after > 0.9


def test_every_chip_reads_words_as_the_lines_of_its_own_cells():
    """Against `MultiRowRead`, which ngspice is compared with cell by cell, one column after another."""
    weights, x = drawn(3, 6)
    made = layer(weights, x, columns=4, slices=2, chips=2, seed=5)
    nominal, model = layer(weights, x, columns=4, slices=2), made.circuit.forward
    codes = made.passes(x)[0][1]
    variation = sram_fit(made.circuit.card).model.variation
    for number in range(2):
        cells = Cells(*variation.draw(np.random.default_rng([5, number, *b"layer"]), (3, 6, 2, 4)))
        there = made.chip(number).rails(codes)
        for output, group, part in np.ndindex(3, 2, 2):
            more = np.zeros(len(codes))
            for column in range(4 * group, min(4 * group + 4, 6)):
                stored = made.words[output, column, part] >> np.arange(4) & 1
                own = Cells(cells.log_current[output, column, part], cells.trip_voltage[output, column, part])
                reads = (
                    MultiRowRead(sram_fit(made.circuit.card).model)(
                        model.pulses.astype(int), stored, positions=(np.arange(4) + 0.5) / 512, cells=one
                    ).discharge
                    for one in (own, None)
                )
                (with_cells, without) = (float(read[1] - read[0]) for read in reads)
                more += (with_cells - without) * model.gain[codes[:, column]]
            shares = np.where(codes[:, 4 * group : 4 * group + 4].any(axis=1), 8, 0)
            common = sum(model.common[codes[:, column]] for column in range(4 * group, min(4 * group + 4, 6)))
            capacitance = shares * (1 + model.wire_ratio) + model.load_ratio - model.bend * common
            expected = nominal.rails(codes)[:, output, group, part] + more / capacitance
            np.testing.assert_allclose(there[:, output, group, part], expected, rtol=0, atol=1e-13)


def test_chips_differ_by_the_spread_of_their_cells_and_by_nothing_else():
    weights, x = drawn(8, 32)
    made = layer(weights, x, chips=60)
    sums = made(x)
    assert sums.shape == (60, 40, 8)
    assert CELLS in made.effects
    assert CELLS not in layer(weights, x).effects
    np.testing.assert_array_equal(made.without(CELLS)(x)[7], layer(weights, x)(x))
    exact = made.without(CONVERTER)(x)
    # 4 bits of current spread σ: σ · √Σ 4^k = 9.2 σ of the words' values 1, 3, ... 15, over the rows
    deviation, step = (exact - exact.mean(axis=0)).std(), made.circuit.form.largest
    codes = made.passes(x)[0][1] * (made.input_scale / 15)
    full = np.abs(weights).max(axis=1)
    expected = 0.0895 * np.sqrt(85) / step * np.sqrt(np.mean((codes**2).sum(axis=1)[:, None] * full**2))
    assert deviation == pytest.approx(expected, rel=0.2)


def test_chips_have_no_circuit_and_drawn_cards_none_without_mismatch():
    weights, x = drawn(2, 4)
    made = layer(weights, x, chips=1)
    with pytest.raises(ParameterError, match="nominal cells"):
        simulate(made, x[:1])
    with pytest.raises(ParameterError, match="nominal cells"):
        simulation_seconds(made, 1)
    with pytest.raises(ParameterError, match="no chip 3"):
        made.chip(3)
    with pytest.raises(ParameterError, match="chips is -1"):
        layer(weights, x, chips=-1)
