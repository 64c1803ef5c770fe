"""The page on crossbars as circuits runs, and prints what it says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "crossbar_circuits.md"


@pytest.mark.spice
def test_every_example_of_the_page_prints_what_follows_it():
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    namespace: dict = {"__name__": "crossbar_circuits_documentation"}
    compared = 0
    for (kind, text), (following, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind != "python":
            continue
        with contextlib.redirect_stdout(io.StringIO()) as screen:
            exec(compile(text, str(PAGE), "exec"), namespace)
        assert following == "text"
        assert screen.getvalue().strip() == expected.strip()
        compared += 1
    assert compared == 3
