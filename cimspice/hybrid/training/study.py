"""Accuracy of a built-in network by read-out: ideal sums, trained through the read-out, and not trained
so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.hybrid.emulator.chips import Spread
from cimspice.hybrid.emulator.columns import Design, codes_of, quantised_scale
from cimspice.hybrid.model.readout import Binary, Ideal
from cimspice.hybrid.training.network import ColumnNetwork
from cimspice.hybrid.training.networks import network_of
from cimspice.hybrid.training.train import QUANTISATION, READ_OUT, Schedule, shares_right, some, train
from cimspice.network.built_in_networks import BuiltIn
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.means import mean_with_interval

CHIP_SEED = 1000
"""Of chips that training has not drawn."""


@dataclass(frozen=True, eq=False)
class ReadOutStudy:
    """Shares of held-out samples that are decided right, each (seeds,)."""

    design: Design
    ideal: Array
    trained: Array
    untrained: Array
    on_comparators: Array | None
    """Of binary trained with a code of 0 for a sum of 0: the same networks on comparators, which answer
    +1."""
    zeros: float
    """Share of the codes that are 0."""
    scale_factors: int
    """Of one network."""
    cpu_seconds: Array
    """Of the training through the read-out, (seeds,)."""
    on_chips: Array | None = None
    """Of networks trained on chips drawn anew: on one chip more, each (seeds,)."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice train hybrid --json`` prints of it."""
        return {
            "readout": str(self.design.readout),
            "rows": self.design.rows,
            "scale_bits": self.design.scale_bits,
            "accuracy_ideal": mean_with_interval(self.ideal),
            "accuracy": mean_with_interval(self.trained),
            "accuracy_untrained": mean_with_interval(self.untrained),
            "below_ideal": mean_with_interval(self.ideal - self.trained),
            "accuracy_on_comparators": None
            if self.on_comparators is None
            else mean_with_interval(self.on_comparators),
            "accuracy_on_chips": None if self.on_chips is None else mean_with_interval(self.on_chips),
            "zeros": self.zeros,
            "scale_factors": self.scale_factors,
            "cpu_seconds_per_seed": float(self.cpu_seconds.mean()),
            "seeds": len(self.ideal),
        }


def quantised(
    built: BuiltIn, design: Design, *, seed: int, schedule: Schedule = QUANTISATION
) -> ColumnNetwork:
    """A built-in network with weights and inputs quantised by training, ideal sums."""
    network = ColumnNetwork(built.network, replace(design, readout=Ideal()), built.x_train)
    train(network, built.x_train, built.y_train, schedule, seed=seed)
    return network


def study(
    name: str,
    design: Design,
    seeds: Sequence[int],
    *,
    schedule: Schedule = READ_OUT,
    public_scale_gradient: bool = False,
    spread: Spread | None = None,
    progress: OnProgress = silent,
) -> ReadOutStudy:
    """Train a built-in network once for each seed, which also draws its split of the data; where a spread is
    given, on a chip drawn for each mini-batch.

    ParameterError for an unknown network, or one that is no chain of layers.
    """
    checked_count("seeds", len(seeds), place="seeds")
    rows: list[tuple[float, ...]] = []
    network = None
    for done, seed in enumerate(seeds):
        progress(Progress(stage=f"train {name} through {design.readout}", points=len(seeds), done=done))
        built = network_of(name, seed)
        test = built.x_test, built.y_test
        ideal = quantised(built, design, seed=seed, schedule=replace(QUANTISATION, epochs=schedule.epochs))
        first = some(built.x_train)
        untrained = ideal.with_readout(design)
        untrained.start_scales(first, least_squares=True)
        network = ideal.with_readout(design, public_scale_gradient=public_scale_gradient)
        network.start_scales(first)
        shapes, chips, other = network.layer_shapes, None, None
        if spread is not None:
            chips = partial(spread.draw, shapes)
            other = spread.draw(shapes, np.random.default_rng([CHIP_SEED, seed]))
        seconds = train(network, built.x_train, built.y_train, schedule, seed=seed, chips=chips)
        rows.append((
            float(shares_right(ideal, *test)),
            float(shares_right(network, *test, seed=seed)),
            float(shares_right(untrained, *test, seed=seed)),
            float(shares_right(on_comparators(network), *test)),
            zeros(network, some(built.x_test)),
            seconds,
            float(shares_right(network, *test, other, seed=seed)),
        ))  # fmt: skip
    assert network is not None
    columns = np.array(rows).T
    software = design.readout == Binary("software")
    return ReadOutStudy(
        design=design,
        ideal=columns[0],
        trained=columns[1],
        untrained=columns[2],
        on_comparators=columns[3] if software else None,
        zeros=float(columns[4].mean()),
        scale_factors=network.scale_factors,
        cpu_seconds=columns[5],
        on_chips=None if spread is None else columns[6],
    )


def on_comparators(network: ColumnNetwork) -> ColumnNetwork:
    """A network read by comparators that answer +1 to a sum of 0, whatever it was trained with."""
    design = next(reversed(network.layers.values())).design
    if design.readout != Binary("software"):
        return network
    other = network.with_readout(replace(design, readout=Binary("half_cell")))
    for name, layer in network.layers.items():
        other.layers[name].scale = layer.scale
    return other


def zeros(network: ColumnNetwork, x: Array) -> float:
    """Share of the codes of all columns that are 0."""
    found, every = 0, 0
    for name, rows in network.column_reads(x).items():
        layer = network.layers[name]
        if layer.design.readout.scaled:
            scale = quantised_scale(layer.scale, layer.design.scale_bits) / layer.unit
            codes = codes_of(layer.sums_of(rows), layer.design.readout, scale)
            found, every = found + np.count_nonzero(codes == 0), every + codes.size
    return found / every if every else 0.0
