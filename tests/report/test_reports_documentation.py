"""The code of docs/reports.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from page_runs import synapse_run, write_run

import cimspice
from cimspice.report.page import write_page

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"


def test_the_python_blocks_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    synapse_run(tmp_path / "runs" / "synapse")
    (tmp_path / "runs" / "synapse" / "reversal_synapse_n.json").unlink()
    rows = [("tt", bias, x, bias * x) for bias in (0.5, 1.0) for x in (0.0, 1.8)]
    table = pd.DataFrame(rows, columns=["corner", "gate_voltage", "drain_voltage", "drain_current"])
    write_run(tmp_path / "runs" / "transistor_iv", table, ["corner", "gate_voltage"])
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    assert "1.8" in capsys.readouterr().out
    assert write_page("runs/synapse").cards == 1


def test_the_page_names_every_attribute_and_every_section():
    text = PAGE.read_text(encoding="utf-8")
    source = (Path(cimspice.__file__).parent / "report" / "page.py").read_text(encoding="utf-8")
    for title in re.findall(r'Section\("\w+", "([^"]+)"', source):
        assert title in text or title == "Not shown"
    for attribute in ("units", "conditions", "provenance", "campaign"):
        assert f'`"{attribute}"`' in text
