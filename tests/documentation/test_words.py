"""The field's terms, not words of our own, stand in names, messages, keys and pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTED = """
earn earns earned earning told tell tells telling desk desks park parks parked parking tap taps tapped
lend lends lent lending weigh weighs weighed weighing rung rungs swing swings snap snaps snapped
snapping worth
"""
PRIVATE = set(LISTED.split())
STANDARD = {
    "swing": "voltage swing of a bit line, a rail or a word line, as in data sheets of memories",
    "swings": "its plural",
}
WHERE_STANDARD = ("sram", "glossary.md")
READ = {".py", ".md", ".toml", ".j2", ".css", ".js", ".yml"}


def texts() -> list[Path]:
    rooms = [ROOT / name for name in ("cimspice", "docs", "characterize", "netlists", "benchmarks", "tests")]
    found = {path for room in rooms for path in room.rglob("*") if path.suffix in READ} - {Path(__file__)}
    return [*sorted(found), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "mkdocs.yml"]


def words(text: str) -> set[str]:
    """Lower-case words; names are split at underscores and capitals."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)}


def private(path: Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    allowed = STANDARD.keys() if any(part in name for part in WHERE_STANDARD) else set()
    lines = [(0, name), *enumerate(path.read_text().splitlines(), 1)]
    return [
        f"{name}:{number}: {word}"
        for number, line in lines
        for word in sorted((words(line) & PRIVATE) - allowed)
    ]


def test_no_private_word_in_names_messages_keys_and_pages():
    assert [found for path in texts() for found in private(path)] == []


@pytest.mark.parametrize("text", ["ResistorTaps", "earned_ns2", "a value is told by", '"neuron_tap"'])
def test_private_words_are_found_inside_names_and_sentences(text):
    assert words(text) & PRIVATE


@pytest.mark.parametrize("text", ["learned", "weight", "untold", "tape", "tellurium"])
def test_words_that_only_contain_one_are_not(text):
    assert not words(text) & PRIVATE


def test_glossary_has_every_term_once_and_in_one_line():
    page = (ROOT / "docs" / "glossary.md").read_text()
    terms = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(terms) == len(set(terms))
    assert {"ablation", "internal node", "E_rev", "V_th", "C_m", "λ", "ΔV_BL", "LSB", "card"} <= set(terms)
