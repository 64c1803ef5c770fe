"""Single tiles of a crossbar's layer, by emulator and by ngspice: what sampled reads of a network need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cimspice.campaign.store import Store
from cimspice.crossbar.emulator.circuit import ADC, DAC, MappedLayer
from cimspice.crossbar.emulator.tile_layer import TiledLayer
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.crossbar.validation.tiles import read_tiles, tile_seconds
from cimspice.progress import OnProgress


@dataclass(frozen=True, eq=False)
class TileReads:
    """The protocol of `cimspice.network.network_tiles.LayerTiles`, of a layer's first chip.

    ``store``, ``jobs`` are as `cimspice.campaign.bench_run.run_bench` takes them.
    """

    layer: MappedLayer
    store: Store | Path | str | None = None
    jobs: int | None = None

    @property
    def rounding(self) -> tuple[str, ...]:
        """Converters that there are."""
        return tuple(name for name in (DAC, ADC) if name in self.layer.effects)

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Inputs and outputs of each tile; slices of weights one after another."""
        return [place for part in self._parts for place in part.places]

    def emulated(self, tile: int, x: np.ndarray) -> np.ndarray:
        """Weighted sums (n, outputs of the tile) of its inputs (n, rows)."""
        return self._summed(tile, self._tiles[tile](self._lines(tile, x)))

    def simpler(self, tile: int, x: np.ndarray) -> np.ndarray:
        """The same with ideal wires, linear cells and no ADC."""
        one = self._tiles[tile]
        return self._summed(tile, one.clip(self._lines(tile, x)) @ one.mapped.weights.T)

    def simulated(
        self, inputs: Mapping[int, np.ndarray], progress: OnProgress
    ) -> tuple[dict[int, np.ndarray], float]:
        """The same by ngspice for inputs by tile, each tile in one run; and the CPU time."""
        reads = [
            (self._tiles[tile], 0, self._tiles[tile].voltages(self._lines(tile, x)))
            for tile, x in inputs.items()
        ]
        currents, seconds = read_tiles(reads, progress, self.store, self.jobs)
        found = zip(inputs, currents, strict=True)
        return {tile: self._summed(tile, self._tiles[tile].decoded([part])) for tile, part in found}, seconds

    def read_of(self, tile: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The tile's conductances (S), and its inputs (n, rows) in shares of the read voltage."""
        one = self._tiles[tile]
        return one.mapped.conductances, one.voltages(self._lines(tile, x)) / self.layer.circuit.read_voltage

    def seconds(self, tile: int, x: np.ndarray) -> float:
        """CPU time that `simulated` is expected to take, within a factor of about two."""
        return tile_seconds(self._tiles[tile], 0, len(x))

    def _lines(self, tile: int, x: np.ndarray) -> np.ndarray:
        """What the tile's rows carry of its inputs, which may have exchanged places within it."""
        placement, (rows, _) = self._unrounded.placements[0], self.places[tile]
        return x if placement is None else x[:, placement.rows[rows] - rows.start]

    def _summed(self, tile: int, sums: np.ndarray) -> np.ndarray:
        """The tile's sums in the order of its outputs."""
        placement, (_, outputs) = self._unrounded.placements[0], self.places[tile]
        return sums if placement is None else sums[:, np.argsort(placement.pairs[outputs])]

    @cached_property
    def _unrounded(self) -> MappedLayer:
        """The chip without converters behind its tiles."""
        return self.layer.without(*{ADC} & set(self.layer.effects)).chip(0)

    @property
    def _parts(self) -> tuple[TiledLayer, ...]:
        return self._unrounded.instances[0]

    @cached_property
    def _tiles(self) -> list[TiledLayer]:
        return [_alone(part, number) for part in self._parts for number in range(len(part.tiling.places))]


def _alone(layer: TiledLayer, number: int) -> TiledLayer:
    """One of a layer's tiles as a layer of its own."""
    rows, columns = layer.tiling.places[number]
    mapped, unit = layer.mapped, layer.mapped.unit
    if np.ndim(unit):
        unit = np.asarray(unit)[mapped.columns.outputs(columns)]
    cells = mapped.conductances[rows, columns]
    made = replace(
        layer,
        mapped=replace(mapped, conductances=cells, unit=unit),
        tiling=Tiling(*cells.shape, *cells.shape),
        gains=layer.gains and layer.gains[number : number + 1],
    )
    if layer.linear:
        vars(made)["effective"] = layer.effective[rows, columns]
    return made
