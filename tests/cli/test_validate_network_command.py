"""``cimspice validate network`` with ngspice: one command from weights to certificate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cimspice.cli.app import run

pytestmark = pytest.mark.spice


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def settings(folder: Path, *lines: str) -> str:
    file = folder / "circuit.toml"
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def facts_of(capsys, *words: str) -> dict:
    code = run([*words, "--jobs", "1", "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def check(facts: dict, samples: int) -> None:
    """What every comparison of a crossbar has to keep."""
    assert facts["normalised_rmse"] <= 1e-6
    assert facts["decisions_agree"] == 1.0
    assert sum(facts["budget"].values()) == pytest.approx(1.0)
    for shares in facts["budget_by_layer"].values():
        assert sum(shares.values()) == pytest.approx(1.0)
    assert facts["samples"] == samples
    certificate = facts["certificate"]
    assert certificate["kind"] == "decision_flips"
    assert (certificate["runs"], certificate["confidence"]) == (samples, 0.95)
    assert {"accuracy_ideal", "accuracy_emulator", "accuracy_circuit", "clipped_inputs"} <= facts.keys()


def test_iris_on_wired_tiles_equals_ngspice_and_says_what_that_proves(capsys, tmp_path):
    config = settings(
        tmp_path, "tile = 8", "levels = 16", "word_line_resistance = 20.0", "source_resistance = 100.0"
    )
    words = ("validate", "network", "iris", "--circuit", "crossbar", "--config", config, "--samples", "6")
    facts = facts_of(capsys, *words)
    check(facts, 6)
    assert set(facts["budget"]) == {"level quantisation", "wires", "clipping"}
    assert facts["emulated_error"] > 1e-3  # the wires are there
    # of 50 held-out inputs 6 ran: 19 different ones cannot be missed at 95 %, 18 can: C(32, 6) / C(50, 6)
    assert facts["certificate"]["bound"] == pytest.approx(18 / 50)
    folder = tmp_path / "runs" / "validate-iris-crossbar"
    page = (folder / "index.html").read_text()
    assert all(part in page for part in ("dense1", "Worst tiles", "Confusion", "95 % confidence"))
    assert json.loads((folder / "report.json").read_text())["normalised_rmse"] == facts["normalised_rmse"]
    again = facts_of(capsys, *words)
    assert again["normalised_rmse"] == facts["normalised_rmse"]  # kept, not run again


def test_non_linear_cells_through_the_network_s_own_signal_flow(capsys, tmp_path):
    config = settings(tmp_path, "tile = 8", "nonlinearity = 2.0", "word_line_resistance = 20.0")
    facts = facts_of(
        capsys, "validate", "network", "iris", "--circuit", "crossbar", "--config", config, "--samples", "2"
    )
    check(facts, 2)
    assert "non-linearity" in facts["budget"]


def test_cells_with_transistors_equal_ngspice(capsys, tmp_path):
    config = settings(tmp_path, "tile = 8", 'cell = "1T1R"', "word_line_resistance = 20.0")
    facts = facts_of(
        capsys, "validate", "network", "iris", "--circuit", "crossbar", "--config", config, "--samples", "2"
    )
    check(facts, 2)


def test_before_it_starts_it_says_how_long_and_how_many_prove_one_percent(capsys, tmp_path):
    config = settings(tmp_path, "tile = 16", "weight_bits = 4", "slice_bits = 2")
    words = [
        "validate",
        "digits",
        "--circuit",
        "crossbar",
        "--config",
        config,
        "--samples",
        "2",
        "--jobs",
        "1",
    ]
    assert run(words) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "2 of 899 inputs" in said
    assert "1 % needs 254" in said
    assert "CPU seconds" in said


def test_reads_of_single_tiles_give_a_bound_on_outputs_and_no_decisions(capsys, tmp_path):
    config = settings(tmp_path, "tile = 8", "word_line_resistance = 20.0")
    words = ["validate", "network", "iris", "--circuit", "crossbar", "--config", config, "--tiles", "400"]
    facts = facts_of(capsys, *words, "--samples", "20")
    certificate = facts["certificate"]
    assert (certificate["kind"], certificate["runs"], certificate["population"]) == ("sampled_tiles", 400, 50)
    assert facts["normalised_rmse"] <= certificate["bound"] <= 1e-6  # ngspice and exact solver
    assert facts["decisions_agree"] is facts["accuracy_circuit"] is None
    assert facts["samples"] == 20
    assert 0 < max(layer["tile_error"] for layer in facts["layers"]) <= 1e-6
    assert run([*words, "--jobs", "1"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "396 reads of tiles for 12 of 50 inputs" in said
    assert "CPU seconds" in said
    page = (tmp_path / "runs" / "validate-iris-crossbar" / "index.html").read_text()
    assert "396 tiles were read" in page


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["iris", "--circuit", "rram"], "use crossbar"),
        (["iris", "--circuit", "crossbar", "--samples", "51"], "samples is 51"),
        (["iris", "--circuit", "crossbar", "--samples", "5", "--bound", "0.01"], "give one of them"),
        (["iris", "--circuit", "crossbar", "--tiles", "400", "--bound", "0.01"], "give one of them"),
        (["iris", "--circuit", "crossbar", "--tiles", "100"], "read at least 400"),
        (["iris", "--circuit", "rram", "--tiles", "400"], "use crossbar"),
        (["iris", "--circuit", "crossbar", "--config", "absent.toml"], "absent.toml"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_remedy(capsys, words, named):
    assert run(["validate", "network", *words]) == 2
    assert named in " ".join(capsys.readouterr().err.split())
