"""A network on circuits in the order of its schedule, and single tiles of it by the simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork, Layer
from cimspice.network.network_tiles import LayerTiles
from cimspice.network.sampled_tiles import seen_by_groups
from cimspice.progress import OnProgress, Progress, silent
from cimspice.schedule.plan import Schedule
from cimspice.schedule.replay import Emulation, Sums

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class OrderChecked:
    """What the emulator gives in the schedule's order.

    Attributes
    ----------
    max_difference
        Largest from the same sets layer by layer, of all layers and inputs.
    missing_reads, mvms
        MVMs that read what was not written, of how many.
    whole_difference
        Largest of the outputs from the network emulated at once, relative to the largest output.
    earlier
        By layer, MVMs that read too early if it runs one step earlier.
    """

    max_difference: float
    missing_reads: int
    mvms: int
    whole_difference: float
    earlier: dict[str, int]


def check_order(
    schedule: Schedule, mapped: CircuitNetwork, x: Array, progress: OnProgress = silent
) -> OrderChecked:
    """The emulator's MVMs in the schedule's order for inputs (samples, ...), sets as the schedule has them.

    Raises
    ------
    ParameterError
        If a layer has another number of tiles than the schedule crossbars.
    """
    for node, pes in zip(schedule.layers, schedule.costs, strict=True):
        tiles = sum(layer.facts()["tiles"] for layer in mapped.layers[node.name])
        if tiles != pes:
            raise ParameterError(
                f"{tiles} tiles and {pes} crossbars",
                place=f"layer {node.name!r}",
                remedy="give both one size",
            )
    sums = {node.name: _sums(mapped, node.name) for node in mapped.network.weight_layers}
    differences, missing, mvms, whole = [], 0, 0, 0.0
    earlier: dict[str, int] = {}
    outputs = mapped.outputs(x)
    for number, one in enumerate(x):
        progress(Progress(stage="emulator: in the schedule's order", done=number, points=len(x)))
        run = Emulation(schedule.graph, schedule.servers(), sums, one, mapped.network)
        found = run.replay(schedule.times[0])
        differences.append(found.max_difference)
        missing, mvms = missing + found.missing_reads, mvms + found.mvms
        last = run.maps.get(mapped.network.output)
        if last is not None:
            error = np.max(np.abs(last.reshape(outputs[number].shape) - outputs[number]))
            whole = max(whole, float(error / np.max(np.abs(outputs))))
        if not number:
            earlier = {
                node.name: run.replay(schedule.times[0], earlier=node.name).missing_reads
                for node in schedule.layers[1:]
            }
    return OrderChecked(float(np.max(differences)), missing, mvms, whole, earlier)


def _sums(mapped: CircuitNetwork, name: str) -> list[Sums]:
    node = next(one for one in mapped.network.weight_layers if one.name == name)
    layers = mapped.layers[name]
    bias = node.arrays.get("bias", np.zeros(len(node.arrays["weights"])))
    return [
        partial(_with_bias, layer, part)
        for layer, part in zip(layers, np.split(bias, len(layers)), strict=True)
    ]


def _with_bias(layer: Layer, bias: Array, x: Array) -> Array:
    return np.asarray(layer(x)) + bias


@dataclass(frozen=True, eq=False)
class TilesChecked:
    """Sums of sampled tiles by simulator and emulator.

    Attributes
    ----------
    layers
        Of each layer: tiles, reads, rms and largest error relative to the rms and to the largest of its sums.
    normalised_rmse
        Of all sampled sums, each relative to the rms of its layer's.
    worst_error
        Largest relative to the largest of its layer's sums.
    tiles, reads
        How many.
    seconds
        CPU time of the simulator.
    """

    layers: list[dict[str, Any]]
    normalised_rmse: float
    worst_error: float
    tiles: int
    reads: int
    seconds: float


def check_tiles(
    mapped: CircuitNetwork,
    x: Array,
    layer_tiles: Callable[[Layer], LayerTiles],
    tiles: int,
    vectors: int,
    *,
    seed: int = 0,
    progress: OnProgress = silent,
) -> TilesChecked:
    """So many tiles, at least one of each layer and drawn from all, each for some of the vectors that it
    meets when the emulator computes inputs x (samples, ...)."""
    rng, values = np.random.default_rng(seed), mapped.trace(x).values
    parts = []
    for node in mapped.network.weight_layers:
        layers = mapped.layers[node.name]
        for layer, seen in zip(
            layers, seen_by_groups(node, values[node.inputs[0]], len(layers)), strict=True
        ):
            parts.append((node.name, layer_tiles(layer), seen.reshape(-1, seen.shape[-1])))
    units = [(part, tile) for part, (_, one, _) in enumerate(parts) for tile in range(len(one.places))]
    first = [next(unit for unit in units if unit[0] == part) for part in range(len(parts))]
    others = [unit for unit in units if unit not in first]
    more = rng.choice(len(others), min(max(tiles - len(first), 0), len(others)), replace=False)
    drawn = sorted([*first, *(others[index] for index in more)])
    layers, relative, seconds = [], [], 0.0
    for number, (name, one, seen) in enumerate(parts):
        own = [tile for part, tile in drawn if part == number]
        inputs = {
            tile: seen[rng.choice(len(seen), min(vectors, len(seen)), replace=False)][:, one.places[tile][0]]
            for tile in own
        }
        progress(Progress(stage=f"ngspice: tiles of {name}", points=len(own)))
        found, took = one.simulated(inputs, progress)
        right = np.concatenate([one.emulated(tile, each).ravel() for tile, each in inputs.items()])
        error = np.concatenate([found[tile].ravel() for tile in inputs]) - right
        size = float(np.sqrt(np.mean(right**2))) or 1.0
        layers.append(
            {
                "name": name,
                "tiles": len(own),
                "reads": sum(map(len, inputs.values())),
                "normalised_rmse": float(np.sqrt(np.mean(error**2))) / size,
                "worst_error": float(np.max(np.abs(error)) / (np.max(np.abs(right)) or 1.0)),
            }
        )
        relative.append(error / size)
        seconds += took
    everything = np.concatenate(relative)
    return TilesChecked(
        layers,
        float(np.sqrt(np.mean(everything**2))),
        max(one["worst_error"] for one in layers),
        len(drawn),
        sum(one["reads"] for one in layers),
        seconds,
    )
