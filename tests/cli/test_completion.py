"""A shell completes commands and the names of benches, models, campaigns and families."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cimspice.cli.app import run


def completed(monkeypatch, capsys, *words: str) -> set[str]:
    """What the program prints for a shell that completes the last of these words."""
    monkeypatch.setenv("_CIMSPICE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["cimspice", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit, match="0"):
        run([])
    return set(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["characterize", "sram"], {"sram", "sram_read_adaptive"}),
        (["characterize", "neur"], {"neuron", "neuron_synapse_n"}),
        (["fit", "runs/iv", "--model", "rram_read"], {"rram_read_sinh", "rram_read_linear"}),
        (["fit", "runs/iv", "--model", "syn"], {"synapse"}),
        (["list", "mod"], {"models"}),
        (["list", "benches", "inv"], {"inverter"}),
        (["list", "models", "comp"], {"comparator"}),
        (["cache", "prune", "--bench", "sram_re"], {"sram_read", "sram_retention"}),
        (["card", ""], {"show", "compare"}),
    ],
)
def test_names_are_completed_and_nothing_else(words, some, monkeypatch, capsys):
    found = completed(monkeypatch, capsys, *words)
    assert some <= found
    assert all(name.startswith(words[-1]) for name in found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_shown(shell, monkeypatch, capsys):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    with pytest.raises(SystemExit, match="0"):
        run(["--show-completion", shell])
    assert f"complete_{shell}" in capsys.readouterr().out


def test_names_of_campaigns_are_completed_without_numpy_and_pandas(monkeypatch):
    monkeypatch.setenv("_CIMSPICE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "cimspice characterize crossbar_sn")
    monkeypatch.setenv("COMP_CWORD", "2")
    program = (
        "import atexit, sys; from cimspice.cli import main\n"
        "atexit.register(lambda: print(sorted({'numpy', 'pandas', 'scipy'} & set(sys.modules))))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program, ""], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["crossbar_sneak", "[]"]
