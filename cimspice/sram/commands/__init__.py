"""Commands of the 6T SRAM array."""

import typer

from cimspice.sram.commands import demo, train, validate
from cimspice.sram.commands.validate_learning import sram_learning

GROUPS = {"demo": typer.Typer(), "train": typer.Typer(), "validate": typer.Typer()}
"""Group of commands -> what the family has in it."""

GROUPS["demo"].command()(demo.sram)
GROUPS["train"].command()(train.sram)
GROUPS["validate"].command()(validate.sram)
GROUPS["validate"].command("sram-learning")(sram_learning)
