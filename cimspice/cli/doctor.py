"""``cimspice doctor``: what was found, whether that is enough, and the remedy if not."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from cimspice.errors import CimspiceError
from cimspice.screen.output import JsonFlag, console, print_json

_ROOM = 200e6
"""Bytes that the device models, slices and a small campaign need."""

_TOLERANCE = 1e-9
"""Volts by which the two ways to ngspice may differ; in practice they are equal to the last bit."""

_TIME_LIMIT = 120.0
_FEATURES = {"klu": "KLU", "osdi": "OSDI", "xspice": "XSPICE", "openmp": "OpenMP"}
_SUPPLY = 1.8
_INVERTER = """* inverter
Vdd vdd 0 1.8
Vin in 0 0
Xp out in vdd vdd sky130_fd_pr__pfet_01v8 w=1 l=0.15
Xn out in 0 0 sky130_fd_pr__nfet_01v8 w=0.65 l=0.15
"""


@dataclass(frozen=True)
class Check:
    """One row: ``ok`` is False only where the main job could not run."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def run_checks() -> list[Check]:
    """All checks, in the order in which things depend on one another; none raises."""
    checks: list[tuple[str, Callable[[], Check | list[Check]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("ngspice", _engine),
        ("pdk", _pdk),
        ("workers", _workers),
        ("cache", _cache),
        ("simulation", _simulation),
    ]
    return [row for name, check in checks for row in _guarded(name, check)]


def _guarded(name: str, check: Callable[[], Check | list[Check]]) -> list[Check]:
    try:
        rows = check()
    except CimspiceError as error:
        detail = error.message + (f" ({error.place})" if error.place else "")
        return [Check(name, False, detail, error.remedy or "see the message")]
    except OSError as error:
        return [Check(name, False, str(error), "check the permissions of the file or folder named")]
    except ImportError as error:
        return [
            Check(name, False, str(error), "install the packages again: make setup, or pip install cimspice")
        ]
    return [rows] if isinstance(rows, Check) else rows


def _python() -> Check:
    good = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", good, detail, "" if good else "use Python 3.11 or newer")


def _packages() -> Check:
    found, missing = [], []
    for requirement in importlib.metadata.requires("cimspice") or []:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", False, f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return Check("packages", True, ", ".join(found))


def _engine() -> list[Check]:
    """The program (the batch path) and the shared library (the loaded engine), with what each can do."""
    from cimspice.spice import engine_features

    found = engine_features()
    remedies = {"ngspice": "install ngspice", "libngspice": "install libngspice"}
    details = dict.fromkeys(remedies, "not found")
    for problem in found["problems"]:
        name = "libngspice" if "library" in problem.message.lower() else "ngspice"
        details[name] = problem.message + (f" ({problem.place})" if problem.place else "")
        remedies[name] = problem.remedy or remedies[name]
    has = ", ".join(f"{label} {'yes' if found[key] else 'no'}" for key, label in _FEATURES.items())
    rows = []
    for name, key, more in (("ngspice", "executable", ""), ("libngspice", "library", f"; {has}")):
        version = found[f"{key}_version"]
        if found[key] and version:
            rows.append(Check(name, True, f"{version}, {found[key]}{more}"))
        else:
            rows.append(Check(name, False, details[name], remedies[name]))
    return rows


def _pdk() -> Check:
    from cimspice.pdk import verify

    pdk = verify()
    return Check(
        "pdk", True, f"SKY130 {pdk.version} from {pdk.source}, sha256 {pdk.digest[:16]}…, {pdk.root}"
    )


def _workers() -> Check:
    from cimspice.spice.pool import processors

    count = processors()
    return Check("workers", True, f"{count} worker processes ({os.cpu_count()} processors)")


def _cache() -> Check:
    from cimspice.pdk import cache_directory

    folder = cache_directory()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if not os.access(existing, os.W_OK):
        return Check("cache", False, f"{detail}, not writable", "set CIMSPICE_CACHE to a folder that is")
    if free < _ROOM:
        return Check("cache", False, detail, "free some room, or set CIMSPICE_CACHE to another disk")
    return Check("cache", True, detail)


def _transfer_curve(session: Any, _item: int) -> Any:
    """An inverter's transfer curve in a worker: input and output voltages, each of shape (points,)."""
    netlist, analysis = _inverter()
    session.load(netlist)
    waveforms = session.run(analysis)
    return waveforms.axis, waveforms["out"]


def _inverter() -> tuple[Any, Any]:
    from cimspice.netlist import Netlist
    from cimspice.spice import Dc

    return Netlist(_INVERTER, "doctor"), Dc("vin", 0.0, _SUPPLY, 0.05, save=("in", "out"))


def _simulation() -> Check:
    import numpy as np

    from cimspice.spice import Pool, simulate_batch

    # in a worker process, so that a library that crashes or hangs is a failed row and not the end of doctor
    with Pool(workers=1, time_limit=_TIME_LIMIT) as pool:
        (sweep, output), *_ = pool.map(_transfer_curve, [0])
    batch = simulate_batch(*_inverter())["out"]
    difference = float(np.max(np.abs(output - batch)))
    crossing = float(np.interp(0.0, sweep - output, sweep))
    inverts = output[0] > 0.95 * _SUPPLY and output[-1] < 0.05 * _SUPPLY
    detail = (
        f"SKY130 inverter, {len(sweep)} points: switches at {crossing:.3f} V; "
        f"loaded engine and batch run differ by {difference:.1e} V"
    )
    if inverts and difference <= _TOLERANCE:
        return Check("simulation", True, detail)
    return Check(
        "simulation",
        False,
        detail,
        "this ngspice computes something else: install another version",
    )


def doctor(json: JsonFlag = False) -> None:
    """Check ngspice, the device models and one real simulation; exit 1 if the main job could not run."""
    from cimspice.campaign.versions import installed

    checks = run_checks()
    good = all(check.ok for check in checks)
    if json:
        print_json({"ok": good, "checks": checks, "provenance": installed()})
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            mark = "[green]ok[/]" if check.ok else "[red]FAILED[/]"
            remedy = f"\n[green]remedy:[/] {escape(check.remedy)}" if check.remedy else ""
            table.add_row(mark, check.name, escape(check.detail) + remedy)
        console().print(table)
        console().print("everything is in place" if good else "[red]the main job cannot run here yet[/]")
    if not good:
        raise typer.Exit(1)
