"""Faults in a bench of the user's own are reported as theirs: file, line and remedy, without a traceback."""

from __future__ import annotations

import json
import sys

import pytest

from cimspice.bench import Bench, benches
from cimspice.cli.app import run as command_line

BENCH = """
from typing import Annotated, ClassVar

import pandas as pd
from pydantic import computed_field, field_validator

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Op, SolverOptions


def helper(fault, part):
    if fault == part:
        return 1 + "x"  # the line


class Parameters(NetlistParameters):
    fault: str = "none"
    r: Annotated[float, quantity("ohm", gt=0)] = 1e3

    @field_validator("r")
    @classmethod
    def _r(cls, value):
        if value == 13.0:
            helper("validator", "validator")
        return value

    @computed_field
    @property
    def derived(self) -> float:
        helper(self.fault, "computed")
        return 2 * self.r


@register
class Mine(Bench):
    name: ClassVar[str] = "test_own_faults"
    title: ClassVar[str] = "a bench with faults"
    Parameters: ClassVar[type[NetlistParameters]] = Parameters
    columns: ClassVar[dict[str, str]] = {"v": "V"}

    def netlist(self, parameters):
        helper(parameters.fault, "netlist")
        list(parameters.visible())
        text = f"* mine\\nV1 a 0 1\\nR1 a b 1000\\nR2 b 0 {parameters.r!r}\\n"
        return text if parameters.fault == "netlist_type" else Netlist(text, "mine")

    def analysis(self, parameters):
        helper(parameters.fault, "analysis")
        return "op" if parameters.fault == "analysis_type" else Op(save=("b",))

    def options(self, parameters):
        helper(parameters.fault, "options")
        return None if parameters.fault == "options_type" else SolverOptions()

    def measure(self, parameters, waveforms):
        helper(parameters.fault, "measure")
        table = {"v": waveforms["b"]}
        return table if parameters.fault == "measure_type" else pd.DataFrame(table)
"""
LINE = next(k for k, line in enumerate(BENCH.split("\n"), 1) if "# the line" in line)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    benches()  # all are known, and stay so
    monkeypatch.setattr(
        sys.modules[Bench.__module__], "_registry", {**sys.modules[Bench.__module__]._registry}
    )
    monkeypatch.delitem(sys.modules, "own_faults_bench", raising=False)
    (tmp_path / "own_faults_bench.py").write_text(BENCH)

    def run(parameters="", *words):
        file = tmp_path / "mine.toml"
        file.write_text(f'[campaign]\nbench = "test_own_faults"\n{parameters}')
        path = ["--import", str(tmp_path / "own_faults_bench.py")]
        return command_line(
            ["characterize", str(file), "-o", str(tmp_path / "run"), "-j", "1", "--json", *(words or path)]
        )

    return run


@pytest.mark.spice
@pytest.mark.parametrize("fault", ["analysis", "netlist", "options", "measure"])
def test_an_exception_names_the_users_line_and_is_not_called_a_defect(mine, tmp_path, capsys, fault):
    assert mine(f'[parameters]\nfault = "{fault}"\n') == 1
    screen = capsys.readouterr()
    reported = json.loads((tmp_path / "run" / "run.json").read_text())["failures"][0]
    assert reported["error"] == "SimulationError"
    assert "TypeError: unsupported operand" in reported["message"]
    assert f"{tmp_path / 'own_faults_bench.py'}:{LINE}" in reported["message"]
    assert "correct the bench's" in reported["message"]
    assert "Traceback" not in screen.err
    assert "defect" not in screen.err


@pytest.mark.spice
@pytest.mark.parametrize("part", ["analysis", "netlist", "options", "measure"])
def test_a_result_of_another_type_is_reported_with_what_to_return(mine, tmp_path, capsys, part):
    assert mine(f'[parameters]\nfault = "{part}_type"\n') == 1
    reported = json.loads((tmp_path / "run" / "run.json").read_text())["failures"][0]
    assert f"from the bench's {part}" in reported["message"]
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("given", ["[sweep]\nr = [12.0, 13.0]\n", '[parameters]\nfault = "computed"\n'])
def test_an_exception_in_a_validator_or_computed_field_names_the_users_line(mine, tmp_path, capsys, given):
    assert mine(given) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert f"{tmp_path / 'own_faults_bench.py'}:{LINE}" in error["message"]
    assert "of Parameters failed: TypeError" in error["message"]


def test_a_forgotten_import_is_named(mine, capsys):
    assert mine("", "--jobs", "1") == 2
    reported = json.loads(capsys.readouterr().out)["error"]["message"]
    assert "--import FILE.py" in reported
    assert "sram_snm" not in reported


@pytest.mark.parametrize(("text", "line"), [("x = 1\ny = (", 2), ("x = 1\n\nraise KeyError('x')\n", 3)])
def test_a_fault_while_importing_names_the_line(mine, tmp_path, capsys, text, line):
    (tmp_path / "own_faults_bench.py").write_text(text)
    assert mine() == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["place"] == f"{tmp_path / 'own_faults_bench.py'}:{line}"


@pytest.mark.parametrize("method", ["netlist", "analysis", "options", "measure"])
def test_a_bench_that_ends_the_program_fails_its_point_only(method, monkeypatch):
    from campaign_fakes import Divider

    from cimspice.bench import bench_call
    from cimspice.errors import SimulationError

    def leave(*_):
        raise SystemExit("bye")

    monkeypatch.setattr(Divider, method, leave)
    call = {
        "netlist": "netlist_of",
        "analysis": "analysis_of",
        "options": "options_of",
        "measure": "measured",
    }
    more = (None,) if method == "measure" else ()
    with pytest.raises(SimulationError, match="SystemExit: bye"):
        getattr(bench_call, call[method])(Divider(), Divider.Parameters(), *more)
