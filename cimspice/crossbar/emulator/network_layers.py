"""The tiles under a network of dense layers, to be changed and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from cimspice.crossbar.emulator.mapped_layer import MappedLayer
from cimspice.crossbar.emulator.tile_layer import TiledLayer, TileReader
from cimspice.network.circuit import CircuitNetwork


def tiled_layers(mapped: CircuitNetwork) -> list[TiledLayer]:
    """The tiles of each layer, of the first chip; weights in one slice."""
    return [cast(MappedLayer, layers[0]).instances[0][0] for layers in mapped.layers.values()]


def with_tiled_layers(mapped: CircuitNetwork, tiles: Sequence[TiledLayer]) -> CircuitNetwork:
    """The network with other tiles under its layers, on one chip; switching an effect off maps them anew."""
    layers = {}
    for (name, made), one in zip(mapped.layers.items(), tiles, strict=True):
        layer = replace(cast(MappedLayer, made[0]), number=0, solved={})
        vars(layer).update(instances=((one,),), placements=(None,))
        layers[name] = (layer,)
    return replace(mapped, layers=layers)


def changed(mapped: CircuitNetwork, change: Callable[[TiledLayer], TiledLayer]) -> CircuitNetwork:
    """The network with every layer's tiles changed."""
    return with_tiled_layers(mapped, [change(one) for one in tiled_layers(mapped)])


def values_read(mapped: CircuitNetwork, x: np.ndarray, read: TileReader) -> dict[str, np.ndarray]:
    """Every value of the network (samples, ...) by name, its tiles read by ``read``."""
    names = zip(mapped.layers, tiled_layers(mapped), strict=True)
    return mapped.network.values(x, {name: _Read(layer, read) for name, layer in names})


class _Read:
    """A layer whose tiles something else than the exact solver reads."""

    def __init__(self, layer: TiledLayer, read: TileReader) -> None:
        self.layer, self.read = layer, read

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.layer(x, self.read)
