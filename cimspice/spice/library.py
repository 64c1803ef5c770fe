"""Where ngspice is: the shared library and the executable, on Linux and macOS."""

import ctypes.util
import os
import platform
import shutil
from pathlib import Path

from cimspice.errors import EngineMissing

_FOLDERS = (
    "/usr/lib",
    "/usr/lib64",
    f"/usr/lib/{platform.machine()}-linux-gnu",
    "/usr/local/lib",
    "/opt/homebrew/lib",
    "/opt/homebrew/opt/libngspice/lib",
    "/usr/local/opt/libngspice/lib",
)
_NAMES = ("libngspice.so.0", "libngspice.so", "libngspice.dylib", "libngspice.0.dylib")
_INSTALL = (
    "install it: `apt install ngspice libngspice0` (Debian, Ubuntu)"
    ", `brew install ngspice libngspice` (macOS)"
)


def library_places() -> list[str]:
    """Every place looked at for the shared library, in order."""
    chosen = os.environ.get("NGSPICE_LIBRARY_PATH")
    if chosen:
        return [chosen]
    places = [str(Path(folder, name)) for folder in _FOLDERS for name in _NAMES]
    found = ctypes.util.find_library("ngspice")
    return [*places, found] if found else places


def find_library() -> str:
    """Path (or name known to the loader) of libngspice.

    EngineMissing with every place that was looked at and what to install.
    """
    chosen = os.environ.get("NGSPICE_LIBRARY_PATH")
    for place in library_places():
        if Path(place).is_file() or (not chosen and "/" not in place):
            return place
    if chosen:
        raise EngineMissing(
            f"NGSPICE_LIBRARY_PATH is {chosen!r}, which is not a file",
            place="NGSPICE_LIBRARY_PATH",
            remedy="point it at libngspice.so.0 (libngspice.dylib on macOS) or unset it",
        )
    raise EngineMissing(
        "the ngspice shared library was not found",
        place="looked for " + ", ".join(_NAMES) + " in " + ", ".join(_FOLDERS) + " and with ldconfig",
        remedy=_INSTALL + ", or set NGSPICE_LIBRARY_PATH to the library's file",
    )


def find_executable() -> str:
    """Path of the ngspice executable, which the batch path needs. EngineMissing if it is not on PATH."""
    found = shutil.which("ngspice")
    if found is None:
        raise EngineMissing(
            "the ngspice executable is not on PATH", place=os.environ.get("PATH", ""), remedy=_INSTALL
        )
    return found
