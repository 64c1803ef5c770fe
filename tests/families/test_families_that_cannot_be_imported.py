"""A family of another package whose import fails is left out, with one warning; everything else works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

import pytest
from edram_family import install

from cimspice import families
from cimspice.bench import benches
from cimspice.errors import ParameterError

INIT = "edram/__init__.py"  # so that nothing of the family is registered in this process
BROKEN = {
    "a package that is missing": (INIT, "import a_missing_package\n", "a_missing_package"),
    "no Python": (INIT, "def share(:\n", "SyntaxError"),
    "an error of several lines": (INIT, "raise ValueError('one\\ntwo')\n", "one two"),
    "a program that ends": (INIT, "raise SystemExit(3)\n", "SystemExit: 3"),
    "a package that is not there": ("edram-1.dist-info/entry_points.txt",
                                    "[cimspice.families]\nedram = edrum\n",
                                    "No module named 'edrum'"),
}  # fmt: skip


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on Python's path, with the family in it; the families are looked for anew."""
    monkeypatch.syspath_prepend(str(install(tmp_path)))
    families.families.cache_clear()
    yield tmp_path
    families.families.cache_clear()


@pytest.mark.parametrize("how", BROKEN)
def test_a_family_that_cannot_be_imported_is_left_out_with_package_error_and_remedy(how, site):
    file, text, error = BROKEN[how]
    (site / file).write_text(text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for room in ("circuit", "model", "circuit", "model"):
            families.import_room(room)
    (message,) = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert message.startswith("the family edram of the package edram cannot be imported")
    assert error in message
    assert "pip install --upgrade edram" in message
    assert "\n" not in message
    assert "edram" not in families.families()
    assert "edram_sharing" not in families.campaigns()
    assert {"neuron", "sram", "crossbar"} <= set(families.with_card())
    assert "sram_read" in {bench.name for bench in benches()}
    with pytest.raises(ParameterError, match="no family 'edram'"):
        families.family("edram")


def test_commands_work_without_it_and_say_so_in_one_line_on_stderr(tmp_path):
    (install(tmp_path) / "edram" / "commands.py").write_text("from cimspice.screen import a_missing_name\n")
    where = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-m", "cimspice", "cache", "show", "--json"]
    done = subprocess.run(words, env=where, capture_output=True, text=True, timeout=60, check=True)
    assert "benches" in json.loads(done.stdout)
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: the family edram of the package edram")
    assert "cannot import name 'a_missing_name'" in line


def test_an_error_in_a_family_of_ours_is_not_hidden(monkeypatch):
    def fail(module):
        raise ImportError("broken")

    with pytest.raises(ImportError, match="broken"):
        families.use_room("family", fail)
