"""One network trained through one read-out after another, on chips drawn anew: accuracy of each, and what
its columns see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.hybrid.emulator.chips import Spread
from cimspice.hybrid.emulator.columns import Design
from cimspice.hybrid.model.readout import Ideal
from cimspice.hybrid.training.activity import Sequences, activity, drawn_sequences, reads_of_layers
from cimspice.hybrid.training.networks import network_of
from cimspice.hybrid.training.study import CHIP_SEED, quantised
from cimspice.hybrid.training.train import QUANTISATION, READ_OUT, Schedule, shares_right, some, train
from cimspice.progress import OnProgress, Progress, silent

SEQUENCES = 12
"""Samples of single columns whose codes the digital part adds up."""


@dataclass(frozen=True)
class Reading:
    """How all layers are read, or these layers alone while ``others`` reads the rest."""

    design: Design
    spread: Spread
    layers: tuple[str, ...] | None = None
    others: Design = field(default_factory=Design)

    def of(self, names: Sequence[str]) -> dict[str, Design]:
        """The design of each layer."""
        return {
            name: self.design if self.layers is None or name in self.layers else self.others for name in names
        }


@dataclass(frozen=True, eq=False)
class Found:
    """Of one reading; shares of held-out samples that are decided right, each (seeds,)."""

    nominal: Array
    chips: Array
    """``nominal``, ``chips``: on a nominal chip, and the mean of chips that training has not drawn."""
    drawn: Sequences
    activity: dict[str, float]
    reads: dict[str, int]
    """``drawn``, ``activity``, ``reads``: of the first seed's network, all its layers that are read so."""
    scale_factors: int


def train_readings(
    name: str,
    readings: Mapping[str, Reading],
    seeds: Sequence[int],
    *,
    chips: int = 8,
    schedule: Schedule = READ_OUT,
    jobs: int = 1,
    progress: OnProgress = silent,
) -> tuple[Array, dict[str, Found]]:
    """Shares right with ideal sums (seeds,), and what is found of each reading. Seeds run side by side.

    ParameterError for an unknown network.
    """
    checked_count("seeds", len(seeds), place="seeds")
    stage = f"train {name} through {len(readings)} read-outs"
    progress(Progress(stage=stage, points=len(seeds)))
    rows = []
    with ProcessPoolExecutor(min(jobs, len(seeds))) as pool:
        work = partial(_of_seed, name, readings, chips=chips, schedule=schedule)
        for one in pool.map(work, seeds):
            rows.append(one)
            progress(Progress(stage=stage, done=len(rows), points=len(seeds)))
    found = {
        key: replace(
            rows[0][1][key],
            nominal=np.concatenate([of[key].nominal for _, of in rows]),
            chips=np.concatenate([of[key].chips for _, of in rows]),
        )
        for key in readings
    }
    return np.array([ideal for ideal, _ in rows]), found


def _of_seed(
    name: str, readings: Mapping[str, Reading], seed: int, *, chips: int, schedule: Schedule
) -> tuple[float, dict[str, Found]]:
    built = network_of(name, seed)
    test = built.x_test, built.y_test
    design = next(iter(readings.values())).design
    ideal = quantised(built, design, seed=seed, schedule=replace(QUANTISATION, epochs=schedule.epochs))
    found = {}
    for key, reading in readings.items():
        network = ideal.with_readout(reading.of(list(ideal.layers)))
        network.start_scales(some(built.x_train))
        spread, shapes = reading.spread, network.layer_shapes
        train(network, built.x_train, built.y_train, schedule, seed=seed, chips=partial(spread.draw, shapes))
        right = [
            shares_right(network, *test, spread.draw(shapes, np.random.default_rng([CHIP_SEED + seed, chip])))
            for chip in range(chips)
        ]
        seen = some(built.x_test)
        found[key] = Found(
            np.array([shares_right(network, *test)]),
            np.array([np.mean(right)]),
            drawn_sequences(network, seen, SEQUENCES),
            activity(network, seen),
            reads_of_layers(network, seen),
            network.scale_factors,
        )
    return float(shares_right(ideal, *test)), found


def layers_read(name: str) -> list[str]:
    """Layers of a network whose columns a read-out reads, in order."""
    built = network_of(name)
    layers = built.network.weight_layers
    return [node.name for node in layers if node is not layers[0] or node.operation != "conv"]


def only(reading: Reading, layer: str) -> Reading:
    """The same with ideal sums in all layers but one."""
    return replace(reading, layers=(layer,), others=replace(reading.design, readout=Ideal()))
