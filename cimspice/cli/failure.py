"""How a command ends that failed: a message without a traceback, an exit code, and JSON where asked for."""

from __future__ import annotations

import errno
import traceback
from typing import Any

from rich.markup import escape

from cimspice.cli.output import console, print_json
from cimspice.errors import BadParameter, CimspiceError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

_KEPT = "every finished point is kept: run the same command again and it goes on from there"


class Interrupted(Exception):  # noqa: N818 (not an error)
    """Ctrl-C, in a form that the command-line library does not take for itself."""


def report(error: BaseException, *, as_json: bool = False, debug: bool = False) -> int:
    """Tell the user what went wrong.

    Parameters
    ----------
    error
        What stopped the command.
    as_json
        Also print ``{"error": {...}}`` on stdout.
    debug
        Show the traceback of expected errors too; that of an unexpected one (a defect) is always shown.

    Returns
    -------
    int
        Exit code: 2 for bad input, 130 for Ctrl-C, 1 for everything else.
    """
    code, fields = _describe(error)
    if debug or fields["kind"] == "Defect":
        console(stderr=True).print("".join(traceback.format_exception(error)), markup=False)
    _show(fields)
    if as_json:
        print_json({"error": {**fields, "exit_code": code}})
    return code


def _describe(error: BaseException) -> tuple[int, dict[str, Any]]:
    if isinstance(error, CimspiceError):
        fields = {"kind": type(error).__name__, **vars(error)}
        return BAD_INPUT if isinstance(error, ValueError | BadParameter) else FAILED, fields
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return INTERRUPTED, {
            "kind": "Interrupted",
            "message": "stopped by Ctrl-C",
            "place": "",
            "remedy": _KEPT,
        }
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        # the command-line library's own errors; its classes moved between versions, these two attributes did not
        message = error.format_message()  # pyright: ignore[reportAttributeAccessIssue] (tested above)
        remedy = "see cimspice --help, or --help after the command"
        return BAD_INPUT, {
            "kind": "UsageError",
            "message": message,
            "place": "command line",
            "remedy": remedy,
        }
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        message = "the disk is full" if full else f"{error.strerror or error}"
        remedy = (
            f"free some room; {_KEPT}" if full else "check that the file or folder exists and may be used"
        )
        place, kind = str(error.filename or ""), "DiskFull" if full else "FileError"
        return FAILED, {
            "kind": kind,
            "message": message,
            "place": place,
            "remedy": remedy,
        }
    return FAILED, {
        "kind": "Defect",
        "message": f"{type(error).__name__}: {error}",
        "place": "",
        "remedy": "this is a defect of cimspice: report it with the lines above and the command",
    }


def _show(fields: dict[str, Any]) -> None:
    screen = console(stderr=True)
    screen.print(f"[bold red]error:[/] {escape(fields['message'])}")
    labels = {"place": "at", "netlist_line": "netlist line", "words": "ngspice said", "remedy": "remedy"}
    for key, label in labels.items():
        if fields.get(key):
            text = str(fields[key]).strip().replace("\n", "\n    ")
            style = "green" if key == "remedy" else "cyan"
            screen.print(f"  [{style}]{label}:[/] {escape(text)}")
