"""Commands of crossbars."""

import typer

from cimspice.crossbar.commands import demo, validate
from cimspice.crossbar.commands.program import program
from cimspice.crossbar.commands.validate_programming import programming

GROUPS = {"": typer.Typer(), "demo": typer.Typer(), "validate": typer.Typer()}
"""Group of commands ("": none) -> what the family has in it."""

GROUPS[""].command()(program)
GROUPS["demo"].command()(demo.crossbar)
GROUPS["validate"].command()(validate.crossbar)
GROUPS["validate"].command()(programming)
