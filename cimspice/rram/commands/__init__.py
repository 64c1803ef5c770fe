"""Commands of resistive memories: only those of every family's card."""

import typer

GROUPS: dict[str, typer.Typer] = {}
