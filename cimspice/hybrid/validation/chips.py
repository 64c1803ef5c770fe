"""A network on chips whose comparators and cells differ: trained without knowing, with, and calibrated per
chip."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.hybrid.emulator.chips import Spread
from cimspice.hybrid.emulator.columns import Design, Deviations
from cimspice.hybrid.training.network import ColumnNetwork
from cimspice.hybrid.training.networks import network_of
from cimspice.hybrid.training.study import CHIP_SEED, quantised
from cimspice.hybrid.training.train import CALIBRATION, READ_OUT, Schedule, shares_right, train
from cimspice.network.built_in_networks import BuiltIn
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.means import mean_with_interval

AT_ONCE = 8
"""Chips emulated at once: 0.3 GB of partial sums."""


@dataclass(frozen=True, eq=False)
class ChipStudy:
    """Shares of held-out samples that are decided right, each (chips,)."""

    design: Design
    spread: Spread
    plain: Array
    """Trained through nominal columns."""
    aware: Array
    """Trained with a chip drawn for each mini-batch."""
    calibrated: Array
    """The latter, scale factors and biases trained further on the chip itself."""
    nominal: tuple[Array, Array]
    """Plain and aware networks on a nominal chip, each (seeds,)."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice validate hybrid --chips --json`` prints of it."""
        return {
            "readout": str(self.design.readout),
            "rows": self.design.rows,
            "chips": len(self.plain),
            "plain": self._facts(self.plain),
            "aware": self._facts(self.aware),
            "aware_calibrated": self._facts(self.calibrated),
            "plain_nominal": mean_with_interval(self.nominal[0]),
            "aware_nominal": mean_with_interval(self.nominal[1]),
            "offset_sigma_cells": self.spread.offset,
            "cell_sigma": self.spread.cell,
            "stored_sigma": self.spread.stored,
            "threshold_sigma_cells": self.spread.threshold,
            "noise_sigma_cells": self.spread.noise,
        }

    @staticmethod
    def _facts(values: Array) -> dict[str, Any]:
        return {**mean_with_interval(values), "worst": float(values.min())}


def study_chips(
    name: str,
    design: Design,
    spread: Spread,
    *,
    chips: int = 51,
    seeds: Sequence[int] = (0, 1, 2),
    schedule: Schedule = READ_OUT,
    calibration: Schedule = CALIBRATION,
    progress: OnProgress = silent,
) -> ChipStudy:
    """Train a built-in network for each seed, and run it on its part of the chips.

    ParameterError for an unknown network, or fewer chips than seeds.
    """
    checked_count("chips", chips, low=len(seeds), place="chips")
    parts = np.array_split(np.arange(chips), len(seeds))
    found: list[list[Array]] = [[], [], []]
    nominal: list[tuple[float, float]] = []
    for seed, part in zip(seeds, parts, strict=True):
        built = network_of(name, seed)
        test = built.x_test, built.y_test
        ideal = quantised(built, design, seed=seed)
        shapes = ideal.with_readout(design).layer_shapes
        plain, aware = (_trained(ideal, built, design, schedule, seed, known) for known in (None, spread))
        drawn = [spread.draw(shapes, np.random.default_rng([CHIP_SEED + seed, int(chip)])) for chip in part]
        nominal.append((float(shares_right(plain, *test)), float(shares_right(aware, *test))))
        for network, values in ((plain, found[0]), (aware, found[1])):
            for first in range(0, len(drawn), AT_ONCE):
                together = stacked(drawn[first : first + AT_ONCE])
                values.append(shares_right(network, *test, together, seed=seed))
        for chip, own in zip(part, drawn, strict=True):
            progress(Progress(stage="calibrate chips", points=chips, done=int(chip)))
            calibrated = deepcopy(aware)
            train(
                calibrated,
                built.x_train,
                built.y_train,
                calibration,
                seed=seed,
                chips=lambda _, own=own: own,
                calibrate=True,
            )
            found[2].append(np.atleast_1d(shares_right(calibrated, *test, own, seed=seed)))
    plain, aware, calibrated = (np.concatenate(values) for values in found)
    before, after = np.array(nominal).T
    return ChipStudy(design, spread, plain, aware, calibrated, (before, after))


def _trained(
    ideal: ColumnNetwork, built: BuiltIn, design: Design, schedule: Schedule, seed: int, known: Spread | None
) -> ColumnNetwork:
    """Through the read-out, on a chip drawn for each mini-batch where a spread is known."""
    network = ideal.with_readout(design)
    network.start_scales(built.x_train)
    shapes = network.layer_shapes
    chips = None if known is None else lambda rng: known.draw(shapes, rng)
    train(network, built.x_train, built.y_train, schedule, seed=seed, chips=chips)
    return network


def stacked(chips: Sequence[dict[str, Deviations]]) -> dict[str, Deviations]:
    """Several chips as one, with a leading axis."""

    def together(name: str, part: str) -> Array | None:
        arrays = [getattr(chip[name], part) for chip in chips]
        return None if arrays[0] is None else np.stack(arrays)

    return {
        name: Deviations(
            together(name, "cells"),
            together(name, "upper"),
            together(name, "lower"),
            first.noise,
            first.law,
            together(name, "stored"),
        )
        for name, first in chips[0].items()
    }
