"""The application: every command in its own file; heavy imports happen inside the commands."""

import inspect
import io
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cimspice import __version__
from cimspice.cli import (
    cache,
    card,
    characterize,
    compare,
    doctor,
    fit,
    network,
    new,
    pdk,
    validate_network,
    validate_schedule,
)
from cimspice.cli.interruption import Interruption
from cimspice.cli.list import list_
from cimspice.cli.map import map_
from cimspice.cli.report import report as report_on_run
from cimspice.cli.schedule import schedule
from cimspice.families import use_room
from cimspice.screen.failure import INTERRUPTED, Interrupted, report
from cimspice.screen.output import show_warning


class _Group(TyperGroup):
    """Lets Ctrl-C through to :func:`run`, which says what became of the results."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        _unwrap(self.commands.values())

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error


def _unwrap(commands: Iterable[Any]) -> None:
    """The help's paragraphs as single lines: the terminal alone wraps them."""
    for command in commands:
        command.help = re.sub(r"(?<=\S)\n(?=\S)", " ", inspect.cleandoc(command.help or ""))
        _unwrap(getattr(command, "commands", {}).values())


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cimspice {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="cimspice",
    cls=_Group,
    help="Circuit-level SPICE co-simulation for compute-in-memory: characterise, fit, emulate, validate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("characterize")(characterize.characterize)
app.command("compare")(compare.compare)
app.command("doctor")(doctor.doctor)
app.command("list")(list_)
app.command("map")(map_)
app.command("report")(report_on_run)
app.command("schedule")(schedule)
_GROUPS = {
    "cache": cache.app,
    "card": card.app,
    "demo": typer.Typer(help="A whole loop on a few samples, with its figures.", no_args_is_help=True),
    "fit": fit.app,
    "network": network.app,
    "new": new.app,
    "pdk": pdk.app,
    "train": typer.Typer(help="Learning in the emulated circuit.", no_args_is_help=True),
    "validate": typer.Typer(help="Compare the model of a circuit with ngspice.", no_args_is_help=True),
}


def _collect() -> None:
    """The families' commands into their groups, and the groups into the application."""
    _GROUPS["validate"].command("network")(validate_network.network)
    _GROUPS["validate"].command("digits")(validate_network.digits)
    _GROUPS["validate"].command("schedule")(validate_schedule.schedule)
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        use_room("commands", _add)
    for name, group in _GROUPS.items():
        if group.registered_callback is None:
            group.callback()(_group)
        app.add_typer(group, name=name)


def _add(commands: ModuleType) -> None:
    for name, found in commands.GROUPS.items():
        group = _GROUPS.setdefault(name, typer.Typer(no_args_is_help=True)) if name else app
        group.registered_commands += found.registered_commands


def _group() -> None:
    """A group even while it has one command."""


_collect()


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show Python's traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options of all commands; ``run`` reads ``--debug`` itself, wherever it stands."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    arguments
        Words after ``cimspice``.

    Returns
    -------
    int
        Exit code: 0 success, 1 failure, 2 bad input, 3 limits not kept, 130 Ctrl-C.
    """
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    with Interruption() as interruption, warnings.catch_warnings():
        warnings.showwarning = show_warning
        try:
            code = app(words, prog_name="cimspice", standalone_mode=False)
            if interruption.seen:
                raise Interrupted  # something on the way kept it to itself, and may lack what was stopped
        except (Exception, KeyboardInterrupt) as error:
            if interruption.seen and not isinstance(error, Interrupted):
                error = Interrupted().with_traceback(error.__traceback__)
            return report(error, as_json="--json" in words, debug=debug)
    return code if isinstance(code, int) else 0


def _open_streams() -> None:
    """A closed standard stream becomes the null device, before another file gets its number."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode))


def _flushed(code: int) -> int:
    """The exit code; 1 if what was printed cannot be written, which Python would print as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            code = report(error) if stream is sys.stdout and not code else code or 1
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left goes nowhere
    return code


def main() -> None:
    """Entry point of the ``cimspice`` program."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):  # what the locale's encoding lacks is written out
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:])
        code = _flushed(code)
    except KeyboardInterrupt:  # another one, while the first was reported
        code = INTERRUPTED
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # What is left is Python's own end, in which it would be a traceback.
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(INTERRUPTED))
    sys.exit(code)
