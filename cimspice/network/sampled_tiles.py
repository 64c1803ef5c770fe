"""A network of which ngspice runs single tiles for single inputs, drawn by what they send to the output.

One read is a tile and a vector of its inputs: of a dense layer what it receives for a sample, of a
convolution what the kernel covers at one pixel of its output. A tile's error acts on the network's output as
the emulator's derivative says; converters, its own and those behind it, pass errors straight through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cimspice.arrays import checked_array
from cimspice.network.circuit import CircuitNetwork, CircuitTrace, Layer, of_layer
from cimspice.network.convolution import patches
from cimspice.network.graph import Node
from cimspice.network.network_tiles import LayerTiles, NetworkTiles, Part
from cimspice.network.operations import conv_settings
from cimspice.network.output_error import TileDraw, draw_samples, draw_tiles, tiles_bound
from cimspice.network.validate import (
    BUDGET_INPUTS,
    LayerComparison,
    NetworkValidation,
    TileErrors,
    costly_inputs,
    error_budget,
    is_cheap,
    raw_outputs,
)
from cimspice.progress import OnProgress, Progress, silent


@dataclass(frozen=True, eq=False)
class TilePlan:
    """Which tiles are read for which inputs, and what that is expected to take.

    Attributes
    ----------
    reads
        By part of `NetworkTiles` and tile: which of the draw's reads, counted through, are of that tile.
    cpu_seconds
        Expected of the simulator, without what is kept from earlier runs.
    """

    mapped: CircuitNetwork
    x: np.ndarray
    draw: TileDraw
    tiles: NetworkTiles
    trace: CircuitTrace
    reads: Mapping[tuple[int, int], np.ndarray]
    cpu_seconds: float

    @property
    def runs(self) -> int:
        """Reads."""
        return self.draw.tiles.size

    @property
    def population(self) -> int:
        """Inputs the bound is about."""
        return len(self.x)

    def inputs(self, number: int, tile: int) -> tuple[np.ndarray, np.ndarray]:
        """What a tile of a part is read with (n, rows), each once, and which of it is each read's."""
        part, own = self.tiles.parts[number], self.reads[number, tile]
        pixels = [self.tiles.units[unit][2] for unit in self.draw.tiles.ravel()[own]]
        x = part.inputs[own // self.draw.tiles.shape[1], pixels, part.tiles.places[tile][0]]
        distinct, place = np.unique(x, axis=0, return_inverse=True)
        return distinct, np.ravel(place)


def plan_tiles(
    mapped: CircuitNetwork,
    x: np.ndarray,
    reads: int | None,
    layer_tiles: Callable[[Layer], LayerTiles],
    *,
    samples: int | None = None,
    longest: float = np.inf,
    seed: int = 0,
) -> TilePlan:
    """Draw about ``reads`` reads of tiles, by default as many as take the simulator ``longest`` seconds (of
    tiles that know what each read takes), for ``samples`` of all inputs x (inputs, ...) drawn at random.

    Raises
    ------
    ParameterError
        For reads and samples that bound nothing, see `draw_samples`.
    """
    if mapped.chips > 1:
        mapped = mapped.chip(0)
    network, rng = mapped.network, np.random.default_rng(seed)
    x = checked_array("inputs", x, ("inputs", *network.input_shape))
    drawn = draw_samples(len(x), reads, rng, samples)
    trace = mapped.trace(x[drawn])
    parts = []
    for node in network.weight_layers:
        layers = mapped.layers[node.name]
        seen = seen_by_groups(node, trace.values[node.inputs[0]], len(layers))
        outputs = len(node.arrays["weights"]) // len(layers)
        value = trace.values[node.name]
        by_pixel = np.moveaxis(value, 1, -1) if node.operation == "conv" else value
        made = np.split(by_pixel.reshape(len(value), -1, by_pixel.shape[-1]), len(layers), axis=2)
        for group, (layer, *part) in enumerate(zip(layers, seen, made, strict=True)):
            parts.append(Part(node.name, layer_tiles(layer), group * outputs, *part))
    tiles = NetworkTiles(mapped, trace.values, tuple(parts))
    draw = draw_tiles(tiles.signal(), drawn, reads, rng, tiles.cost(), longest)
    by_tile: dict[tuple[int, int], list[int]] = {}
    for read, unit in enumerate(draw.tiles.ravel()):
        by_tile.setdefault(tiles.units[unit][:2], []).append(read)
    found = {key: np.array(places) for key, places in sorted(by_tile.items())}
    plan = TilePlan(mapped, x, draw, tiles, trace, found, 0.0)
    seconds = sum(parts[part].tiles.seconds(tile, plan.inputs(part, tile)[0]) for part, tile in found)
    return replace(plan, cpu_seconds=seconds)


def validate_tiles(
    given: TilePlan, labels: np.ndarray | None, *, seed: int = 0, progress: OnProgress = silent
) -> NetworkValidation:
    """The plan's reads by the simulator, and what they prove about the output for all inputs.

    Parameters
    ----------
    given
        See `plan_tiles`.
    labels
        Classes of all inputs (inputs,), or None.
    seed
        Of the bound's bootstrap.
    """
    mapped, draw, x, trace = given.mapped, given.draw, given.x, given.trace
    network, drawn = mapped.network, given.draw.samples
    if labels is not None:
        labels = checked_array("labels", labels, (len(x),), low=0, whole=True)
    errors, made = _errors(given, progress)
    ideal = mapped.software(x[drawn])
    everything = mapped.smooth.outputs(x).reshape(len(x), -1)
    control = np.sum((everything - network.outputs(x).reshape(len(x), -1)) ** 2, axis=1)
    scale = of_layer(mapped.layers[mapped.last][0], "full_scale")
    size = float(np.mean(np.sum(everything**2, axis=1))) if scale is None else scale**2 * everything.shape[1]
    certificate = tiles_bound(draw, errors, given.tiles, control, size, seed=seed)
    if any(part.tiles.rounding for part in given.tiles.parts):
        sentence = f"{certificate.sentence} Converters are taken to pass errors on in proportion, unrounded."
        certificate = replace(certificate, sentence=sentence)
    progress(Progress(stage="budget: subsets of effects"))
    cheap = all(is_cheap(mapped, name) for name in mapped.layers)
    layers = tuple(
        LayerComparison(
            name,
            None,
            mapped.error(name, trace.values[name], ideal[name]),
            trace.clipped[name],
            tuple(errors for errors, _ in made[name]),
            sum(seconds for _, seconds in made[name]),
        )
        for name in mapped.layers
    )
    values = {"ideal": ideal, "emulator": trace.values}
    return NetworkValidation(
        mapped,
        given,
        drawn,
        {name: found[network.output].reshape(len(drawn), -1) for name, found in values.items()}
        | raw_outputs(mapped, x[drawn]),
        None if labels is None else labels[drawn],
        layers,
        error_budget(mapped, x[:BUDGET_INPUTS] if cheap else x[drawn][: costly_inputs(mapped)]),
        certificate,
        None,
        None,
    )


def _errors(
    given: TilePlan, progress: OnProgress
) -> tuple[np.ndarray, dict[str, list[tuple[TileErrors, float]]]]:
    """Simulator less emulator of each read (samples, reads, columns); by layer, of each part, the tiles'
    largest relative to their largest sum, and CPU time."""
    samples, reads = given.draw.tiles.shape
    parts = given.tiles.parts
    widest = max(columns.stop - columns.start for part in parts for _, columns in part.tiles.places)
    errors = np.zeros((samples * reads, widest))
    made: dict[str, list[tuple[TileErrors, float]]] = {}
    for number, part in enumerate(parts):
        places = part.tiles.places
        distinct, of_read = {}, {}
        for tile in range(len(places)):
            if (number, tile) in given.reads:
                distinct[tile], place = given.inputs(number, tile)
                of_read[tile] = given.reads[number, tile], place

        def named(state: Progress, name: str = part.name) -> None:
            progress(Progress(stage=f"ngspice: tiles of {name}", done=state.done, points=state.points))

        sums, seconds = part.tiles.simulated(distinct, named) if distinct else ({}, 0.0)
        worst = np.full(len(places), np.nan)
        for tile, circuit in sums.items():
            difference = circuit - part.tiles.emulated(tile, distinct[tile])
            own, place = of_read[tile]
            errors[own, : difference.shape[1]] = difference[place]
            worst[tile] = np.abs(difference).max() / (np.abs(circuit).max() or 1.0)
        made.setdefault(part.name, []).append((TileErrors(places, worst), seconds))
    return errors.reshape(samples, reads, widest), made


def seen_by_groups(node: Node, x: np.ndarray, groups: int) -> list[np.ndarray]:
    """Inputs (samples, pixels, inputs) of each group of a layer."""
    if node.operation != "conv":
        return [x.reshape(len(x), -1, x.shape[-1])]
    geometry, kernel = conv_settings(node)[:3], node.arrays["weights"].shape[2:]
    return [
        np.concatenate(list(patches(part, kernel, *geometry))).reshape(
            len(x), -1, part.shape[1] * int(np.prod(kernel))
        )
        for part in np.split(x, groups, axis=1)
    ]
