"""The page on networks on tiles runs, and prints what it says."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "crossbar_network.md"


def test_every_example_prints_what_follows_it(examples):
    found = examples(PAGE.read_text(encoding="utf-8"), str(PAGE))
    assert len(found) == 4
    for printed, _, expected in found:
        assert printed == expected
