"""``cimspice map``: a trained network on circuits without simulation, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from cimspice.cli.app import run
from cimspice.crossbar import crossbar_circuit
from cimspice.network import built_in, fine_tune
from cimspice.network.programmed import mapping_facts

LOW, HIGH = 2e-6, 80e-6


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def mapped(capsys, *words: str, settings: str = "") -> tuple[dict, dict[str, np.ndarray]]:
    Path("circuit.toml").write_text(settings)
    code = run(["map", *words, "--circuit", "crossbar", "--config", "circuit.toml", "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    facts = json.loads(printed.out)
    assert json.loads(Path(facts["files"]["report.json"]).read_text()) == facts
    with np.load(facts["files"]["mapping.npz"]) as saved:
        return facts, {name: saved[name] for name in saved.files}


def unmapped(saved: dict[str, np.ndarray], layer: str) -> np.ndarray:
    """Weights (groups, chips, outputs, inputs) from conductances alone."""
    g, unit = saved[f"{layer}.conductances"], saved[f"{layer}.unit"]
    pairs = g.reshape(*g.shape[:-1], -1, 2) @ [1.0, -1.0]
    return np.einsum("gcsio,gso->gcoi", pairs, unit)


def trained(name: str, layer: str) -> np.ndarray:
    node = next(node for node in built_in(name).network.weight_layers if node.name == layer)
    return node.arrays["weights"]


def digits_layers() -> list[tuple[str, np.ndarray]]:
    return [(name, trained("digits", name)) for name in ("dense1", "dense2")]


def test_digits_on_tiles_count_tiles_cells_and_what_is_right(capsys):
    facts, _ = mapped(capsys, "digits", settings="tile = 32\nword_line_resistance = 5.0\nadc_bits = 8\n")
    # 64 inputs x 64 columns and 32 inputs x 20 columns on 32 x 32
    assert [(layer["tiles"], layer["cells"], layer["utilisation"]) for layer in facts["layers"]] == [
        (4, 4096, 1.0), (1, 640, 0.625),
    ]  # fmt: skip
    assert (facts["tiles"], facts["cells"], facts["samples"], facts["chips"]) == (5, 4736, 899, 1)
    assert facts["conversions"] == 898 // 2 * (
        2 * 32 + 10
    )  # every second calibration input, two rows of tiles
    assert facts["accuracy_ideal"] == built_in("digits").test_accuracy
    assert facts["chip_accuracy"] == [facts["accuracy_emulator"]]
    assert facts["emulated_error"] > 1e-3  # the wires are there
    assert set(facts["effects"]) == {"wires", "clipping", "ADC"}
    assert facts["settings"] == {"tile": 32, "word_line_resistance": 5.0, "adc_bits": 8}
    assert facts["seed"] == 0
    assert facts["provenance"]["cimspice"]


def test_conductances_without_levels_give_the_trained_weights_back_within_the_cells_range(capsys):
    _, saved = mapped(capsys, "digits")
    for name, weights in digits_layers():
        g = saved[f"{name}.conductances"]
        assert g.shape == (1, 1, 1, weights.shape[1], 2 * len(weights))
        assert (g.min(), g.max()) == (LOW, pytest.approx(HIGH, rel=1e-15))
        assert np.abs(unmapped(saved, name)[0, 0] - weights).max() < 1e-14 * np.abs(weights).max()
        np.testing.assert_allclose(saved[f"{name}.weights"], unmapped(saved, name), atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ("levels = 16\n", 15),
        ('levels = 16\nweight_scale = "column"\n', 15),
        ("weight_bits = 6\nslice_bits = 2\n", 63),
    ],
)
def test_levels_and_slices_give_the_weights_back_to_half_a_step(capsys, settings, steps):
    facts, saved = mapped(capsys, "digits", settings=settings)
    for (name, weights), layer in zip(digits_layers(), facts["layers"], strict=True):
        found = unmapped(saved, name)[0, 0]
        axis = 1 if "column" in settings else None
        step = np.abs(weights).max(axis, keepdims=axis is not None) / steps
        assert np.all(np.abs(found - weights) <= step / 2 * (1 + 1e-9))
        error = np.linalg.norm(found - weights) / np.linalg.norm(weights)
        assert layer["weight_error"] == pytest.approx(error, rel=1e-9)
        g = saved[f"{name}.conductances"]
        assert g.min() >= LOW
        assert g.max() <= HIGH * (1 + 1e-15)


def test_weights_and_inputs_beyond_the_range_are_counted(capsys):
    facts, saved = mapped(capsys, "digits", settings="weight_percentile = 99\ninput_percentile = 90\n")
    given = built_in("digits")
    signals = given.x_train, given.x_test
    for number, ((name, weights), layer) in enumerate(zip(digits_layers(), facts["layers"], strict=True)):
        limit = np.percentile(np.abs(weights), 99)
        assert layer["clipped_weights"] == np.count_nonzero(np.abs(weights) > limit) > 0
        assert np.abs(unmapped(saved, name)).max() == pytest.approx(limit)
        assert layer["input_scale"] == pytest.approx(np.percentile(signals[0], 90))
        if number == 0:
            assert layer["clipped_inputs"] == np.count_nonzero(signals[1] > layer["input_scale"])
            bias = next(iter(given.network.weight_layers)).arrays["bias"]
            signals = tuple(np.maximum(x @ weights.T + bias, 0) for x in signals)
    assert facts["clipped_inputs"] == sum(layer["clipped_inputs"] for layer in facts["layers"])


def test_every_chip_of_stuck_cells_decides_as_its_saved_conductances_do(capsys):
    settings = "stuck_low = 0.05\nstuck_high = 0.02\nchips = 3\nword_line_resistance = 0.0\n"
    facts, saved = mapped(capsys, "digits", settings=settings + "bit_line_resistance = 0.0\n")
    given, nodes = built_in("digits"), list(built_in("digits").network.weight_layers)
    weights = [unmapped(saved, node.name)[0] for node in nodes]
    scales = [layer["input_scale"] for layer in facts["layers"]]
    right, errors, ideal = [], [], given.network.outputs(given.x_test)
    for chip in range(3):
        hidden = given.x_test @ weights[0][chip].T + nodes[0].arrays["bias"]
        hidden = np.clip(hidden, 0, scales[1])
        found = hidden @ weights[1][chip].T + nodes[1].arrays["bias"]
        right.append(float(np.mean(found.argmax(1) == given.y_test)))
        errors.append(np.mean((found - ideal) ** 2))
    assert facts["chip_accuracy"] == right
    assert facts["accuracy_emulator"] == pytest.approx(np.mean(right))
    assert len(set(right)) > 1
    rms = np.sqrt(np.mean(errors) / np.mean(ideal**2))
    assert facts["emulated_error"] == pytest.approx(rms, rel=1e-9)


def test_nine_tenths_of_all_chips_are_as_right_as_the_worst_of_29(capsys):
    settings = "stuck_low = 0.03\nstuck_high = 0.03\nchips = {}\n"
    few, _ = mapped(capsys, "iris", settings=settings.format(28))
    assert few["chip_certificate"] is None
    facts, _ = mapped(capsys, "iris", settings=settings.format(29))
    certificate = facts["chip_certificate"]
    assert certificate["bound"] == min(facts["chip_accuracy"]) < max(facts["chip_accuracy"])
    assert (certificate["kind"], certificate["runs"], certificate["lower"]) == ("chips", 29, True)
    assert 0.9**29 < 1 - certificate["confidence"] < 0.9**28


def test_a_convolution_s_groups_are_saved_one_by_one(capsys, tmp_path):
    rng = np.random.default_rng(2)
    kernels = rng.normal(size=(4, 1, 3, 3))
    np.savez(tmp_path / "net.npz", k=kernels, x=rng.normal(size=(5, 2, 6, 6)))
    Path("net.toml").write_text(
        'weights = "net.npz"\ninput = [2, 6, 6]\n[[layers]]\nkind = "conv"\nweights = "k"\ngroups = 2\n'
    )
    facts, saved = mapped(capsys, "net.toml", "--data", "net.npz")
    (layer,) = facts["layers"]
    found = unmapped(saved, layer["name"])
    assert found.shape == (2, 1, 2, 9)
    assert np.abs(found.reshape(kernels.shape) - kernels).max() < 1e-14
    assert layer["inputs"] == "2 passes"
    assert facts["accuracy_ideal"] is facts["accuracy_emulator"] is facts["chip_accuracy"] is None


def test_an_own_network_from_a_folder_outside_gives_a_table_and_a_line_of_accuracy(tmp_path):
    rng = np.random.default_rng(1)
    w, x = rng.normal(size=(3, 7)), rng.uniform(size=(40, 7))
    np.savez(tmp_path / "net.npz", W1=w.T, b1=np.zeros(3))
    np.savez(tmp_path / "samples.npz", x=x, y=(x @ w.T).argmax(1))
    words = ["map", "net.npz", "--circuit", "crossbar", "--data", "samples.npz", "--output", "here"]
    done = subprocess.run(
        [sys.executable, "-m", "cimspice", *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "software 100 %" in done.stdout
    assert "40 of 40 inputs" in done.stdout
    assert "one pass" in done.stdout
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["mapping.npz", "report.json"]
    with np.load(tmp_path / "here" / "mapping.npz") as saved:
        assert np.abs(saved["W1.weights"][0, 0] - w).max() < 1e-14


@pytest.mark.parametrize(
    ("words", "settings", "named"),
    [
        (["iris", "--circuit", "rram"], "", "use crossbar"),
        (["iris", "--circuit", "crossbar"], "tile = 7", "give an even number"),
        (["iris", "--circuit", "crossbar"], "tiles = 8", "no setting 'tiles'"),
        (["iris", "--circuit", "crossbar"], "weight_percentile = 0", "weight_percentile"),
        (["iris", "--circuit", "crossbar", "--config", "absent.toml"], "", "absent.toml"),
        (["iris", "--circuit", "crossbar", "--card", "absent.json"], "", "absent.json"),
        (["absent.npz", "--circuit", "crossbar"], "", "--data"),
        (["iris", "--circuit", "crossbar", "--output", "circuit.toml"], "", "circuit.toml"),
    ],
)
def test_what_cannot_be_mapped_is_refused_with_a_remedy_and_writes_nothing(capsys, words, settings, named):
    Path("circuit.toml").write_text(settings)
    given = [] if "--config" in words else ["--config", "circuit.toml"]
    assert run(["map", *words, *given]) == 2
    assert named in " ".join(capsys.readouterr().err.split())
    assert not Path("runs").exists()


HARSH = (
    "levels = 8\nword_line_resistance = 20.0\nbit_line_resistance = 20.0\nadc_bits = 5\ntolerance = 0.15\n"
)


def test_fine_tuned_weights_are_what_is_programmed_and_both_accuracies_are_said(capsys):
    tune = ("--fine-tune", "--epochs", "3", "--seed", "2")
    facts, saved = mapped(capsys, "digits", *tune, settings=HARSH)
    before, _ = mapped(capsys, "digits", "--seed", "2", settings=HARSH)
    said = facts["fine_tuning"]
    assert (said["epochs"], said["seed"], said["samples"]) == (3, 2, 898)
    assert "training samples" in said["trained_on"]
    assert said["accuracy_before"] == before["accuracy_emulator"]
    assert said["accuracy_after"] == facts["accuracy_emulator"]
    assert len(said["loss"]) == 3
    assert before["fine_tuning"] is None
    known = built_in("digits", 2)
    tuned = fine_tune(
        known.network,
        crossbar_circuit(**tomllib.loads(HARSH)),
        known.x_train,
        known.y_train,
        epochs=3,
        seed=2,
    )
    for node in tuned.network.weight_layers:
        weights = node.arrays["weights"]
        step = 2 * np.abs(weights).max() / 7  # 8 levels from 0 to the largest weight, each way
        off = np.abs(unmapped(saved, node.name)[0, 0] - weights)
        assert off.max() < 0.25 * step + 0.2 * np.abs(weights).max()  # half a level, and 15 % programming
        np.testing.assert_array_equal(saved[f"{node.name}.bias"], node.arrays["bias"])


@pytest.mark.parametrize("own", [False, True])
def test_samples_of_a_file_that_were_trained_with_are_not_run(capsys, monkeypatch, own):
    iris, seen = built_in("iris"), []
    x, y = np.concatenate([iris.x_test, iris.x_train[:30]]), np.concatenate([iris.y_test, iris.y_train[:30]])
    x[:75] += np.arange(1, 76)[:, None] * 1e-6  # every sample another one, the last 5 trained with
    np.savez("data.npz", x=x, y=y)
    if own:
        np.savez("data.npz", x=x, y=y, x_train=iris.x_train, y_train=iris.y_train)
    module = import_module("cimspice.network.fine_tuning")
    inner = module.fine_tune

    def recorded(network, circuit, x, labels, **options):
        seen.append(x)
        return inner(network, circuit, x, labels, **options)

    def facts_of(mapped, x, labels, **options):
        seen.append(x)
        return mapping_facts(mapped, x, labels, **options)

    monkeypatch.setattr(module, "fine_tune", recorded)
    monkeypatch.setattr(import_module("cimspice.network.programmed"), "mapping_facts", facts_of)
    words = ("iris", "--data", "data.npz", "--fine-tune", "--epochs", "1")
    facts, _ = mapped(capsys, *words, settings="levels = 8\n")
    trained_with, *run_on = ({tuple(row) for row in part} for part in seen)
    assert len(run_on) == 3
    assert all(not trained_with & part for part in run_on)
    assert facts["fine_tuning"]["samples"] == (100 if own else 40)
    assert facts["samples"] == (75 if own else 40)
    assert facts["fine_tuning"]["left_out"] == (5 if own else 0)
    assert ("x_train" if own else "half") in facts["fine_tuning"]["trained_on"]


def test_fine_tuning_without_labels_and_epochs_without_it_are_refused(capsys):
    np.savez("plain.npz", x=built_in("iris").x_test)
    for words, said in (
        (("--data", "plain.npz", "--fine-tune"), "labels"),
        (("--epochs", "3"), "--fine-tune"),
    ):
        assert run(["map", "iris", "--circuit", "crossbar", *words]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("tiles = 3", "tiles"),
        ('tile = "a"', "tile"),
        ("[circuit]\ntile = 3", "[circuit]"),
        ('card = "x"', "--card"),
        ("device = 3", "device"),
        ('drive = "up"', "drive"),
        ("sense = 1", "sense"),
        ('signed = "yes"', "signed"),
        ('nonlinearity = "x"', "nonlinearity"),
        ("nonlinearity = -1", "nonlinearity"),
        ("read_voltage = 0", "read_voltage"),
        ("levels = 2.5", "levels"),
        ('g_min = "x"', "g_min"),
        ("weight_percentile = 101", "weight_percentile"),
        ("write_verify = [1]", "write_verify"),
        ("memory_card = 3\nwrite_verify = 0.05", "memory_card"),
        ("stuck_low = 2", "stuck_low"),
        ("tile =", "line 1"),
    ],
)
def test_a_setting_that_is_none_is_refused_with_its_file_and_key(capsys, line, named):
    Path("wrong.toml").write_text(line + "\n")
    assert run(["map", "iris", "--circuit", "crossbar", "--config", "wrong.toml"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert named in said
    assert "wrong.toml" in said
    assert "remedy" in said
