"""95 % bands of spike times: what the noise of measured synapse curves leaves open."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import TableError
from cimspice.fit.bands import DRAWS, Band, table_draws
from cimspice.fit.family_card import Card
from cimspice.fit.repeats import MeanNoise
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel


def spike_band(
    model: NeuronModel,
    card: Card,
    emulate: Callable[[NeuronModel], Array],
    *,
    seed: int = 0,
    count: int = DRAWS,
) -> Band:
    """The band of spike times of a card's neuron.

    Parameters
    ----------
    model, card
        Of a neuron: the model that the card holds.
    emulate
        Spike times (s) for a model, of any shape.
    seed, count
        Of the draws, and how many.

    Returns
    -------
    The band. The noise of currents that were measured several times is counted; what was simulated has
    none, and curves that were read once do not say theirs.
    """
    names: dict[str, Polarity] = {"synapse_n": "n", "synapse_p": "p"}
    noise: dict[Polarity, MeanNoise] = {
        polarity: found for name, polarity in names.items() if (found := card.noise(name))
    }
    for polarity, found in noise.items():
        shape = model.synapses[polarity].current.values.shape
        if found.deviation.shape != shape:
            raise TableError(
                f"the noise of {found.deviation.shape} currents, where the card has {shape}",
                place=f"part 'synapse_{polarity}' of the card",
                remedy="put the measured curves into the card again: cimspice fit ... --card FILE",
            )

    def changed(*shares: Array) -> Array:
        synapses: dict[Polarity, SynapseModel] = dict(model.synapses)
        for polarity, share in zip(noise, shares, strict=True):
            table = synapses[polarity].current
            table = replace(table, values=table.values * (1 + share))
            synapses[polarity] = replace(synapses[polarity], current=table)
        return emulate(replace(model, synapses=synapses))

    centre = emulate(model)
    deviations = np.zeros((count, *np.shape(centre)))
    if noise:
        each = [(found.deviation, found.degrees_of_freedom) for found in noise.values()]
        deviations = table_draws(changed, each, np.random.default_rng(seed), count)
    counted = tuple(name for name, polarity in names.items() if polarity in noise)
    left = {name: card.uncounted(name) for name in card.parts if name not in counted}
    return Band(centre, deviations, counted, left)
