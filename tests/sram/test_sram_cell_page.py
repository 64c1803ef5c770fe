"""The page on the 6T cell runs, and its table holds what the benches measure."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from cimspice.bench import bench
from cimspice.spice import simulate

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sram_cell.md").read_text(encoding="utf-8")


@pytest.mark.spice
def test_every_example_runs():
    namespace: dict = {"__name__": "sram_documentation"}
    with contextlib.redirect_stdout(io.StringIO()) as screen:
        for text in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S):
            exec(compile(text, "docs/sram_cell.md", "exec"), namespace)
    assert "does not hold its state" in screen.getvalue()


@pytest.mark.spice
@pytest.mark.parametrize(
    ("row", "name", "values", "column", "unit"),
    [
        ("hold margin (V)", "sram_snm", {}, "hold_noise_margin", 1),
        ("read margin (V)", "sram_snm", {}, "read_noise_margin", 1),
        ("bit-line write margin (V)", "sram_write_margin", {}, "write_margin", 1),
        ("word-line write margin (V)", "sram_write_margin", {"swept": "word_line"}, "write_margin", 1),
        ("read current (µA)", "sram_read_current", {}, "bit_line_current", 1e-6),
        ("retention voltage (V)", "sram_retention", {}, "retention_voltage", 1),
    ],
)
def test_the_table_of_corners_is_what_the_benches_measure(row, name, values, column, unit):
    found = re.search(rf"^\| {re.escape(row)} \|(.*)\|$", PAGE, re.M)
    assert found
    printed = found[1].split("|")
    asked = bench(name)
    parameters = asked.Parameters(**values)
    for corner, text in zip(("tt", "ss", "ff", "sf", "fs"), printed, strict=True):
        waveforms = simulate(
            asked.netlist(parameters),
            asked.analysis(parameters),
            corner=corner,
            options=asked.options(parameters),
        )
        value = asked.measure(parameters, waveforms)[column].iloc[0] / unit
        digits = len(text.strip().partition(".")[2])
        assert float(text) == pytest.approx(value, abs=0.6 * 10.0**-digits)
