"""Commands of columns read by comparators."""

import typer

from cimspice.hybrid.commands import train, validate

GROUPS = {"train": typer.Typer(), "validate": typer.Typer()}
"""Group of commands -> what the family has in it."""

GROUPS["train"].command()(train.hybrid)
GROUPS["validate"].command()(validate.hybrid)
