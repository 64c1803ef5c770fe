"""Without ngspice the error says where it was looked for and what to install."""

from __future__ import annotations

import pytest
from spice_circuits import DIVIDER

from cimspice.errors import EngineMissing
from cimspice.spice import Op, Session, engine_features, library, simulate_batch


def test_a_wrong_library_path_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "nowhere.so"))
    with pytest.raises(EngineMissing, match=r"nowhere\.so") as caught, Session() as session:
        session.load(DIVIDER)
    assert "NGSPICE_LIBRARY_PATH" in caught.value.place


def test_a_file_that_is_no_library_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "libngspice.so"
    broken.write_text("not a library")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(broken))
    with pytest.raises(EngineMissing, match="could not be loaded"), Session() as session:
        session.load(DIVIDER)


def test_a_missing_library_names_places_and_remedy(monkeypatch):
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(library, "_FOLDERS", ("/nowhere",))
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(EngineMissing) as caught:
        library.find_library()
    assert "/nowhere" in caught.value.place
    assert "apt install" in caught.value.remedy
    assert "NGSPICE_LIBRARY_PATH" in caught.value.remedy


def test_a_missing_executable_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="PATH") as caught:
        simulate_batch(DIVIDER, Op())
    assert "apt install" in caught.value.remedy


def test_features_report_what_is_missing_instead_of_raising(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "nowhere.so"))
    features = engine_features()
    assert features["executable"] is None
    assert features["library_version"] is None
    assert [type(problem) for problem in features["problems"]] == [EngineMissing, EngineMissing]


@pytest.mark.spice
def test_features_are_detected():
    features = engine_features()
    assert features["problems"] == []
    assert int(features["library_version"].partition(".")[0]) >= 30
    assert int(features["executable_version"].partition(".")[0]) >= 30
    assert {type(features[name]) for name in ("klu", "osdi", "xspice", "openmp")} == {bool}
