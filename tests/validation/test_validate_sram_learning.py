"""Blocks in ngspice in the place of the emulator's, and what commands refuse before any simulation."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cimspice.campaign.sram_conditions import SramConditions
from cimspice.circuits.bench import bench
from cimspice.circuits.sram_array import Array
from cimspice.cli.app import run
from cimspice.emulator.sram_ideal_read import IdealRead
from cimspice.emulator.sram_layer import SramLayer
from cimspice.emulator.sram_layer_design import LayerDesign
from cimspice.emulator.sram_periphery import Periphery
from cimspice.errors import ParameterError
from cimspice.mapping.sram_format import WordFormat
from cimspice.mapping.sram_pulses import power_codes
from cimspice.models.sram.charge_sharing import ChargeSharing
from cimspice.models.sram.converter import SignedConverter
from cimspice.validation.sram_circuit_layer import CircuitLayer
from cimspice.validation.sram_learning_comparison import Pair

BANK = Array(columns=16, column=8)


@pytest.mark.spice
def test_the_circuits_compute_the_signs_and_sizes_of_the_ideal_ones(tmp_path):
    """Words of 2 bits: an ideal network with the lines' own unit is within a few converter steps."""
    conditions = SramConditions(array=BANK, workers=1, store=tmp_path / "points.sqlite")
    form, words = WordFormat(2, 1), np.array([[[3, 0, 2, 3]]])
    design = LayerDesign(
        IdealRead(1.0), Periphery(converter=SignedConverter.ideal(6, 0.0768)), form, power_codes(2, 15) * 2
    )
    circuit = CircuitLayer(design, words, conditions=conditions)
    ones = conditions.read(np.arange(2), design.pulses[0], np.ones(2, int))
    read = conditions.run("sram_multi_row_read", [ones], lambda done, total: None).table.iloc[0]
    unit = (read["bit_line_bar_discharge"] - read["bit_line_discharge"]) / design.pulses.sum()
    sharing = ChargeSharing(load_ratio=1.8, largest_columns=16)
    ideal = replace(design, read=IdealRead(unit), periphery=replace(design.periphery, sharing=sharing))
    emulated = SramLayer(ideal, words)
    inputs = np.array([[[15, 2, 8, 4]]])
    rails, wanted = circuit.rails(inputs), emulated.rails(inputs)
    assert rails == pytest.approx(wanted, rel=0.3, abs=1e-3)
    assert circuit.codes(rails) == pytest.approx(rails / 2.4e-3, abs=1.5)
    with pytest.raises(ParameterError, match="not what a converter"):
        circuit.codes(rails + 1e-3)
    below = circuit.below_target(rails[0, :1, 0, 0], circuit.codes(rails)[0, :1, 0], np.array([9.0]), None)
    assert below == pytest.approx(9 - rails[0, :1, 0, 0] / 2.4e-3, abs=1.5)
    assert circuit.flipped == 0


def test_circuits_have_the_reference_that_the_conditions_ask_for(tmp_path):
    design = LayerDesign(IdealRead(1.0), Periphery(), WordFormat(2, 1), power_codes(2, 15))

    def parameters(**more):
        conditions = SramConditions(array=BANK, store=tmp_path / "points.sqlite", **more)
        return CircuitLayer(design, np.zeros((1, 1, 4), int), conditions=conditions)._forward(
            0, 0, np.array([15, 3, 0, 1])
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
def test_wrong_input_is_told_before_anything_is_simulated(words, said, capsys, tmp_path):
    assert run([*words, "-o", str(tmp_path), "--json"]) == 2
    streams = capsys.readouterr()
    told = streams.out + streams.err
    assert said in told
    assert "Traceback" not in told
    if streams.out:
        json.loads(streams.out)
