"""``cimspice validate schedule``: the emulated digits network in schedule order, and its tiles in ngspice."""

from __future__ import annotations

import json

import pytest

from cimspice.cli.app import run


@pytest.mark.spice
def test_the_trained_network_in_schedule_order_and_its_tiles_against_ngspice(capsys):
    words = [
        "validate",
        "schedule",
        "--tiles",
        "4",
        "--vectors",
        "2",
        "--samples",
        "1",
        "--jobs",
        "1",
        "--json",
    ]
    code = run(words)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    found = json.loads(printed.out)
    assert (found["max_difference"], found["missing_reads"], found["mvms"]) == (0.0, 0, 64 + 64 + 1)
    assert found["layers_that_cannot_be_earlier"] == found["layers_moved"] == 2
    assert found["whole_difference"] < 1e-12  # of the network emulated at once
    assert found["tiles"] == sum(layer["tiles"] for layer in found["layers"]) == 4
    assert found["reads"] == sum(layer["reads"] for layer in found["layers"]) >= 6  # a dense layer reads once
    assert [layer["name"] for layer in found["layers"]] == ["conv1", "conv2", "dense"]
    assert found["worst_error"] < 1e-9
    assert 0 < found["normalised_rmse"] < 1e-9
    mvm = found[
        "mvm"
    ]  # the packaged card's figures in the size of the tiles, against reads in time of a tile each
    assert (mvm["origin"], mvm["tiles"]) == ("simulated", 3)
    assert abs(mvm["time_error"]) < 0.1
    assert abs(mvm["energy_error"]) < 0.1


def test_a_published_network_with_random_weights_in_schedule_order(capsys):
    assert run(["validate", "schedule", "mobilenetv2", "--input", "32x32", "--sets", "row", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["max_difference"], found["missing_reads"], found["tiles"]) == (0.0, 0, 0)
    assert found["layers_that_cannot_be_earlier"] == found["layers_moved"] == 52
