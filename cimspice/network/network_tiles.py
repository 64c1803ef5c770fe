"""The tiles of a network on circuits one by one: what each computes, and what it changes at the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork
from cimspice.network.graph import Node
from cimspice.progress import OnProgress

_STEP = 1e-6
"""Of a derivative, relative to the rms of what is changed."""
_AT_ONCE = 256
_LARGEST_JACOBIAN = 2**27
"""Numbers."""


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
        """CPU time that `simulated` is expected to take for these inputs of a tile. Where reads differ much,
        ``read_seconds(tile, x)`` (n,) says it of each."""
        ...


@dataclass(frozen=True, eq=False)
class Part:
    """One group of a layer: its tiles, the first of its channels among the layer's, its inputs (samples,
    pixels, inputs)."""

    name: str
    tiles: LayerTiles
    channel: int
    inputs: np.ndarray


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
        for part in self.parts:
            for tile in range(len(part.tiles.places)):
                sums = self._of_pixels(part, tile, part.tiles.emulated)
                sent = np.einsum(
                    "socp,spc->pso", self._to_output[part.name][:, :, _channels(part, tile)], sums
                )
                found.append(np.linalg.norm(sent, axis=2))
        return np.concatenate(found)

    def cost(self) -> np.ndarray:
        """Expected of each tile (tiles, samples), in any unit."""
        found = []
        for part in self.parts:
            seconds = getattr(part.tiles, "read_seconds", lambda _, x: np.ones(len(x)))
            found += [self._of_pixels(part, tile, seconds).T for tile in range(len(part.tiles.places))]
        return np.concatenate(found)

    def inputs(self, tile: int) -> np.ndarray:
        number, place, pixel = self.units[tile]
        part = self.parts[number]
        return part.inputs[:, pixel, part.tiles.places[place][0]]

    def control(self, tile: int) -> np.ndarray:
        number, place, pixel = self.units[tile]
        return self._controls[number, place][:, pixel]

    def at_output(self, tile: int, places: np.ndarray, errors: np.ndarray) -> np.ndarray:
        number, place, pixel = self.units[tile]
        part = self.parts[number]
        jacobian = self._to_output[part.name][places][:, :, _channels(part, place), pixel]
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
    def _controls(self) -> dict[tuple[int, int], np.ndarray]:
        """Emulator less a simpler one (samples, pixels, columns), by part and tile."""
        return {
            (number, tile): self._of_pixels(part, tile, part.tiles.emulated)
            - self._of_pixels(part, tile, part.tiles.simpler)
            for number, part in enumerate(self.parts)
            for tile in range(len(part.tiles.places))
        }

    def _of_pixels(
        self, part: Part, tile: int, function: Callable[[int, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """What a function of a tile and its inputs gives (samples, pixels, ...)."""
        samples, pixels, _ = part.inputs.shape
        x = part.inputs[:, :, part.tiles.places[tile][0]]
        found = function(tile, x.reshape(samples * pixels, -1))
        return found.reshape(samples, pixels, *found.shape[1:])

    @cached_property
    def _to_output(self) -> dict[str, np.ndarray]:
        """By layer, what its sums change at the output (samples, outputs, channels, pixels)."""
        return {node.name: self._jacobian(node) for node in self.mapped.network.weight_layers}

    def _jacobian(self, node: Node) -> np.ndarray:
        network, straight, behind = self.mapped.network, self.straight, {node.name}
        for other in network.nodes:
            if behind.intersection(other.inputs):
                behind.add(other.name)
        fixed = {name: value for name, value in self.values.items() if name not in behind}
        own = self.values[node.name]
        samples, shape = len(own), own.shape[1:]
        size = own[0].size
        step = _STEP * (float(np.sqrt(np.mean(own**2))) or 1.0)
        outputs = self.values[network.output][0].size
        if samples * size * outputs > _LARGEST_JACOBIAN:
            raise ParameterError(
                f"{size} sums for {outputs} outputs and {samples} inputs",
                place=f"layer {node.name!r}",
                remedy="run whole inputs: --samples without --tiles",
            )
        found = np.empty((samples, size, outputs))
        for sample in range(samples):

            def output(value: np.ndarray, sample: int = sample) -> np.ndarray:
                count = len(value)
                given = {
                    name: np.broadcast_to(one[sample], (count, *one.shape[1:])) for name, one in fixed.items()
                }
                given[node.name] = value.reshape(count, *shape)
                return straight.output_from(given).reshape(count, -1)

            here = own[sample].reshape(1, -1)
            start = output(here)
            for first in range(0, size, _AT_ONCE):
                moved = np.repeat(here, min(_AT_ONCE, size - first), axis=0)
                moved[np.arange(len(moved)), first + np.arange(len(moved))] += step
                found[sample, first : first + len(moved)] = (output(moved) - start) / step
        by_output = np.moveaxis(found, 2, 1)
        if node.operation == "conv":
            return by_output.reshape(samples, outputs, shape[0], -1)
        return np.swapaxes(by_output.reshape(samples, outputs, -1, shape[-1]), 2, 3)


def _channels(part: Part, tile: int) -> slice:
    columns = part.tiles.places[tile][1]
    return slice(part.channel + columns.start, part.channel + columns.stop)
