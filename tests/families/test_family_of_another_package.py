"""A family that lives in another package goes the whole way, without an edit of cimspice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from edram_family import install

# Command lines one after another in one program, which starts in the time of one.
PROGRAM = """
import contextlib, io, json, sys
import cimspice.cli
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = cimspice.cli.app.run(json.loads(line))
    print(json.dumps([code, printed.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """What a command prints on stdout, run where the family is installed."""
    folder = tmp_path_factory.mktemp("another package")
    where = {**os.environ, "PYTHONPATH": str(install(folder / "site"))}
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=where, cwd=folder, stdin=PIPE, stdout=PIPE, text=True
    )

    def run(*words: object, code: int = 0) -> str:
        print(json.dumps([str(word) for word in words]), file=program.stdin, flush=True)
        found, printed = json.loads(program.stdout.readline())
        assert found == code, printed
        return printed

    run.folder = folder  # pyright: ignore[reportFunctionMemberAccess]
    yield run
    program.communicate(timeout=60)


def test_its_bench_model_and_campaign_are_listed(answer):
    words = [sys.executable, "-m", "cimspice", "list", "--json"]
    where = {**os.environ, "PYTHONPATH": str(answer.folder / "site")}
    listed = json.loads(subprocess.run(words, env=where, capture_output=True, check=True).stdout)
    assert listed["benches"]["edram_share"] == "charge that a 1T1C cell shares with its bit line"
    assert listed["models"]["edram_sharing"].startswith("change = share difference")
    assert "edram_sharing" in listed["campaigns"]


@pytest.mark.spice
def test_its_campaign_is_run_fitted_and_reported(answer):
    facts = json.loads(answer("characterize", "edram_sharing", "--output", "run", "--json"))
    assert facts["points"] == 5
    page = json.loads(answer("report", "run", "--json"))
    assert page["cards"] == 1
    assert page["rows"] == 5
    assert "edram_sharing" in Path(answer.folder / page["report"]).read_text(encoding="utf-8")


@pytest.mark.spice
def test_its_card_agrees_with_charge_sharing_and_its_layer_with_ngspice(answer):
    setting = ["--set", "storage_capacitance=60e-15"]
    answer("characterize", "edram", "--card", "cell.json", *setting)
    parts = json.loads(answer("card", "show", "cell.json", "--json"))["parts"]
    share = parts["sharing"]["parameters"]["share"]
    # C_s / (C_s + C_b) of 60 fF on 300 fF; the transistor's capacitances take up to 1 % of it
    assert share["value"] == pytest.approx(60 / 360, rel=0.015)
    assert share["interval"][0] < share["value"] < share["interval"][1]
    error = json.loads(answer("validate", "edram", "--card", "cell.json", "--json"))["error"]
    assert 0 < error < 2e-3  # V, of ±100 mV: what a straight line leaves of the transistor's capacitances
    (answer.folder / "curve.csv").write_text("difference,change\n0.1,0.02\n")
    words = ["fit", "curve.csv", "--model", "sharing", "--card", "cell.json", "--json"]
    assert "no measured curve makes a part of edram" in _error(answer(*words, code=2))


def test_a_setting_that_its_characterisation_lacks_is_refused(answer):
    words = ["characterize", "edram", "--card", "x.json", "--set", "rows=3", "--json"]
    assert "no setting 'rows'" in _error(answer(*words, code=2))


def _error(text: str) -> str:
    return json.loads(text)["error"]["message"]
