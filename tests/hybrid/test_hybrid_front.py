"""The front of columns: each trained on chips of its own comparator, and what the page and JSON say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cimspice.cli.app import run
from cimspice.hybrid import Binary, Converter, Design, Ideal, Schedule, Spread, Ternary
from cimspice.hybrid import front as front_module
from cimspice.hybrid.choices import FRONT, STEPS, WAYS, Choice
from cimspice.hybrid.emulator.columns import Deviations, codes_of
from cimspice.hybrid.front import Front, Point
from cimspice.hybrid.training.front import Reading, layers_read, only, train_readings
from cimspice.hybrid.training.networks import network_of

FEW = Schedule(epochs=10)
PAIR = {"ternary": FRONT["ternary"], "binary": FRONT["binary"], "4 bits": FRONT["4 bits"]}


def share(value):
    return {"value": value, "interval": [value - 0.01, value + 0.01]}


def point(energy, accuracy, choice: Choice | None = PAIR["ternary"]):
    blocks = {"array": energy / 4, "rest": 3 * energy / 4}
    return Point(choice, blocks, 4e-9, share(accuracy), share(accuracy + 0.01), Spread(0.4), 18, 0.6)


@pytest.fixture
def made():
    points = {
        "cheap": point(4e-13, 0.90),
        "dear and worse": point(8e-13, 0.89),
        "middle": point(6e-13, 0.95),
        "as good, dearer": point(9e-13, 0.95),
        "<b>both</b>": point(7e-13, 0.96, None),
        "4 bits": point(2e-12, 0.97, PAIR["4 bits"]),
    }
    return Front("iris", share(0.98), points, {"hidden": share(0.01)}, 2)


def test_the_front_has_the_columns_that_no_other_beats_in_energy_and_accuracy(made):
    assert made.best == ["cheap", "middle", "<b>both</b>", "4 bits"]


def test_the_command_writes_a_page_without_foreign_markup_and_what_it_prints(
    made, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(front_module, "front", lambda *_, **__: made)
    words = ["train", "hybrid", "--front", "--network", "iris", "--seeds", "2", "-o", str(tmp_path)]
    assert run([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["columns"]["middle"]["energy"] == pytest.approx(6e-13)
    assert facts["columns"]["4 bits"]["readout"] == str(Converter(4))
    assert facts["front"] == made.best
    assert json.loads((tmp_path / "report.json").read_text())["front"] == made.best
    page = (tmp_path / "index.html").read_text()
    assert "<b>both" not in page
    assert "Without a better one in both: cheap; middle; &lt;b&gt;both" in page
    assert run(words) == 0
    shown = {
        line.split("  ")[1].strip(): line for line in capsys.readouterr().out.splitlines() if "  " in line
    }
    assert shown["middle"].endswith("yes")
    assert not shown["dear and worse"].rstrip().endswith("yes")


def test_readings_are_trained_side_by_side_and_each_seed_has_its_own_value():
    spread = Spread(0.3, 0.09, 0.05)
    readings = {key: Reading(one.design(64), spread) for key, one in PAIR.items()}
    readings["dense2 alone"] = only(readings["ternary"], layers_read("iris")[-1])
    ideal, found = train_readings("iris", readings, (0, 1), chips=2, schedule=FEW)
    assert ideal.shape == (2,)
    assert set(found) == set(readings)
    for key, one in found.items():
        assert one.nominal.shape == one.chips.shape == (2,)
        assert one.drawn.codes.shape == one.drawn.scales.shape
        shares = sum(one.activity[f"codes_of_{code}"] for code in (1, -1, 0))
        assert key == "4 bits" or shares == pytest.approx(1)
    assert found["binary"].activity["codes_of_0"] == 0
    assert set(np.unique(found["binary"].drawn.codes)) <= {-1, 1}
    assert list(found["dense2 alone"].reads) == layers_read("iris")[-1:]
    assert found["ternary"].reads[layers_read("iris")[0]] == 16 * 3 * 3  # columns, slices, input bits
    again = train_readings("iris", {"binary": readings["binary"]}, (0, 1), chips=2, schedule=FEW)[1]
    assert np.array_equal(again["binary"].chips, found["binary"].chips)


def test_one_layer_alone_is_read_and_the_others_keep_ideal_sums():
    reading = only(Reading(Design(Ternary(1.5)), Spread()), "b")
    of = reading.of(["a", "b", "c"])
    assert [isinstance(of[name].readout, Ideal) for name in "abc"] == [True, False, True]
    assert (
        layers_read("digits-cnn")
        == [node.name for node in network_of("digits-cnn").network.weight_layers][1:]
    )


def test_a_converter_on_a_chip_converts_what_its_comparator_sees():
    sums = np.array([-9.0, -1.0, 0.0, 3.0])
    chip = Deviations(upper=np.array(0.6))
    found = codes_of(sums, Converter(4), np.ones(1), chip)
    assert np.array_equal(found, np.clip(np.rint(sums + 0.6), -8, 7))


def test_choices_name_the_column_that_is_simulated():
    assert [Choice(Ternary(theta)).dummies for theta in (0.5, 1.5, 2.5)] == [1, 3, 5]
    assert Choice(Binary()).dummies == 1
    for one in (*FRONT.values(), *WAYS.values()):
        if isinstance(one.readout, Converter):
            assert one.readout.step == STEPS[one.readout.bits]
    assert next(iter(WAYS.values())).input_width == 12e-6
    assert replace(PAIR["ternary"], shared="layer").design().shared == "layer"


def test_mnist_digits_have_a_network_of_vgg_shape_whose_first_convolution_is_not_read():
    made = network_of("mnist-vgg", 1)
    assert (len(made.x_train), len(made.x_test)) == (4000, 1000)
    assert made.network.outputs(made.x_test[:2]).shape == (2, 10)
    assert layers_read("mnist-vgg") == ["conv2", "conv3", "dense"]
    other = network_of("mnist-vgg", 2)
    assert not np.array_equal(made.y_test, other.y_test)
