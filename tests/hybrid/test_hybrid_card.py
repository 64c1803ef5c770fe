"""The card of a column: what it holds, what is refused, and what networks, chips and commands take of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cimspice import hybrid
from cimspice.cli.app import run
from cimspice.errors import CimspiceError, ParameterError
from cimspice.hybrid.emulator.mapped_layer import EFFECTS
from cimspice.hybrid.model.card import column_model, hybrid_card
from cimspice.network import built_in, map_network


def answer(capsys, *words: object) -> dict:
    code = run([*map(str, words), "--json"])
    found = json.loads(capsys.readouterr().out)
    return found | {"exit_code": code}


def test_card_that_comes_with_cimspice_says_origin_range_and_interval_of_every_part():
    card = hybrid.packaged_card()
    assert set(card.parts) == {
        "cell_current", "bit_line", "variation", "second_read", "thresholds", "offset", "noise", "delay",
        "energy", "processing_element",
    }  # fmt: skip
    for part in card.parts.values():
        assert part.origin == "simulated"
        assert part.source
    offset = card.part("offset").parameters
    assert offset["samples"].value >= 1000
    low, high = offset["deviation"].interval
    # of a standard deviation of 1,000 values: 4.4 % to either side
    assert (low / offset["deviation"].value, high / offset["deviation"].value) == pytest.approx(
        (0.958, 1.046), abs=0.002
    )
    assert offset["mean"].interval[0] < 0 < offset["mean"].interval[1]  # both halves are alike


def test_column_comes_back_from_its_card_and_its_spread_is_in_cells():
    card = hybrid.packaged_card()
    model = column_model(card)
    again = column_model(hybrid_card(model, provenance=card.provenance))
    assert (again.unit, again.comparator.offset_deviation) == (model.unit, model.comparator.offset_deviation)
    assert np.array_equal(again.lines.second.coefficients, model.lines.second.coefficients)
    spread = hybrid.Spread.of(model)
    assert spread.offset == pytest.approx(model.comparator.offset_deviation / model.unit, rel=0.03)
    # √(2 k T/C) of lines of about 70 fF, beside the comparator's noise
    charge = np.sqrt(2 * 1.380649e-23 * 300.15 / model.lines.fit.model.capacitance)
    assert spread.noise == pytest.approx(np.hypot(charge, model.comparator.noise) / model.unit, rel=0.03)
    reading = hybrid.ColumnReader.of(model)(np.array([[1] * 2 + [0] * 62]), np.array([[1] * 20 + [0] * 44]))
    assert reading.codes.tolist() == [1]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("offset", lambda part: part["parameters"]["deviation"].update(value=-1.0, interval=[-2.0, 0.0])),
        ("offset", lambda part: part["parameters"].pop("mean")),
        ("noise", lambda part: part["parameters"]["comparator"].update(unit="mV")),
        ("thresholds", lambda part: part["parameters"]["unit"].update(value=0.0)),
        ("delay", lambda part: part["data"]["map"][0][1]["array"].reverse()),
        ("second_read", lambda part: part.update(data=None)),
        ("bit_line", lambda part: part["parameters"].pop("coupling")),
    ],
)
def test_cards_that_make_no_column_are_refused_with_file_and_remedy(part, change, tmp_path):
    file = hybrid.packaged_card().save(tmp_path / "column.json")
    content = json.loads(file.read_text())
    change(content["parts"][part])
    file.write_text(json.dumps(content))
    with pytest.raises(CimspiceError) as error:
        hybrid.card(file)
    assert error.value.remedy
    assert "column.json" in str(error.value.place)


def test_network_on_columns_is_the_network_where_every_effect_is_off_and_loses_most_by_the_read_out():
    built = built_in("digits-64")
    mapped = map_network(built.network, built.x_train[:200], hybrid.hybrid_circuit())
    x = built.x_test[:50]
    exact = built.network.outputs(x)
    assert np.allclose(mapped.without(*EFFECTS).outputs(x), exact, atol=1e-4 * np.abs(exact).max())
    errors = {
        name: np.square(mapped.without(*(set(EFFECTS) - {name})).outputs(x) - exact).mean()
        for name in EFFECTS[:4]
    }
    assert max(errors, key=lambda name: errors[name]) == "ternary read-out"
    right = (mapped.outputs(built.x_test).argmax(axis=1) == built.y_test).mean()
    assert 0.6 < right < 0.97  # not trained through the read-out
    chip = map_network(built.network, built.x_train[:200], hybrid.hybrid_circuit(chips=3))
    found = chip.outputs(x)
    assert found.shape == (3, *mapped.outputs(x).shape)
    assert len({one.tobytes() for one in (*found, mapped.outputs(x))}) == 4
    alike = chip.chip(1).without("mismatch and noise")
    np.testing.assert_array_equal(alike.outputs(x), mapped.outputs(x))


def test_inputs_of_both_signs_take_two_passes_and_are_odd_in_their_sign():
    rng = np.random.default_rng(0)
    layer = hybrid.hybrid_circuit().layer(rng.normal(size=(5, 40)), rng.normal(size=(300, 40)))
    x = rng.normal(size=(20, 40))
    assert layer.signed
    assert np.allclose(layer(-x), -layer(x), atol=1e-5)
    assert layer.clipped(np.full((1, 40), 1e3)) == 40


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        ({"weights": "odd"}, "-4..3"),
        ({"tile": 8}, "scale_factors"),
        ({"chips": -1}, "at least 0"),
        ({"input_bits": 0}, "at least 1"),
        ({"scale_factors": "row"}, "column"),
    ],
)
def test_settings_that_make_no_columns_are_refused(config, remedy):
    with pytest.raises(ParameterError) as error:
        hybrid.hybrid_circuit(**config)
    assert remedy in str(error.value.remedy)


def test_network_is_mapped_onto_columns_at_the_command_line(capsys):
    found = answer(capsys, "map", "digits-64", "--circuit", "hybrid")
    assert found["exit_code"] == 0
    assert found["circuit"] == "hybrid"
    assert [layer["tiles"] for layer in found["layers"]] == [1, 1]
    assert [layer["columns"] for layer in found["layers"]] == [3 * 64, 3 * 10]
    assert found["accuracy_ideal"] > 0.95


@pytest.mark.spice
def test_a_layers_codes_in_ngspice_are_the_emulators(tmp_path):
    rng = np.random.default_rng(1)
    x = np.abs(rng.normal(size=(1, 40)))
    circuit = hybrid.hybrid_circuit(weights="-3..3", input_bits=1)
    layer = circuit.layer(rng.normal(size=(2, 40)), x.repeat(3, axis=0))
    found = hybrid.simulate(layer, x, store=tmp_path / "store", jobs=1)
    assert found.lines.codes == 2 * 2  # outputs, slices
    assert found.lines.unexplained == 0
    assert found.lines.relative < 0.05
    if not found.lines.differing:
        assert np.allclose(found.outputs, layer(x), rtol=1e-5)


def test_training_on_a_card_draws_chips_with_its_offsets(capsys, tmp_path):
    file = hybrid.packaged_card().save(tmp_path / "column.json")
    words = ["train", "hybrid", "--card", file, "--network", "iris", "--seeds", 1, "-o", tmp_path / "run"]
    found = answer(capsys, *words)
    assert found["exit_code"] == 0
    assert "1.5 cells" in found["readout"]
    assert found["accuracy_on_chips"]["value"] > 0.3
    for more, remedy in (
        (["--readout", "binary"], "leave it out"),
        (["--readout", "ternary:2.5"], "dummies=5"),
        (["--rows", 32], "--rows 64"),
    ):
        refused = answer(capsys, *words, *more)
        assert refused["exit_code"] == 2
        assert remedy in refused["error"]["remedy"]


def test_chips_have_the_cards_offset_and_noise_where_nothing_else_is_said(capsys, tmp_path):
    words = ["validate", "hybrid", "--network", "iris", "--chips", 2, "--seeds", 1, "-o", tmp_path]
    found, given = answer(capsys, *words), answer(capsys, *words, "--offset-sigma", 0.7, "--comparators", 2)
    model = column_model(hybrid.packaged_card())
    spread = hybrid.Spread.of(model)
    assert found["offset_sigma_cells"] == pytest.approx(spread.offset)
    assert found["offset_sigma_mv"] == pytest.approx(1e3 * model.comparator.offset_deviation)
    assert (given["offset_sigma_cells"], given["comparators"]) == (0.7, 2)
    for one in (found, given):
        assert one["noise_sigma_cells"] == pytest.approx(spread.noise)
        assert one["cell_sigma"] == pytest.approx(spread.cell)


def test_a_card_and_another_condition_are_refused_together(capsys, tmp_path):
    file = hybrid.packaged_card().save(tmp_path / "column.json")
    words = ["validate", "hybrid", "--chips", 5, "--card", file, "-o", tmp_path / "run"]
    assert "leave it out" in answer(capsys, *words, "--corner", "ss")["error"]["remedy"]
    file.write_text(file.read_text().replace('"hybrid"', '"sram"', 1))
    assert answer(capsys, *words)["exit_code"] == 2
