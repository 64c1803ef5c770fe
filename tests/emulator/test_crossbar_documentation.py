"""The solver's part of the page on crossbars runs, and prints what it says."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "crossbar.md"


def test_every_example_prints_what_follows_it():
    part = PAGE.read_text(encoding="utf-8").split("## The exact solver", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", part, re.M | re.S)
    namespace: dict = {"__name__": "crossbar_documentation"}
    compared = 0
    for (kind, text), (following, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind != "python":
            continue
        with contextlib.redirect_stdout(io.StringIO()) as screen:
            exec(compile(text, str(PAGE), "exec"), namespace)
        assert following == ""
        assert screen.getvalue().strip() == expected.strip()
        compared += 1
    assert compared == 3
