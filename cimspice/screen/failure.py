"""How a command ends that failed: a message without a traceback, an exit code, and JSON where asked for."""

import errno
import traceback
from contextlib import suppress
from typing import Any

from rich.markup import escape

from cimspice.errors import BadParameter, CimspiceError
from cimspice.screen.output import console, print_json

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

_KEPT = "every finished point is kept: run the same command again and it goes on from there"


class Interrupted(Exception):
    """Ctrl-C, in a form that the command-line library does not take for itself."""


def report(error: BaseException, *, as_json: bool = False, debug: bool = False) -> int:
    """Print what went wrong.

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
    with suppress(OSError):  # a stream that is full or closed: the others and the exit code still report it
        if debug or fields["kind"] == "Defect":
            console(stderr=True).print("".join(traceback.format_exception(error)), markup=False)
        _show(fields)
    with suppress(OSError):
        if as_json:
            print_json({"error": {**fields, "exit_code": code}})
    return code


def _describe(error: BaseException) -> tuple[int, dict[str, Any]]:
    if isinstance(error, CimspiceError):
        code = BAD_INPUT if isinstance(error, ValueError | BadParameter) else FAILED
        # only our own fields: the command-line library leaves objects of its own on an exception
        known = {name: value for name, value in vars(error).items() if isinstance(value, str)}
        return code, {"kind": type(error).__name__, **known}
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return INTERRUPTED, _fields("Interrupted", "stopped by Ctrl-C", remedy=_KEPT)
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        # the command-line library's own errors: its classes moved between versions, these attributes did not
        message = error.format_message() or "no command is given"  # pyright: ignore[reportAttributeAccessIssue] (tested above)
        remedy = "see cimspice --help, or --help after the command"
        return BAD_INPUT, _fields("UsageError", message, place="command line", remedy=remedy)
    if isinstance(error, OSError):
        place = str(error.filename or "")
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return FAILED, _fields("DiskFull", "the disk is full", place, f"free some room; {_KEPT}")
        remedy = "check that the file or folder exists and may be used"
        return FAILED, _fields("FileError", error.strerror or str(error), place, remedy)
    remedy = "this is a defect of cimspice: report it with the lines above and the command"
    return FAILED, _fields("Defect", f"{type(error).__name__}: {error}", remedy=remedy)


def _fields(kind: str, message: str, place: str = "", remedy: str = "") -> dict[str, Any]:
    return {"kind": kind, "message": message, "place": place, "remedy": remedy}


def _show(fields: dict[str, Any]) -> None:
    screen = console(stderr=True)
    screen.print(f"[bold red]error:[/] {escape(fields['message'])}")
    labels = {"place": "at", "netlist_line": "netlist line", "words": "ngspice said", "remedy": "remedy"}
    for key, label in labels.items():
        if fields.get(key):
            text = str(fields[key]).strip().replace("\n", "\n    ")
            style = "green" if key == "remedy" else "cyan"
            screen.print(f"  [{style}]{label}:[/] {escape(text)}")
