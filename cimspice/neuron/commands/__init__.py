"""Commands of the spiking neuron."""

import typer

from cimspice.neuron.commands.demo import neuron
from cimspice.neuron.commands.fit import synapse
from cimspice.neuron.commands.validate import SeveralLayers, iris, random_network

GROUPS = {"demo": typer.Typer(), "fit": typer.Typer(), "validate": typer.Typer()}
"""Group of commands -> what the family has in it."""

GROUPS["demo"].command()(neuron)
GROUPS["fit"].command()(synapse)
GROUPS["validate"].command()(iris)
GROUPS["validate"].command("random", cls=SeveralLayers)(random_network)
