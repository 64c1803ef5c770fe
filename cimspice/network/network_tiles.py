"""The tiles of a network on circuits one by one: what each computes, and what it changes at the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from cimspice.network.circuit import CircuitNetwork
from cimspice.network.graph import INPUT
from cimspice.network.sensitivity import output_slopes
from cimspice.progress import OnProgress


class LayerTiles(Protocol):
    """Tiles of a `Layer`: a tile's inputs are (n, rows), in the layer's units, its sums (n, columns) what it
    adds to the layer's, before a converter rounds them."""

    @property
    def rounding(self) -> tuple[str, ...]:
        """Effects of the layer that round its inputs or sums: small changes do not pass in proportion."""
        ...

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Of each tile among the layer's inputs and outputs."""
        ...

    def emulated(self, tile: int, x: np.ndarray) -> np.ndarray:
        """Sums of the tile by the layer's emulator."""
        ...

    def simpler(self, tile: int, x: np.ndarray) -> np.ndarray:
        """The same by a simpler one, from which the emulator differs as the circuit may from the emulator."""
        ...

    def simulated(
        self, inputs: Mapping[int, np.ndarray], progress: OnProgress
    ) -> tuple[dict[int, np.ndarray], float]:
        """The same by the simulator, for inputs of some tiles; and its CPU time."""
        ...

    def seconds(self, tile: int, x: np.ndarray) -> float:
        """CPU time that `simulated` is expected to take for these inputs of a tile.

        Where reads differ much, ``read_seconds(tile, x)`` (n,) says it of each. Where each tile makes outputs
        of the layer whole, ``simpler_layer`` is the layer of which ``simpler`` is a tile."""
        ...


@dataclass(frozen=True, eq=False)
class Part:
    """One group of a layer: its tiles, the first of its channels among the layer's, its inputs (samples,
    pixels, inputs) and what the emulator makes of them (samples, pixels, channels)."""

    name: str
    tiles: LayerTiles
    channel: int
    inputs: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class NetworkTiles:
    """The protocol of `cimspice.network.output_error.Tiles`: each tile at each pixel of a layer's output."""

    mapped: CircuitNetwork
    values: Mapping[str, np.ndarray]
    """Of every node by the emulator (samples, ...)."""
    parts: tuple[Part, ...]

    @cached_property
    def units(self) -> list[tuple[int, int, int]]:
        """Numbers of part, tile and pixel."""
        return [
            (number, tile, pixel)
            for number, part in enumerate(self.parts)
            for tile in range(len(part.tiles.places))
            for pixel in range(part.inputs.shape[1])
        ]

    @property
    def count(self) -> int:
        """Tiles of all layers, whatever the pixels."""
        return sum(len(part.tiles.places) for part in self.parts)

    def signal(self) -> np.ndarray:
        found = []
        for number, part in enumerate(self.parts):
            for tile in range(len(part.tiles.places)):
                sent = np.einsum(
                    "socp,spc->pso",
                    self._to_output[part.name][:, :, _channels(part, tile)],
                    self._sums[number][tile],
                )
                found.append(np.linalg.norm(sent, axis=2))
        return np.concatenate(found)

    def cost(self) -> np.ndarray:
        """Expected of each tile (tiles, samples), in any unit."""
        found = []
        for part in self.parts:
            seconds = getattr(part.tiles, "read_seconds", lambda _, x: np.ones(len(x)))
            found += [one.T for one in self._of_tiles(part, seconds)]
        return np.concatenate(found)

    def inputs(self, tile: int) -> np.ndarray:
        number, place, pixel = self.units[tile]
        part = self.parts[number]
        return part.inputs[:, pixel, part.tiles.places[place][0]]

    def control(self, tile: int) -> np.ndarray:
        number, place, pixel = self.units[tile]
        return self._controls[number][place][:, pixel]

    def at_output(self, tile: int, places: np.ndarray, errors: np.ndarray) -> np.ndarray:
        number, place, pixel = self.units[tile]
        part = self.parts[number]
        jacobian = self._to_output[part.name][:, :, _channels(part, place), pixel][places]
        return np.einsum("noc,nc->no", jacobian, errors)

    @cached_property
    def straight(self) -> CircuitNetwork:
        """The network without what rounds, so that errors pass it in proportion, as on average they do where
        converters round; of quicker layers where there are such."""
        found = self.mapped.smooth
        for part in self.parts:
            if part.tiles.rounding:
                found = found.without(*part.tiles.rounding, layer=part.name)
        return found

    @cached_property
    def _sums(self) -> list[list[np.ndarray]]:
        """By the emulator (samples, pixels, columns), of each part and tile."""
        return [
            _split(part, part.value)
            if hasattr(part.tiles, "simpler_layer")
            else self._of_tiles(part, part.tiles.emulated)
            for part in self.parts
        ]

    @cached_property
    def _controls(self) -> list[list[np.ndarray]]:
        """Emulator less a simpler one (samples, pixels, columns), by part and tile."""
        found = []
        for part, sums in zip(self.parts, self._sums, strict=True):
            if (layer := getattr(part.tiles, "simpler_layer", None)) is not None:
                rows = part.inputs.reshape(-1, part.inputs.shape[-1])
                simpler = _split(part, layer(rows).reshape(part.value.shape))
            else:
                simpler = self._of_tiles(part, part.tiles.simpler)
            found.append([one - other for one, other in zip(sums, simpler, strict=True)])
        return found

    def _of_tiles(self, part: Part, function: Callable[[int, np.ndarray], np.ndarray]) -> list[np.ndarray]:
        """What a function of a tile and its inputs gives (samples, pixels, ...), of each tile."""
        samples, pixels, _ = part.inputs.shape
        found = []
        for tile, (rows, _) in enumerate(part.tiles.places):
            one = function(tile, part.inputs[:, :, rows].reshape(samples * pixels, -1))
            found.append(one.reshape(samples, pixels, *one.shape[1:]))
        return found

    @cached_property
    def _to_output(self) -> dict[str, np.ndarray]:
        """By layer, what its sums change at the output (samples, outputs, channels, pixels)."""
        return output_slopes(self.straight, self.values[INPUT])


def _channels(part: Part, tile: int) -> slice:
    columns = part.tiles.places[tile][1]
    return slice(part.channel + columns.start, part.channel + columns.stop)


def _split(part: Part, value: np.ndarray) -> list[np.ndarray]:
    """Columns of each tile."""
    return [value[:, :, columns] for _, columns in part.tiles.places]
