"""Trained networks of a user's in arrays that learn: stored to their precision, split over rails, changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from sram_lines import hand_made

from cimspice.cli.app import run
from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import MappingError
from cimspice.network import built_in
from cimspice.sram.emulator.ideal_read import IdealRead
from cimspice.sram.emulator.layer import SramLayer
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.learning import LearningRule
from cimspice.sram.emulator.periphery import Periphery
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.mapping.pulses import power_codes
from cimspice.sram.model.charge_sharing import ChargeSharing
from cimspice.sram.training.chip import ChipFamily, Effects
from cimspice.sram.training.lessons import accuracy, learn
from cimspice.sram.training.network_lessons import own_folds, stored_network


def chips(slice_bits: int = 4, slices: int = 2) -> ChipFamily:
    """Rails of at most 16 columns, converters of 6 bits up to 20 mV."""
    periphery = Periphery(
        sharing=ChargeSharing(load_ratio=4.0, wire_ratio=0.05, largest_columns=16),
        converter=SignedConverter.ideal(6, 0.03),
    )
    return ChipFamily(hand_made(), periphery, WordFormat(slice_bits, slices))


def test_columns_that_one_rail_cannot_have_are_converted_in_groups_and_added():
    form = WordFormat(4, 2)
    sharing = ChargeSharing(load_ratio=4.0, wire_ratio=0.05, largest_columns=4)
    periphery = Periphery(sharing=sharing, converter=SignedConverter.ideal(14, 0.05))
    design = LayerDesign(IdealRead(2.0**-8), periphery, form, power_codes(4, 15))
    rng = np.random.default_rng(0)
    words, inputs = rng.integers(0, 256, (2, 3, 10)), rng.integers(0, 16, (2, 5, 10))
    layer = SramLayer(design, words)
    assert [group.stop - group.start for group in layer.groups] == [4, 3, 3]
    rails = layer.rails(inputs)
    assert rails.shape == (2, 5, 3, 6)
    found = layer.convert(rails)
    wanted = np.einsum("igc,isc->isg", 2 * words - form.largest, inputs)
    scale = (found * wanted).sum() / (wanted**2).sum()
    assert np.abs(found - scale * wanted).max() < 3e-3 * np.abs(found).max()


def test_digits_stored_without_the_circuits_own_ways_decide_as_software_does():
    digits = built_in("digits")
    stored = stored_network(digits.network, digits.x_train)
    assert stored.sizes == (64, 32, 10)
    assert all(np.abs(one).max() == pytest.approx(1.0) for one in stored.weights)
    train, test = (digits.x_train, digits.y_train), (digits.x_test, digits.y_test)
    arrays = stored.on_chips(chips(), 2, effects=Effects.none())
    right = accuracy(arrays, own_folds(stored, train, test, 2))
    assert np.abs(right - digits.test_accuracy).max() < 0.015


def test_arrays_learn_an_output_layer_that_they_have_not():
    iris = built_in("iris")
    last = iris.network.weight_layers[-1]
    lost = np.random.default_rng(0).normal(0.0, 0.3, last.arrays["weights"].shape)
    stored = stored_network(iris.network.with_weights({last.name: lost}), iris.x_train)
    train, test = (iris.x_train, iris.y_train), (iris.x_test, iris.y_test)
    folds = own_folds(stored, train, test, 8)
    rule = LearningRule(rate=0.1, hidden_rate=0.05)
    arrays = stored.on_chips(chips(), 8, rule=rule, effects=replace(Effects(), noise=False))
    assert accuracy(arrays, folds).mean() < 0.7
    learn(arrays, folds, epochs=8, seed=0)
    assert accuracy(arrays, folds).mean() > 0.9
    assert all(layer.bits_written for layer in arrays.layers)


def test_networks_with_other_layers_are_refused_with_a_remedy():
    cnn = built_in("digits-cnn")
    with pytest.raises(MappingError, match="conv") as refused:
        stored_network(cnn.network, cnn.x_train)
    assert "dense layers" in str(refused.value.remedy)
    digits = built_in("digits")
    with pytest.raises(MappingError, match=r"-0\.5"):
        stored_network(digits.network, digits.x_train - 0.5)


@dataclass(eq=False)
class InPlace(SramLayer):
    """The emulator in the place of ngspice."""

    conditions: object = None
    progress: object = None
    seconds: float = 0.0


@dataclass(eq=False)
class OneCodeUp(InPlace):
    """With codes that the emulator has not."""

    def codes(self, rails):
        return super().codes(rails) + 1


def test_a_step_of_the_users_own_network_shows_a_gradient_even_of_a_sample_that_is_learnt(
    monkeypatch, tmp_path, capsys
):
    known = SimpleNamespace(family=lambda _: chips(4, 1), conditions=None)
    monkeypatch.setattr("cimspice.sram.validation.learning.characterised", lambda *_, **__: known)
    monkeypatch.setattr("cimspice.sram.validation.learning.CircuitLayer", InPlace)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (30, 3))
    np.savez(tmp_path / "x.npz", x=x, y=(x[:, 0] > x[:, 1]).astype(int))
    coefs = [np.array([[1.0, -0.8, 0.3], [-0.9, 1.0, 0.2], [0.1, -0.2, 0.5]]), rng.normal(size=(3, 2))]
    np.savez(tmp_path / "net.npz", **{f"coefs_{k}": w for k, w in enumerate(coefs)},
             **{f"intercepts_{k}": np.full(w.shape[1], 0.05) for k, w in enumerate(coefs)})  # fmt: skip
    command = ["train", "sram", str(tmp_path / "net.npz"), "--data", str(tmp_path / "x.npz"), "--step",
               "--chips", "2", "--epochs", "1", "--bits", "4", "-o", str(tmp_path / "run")]  # fmt: skip
    assert run([*command, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    step = facts["step"]
    assert (step["forward_error_percent"], step["codes_differ"], step["errors_differ"]) == (0, 0, 0)
    assert step["gradient_nonzero"] > 0
    assert step["gradient_error_percent"] == 0
    alone = facts["accuracy_stored_with_only"]
    assert set(alone) == {
        "words",
        "lines",
        "cells",
        "multiplier",
        "converter_steps",
        "converter_errors",
        "noise",
    }
    monkeypatch.setattr("cimspice.sram.validation.learning.CircuitLayer", OneCodeUp)
    assert run([*command, "--json"]) == 0
    step = json.loads(capsys.readouterr().out)["step"]
    assert (step["forward_error_percent"], step["codes_differ"]) == (0, step["codes"]), "the same inputs"
    assert run(command) == 0
    shown = capsys.readouterr().out
    assert "a step in ngspice: rails 0 %" in shown
    assert "steps of the converter" in shown
