"""docs/campaigns.md says what is true: its campaign file is valid and its Python runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cimspice.campaign import parse_specification
from cimspice.pdk import cache_directory

PAGE = Path(__file__).parents[2] / "docs" / "campaigns.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_campaign_file_of_the_page_is_valid():
    text, *_ = blocks("toml")
    specification = parse_specification(tomllib.loads(text))
    assert specification.points == 16 * 2 * 2 * 2
    assert len(specification.figures) == 1


def test_the_sections_of_the_page_fit_together():
    specification = parse_specification(tomllib.loads("\n".join(blocks("toml"))))
    assert specification.points == 16 * 2 * 2 * 2 * 200
    assert specification.limits[0].maximum == 900e-6
    assert (specification.policy.retry, specification.policy.stop_after) == ("relaxed", 20)


@pytest.mark.spice
def test_the_python_of_the_page_runs(tmp_path):
    call, runs, own = blocks("python")
    (tmp_path / "my_bench.py").write_text(own)
    lines = [
        "import my_bench",
        *call.splitlines(),
        *runs.splitlines(),
        "own = run_bench('on_resistance', sweep={'gate_voltage': [0.9, 1.8]})",
        "assert own.on_resistance.is_monotonic_decreasing and 1e2 < own.on_resistance.iloc[-1] < 1e5, own",
    ]
    body = "\n".join(f"    {line}" for line in lines)
    script = tmp_path / "script.py"
    script.write_text(f"if __name__ == '__main__':\n{body}\n")
    cache = tmp_path / "cache"  # a store of its own, with the device models that are installed
    cache.mkdir()
    (cache / "pdk").symlink_to(cache_directory() / "pdk")
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "CIMSPICE_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
