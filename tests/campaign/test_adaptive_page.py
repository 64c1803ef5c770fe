"""docs/adaptive.md says what is true: its campaign file is valid and its Python runs."""

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

PAGE = Path(__file__).parents[2] / "docs" / "adaptive.md"


def block(language):
    (only,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return only


def test_the_campaign_file_of_the_page_is_valid():
    specification = parse_specification(tomllib.loads(block("toml")))
    assert specification.adaptive.start == 40
    assert specification.most_points == 600 < specification.points == 33 * 35 * 5 * 6


@pytest.mark.spice
def test_the_python_of_the_page_runs(tmp_path):
    (tmp_path / "page.py").write_text(block("python"))
    cache = tmp_path / "cache"  # a store of its own, with the device models that are installed
    cache.mkdir()
    (cache / "pdk").symlink_to(cache_directory() / "pdk")
    done = subprocess.run(
        [sys.executable, "page.py"],
        cwd=tmp_path,
        env={**os.environ, "CIMSPICE_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d+ simulations: rms [\d.]+%, largest [\d.]+%$", done.stdout, re.MULTILINE)
