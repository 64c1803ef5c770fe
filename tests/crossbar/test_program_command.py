"""``cimspice program``, as users and scripts call it."""

import json

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run
from cimspice.fit import ModelCard
from cimspice.network import built_in
from cimspice.neuron.model.ramp import Ramp
from cimspice.rram.model.write_cost import WriteCost


@pytest.fixture
def weights(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "net.npz", W1=rng.normal(size=(30, 50)), W2=rng.normal(size=(10, 30)))
    return str(tmp_path / "net.npz")


def facts(capsys, *words):
    assert run(["program", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_digits_give_the_keys_that_scripts_read(capsys):
    found = facts(capsys)
    assert {"seed": 0, "corner": None, "temperature": None}.items() <= found.items()
    assert (found["network"], found["weights"]) == ("digits-256", 50432)
    assert found["writes_baseline"] > found["writes"] > 0
    assert found["reduction"] == pytest.approx(found["writes_baseline"] / found["writes"])
    assert abs(found["accuracy_change"]) < 0.01
    assert {"sets", "resets", "energy_joule", "time_second", "max_writes_per_cell", "lifetime_passes"} <= set(
        found
    )
    assert "trained here" in found["source"]
    assert "assumed" in found["write_cost"]["origin"]


def test_own_weights_with_files_and_a_card(capsys, weights, tmp_path):
    card = tmp_path / "cost.json"
    ModelCard.from_model(WriteCost(set_energy=1e-15, reset_energy=1e-15, origin="simulated")).save(card)
    words = ["--network", weights, "--rows", "8", "--crossbars", "2", "--write-cost", str(card)]
    found = facts(capsys, *words, "--output", str(tmp_path / "out"))
    assert found["energy_joule"] == pytest.approx(1e-15 * found["writes"])
    assert found["accuracy_change"] is None
    methods = pd.read_csv(tmp_path / "out" / "methods.csv")
    assert methods["writes"].tolist() == [entry["writes"] for entry in found["methods"]]
    for name in ("methods.png", "methods.svg", "layers.csv", "report.json"):
        assert (tmp_path / "out" / name).stat().st_size > 100


def test_data_beside_own_weights_are_no_weights_and_give_the_accuracy(capsys, tmp_path):
    given = built_in("digits")
    first, second = given.network.weight_layers
    np.savez(
        tmp_path / "net.npz", x_test=given.x_test[:200], y_test=given.y_test[:200],
        W1=first.arrays["weights"].T, b1=first.arrays["bias"], W2=second.arrays["weights"].T,
        b2=second.arrays["bias"],
    )  # fmt: skip
    file = str(tmp_path / "net.npz")
    found = facts(capsys, "--network", file, "--data", file)
    assert found["weights"] == 2368
    right = given.network.outputs(given.x_test[:200]).argmax(axis=1) == given.y_test[:200]
    assert found["accuracy_trained"] == right.mean()
    assert abs(found["accuracy_change"]) < 0.05
    assert "(inputs, outputs)" in found["source"]
    assert facts(capsys, "--network", file)["accuracy_change"] is None


def test_writes_and_accuracy_of_a_convolution_network(capsys):
    found = facts(capsys, "--network", "digits-cnn")
    assert found["weights"] == 3784
    assert found["writes_baseline"] > found["writes"] > 0
    assert found["accuracy_trained"] >= 0.96
    assert abs(found["accuracy_change"]) < 0.01


def test_stuck_columns_alone_mean_bit_stucking(capsys, weights):
    found = facts(
        capsys, "--network", weights, "--order", "sorted", "--stuck-columns", "2", "--fraction", "1"
    )
    assert found["plan"]["choice"] == "random"
    assert found["output_error"] == 0.0


def test_writes_are_the_cells_in_which_successive_sections_differ(capsys, tmp_path):
    """Counted here cell by cell: one crossbar of 8 rows, 4 bits and a sign, sections in the layer's order."""
    weights = np.random.default_rng(0).normal(size=(6, 16))
    np.save(tmp_path / "net.npy", weights)
    words = ["--bits", "4", "--rows", "8", "--crossbars", "1", "--order", "unsorted", "--choice", "exact"]
    levels = np.rint(weights / np.abs(weights).max() * 15).astype(int)
    cells = np.stack([*(np.abs(levels) >> bit & 1 for bit in range(4)), levels < 0], axis=-1)
    sections = np.concatenate([np.zeros((1, 8, 5), int), cells.reshape(-1, 8, 5)])  # erased at first
    changes = np.diff(sections.astype(int), axis=0)
    found = facts(capsys, "--network", str(tmp_path / "net.npy"), *words)
    assert found["sets"] == (changes == 1).sum()
    assert found["resets"] == (changes == -1).sum()
    assert found["writes"] == np.abs(changes).sum()
    assert found["max_writes_per_cell"] == np.abs(changes).sum(axis=0).max()


def test_another_seed_stucks_other_cells_and_the_same_seed_the_same(capsys, weights):
    words = ["--network", weights, "--choice", "random", "--seed"]
    found = [facts(capsys, *words, seed) for seed in ("5", "5", "6")]
    assert found[0] == found[1]
    assert found[0]["output_error"] != found[2]["output_error"]


def test_a_sweep_writes_its_table_and_figure(capsys, weights, tmp_path):
    words = ["--network", weights, "--sweep", "--output", str(tmp_path / "out")]
    found = facts(capsys, *words)
    assert len(pd.read_csv(tmp_path / "out" / "sweep.csv")) == found["points"]
    assert (tmp_path / "out" / "front.png").exists()
    assert found["gains"][0]["median"] > 1


def test_people_get_a_table(capsys, weights):
    assert run(["program", "--network", weights]) == 0
    assert "writes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--bits", "0"], "bits is 0"),
        (["--bits", "-1"], "bits is -1"),
        (["--fraction", "1.5"], "1.5"),
        (["--rows", "0"], "0 rows"),
        (["--order", "alphabetical"], "alphabetical"),
        (["--network", "alexnet"], "alexnet"),
        (["--network", "absent.npz"], "cannot read"),
        (["--crossbars", "1000000000000"], "GiB"),
        (["--sweep"], "without a folder"),
        (["--life", "--network", "resnet50", "--output", "x"], "resnet50"),
        (["--life", "--network", "mnist-conv", "--output", "x"], "mnist-conv"),
        (["--data", "x.npz"], "--data"),
        (["--price", "-1"], "-1"),
        (["--distribution", "cauchy", "--network", "vit-base"], "cauchy"),
        (["--distribution", "cauchy"], "cauchy"),
        (["--write-cost", "absent.json"], "cannot read"),
    ],
)
def test_bad_input_is_named_with_a_remedy(capsys, tmp_path, monkeypatch, words, named):
    monkeypatch.chdir(tmp_path)
    assert run(["program", "--json", *words]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert named in error["message"]
    assert error["remedy"]


@pytest.mark.parametrize(
    ("content", "named"),
    [("0.5,1\n1,nan\n", "the array 'net' is nan at (1, 1)"), ("", "(0, 1)"), ("a;b\n", "'a;b'")],
)
def test_weights_that_are_none_are_reported_with_their_file_and_nothing_else(
    capsys, tmp_path, content, named
):
    file = tmp_path / "net.csv"
    file.write_text(content)
    assert run(["program", "--network", str(file), "--json"]) == 2
    streams = capsys.readouterr()
    error = json.loads(streams.out)["error"]
    assert named in error["message"]
    assert error["place"] == str(file)
    assert "Warning" not in streams.err


def test_a_spreadsheet_s_byte_order_mark_is_no_weight(capsys, tmp_path):
    (tmp_path / "net.csv").write_text("0.5,1\n1,0.25\n", encoding="utf-8-sig")
    assert facts(capsys, "--network", str(tmp_path / "net.csv"))["writes_baseline"] > 0


def test_a_card_of_something_else_is_refused(capsys, tmp_path):
    ramp = Ramp(rate=1e6, reversal_coefficient=0.2)
    ModelCard.from_model(ramp).save(tmp_path / "ramp.json")
    assert run(["program", "--write-cost", str(tmp_path / "ramp.json")]) == 2
    assert "'ramp', not a 'write_cost'" in capsys.readouterr().err


@pytest.mark.spice
def test_the_cost_of_a_write_can_come_from_ngspice_and_be_kept(capsys, weights, tmp_path):
    card = tmp_path / "cost.json"
    words = ["--network", weights, "--write-cost", "simulated", "--save-write-cost", str(card)]
    found = facts(capsys, *words)
    assert found["write_cost"]["origin"].startswith("ngspice")
    cost = ModelCard.load(card).model_of(WriteCost)
    assert found["energy_joule"] == pytest.approx(float(cost.energy(found["sets"], found["resets"])))
    # V I t of a cell that its transistor limits: 2.2 V, 50 to 500 uA, 1 us
    assert 2.2 * 50e-6 * 1e-6 < cost.set_energy < 2.2 * 500e-6 * 1e-6
    assert facts(capsys, "--network", weights, "--write-cost", str(card)) == found
