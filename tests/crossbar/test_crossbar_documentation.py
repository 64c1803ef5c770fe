"""The solver's part of the page on crossbars runs, and prints what it says."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "crossbar.md"


def test_every_example_prints_what_follows_it(examples):
    whole = PAGE.read_text(encoding="utf-8")
    part = whole.split("## The exact solver", 1)[1].split("\n## ", 1)[0]
    found = examples(part, str(PAGE))
    assert len(found) == 3
    for printed, following, expected in found:
        assert following == ""
        assert printed == expected
