"""``cimspice doctor`` finds what is wrong, names the remedy, and proves by a simulation that it works."""

import json

import pytest

import cimspice.cli.doctor as checks
from cimspice.cli.app import run


def rows(capsys) -> dict:
    result = json.loads(capsys.readouterr().out)
    assert result["ok"] == all(row["ok"] for row in result["checks"])
    return {row["name"]: row for row in result["checks"]}


@pytest.mark.spice
def test_a_working_machine_passes_with_a_real_simulation(capsys):
    assert run(["doctor", "--json"]) == 0
    found = rows(capsys)
    assert list(found) == [
        "python",
        "packages",
        "ngspice",
        "libngspice",
        "pdk",
        "workers",
        "cache",
        "simulation",
    ]
    for words in ("KLU", "OSDI", "XSPICE", "OpenMP"):
        assert words in found["libngspice"]["detail"]
    assert "sha256" in found["pdk"]["detail"]
    assert "inverter" in found["simulation"]["detail"]


@pytest.mark.spice
def test_an_engine_that_computes_something_else_fails(monkeypatch):
    inverter = checks._inverter()
    monkeypatch.setattr(checks, "_INVERTER", checks._INVERTER.replace("w=0.65", "w=0.66"))
    assert checks._inverter()[0].digest != inverter[0].digest
    check = checks._simulation()  # the worker imports the module afresh and so simulates the first one
    assert not check.ok
    assert check.remedy


@pytest.mark.parametrize(
    ("variable", "row", "remedy"),
    [
        ("NGSPICE_LIBRARY_PATH", "libngspice", "libngspice"),
        ("PDK_ROOT", "pdk", "PDK_ROOT"),
        ("PATH", "ngspice", "apt"),
    ],
)
def test_what_is_missing_fails_its_row_and_the_command(monkeypatch, capsys, variable, row, remedy):
    monkeypatch.setenv(variable, "/nowhere")
    assert run(["doctor", "--json"]) == 1
    found = rows(capsys)
    assert not found[row]["ok"]
    assert remedy in found[row]["remedy"]
    assert not found["simulation"]["ok"]
    assert found["python"]["ok"]


def test_a_folder_without_room_or_right_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    assert checks._cache().ok
    monkeypatch.setattr(checks, "_ROOM", 1e30)
    assert "free some room" in checks._cache().remedy
    monkeypatch.setattr(checks.os, "access", lambda *arguments: False)
    assert "CIMSPICE_CACHE" in checks._cache().remedy


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(
        checks.importlib.metadata, "requires", lambda name: ["numpy>=1", "absent-one>=2", "x; extra == 'y'"]
    )
    check = checks._packages()
    assert not check.ok
    assert check.detail == "missing: absent-one"


def test_people_see_a_table_with_the_remedy(monkeypatch, capsys):
    monkeypatch.setattr(
        checks, "run_checks", lambda: [checks.Check("pdk", False, "not there [x]", "fetch it")]
    )
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    for words in ("FAILED", "not there [x]", "fetch it"):
        assert words in out
