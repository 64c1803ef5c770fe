"""The page on ``--json`` has every command and every key that a command prints."""

import json
import re
from pathlib import Path

import pytest
import typer

from cimspice.cli.app import app, run
from cimspice.neuron.model.card import neuron_card

PAGE = Path(__file__).resolve().parents[2] / "docs" / "json.md"


def sections() -> dict[str, set[str]]:
    """Keys of the page by command, those of every command among them."""
    found: dict[str, set[str]] = {}
    for heading, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S):
        rows = re.findall(r"^\| (`.*?) \|", body, re.M)
        keys = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
        found |= dict.fromkeys(re.findall(r"`(.*?)`", heading) or [heading], keys)
    every = found.pop("Every command")
    return {command: keys | every for command, keys in found.items()}


DOCUMENTED = sections()


def printed(capsys, *words: str) -> set[str]:
    run([*words, "--json"])
    return set(json.loads(capsys.readouterr().out))


def says_its_origin(found: set[str]) -> bool:
    """Whether what a command that gives figures of circuits printed has seed, conditions and versions."""
    return {"seed", "corner", "temperature", "provenance"} <= found


def commands(group, *above):
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *above, name) if hasattr(command, "commands") else [(*above, name)]


def test_every_command_is_on_the_page():
    pages = {" ".join(word for word in name.split() if word.islower()) for name in DOCUMENTED}
    there = {" ".join(words) for words in commands(typer.main.get_command(app))}
    assert {name for name in there if name not in pages} == set()


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("doctor", "doctor"),
        ("list", "list"),
        ("list models comparator", "list"),
        ("cache show", "cache show"),
        ("cache prune", "cache prune"),  # an error: it does not say which points
        ("cache prune --failed --dry-run", "cache prune"),
        ("pdk show", "pdk show"),
        ("new bench mine", "new bench"),
        ("network show iris", "network show"),
        ("schedule digits-cnn", "schedule"),
        ("schedule digits-cnn --table", "schedule"),
        ("schedule digits-cnn --pes 1 --reprogram", "schedule"),
        ("map iris --circuit crossbar", "map"),
        ("characterize transistor_iv --dry-run", "characterize SPEC"),
        ("characterize sram_read_adaptive --dry-run", "characterize SPEC"),
    ],
)
def test_keys_of_commands_that_simulate_little(words, command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = printed(capsys, *words.split())
    assert found - DOCUMENTED[command] == set()
    assert "provenance" in found or "error" in found
    with_origin = command in ("characterize SPEC", "map", "schedule") and "--table" not in words
    assert says_its_origin(found) == with_origin


@pytest.mark.spice
def test_keys_of_a_run_its_fit_its_page_and_its_comparison(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command, words in {
        "characterize SPEC": "characterize rram_read_iv --set state=[1.0] --jobs 1",
        "fit TABLE --model NAME": "fit runs/rram_read_iv --model rram_read_sinh",
        "report": "report runs/rram_read_iv",
        "compare": "compare runs/rram_read_iv runs/rram_read_iv",
    }.items():
        found = printed(capsys, *words.split())
        assert found - DOCUMENTED[command] == set()
        assert says_its_origin(found) == (command != "compare")


def test_keys_of_cards(capsys, tmp_path, neuron):
    file = str(neuron_card(neuron, 3).save(tmp_path / "card.json"))
    found = printed(capsys, "card", "show", file)
    assert found - DOCUMENTED["card show"] == set()
    assert says_its_origin(found)
    found = printed(capsys, "card", "compare", file, file)
    assert {"same", "provenance"} <= found
    assert found - DOCUMENTED["card compare"] == set()
