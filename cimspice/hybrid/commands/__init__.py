"""Commands of columns read by comparators."""

import typer

from cimspice.hybrid.commands import demo, train, validate

GROUPS = {"demo": typer.Typer(), "train": typer.Typer(), "validate": typer.Typer()}
"""Group of commands -> what the family has in it."""

GROUPS["demo"].command()(demo.hybrid)
GROUPS["train"].command()(train.hybrid)
GROUPS["validate"].command()(validate.hybrid)
