"""Edges of spikes on lines and rails that are wires, measured."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cimspice.campaign.run import store_context
from cimspice.neuron.characterisation.card import Conditions, Sizes
from cimspice.neuron.characterisation.characterisation import Characterisation
from cimspice.neuron.characterisation.tables import edge_tables
from cimspice.neuron.model.build import POLARITIES, edge_model
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.synapse_currents import Polarity
from cimspice.neuron.model.wires import LayerWires, Wiring, end_resistance
from cimspice.progress import OnProgress, silent
from cimspice.spice import Pool

_RAILS = (0.0, 0.5, 1.0)
"""Of the resistance at a row's end, at which edges are measured."""
_NONE = 1e-3  # ohm


def characterised_wiring(
    conditions: Conditions,
    model: NeuronModel,
    wires: LayerWires,
    layers: Sequence[int] | Sizes,
    progress: OnProgress = silent,
) -> Wiring:
    """The edges of a network's spikes with its wires; what was simulated before is taken from the store.

    Parameters
    ----------
    conditions
        As of the model.
    model
        Of the neuron, for the gate biases.
    layers
        Inputs, then neurons of each layer.
    """
    circuit = conditions.circuit.model_copy(update={"wired": True})
    programs: dict[Polarity, np.ndarray] = {
        polarity: model.synapses[polarity].current.program for polarity in POLARITIES
    }
    edges, delays = {}, {0: 0.0}
    with store_context(conditions.store) as store, Pool(workers=conditions.workers) as engine:
        setup = Characterisation(
            circuit,
            conditions,
            engine,
            store,
            lambda state: progress(replace(state, stage=f"wires: {state.stage}")),
        )
        for load in sorted(set(Sizes.of(layers).loads)):
            measured = []
            for share in _RAILS if wires.rail_resistance else _RAILS[:1]:
                tables = edge_tables(
                    setup,
                    [load],
                    programs,
                    line_capacitance=load * wires.spike_capacitance,
                    rail_capacitance=wires.rail_capacitance,
                    rail_resistance=max(share * end_resistance(wires, load), _NONE),
                )
                of = {
                    name: {polarity: rows[rows["polarity"] == polarity] for polarity in POLARITIES}
                    for name, rows in tables.items()
                }
                measured.append(
                    {
                        polarity: edge_model(of["injection"][polarity], of["unselected"][polarity])
                        for polarity in POLARITIES
                    }
                )
                slower = float(tables["injection"]["driver_delay"].mean()) - model.driver_delay[load]
                delays.setdefault(load, slower)
            edges[load] = tuple(measured)
    return Wiring(wires, edges, delays)
