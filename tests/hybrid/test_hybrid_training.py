"""Training through the read-out of columns: gradients, read-outs, and what a user of the command sees."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.hybrid import (
    Binary,
    ColumnNetwork,
    Converter,
    Design,
    Ideal,
    Schedule,
    Ternary,
    WeightFormat,
    quantised,
    shares_right,
    train,
)
from cimspice.hybrid.emulator.columns import codes_of, quantised_scale
from cimspice.hybrid.training.column_layer import ColumnLayer
from cimspice.network import built_in
from cimspice.training.classifiers import output_errors
from cimspice.training.convolutional import _gradients

FEW = Schedule(epochs=15)


def layer(readout, rows=8, inputs=12, columns=5, **settings) -> tuple[ColumnLayer, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.uniform(-0.2, 1, (20, inputs)).astype(np.float32)
    made = ColumnLayer.started(
        rng.normal(0, 0.3, (columns, inputs)), np.zeros(columns), Design(readout, rows=rows, **settings), x
    )
    made.start_scale(x)
    return made, x


@pytest.mark.parametrize("name", ["digits-64", "digits-cnn"])
def test_a_converter_of_infinite_resolution_has_the_gradients_of_the_plain_quantised_network(name):
    built = built_in(name)
    x, labels = built.x_train[:40], built.y_train[:40]
    plain = ColumnNetwork(built.network, Design(rows=32), x)
    read = plain.with_readout(Design(Converter(16), rows=32))
    found = []
    for network in (plain, read):
        outputs = network.forward(x)
        found.append((outputs, network.backward(output_errors(outputs, labels).astype(np.float32))))
    assert np.allclose(found[0][0], found[1][0], rtol=1e-5, atol=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert np.abs(one - other).max() <= 1e-5 * max(np.abs(one).max(), 1e-3)


def test_gradients_of_finely_quantised_convolutions_are_those_of_the_float_network():
    built = built_in("digits-cnn")
    x, labels = built.x_train[:30], built.y_train[:30]
    weak = {node.name: 0.4 * node.arrays["weights"] for node in built.network.weight_layers}
    net = built.network.with_weights(weak)  # no decision is so sure that a small error turns its gradient
    fine = Design(Ideal(), weights=WeightFormat(-(2**14), 2**14 - 1, 14), bits=8)
    network = ColumnNetwork(net, fine, x)
    values = net.values(x)
    for each, before in zip(network.layers.values(), ("input", "relu1", "flat"), strict=True):
        each.weight_step[...] = np.abs(each.weights).max() / (2**14 - 1)
        each.input_step[...] = values[before].max() / 255
    outputs = network.forward(x)
    assert np.abs(outputs - net.outputs(x)).max() < 0.02 * np.abs(outputs).max()
    found = network.backward(output_errors(outputs, labels).astype(np.float32))
    biases = [node.arrays["bias"] for node in net.weight_layers]
    expected = _gradients(list(weak.values()), biases, x, labels)
    for n, (exact, weights) in enumerate(zip(expected[:3], weak.values(), strict=True)):
        exact = (exact - 1e-4 * weights).reshape(len(exact), -1)  # without its weight decay
        assert np.abs(found[5 * n] - exact).max() < 0.05 * np.abs(exact).max()
    for n, exact in enumerate(expected[3:]):
        assert np.abs(found[5 * n + 1] - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("shared", ["column", "slice", "layer"])
def test_gradient_of_the_scale_is_that_of_the_quantiser_with_its_rounding_held(shared):
    made, x = layer(Ternary(), shared=shared)
    made.scale *= np.random.default_rng(0).uniform(0.8, 1.3, made.scale.shape).astype(np.float32)
    error = np.random.default_rng(1).normal(size=made.forward(x).shape).astype(np.float32)
    found = made.backward(error)[0][4]
    sums = made.sums_of(x).astype(float) * float(made.unit)
    ratio = sums / made.scale
    rounding = np.rint(ratio) - ratio  # held, as in the straight-through estimate
    held = np.abs(ratio) <= 1

    def loss(scale: np.ndarray) -> float:
        read = np.where(held, sums + scale * rounding, scale * np.sign(sums))
        return float((read * made.design.places * error[None, None, :, None, :]).sum())

    for place in list(np.ndindex(made.scale.shape))[:: max(1, made.scale.size // 12)]:
        shift = np.zeros(made.scale.shape)
        shift[place] = 1e-4
        slope = (loss(made.scale + shift) - loss(made.scale - shift)) / 2e-4
        assert found[place] == pytest.approx(slope, rel=1e-3, abs=1e-3 * float(np.abs(found).max()))


def test_public_gradient_of_the_scale_is_the_sum_of_codes():
    made, x = layer(Ternary())
    made.public_scale_gradient = True
    error = np.random.default_rng(1).normal(size=made.forward(x).shape).astype(np.float32)
    found = made.backward(error)[0][4]
    codes = np.clip(np.rint(made.sums_of(x) * made.unit / made.scale), -1, 1)
    expected = (codes * made.design.places * error[:, None, :]).sum(axis=2, keepdims=True)
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_ternary_layer_is_the_sum_over_crossbars_slices_and_bits_of_scaled_codes():
    made, x = layer(Ternary(), rows=5)
    codes = np.clip(np.rint(x / made.input_step), 0, 7).astype(int)
    weights = np.clip(np.rint(made.weights / made.weight_step), -4, 3).astype(int)
    expected = np.zeros((len(x), len(weights)))
    for n, c in np.ndindex(expected.shape):
        for t, first in enumerate(range(0, 12, 5)):
            for j, k in np.ndindex(3, 3):
                total = sum(
                    (int(codes[n, r]) >> j & 1)
                    * int(np.sign(weights[c, r]))
                    * (abs(int(weights[c, r])) >> k & 1)
                    for r in range(first, min(first + 5, 12))
                )
                alpha = float(made.scale[t, j, 0, k, c])
                expected[n, c] += 2 ** (j + k) * alpha * np.clip(np.rint(total * made.unit / alpha), -1, 1)
    assert np.allclose(made.forward(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bits", [8, 4, 3, 2])
def test_quantised_scales_are_1_to_all_ones_times_one_step_as_in_public_code(bits):
    scale = np.random.default_rng(0).uniform(0.0, 2.0, (2, 3, 1, 3, 40))
    found = quantised_scale(scale, bits)
    step = (scale.max() - scale.min()) / (2**bits - 2)
    assert np.allclose(found, step * np.clip(np.rint(scale / step), 1, 2**bits - 1))


def test_scales_that_hardly_differ_are_not_clipped_by_their_narrow_range():
    scale = np.array([0.95, 1.0]).reshape(1, 1, 1, 1, 2)
    assert np.abs(quantised_scale(scale, 4) - scale).max() < 1 / 15
    assert quantised_scale(scale[..., 1:], 4) == pytest.approx(1.0)  # one for a layer


def test_binary_answers_a_sum_of_0_as_its_circuit_does():
    sums = np.array([-1.0, 0.0, 1.0])
    assert codes_of(sums, Binary(), np.ones(1)).tolist() == [-1, 1, 1]
    assert codes_of(sums, Binary("software"), np.ones(1)).tolist() == [-1, 0, 1]
    chance = codes_of(np.zeros(1000), Binary("random"), np.ones(1), rng=np.random.default_rng(0))
    assert set(chance) == {-1, 1}
    assert abs(chance.mean()) < 0.1


def test_binary_trained_with_a_sum_of_0_as_0_loses_points_on_comparators(capsys, tmp_path):
    words = ["train", "hybrid", "--readout", "binary", "--zero", "software", "--seeds", "1", "--epochs", "30"]
    assert run([*words, "--json", "-o", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"]["value"] > 0.9
    assert found["accuracy_on_comparators"]["value"] < found["accuracy"]["value"] - 0.03


def test_converters_are_read_in_their_stated_step():
    built = built_in("digits-64")
    ideal = quantised(built, Design(), seed=0, schedule=Schedule(epochs=30, rate=2e-3))
    test = built.x_test, built.y_test
    exact = shares_right(ideal, *test)
    assert shares_right(ideal.with_readout(Design(Converter(5))), *test) == pytest.approx(exact, abs=0.003)
    assert shares_right(ideal.with_readout(Design(Converter(4, 8.0))), *test) < exact - 0.1


def test_a_threshold_of_dummy_cells_is_trained_through_and_one_of_whole_cells_refused():
    built = built_in("digits-64")
    ideal = quantised(built, Design(), seed=0, schedule=Schedule(epochs=30, rate=2e-3))
    read = ideal.with_readout(Design(Ternary(1.5), scale_bits=4, shared="slice"))
    read.start_scales(built.x_train)
    before = shares_right(read, built.x_test, built.y_test)
    train(read, built.x_train, built.y_train, FEW)
    assert read.scale_factors == 18
    assert shares_right(read, built.x_test, built.y_test) > max(before, 0.9)
    for refused in (1.0, 0.0, float("nan")):
        with pytest.raises(ParameterError):
            Ternary(refused)


def test_command_compares_trained_with_ideal_and_untrained(capsys, tmp_path):
    words = ["train", "hybrid", "--readout", "ternary", "--scale-bits", "4", "--seeds", "2", "--epochs", "40"]
    assert run([*words, "--json", "-o", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    ideal, trained, untrained = (found[key] for key in ("accuracy_ideal", "accuracy", "accuracy_untrained"))
    assert ideal["value"] - trained["value"] < 0.03
    assert untrained["value"] < trained["value"]
    assert trained["interval"][0] <= trained["value"] <= trained["interval"][1]
    assert found["scale_factors"] == 666  # 3 slices x 3 bits x 74 columns
    assert 0.4 < found["zeros"] < 0.8
    assert found["cpu_seconds_per_seed"] > 0


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("--readout adc:0", "whole number"),
        ("--readout adc:x", "adc:BITS"),
        ("--readout quaternary", "adc:BITS"),
        ("--readout ternary:2", "odd number of dummy cells"),
        ("--readout binary --zero coin", "half_cell"),
        ("--weights 5", "-4..3"),
        ("--rows 0", "whole number"),
        ("--scale-factors chip", "column"),
        ("--network digits-128", "digits-64"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_remedy(words, remedy, capsys, tmp_path):
    assert run(["train", "hybrid", *words.split(), "--json", "-o", str(tmp_path)]) == 2
    assert remedy in json.loads(capsys.readouterr().out)["error"]["remedy"]
