"""Commands of the spiking neuron."""

import typer

from cimspice.neuron.commands import train
from cimspice.neuron.commands.demo import neuron
from cimspice.neuron.commands.fit import synapse
from cimspice.neuron.commands.validate import SeveralLayers, iris, random_network

GROUPS = {name: typer.Typer() for name in ("demo", "fit", "train", "validate")}
"""Group of commands -> what the family has in it."""

GROUPS["demo"].command()(neuron)
GROUPS["fit"].command()(synapse)
GROUPS["train"].command()(train.neuron)
GROUPS["validate"].command()(iris)
GROUPS["validate"].command("random", cls=SeveralLayers)(random_network)
