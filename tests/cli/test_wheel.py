"""The wheel, away from the checkout, in a folder with spaces and letters beyond ASCII, does the main jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cimspice.pdk.source import cache_directory

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder that holds what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True, timeout=120)
    target = folder / "eigene Umgebung für Größen"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


@pytest.fixture
def cimspice(installed, tmp_path):
    """Runs the installed command in an empty folder, with an empty store."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "pdk").symlink_to(cache_directory() / "pdk")
    place = tmp_path / "Läufe und mehr"
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed), "CIMSPICE_CACHE": str(cache)}

    def run(*words: str, module: str = "cimspice") -> str:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=place,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run, place


@pytest.mark.spice
def test_it_characterises_fits_validates_and_reports(installed, cimspice):
    run, place = cimspice
    (place / "where.py").write_text("import cimspice; print(cimspice.__file__)")
    assert run(module="where").startswith(str(installed))
    run("characterize", "rram_read_iv", "--set", "state=[1.0]")
    words = ("--model", "rram_read_sinh", "--where", "state=1.0")
    fit = json.loads(run("fit", "runs/rram_read_iv", *words, "--json"))
    assert fit["parameters"]["curvature"]["value"] == pytest.approx(1 / 0.43)  # of the published model
    run("report", "runs/rram_read_iv")
    page = (place / "runs" / "rram_read_iv" / "report.html").read_text(encoding="utf-8")
    assert len(page) > 3e6, "the drawing library is not in it"
    facts = json.loads(run("validate", "programming", "--size", "2", "--json"))
    assert facts["difference"]["energy"] == pytest.approx(0, abs=0.05)


def test_types_are_declared(installed):
    assert (installed / "cimspice" / "py.typed").is_file()
