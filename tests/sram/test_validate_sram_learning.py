"""Blocks in ngspice in the place of the emulator's, and what commands refuse before any simulation."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from cimspice.bench.bench import bench
from cimspice.cli.app import run
from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import ParameterError
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.circuit.array import Array
from cimspice.sram.emulator.ideal_read import IdealRead
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.periphery import Periphery
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.mapping.pulses import power_codes
from cimspice.sram.validation.circuit_layer import CircuitLayer
from cimspice.sram.validation.learning_comparison import Pair

BANK = Array(columns=16, column=8)


LSB = 2 * 0.0768 / 64
"""Of a converter of 6 bits over ±76.8 mV (V)."""


@pytest.mark.spice
def test_rails_are_in_the_ratio_of_the_sums_and_codes_are_the_nearest(tmp_path):
    """Words of 2 bits, 3, 3, 3 and 0, stand for equal weights of which the last is negative: the inputs here
    give sums of 45 and −15 of them.
    """
    conditions = SramConditions(array=BANK, workers=1, store=tmp_path / "points.sqlite")
    form, words = WordFormat(2, 1), np.array([[[3, 3, 3, 0]]])
    design = LayerDesign(
        IdealRead(1.0), Periphery(converter=SignedConverter.ideal(6, 0.0768)), form, power_codes(2, 15) * 2
    )
    circuit = CircuitLayer(design, words, conditions=conditions)
    rails = circuit.rails(np.array([[[15, 15, 15, 0], [0, 0, 0, 15]]]))
    codes = circuit.codes(rails)
    assert rails.ravel()[0] / rails.ravel()[1] == pytest.approx(45 / -15, rel=0.03)
    assert rails.ravel()[0] > 2.5 * LSB
    # half a step, and a quarter for thresholds that are not quite where they should be
    assert np.abs(codes - rails / LSB).max() < 0.75
    with pytest.raises(ParameterError, match="not what a converter"):
        circuit.codes(rails + 1e-3)
    below = circuit.below_target(rails[0, :1, 0, 0], codes[0, :1, 0], np.array([9.0]), None)
    assert np.abs(below - (9 - rails[0, 0, 0, 0] / LSB)).max() < 0.75
    assert circuit.flipped == 0


def test_circuits_have_the_reference_that_the_conditions_ask_for(tmp_path):
    design = LayerDesign(IdealRead(1.0), Periphery(), WordFormat(2, 1), power_codes(2, 15))

    def parameters(**more):
        conditions = SramConditions(array=BANK, store=tmp_path / "points.sqlite", **more)
        return CircuitLayer(design, np.zeros((1, 1, 4), int), conditions=conditions)._forward(
            0, slice(0, 4), 0, np.array([15, 3, 0, 1])
        )

    assert "converter" not in parameters()
    asked = bench("sram_forward_pass").Parameters(**parameters(reference_drop=0.05))
    assert asked.model_dump()["converter"]["reference_drop"] == 0.05


def test_an_error_is_relative_to_the_largest_that_was_measured():
    pair = Pair(np.array([2.0, -4.0]), np.array([2.0, -4.4]))
    assert pair.percent == pytest.approx(100 * 0.4 / np.sqrt(2) / 4)
    assert pair.differ == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "sram", "--bits", "5"], "words of 5 bits"),
        (["train", "sram", "--corner", "xx"], "unknown corner"),
        (["train", "sram", "--reference", "0"], "a reference 0 V below the supply"),
        (["validate", "sram-learning", "--temperature", "300"], "outside the models' range"),
        (["validate", "sram-learning", "--samples", "31"], "30"),
        (["demo", "sram", "--chips", "1"], "chips"),
    ],
)
def test_wrong_input_is_reported_before_anything_is_simulated(words, said, capsys, tmp_path):
    assert run([*words, "-o", str(tmp_path), "--json"]) == 2
    streams = capsys.readouterr()
    reported = streams.out + streams.err
    assert said in reported
    assert "Traceback" not in reported
    if streams.out:
        json.loads(streams.out)


def test_what_is_trained_says_its_seed_conditions_and_versions(monkeypatch, tmp_path, capsys):
    known = SimpleNamespace(
        family=lambda bits: None, periphery=SimpleNamespace(converter=SimpleNamespace(step=1e-3))
    )
    monkeypatch.setattr("cimspice.sram.validation.learning.characterised", lambda *_, **__: known)
    monkeypatch.setattr("cimspice.sram.commands.train.training_facts", lambda *_: {})
    words = ["--corner", "ss", "--temperature", "85", "--seed", "3", "-o", str(tmp_path), "--json"]
    assert run(["train", "sram", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["seed"], found["corner"], found["temperature"]) == (3, "ss", 85.0)
    assert {"cimspice", "ngspice", "pdk"} <= set(found["provenance"])
