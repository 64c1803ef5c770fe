"""The page on the SRAM array runs, and its reads give the words that were stored."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sram.md"


@pytest.mark.spice
def test_the_example_reads_the_words_that_it_stored(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {"__name__": "sram_documentation"}
    for text in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(text, str(PAGE), "exec"), namespace)
    assert "units of 60 ps at most on a line" in capsys.readouterr().out
    # ones minus zeros of both opened words in effective widths; the lines share charge
    reading, lines, bits = namespace["reading"], namespace["lines"], namespace["bits"]
    width = np.concatenate([[0.0], lines.widths])[namespace["codes"]] / lines.unit_width
    wanted = (width * (2 * bits - 1)).sum(axis=-1)
    share = lines.capacitance / (lines.capacitance + 2 * lines.coupling)
    difference = (reading.discharge[:, 1] - reading.discharge[:, 0]) / lines.unit_discharge / share
    assert np.allclose(difference, wanted, rtol=0.1, atol=0.2)
