"""Commands of the resistive memory."""

import typer

from cimspice.rram.commands import validate

GROUPS = {"validate": typer.Typer()}
"""Group of commands -> what the family has in it."""

GROUPS["validate"].command()(validate.rram)
