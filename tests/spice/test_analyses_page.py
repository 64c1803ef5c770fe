"""docs/analyses.md has every analysis and every method of Waveforms, with an example that runs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cimspice.spice
from cimspice.spice import Waveforms

PAGE = (Path(__file__).parents[2] / "docs" / "analyses.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"^```py\w*\n(.*?)^```$", PAGE, re.M | re.S))


@pytest.mark.spice
def test_every_example_of_the_page_prints_what_follows_it(examples):
    compared = 0
    for printed, kind, expected in examples(PAGE, "docs/analyses.md"):
        assert printed == (expected if kind == "text" else "")
        compared += kind == "text"
    assert compared == 17


@pytest.mark.spice
def test_the_script_with_a_pool_prints_what_follows_it(tmp_path):
    ((script, expected),) = re.findall(r"^```py\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.M | re.S)
    (tmp_path / "divider.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "divider.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == expected


def test_everything_that_spice_offers_is_used_in_an_example():
    results = {"Analysis", "Statistics", "PoolStatistics", "Waveforms"}  # what others give, or build on
    missing = [
        name for name in cimspice.spice.__all__ if name not in results and not re.search(rf"\b{name}\(", CODE)
    ]
    assert not missing


def test_every_method_of_waveforms_is_used_in_an_example():
    offered = [name for name in vars(Waveforms) if not name.startswith("_")]
    offered += list(inspect.signature(Waveforms).parameters)
    missing = [name for name in offered if name != "vectors" and f".{name}" not in CODE]
    assert not missing
