"""What users import: faces that answer for all their names, light until asked, and enough for every page."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import cimspice

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
FAMILIES = ("converter", "crossbar", "hybrid", "neuron", "rram", "sram")
CORE = ("bench", "campaign", "errors", "fit", "netlist", "network", "pdk", "progress", "schedule", "spice")


def blocks(page: Path) -> list[str]:
    if page.suffix == ".ipynb":
        cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_pages_import_from_faces_only(page):
    allowed = {"cimspice", *(f"cimspice.{name}" for name in (*FAMILIES, *CORE))}
    for block in blocks(page):
        for line in ast.walk(ast.parse(block)):
            if isinstance(line, ast.Import):
                origins = [alias.name for alias in line.names]
            elif isinstance(line, ast.ImportFrom):
                origins = [str(line.module)]
            else:
                continue
            own = {origin for origin in origins if origin.partition(".")[0] == "cimspice"}
            assert own <= allowed


@pytest.mark.parametrize("name", ["", ".network", ".schedule", *(f".{name}" for name in FAMILIES)])
def test_every_name_of_a_face_is_there_listed_and_documented(name):
    face = importlib.import_module(f"cimspice{name}")
    assert set(face.__all__) <= set(dir(face))
    for each in face.__all__:
        found = getattr(face, each)
        assert isinstance(found, str) or inspect.getdoc(found), each
        if not isinstance(found, ModuleType):  # else the order of imports would decide
            assert find_spec(f"{face.__name__}.{each}") is None, f"{each} is a module beside it too"
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = face.absent


def test_the_package_and_its_families_are_light_until_a_name_is_asked_for():
    code = (
        "import sys, cimspice, cimspice.neuron, cimspice.sram, cimspice.rram, cimspice.crossbar\n"
        "print([name for name in ('numpy', 'pandas', 'scipy', 'numba', 'pydantic') if name in sys.modules])\n"
        "cimspice.crossbar.Crossbar; print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "True", ""]


@pytest.mark.parametrize("name", ["neuron", "sram", "rram", "crossbar"])
def test_verbs_of_the_families_are_called_alike(name):
    face = getattr(cimspice, name)
    own = inspect.signature(face.characterise).parameters
    assert next(iter(own)) == "conditions"
    assert {"jobs", "progress"} <= {each.name for each in own.values() if each.kind is each.KEYWORD_ONLY}
    assert list(inspect.signature(face.card).parameters) == ["file"]
    assert {"map", "validate"} <= set(face.__all__) or name == "rram"
    assert {"layer", "network"} & set(face.__all__) or name == "rram"


def test_type_checkers_and_python_read_the_same_imports():
    from cimspice.crossbar import Crossbar, NonlinearCrossbar, SeriesCell, SinhCell, TwoTerminalCell
    from cimspice.crossbar.emulator import array

    assert Crossbar is array.Crossbar
    assert all(map(inspect.isclass, (NonlinearCrossbar, SeriesCell, SinhCell, TwoTerminalCell)))
