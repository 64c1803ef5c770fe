"""A command that fails says what, where and what to do, without a traceback, and exits with its code."""

import contextlib
import errno
import json
import signal
import subprocess
import sys
import time

import pytest
from pydantic import BaseModel, model_serializer

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
def test_exit_code_separates_bad_input_from_failure(failing, capsys, kind, code):
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


@pytest.mark.parametrize("words", [[], ["fit"], ["cache"], ["new"]])
def test_a_group_without_a_command_says_what_is_missing(capsys, words):
    assert run(words) == 2
    assert "no command is given" in capsys.readouterr().err


def test_interrupt_says_that_nothing_finished_is_lost(failing, capsys):
    failing(KeyboardInterrupt())
    assert run(["pdk", "show", "--json"]) == 130
    streams = capsys.readouterr()
    assert "every finished point is kept" in streams.err
    assert json.loads(streams.out)["error"]["kind"] == "Interrupted"


class Slow(BaseModel):
    """Ctrl-C meets it while pydantic writes it down, which makes an error of its own of that."""

    @model_serializer
    def written(self) -> dict:
        signal.raise_signal(signal.SIGINT)
        return {}


class Deaf:
    """Keeps Ctrl-C to itself, as Python does with what is raised while it clears up."""

    def __del__(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("meet", [lambda: Slow().model_dump_json(), Deaf])
def test_an_interrupt_that_a_library_makes_its_own_is_still_an_interrupt(monkeypatch, capsys, meet):
    monkeypatch.setattr(cimspice.pdk, "locate", lambda locate=cimspice.pdk.locate: (meet(), locate())[1])
    assert run(["pdk", "show", "--debug"]) == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Loud:
    """Python keeps to itself what is raised while it clears up, and goes on."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_python_keeps_to_itself_comes_again(monkeypatch, capsys):
    passed = []

    def clear_up_and_go_on():
        Loud()
        time.sleep(60)
        passed.append("the rest of the command")

    hook = sys.unraisablehook
    monkeypatch.setattr(cimspice.pdk, "locate", clear_up_and_go_on)
    assert run(["pdk", "show"]) == 130
    assert not passed
    reported = capsys.readouterr().err
    assert "stopped by Ctrl-C" in reported
    assert "Traceback" not in reported
    assert sys.unraisablehook is hook


PROGRAM = """
import atexit, signal, sys
import cimspice.pdk
from cimspice.cli import main
interrupted = "import signal; signal.raise_signal(signal.SIGINT)"
cimspice.pdk.locate = lambda: exec(interrupted)
if sys.argv[1] == "twice":
    atexit.register(signal.raise_signal, signal.SIGINT)
sys.argv[1:] = ["pdk", "show"]
main()
"""


@pytest.mark.parametrize("times", ["once", "twice"])
def test_an_interrupted_command_ends_with_its_code_and_not_by_the_signal(tmp_path, times):
    (tmp_path / "program.py").write_text(PROGRAM)
    words = [sys.executable, "-m", "program", times]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_what_ignores_ctrl_c_keeps_ignoring_it(monkeypatch):
    monkeypatch.setattr(
        cimspice.pdk, "locate", lambda locate=cimspice.pdk.locate: (Slow().model_dump(), locate())[1]
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run(["pdk", "show"]) == 0
    finally:
        signal.signal(signal.SIGINT, before)


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
