"""The demonstration, end to end on ngspice with one flower, and what a second run of it finds."""

from __future__ import annotations

import json

import pytest

from cimspice.cli.app import run

pytestmark = pytest.mark.spice

FIGURES = {"synapse_fit", "membranes", "spike_times", "error_budget"}


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    """Folder of one run."""
    folder = tmp_path_factory.mktemp("demo")
    assert run(["demo", "neuron", "--samples", "1", "-o", str(folder / "runs")]) == 0
    return folder


def test_every_figure_and_the_report_are_written(demonstration):
    names = {path.name for path in (demonstration / "runs").iterdir()}
    assert names == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")} | {"report.json"}


def test_the_loop_closes(demonstration):
    facts = json.loads((demonstration / "runs" / "report.json").read_text())
    assert 0.39 < facts["synapse_fit"]["lambda_n"]["value"] < 0.42
    assert 0.64 < facts["synapse_fit"]["lambda_p"]["value"] < 0.80
    assert facts["accuracy"]["trained_network"] > 0.9
    assert facts["output_rmse_ns"] < 0.6
    assert facts["hidden_rmse_ns"] < 0.6
    assert facts["ratio"] > 30
    assert facts["mapping"] == "calibrated"
    assert facts["trained_output_rmse_ns"] < 1.97  # what the paper published for its circuit
    assert facts["decisions_agree"] == 1
    assert (facts["seed"], facts["corner"], facts["temperature"]) == (0, "tt", 27.0)
    assert set(facts["files"]) == {path.name for path in (demonstration / "runs").iterdir()}


def test_another_model_is_compared_on_the_same_finished_samples(demonstration, capsys, tmp_path):
    words = ["validate", "iris", "--samples", "1", "--model", "constant"]
    assert run([*words, "-o", str(tmp_path)]) == 0
    streams = capsys.readouterr()
    first = json.loads((demonstration / "runs" / "report.json").read_text())
    again = json.loads((tmp_path / "report.json").read_text())
    assert "1 of 1 are in the store" in streams.err
    assert again["spice_seconds"] == first["spice_seconds"]
    assert again["model"] == "constant"
    rows = {row["model"]: row for row in first["budget"]["ladder"]}
    assert again["output_rmse_ns"] == pytest.approx(rows["constant"]["output_rmse_ns"])
    for word in ("error budget", "conventional", "next", "39.04 ns", "error_budget.png"):
        assert word in streams.out
