"""What the installed ngspice can do: detected, never assumed."""

import os
import re
import subprocess
from typing import Any

from cimspice.errors import EngineMissing
from cimspice.spice.engine import Engine
from cimspice.spice.library import find_executable, find_library, library_places
from cimspice.spice.start_up import environment

_XSPICE_PROBE = ["* a gain block", "v1 a 0 1", "a1 a b gain", ".model gain gain(gain=2)", "r1 b 0 1k", ".end"]
_OSDI_PROBE = "osdi /no/such/file.osdi"


def engine_features() -> dict[str, Any]:
    """Versions and features of ngspice, as executable and as library.

    Returns
    -------
    dict
        ``executable``, ``executable_version``, ``library``, ``library_version`` (``None`` where missing),
        ``klu``, ``osdi``, ``xspice``, ``openmp`` (bool, of the library), ``places`` (where the library is
        looked for), ``problems`` (`EngineMissing` errors, empty if all is there).
    """
    found: dict[str, Any] = {
        **dict.fromkeys(("executable", "executable_version", "library", "library_version")),
        **dict.fromkeys(("klu", "osdi", "xspice", "openmp"), False),
        "places": library_places(),
        "problems": [],
    }
    try:
        found["executable"] = find_executable()
        found["executable_version"] = executable_version()
    except EngineMissing as error:
        found["problems"].append(error)
    try:
        found["library"] = os.path.realpath(find_library())
        found.update(_ask_library())
    except EngineMissing as error:
        found["problems"].append(error)
    return found


def executable_version() -> str | None:
    """Version of the ngspice executable, such as "39"."""
    command = [find_executable(), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment())
    return _version(done.stdout + done.stderr)


def _version(text: str) -> str | None:
    found = re.search(r"ngspice[- ](\d+[\w.+]*)", text)
    return found[1] if found else None


def _ask_library() -> dict[str, Any]:
    engine = Engine()
    engine.command("version -f")
    said = "\n".join(engine.take_words())
    engine.command(_OSDI_PROBE)
    osdi = not any("no such command" in word.lower() for word in engine.take_words())
    # XSPICE compiled in is not enough: its code models are a separate file.
    engine.source(_XSPICE_PROBE)
    engine.take_words()
    engine.command("op")
    gained = engine.vector("b") if engine.current_plot().startswith("op") else None
    return {
        "library_version": _version(said),
        "klu": bool(re.search(r"\bKLU\b", said)),
        "osdi": osdi,
        "xspice": gained is not None and len(gained) == 1 and bool(abs(gained[0] - 2.0) < 1e-3),
        "openmp": "OpenMP" in said,
    }
