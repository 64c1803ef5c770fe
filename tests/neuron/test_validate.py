from __future__ import annotations

import json

import pytest

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.neuron.commands.validate import _joined, layer_sizes
from cimspice.neuron.training import train_iris
from cimspice.progress import Progress
from cimspice.screen.stages import Stages


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("--layers 16 12 10 --samples 20 --seed 3 --json", ["16,12,10"]),
        ("--samples 20 --layers 16 12 10", ["16,12,10"]),
        ("--layers 16,12,10 -j 2", ["16,12,10"]),
        ("--layers=16 12 10 --json", ["16,12,10"]),
        ("--layers 16 --layers 12 --layers 10", ["16", "12", "10"]),
        ("--layers 5 -3 --json", ["5,-3"]),
    ],
)
def test_layers_may_be_written_in_several_ways(words, values):
    spread = list(_joined(words.split()))
    found = [spread[index + 1] for index, word in enumerate(spread) if word == "--layers"]
    assert found == values
    others = [word for word in words.split() if word.startswith("-") and not word.startswith("--layers")]
    assert [word for word in others if word != "-3"] == [
        word for word in spread if word.startswith("-") and word != "--layers"
    ]


def test_sizes_are_read_from_words_and_commas():
    assert layer_sizes(["16,12", "10"]) == [16, 12, 10]


@pytest.mark.parametrize(
    "words", [["5"], ["0", "3"], ["a", "3"], ["5", "-3"], ["3,,2"], ["2.5", "2"], ["²", "2"]]
)
def test_sizes_that_are_no_network_are_refused(words):
    with pytest.raises(ParameterError) as caught:
        layer_sizes(words)
    assert "--layers 16 12 10" in caught.value.remedy


def test_more_layers_than_a_netlist_holds_are_refused_at_once():
    with pytest.raises(ParameterError, match="22"):
        layer_sizes(["1"] * 22)


@pytest.mark.parametrize(
    "words",
    [
        ["iris", "--samples", "0"],
        ["iris", "--samples", "51"],
        ["iris", "--samples", "many"],
        ["iris", "--corner", "tf"],
        ["iris", "--temperature", "1000"],
        ["iris", "--temperature", "nan"],
        ["iris", "--synapse", "carbon"],
        ["iris", "--model", "best"],
        ["iris", "--mapping", "best"],
        ["iris", "--synapse", "resistor", "--mapping", "calibrated"],
        ["iris", "--mapping", "scale", "--bias-lines"],
        ["random", "--layers", "3", "2", "--mapping", "trained"],
        ["iris", "--seed", "-1"],
        ["iris", "--jobs", "0"],
        ["random"],
        ["random", "--layers"],
        ["random", "--layers", "5"],
        ["random", "--layers", "0", "3"],
        ["random", "--layers", "a", "b"],
        ["random", "--layers", "3", "2", "--samples", "0"],
        ["random", "--layers", "3", "2", "--chips", "0"],
        ["random", "--layers", "3", "2", "--model", "best"],
    ],
)
def test_bad_input_is_reported_at_once_and_leaves_nothing_behind(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["validate", *words, "--json"]) == 2
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"]["remedy"]
    assert "Traceback" not in streams.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words", [["validate", "iris"], ["validate", "random", "--layers", "3", "2"], ["demo", "neuron"]]
)
def test_a_folder_that_cannot_be_written_is_reported_before_anything_is_simulated(words, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run([*words, "-o", str(tmp_path / "file" / "runs")]) == 2
    reported = capsys.readouterr().err
    assert "cannot write" in reported
    assert "choose another folder" in reported
    assert "characterise" not in reported


@pytest.mark.parametrize("words", [["validate", "iris"], ["demo", "neuron"]])
def test_without_ngspice_the_remedy_is_named(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "no.so"))
    assert run([*words, "-o", str(tmp_path / "runs"), "--json"]) == 1
    streams = capsys.readouterr()
    error = json.loads(streams.out)["error"]
    assert error["kind"] == "EngineMissing"
    assert "NGSPICE_LIBRARY_PATH" in error["remedy"] + error["place"]


@pytest.mark.parametrize("words", [["validate", "iris"], ["demo", "neuron"]])
def test_without_device_models_the_remedy_is_named(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PDK_ROOT", raising=False)
    assert run([*words, "-o", str(tmp_path / "runs"), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "PdkError"
    assert "cimspice pdk install" in error["remedy"]


def test_progress_is_a_line_per_stage_where_there_is_no_terminal(capsys):
    with Stages() as stages:
        stages.begin("characterise: synapse currents")
        stages(Progress(6, stage="simulate"))
        stages(Progress(6, done=3, stage="simulate"))
        stages(Progress(6, done=6, cached=6, stage="simulate again"))
    assert capsys.readouterr().err.splitlines() == [
        "characterise: synapse currents",
        "simulate (6)",
        "simulate again (6 of 6 are in the store)",
    ]


def test_a_script_that_asks_for_json_gets_no_progress(capsys):
    with Stages(quiet=True) as stages:
        stages.begin("characterise")
        stages(Progress(6, done=2, stage="simulate"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"provenance": {"task": "digits", "seed": 0, "sizes": [64, 50, 10]}}, "digits"),
        ({"test_index": list(range(50))}, "held-out flowers"),
        ({"provenance": {"task": "iris", "seed": 0, "sizes": [5, 5, 5], "through": "emulated circuit"}},
         "emulated circuit"),
    ],
)  # fmt: skip
def test_a_trained_network_that_does_not_fit_is_refused_before_anything_is_simulated(
    capsys, tmp_path, change, part
):
    file = tmp_path / "network.json"
    train_iris(seed=0, epochs=1).save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    words = ["validate", "iris", "--network", str(file), "--output", str(tmp_path / "run")]
    assert run(words) == 2
    assert part in capsys.readouterr().err
