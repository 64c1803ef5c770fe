"""The page on crossbars as circuits runs, and prints what it says."""

from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "crossbar_circuits.md"


@pytest.mark.spice
def test_every_example_of_the_page_prints_what_follows_it(examples):
    found = examples(PAGE.read_text(encoding="utf-8"), str(PAGE))
    assert len(found) == 3
    for printed, following, expected in found:
        assert following == "text"
        assert printed == expected
