"""The page on models runs, and prints what it says."""

import contextlib
import io
import re
from pathlib import Path

from cimspice.fit.named import recipes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_every_example_prints_what_follows_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    namespace: dict = {"__name__": "models_documentation"}
    printed, compared = "", 0
    for kind, text in blocks:
        if kind == "csv":
            (tmp_path / "measured.csv").write_text(text, encoding="utf-8")
        elif kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as screen:
                exec(compile(text, str(PAGE), "exec"), namespace)
            printed = screen.getvalue()
        elif kind != "console":
            assert printed.strip() == text.strip()
            compared += 1
    assert compared == 6


def test_every_model_stands_on_the_page_with_its_columns_options_and_units():
    rows = {
        line.split("|")[1].strip(" `"): line
        for line in PAGE.read_text().splitlines()
        if line.startswith("| `")
    }
    for kind, known in recipes().items():
        for name, unit in known.parameters.items():
            assert f"{name} ({unit})" in rows[kind] or (unit == "1" and name in rows[kind])
        for name, column in known.schema.columns.items():
            shown = f"{name} ({column.unit})" if column.unit not in ("", "1") else name
            assert shown in rows[kind] or name in ("corner", "temperature")
        assert all(option in rows[kind] for option in known.options)
