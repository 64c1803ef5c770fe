"""Families are found where packages name them; the former name of cimspice.bench still serves."""

from __future__ import annotations

import importlib
import sys

import pytest

from cimspice import families
from cimspice.bench import Bench, bench
from cimspice.bench.bench import _registry
from cimspice.campaign.provenance import code_digest

BENCH = '''"""A bench of one's own."""
from typing import Any, ClassVar
from cimspice.{place} import Bench, register
from cimspice.netlist import NetlistParameters

@register
class OutsideCell(Bench):
    """Measures nothing."""
    name: ClassVar[str] = "{name}"
    title: ClassVar[str] = "a cell of another package"
    Parameters: ClassVar[type[NetlistParameters]] = NetlistParameters
    columns: ClassVar[dict[str, str]] = {{"current": "A"}}

    def analysis(self, parameters: Any) -> Any: ...
    def measure(self, parameters: Any, waveforms: Any) -> Any: ...
'''


def test_bench_of_a_family_in_another_package_is_found(tmp_path, monkeypatch):
    room = tmp_path / "outside_family" / "circuit"
    room.mkdir(parents=True)
    for folder in (room, room.parent):
        (folder / "__init__.py").write_text("")
    (room / "cell.py").write_text(BENCH.format(place="bench", name="outside_cell"))
    installed = tmp_path / "outside_family-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: outside_family\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[cimspice.families]\noutside = outside_family\n")
    monkeypatch.syspath_prepend(tmp_path)
    families.families.cache_clear()
    try:
        assert families.families()["outside"] == "outside_family"
        assert "sram" in families.families()
        assert bench("outside_cell").title == "a cell of another package"
    finally:
        families.families.cache_clear()
        _registry.pop("outside_cell", None)


def test_bench_file_with_the_former_import_works_and_keeps_its_results(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cimspice.circuits", raising=False)
    digests = []
    for place in ("circuits", "bench"):
        name = f"bench_by_{place}"
        (tmp_path / f"{name}.py").write_text(BENCH.format(place=place, name="by_former_import"))
        try:
            if place == "circuits":
                with pytest.warns(DeprecationWarning, match=r"cimspice\.circuits is now cimspice\.bench"):
                    importlib.import_module(name)
            else:
                importlib.import_module(name)
            found = bench("by_former_import")
            assert isinstance(found, Bench)
            digests.append(code_digest(type(found)))
        finally:
            _registry.pop("by_former_import", None)
            sys.modules.pop(name, None)
    assert digests[0] == digests[1]


def test_the_former_import_of_crossbars_gives_the_same_classes(monkeypatch):
    monkeypatch.delitem(sys.modules, "cimspice.emulator.crossbar", raising=False)
    with pytest.warns(DeprecationWarning, match=r"is now cimspice\.crossbar"):
        former = importlib.import_module("cimspice.emulator.crossbar")
    assert former.Crossbar is importlib.import_module("cimspice.crossbar").Crossbar
