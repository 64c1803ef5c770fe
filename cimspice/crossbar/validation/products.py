"""Time and energy of a network's matrix-vector products by ngspice, against the crossbar's card."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cimspice.crossbar.model.card import tile_of
from cimspice.crossbar.processing_element import array_of, drawn_cells, mvm_energy, reads, resized
from cimspice.crossbar.validation.tile_reads import TileReads
from cimspice.fit.family_card import Card
from cimspice.network.circuit import CircuitNetwork
from cimspice.network.sampled_tiles import seen_by_groups
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent


@dataclass(frozen=True)
class Products:
    """Of single tiles, largest of the simulated times and mean of the energies.

    Attributes
    ----------
    origin
        Of the card's figures.
    tiles
        How many were read.
    card_second, simulated_second
        Of an MVM.
    card_joule, simulated_joule
        Of an MVM of one crossbar.
    time_error, energy_error
        The card's relative to what was simulated.
    """

    origin: str
    tiles: int
    card_second: float
    simulated_second: float
    card_joule: float
    simulated_joule: float
    time_error: float
    energy_error: float


def check_products(
    card: Card,
    mapped: CircuitNetwork,
    x: np.ndarray,
    size: tuple[int, int],
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> Products:
    """A tile of each layer of a network on crossbars (rows, columns), for one of the inputs that it meets.

    Rows are driven with the input's bit that has most ones; what the layer leaves free of the crossbar has
    the least conductance. Figures of the card are those that its data give for this size.

    Raises
    ------
    ParameterError
        If the card holds no reads of arrays.
    """
    tile, rng, values = tile_of(card), np.random.default_rng(seed), mapped.trace(x).values
    element, conversion = resized(card, *size, columns_per_weight=2)
    arrays, mean = [], float(drawn_cells(tile, *size, 2, 0).mean())
    for node in mapped.network.weight_layers:
        layers = mapped.layers[node.name]
        seen = seen_by_groups(node, values[node.inputs[0]], len(layers))[0]
        one = TileReads(layers[0])  # pyright: ignore[reportArgumentType] (of crossbars)
        drawn = rng.choice(seen.reshape(-1, seen.shape[-1]), 1)[:, one.places[0][0]]
        cells, shares = one.read_of(0, drawn)
        codes = np.round(np.abs(shares[0]) * (2**element.input_bits - 1)).astype(int)
        planes = (codes >> np.arange(element.input_bits)[:, None]) & 1
        conductances = np.full(size, tile.cells.low)
        conductances[: cells.shape[0], : cells.shape[1]] = cells
        driven = np.zeros(size[0])
        driven[: len(codes)] = max(planes, key=np.sum)
        arrays.append(array_of(tile, conductances, driven, mean))
    conditions = Conditions(card.conditions.corner or "tt", card.conditions.temperature or 27.0)
    found, _ = reads(arrays, conditions, jobs, progress)
    own = [replace(element, settle_time=one.settle_time, wake_time=max(one.wake_time, 0.0)) for one in found]
    seconds = max(one.time_per_mvm for one in own)
    pairs = zip(found, own, strict=True)
    joule = size[1] * float(np.mean([mvm_energy(one, each, conversion) for one, each in pairs]))
    return Products(
        element.origin,
        len(found),
        element.time_per_mvm,
        seconds,
        element.energy_per_mvm,
        joule,
        element.time_per_mvm / seconds - 1,
        element.energy_per_mvm / joule - 1,
    )
