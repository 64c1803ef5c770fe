"""The page on resistive memories runs, and prints what it says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rram.md"


@pytest.mark.spice
def test_every_example_prints_what_follows_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    namespace: dict = {"__name__": "rram_documentation"}
    printed, compared = "", 0
    for kind, text in blocks:
        if kind == "csv":
            (tmp_path / "reads.csv").write_text(text, encoding="utf-8")
        elif kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as screen:
                exec(compile(text, str(PAGE), "exec"), namespace)
            printed = screen.getvalue()
        elif kind != "console":
            assert printed.strip() == text.strip()
            compared += 1
    assert compared == 6
