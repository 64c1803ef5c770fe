"""``cimspice validate programming``, as users and scripts call it."""

import json

import pytest

from cimspice.cli.app import run


@pytest.mark.spice
def test_both_sides_program_the_same_matrix(capsys, tmp_path):
    words = ["--size", "2", "--tolerance", "0.1", "--output", str(tmp_path), "--json"]
    assert run(["validate", "programming", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "report.json").read_text()) == found
    assert (found["seed"], found["corner"], found["temperature"]) == (0, "tt", 27.0)
    assert {"cimspice", "ngspice", "pdk"} <= set(found["provenance"])
    for side in ("ngspice", "emulator"):
        assert found[side]["done"] == 1.0
        assert 0 < found[side]["rms_error"] < 0.1
        assert found[side]["energy"] > 0
    assert found["read_error_of_solver"] < 1e-6
    assert found["ngspice"]["state_disturb"] < 1e-6
    assert abs(found["difference"]["rms_conductance"]) < 0.2


@pytest.mark.parametrize(
    ("words", "named"),
    [(["--size", "100"], "100 x 100"), (["--highest", "1"], "1 S"), (["--size", "1"], "1 x 1")],
)
def test_what_cannot_be_programmed_is_bad_input(capsys, tmp_path, words, named):
    assert run(["validate", "programming", *words, "--output", str(tmp_path)]) == 2
    assert named in capsys.readouterr().err
