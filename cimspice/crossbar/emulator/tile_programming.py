"""Tiles written by write-verify: which pulses their cells take, and what the network reads afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.crossbar.emulator.network_layers import tiled_layers, with_tiled_layers
from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork
from cimspice.rram.model.programming import SetResponse, Writable, WriteRecord, WriteScheme, write_verify


@dataclass(frozen=True, eq=False)
class ProgrammedTile:
    """A tile after write-verify, and the network that has it.

    Attributes
    ----------
    network
        Its tile's cells conduct what was reached.
    record
        Pulses, energy, time, conductances of the cells (rows, columns).
    """

    network: CircuitNetwork
    record: WriteRecord

    @property
    def writes(self) -> int:
        """SET and RESET pulses of all cells."""
        return int(self.record.set_pulses.sum() + self.record.reset_pulses.sum())


def program_tile(
    network: CircuitNetwork,
    layer: int,
    tile: int,
    cell: Writable,
    scheme: WriteScheme | None = None,
    *,
    response: SetResponse | None = None,
) -> ProgrammedTile:
    """Write one tile of a network, each cell from its most resistive state.

    Parameters
    ----------
    network
        Its conductances are the targets.
    layer, tile
        Which one, from 0.
    cell, scheme, response
        As `write_verify` takes them; ``cell`` is the model, or the circuit itself.

    Raises
    ------
    ParameterError
        For a layer or tile that is not there.
    """
    layers = tiled_layers(network)
    if not (0 <= layer < len(layers) and 0 <= tile < len(layers[layer].tiling.places)):
        raise ParameterError(
            f"tile {tile} of layer {layer} is not there",
            place="program_tile",
            remedy="tiles there are, layer by layer: "
            + ", ".join(str(len(one.tiling.places)) for one in layers),
        )
    chosen = layers[layer]
    place = chosen.tiling.places[tile]
    conductances = np.array(chosen.mapped.conductances)
    record = write_verify(cell, conductances[place].copy(), scheme, response=response)
    conductances[place] = record.conductance
    layers[layer] = chosen.with_conductances(conductances, chosen.gains)
    return ProgrammedTile(with_tiled_layers(network, layers), record)
