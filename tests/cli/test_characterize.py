from __future__ import annotations

import json

import pytest

from cimspice.cli.app import run


def test_a_wrong_campaign_is_bad_input_and_reported_without_a_traceback(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text('[campaign]\nbench = "transistr"\n[sweep]\ngate_voltage = []\n')
    assert run(["characterize", str(path), "--json"]) == 2
    streams = capsys.readouterr()
    reported = json.loads(streams.out)["error"]
    assert "did you mean 'transistor'" in reported["message"]
    assert "at least one value" in reported["message"]
    assert reported["place"] == str(path)
    assert "Traceback" not in streams.err


def test_an_unknown_campaign_names_those_there_are(capsys):
    assert run(["characterize", "transistor_v"]) == 2
    assert "transistor_iv" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--set", "width"], ["--set", "width=-1"], ["--corner", "xx"], ["--jobs", "0"]]
)
def test_wrong_options_are_bad_input(words, capsys):
    assert run(["characterize", "transistor_iv", *words]) == 2
    assert capsys.readouterr().out == ""
