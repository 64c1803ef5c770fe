"""A command that fails says what, where and what to do, without a traceback, and exits with its code."""

import errno
import json
import subprocess
import sys

import pytest

import cimspice.pdk
from cimspice.cli.app import run
from cimspice.errors import (
    BadParameter,
    FitError,
    MappingError,
    NonConvergence,
    ParameterError,
    PdkError,
    TableError,
    TemplateError,
)


@pytest.fixture
def failing(monkeypatch):
    """``cimspice pdk show`` that raises what it is given."""

    def make(error: BaseException) -> None:
        def locate():
            raise error

        monkeypatch.setattr(cimspice.pdk, "locate", locate)

    return make


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ParameterError, 2),
        (TemplateError, 2),
        (TableError, 2),
        (MappingError, 2),
        (BadParameter, 2),
        (PdkError, 1),
        (FitError, 1),
        (NonConvergence, 1),
    ],
)
def test_exit_code_tells_bad_input_from_failure(failing, capsys, kind, code):
    failing(kind("gate_bias = 9 V [not markup]", place="campaign.toml", remedy="use 0 … 1.8 V"))
    assert run(["pdk", "show"]) == code
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "Traceback" not in streams.err
    for words in ("gate_bias = 9 V [not markup]", "campaign.toml", "use 0 … 1.8 V"):
        assert words in streams.err


def test_errors_of_the_simulator_keep_ngspice_words_in_json(failing, capsys):
    failing(
        NonConvergence(
            "no operating point", netlist_line="R1 a 0 1", words="gmin stepping failed", remedy="r"
        )
    )
    assert run(["pdk", "show", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error == {
        "kind": "NonConvergence",
        "message": "no operating point",
        "netlist_line": "R1 a 0 1",
        "words": "gmin stepping failed",
        "place": "",
        "remedy": "r",
        "exit_code": 1,
    }


def test_interrupt_says_that_nothing_finished_is_lost(failing, capsys):
    failing(KeyboardInterrupt())
    assert run(["pdk", "show", "--json"]) == 130
    streams = capsys.readouterr()
    assert "every finished point is kept" in streams.err
    assert json.loads(streams.out)["error"]["kind"] == "Interrupted"


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "Permission denied")]
)
def test_files_that_cannot_be_used_are_named(failing, capsys, number, words):
    failing(OSError(number, "Permission denied", "/some/file"))
    assert run(["pdk", "show"]) == 1
    err = capsys.readouterr().err
    assert words in err
    assert "/some/file" in err
    assert "Traceback" not in err


def test_a_defect_shows_its_traceback(failing, capsys):
    failing(RuntimeError("unforeseen"))
    assert run(["pdk", "show"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "defect" in err


def test_debug_shows_the_traceback_wherever_it_stands(failing, capsys):
    failing(PdkError("not installed"))
    assert run(["pdk", "show", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nonsense"], ["pdk", "shw"], ["doctor", "--jsn"]])
def test_misspelt_command_lines_are_bad_input(capsys, words):
    assert run([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "UsageError"
    assert error["message"]


def test_help_is_quick_because_nothing_heavy_is_imported():
    program = (
        "import sys, cimspice.cli\n"
        "heavy = {'numpy', 'scipy', 'pandas', 'matplotlib', 'PySpice', 'pydantic', 'jinja2', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_and_help(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cimspice 0.")
    assert run(["--help"]) == 0
    assert "doctor" in capsys.readouterr().out
