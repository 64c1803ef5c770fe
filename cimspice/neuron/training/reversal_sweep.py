"""Accuracy over |E|: networks trained for the circuit's E, and networks trained for ideal synapses, on it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count
from cimspice.errors import ParameterError
from cimspice.network.built_in_networks import TRAINED_HERE, built_in
from cimspice.neuron.training.conversion import converted
from cimspice.neuron.training.supervised import Learning, share_decided_right, trained_on_labels
from cimspice.neuron.training.trainer import Schedule
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.means import mean_with_interval

REVERSALS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0)
DENSE, CONVOLUTION = Schedule(30, 32, 0.01), Schedule(15, 32, 3e-3)
"""Of networks without and with a convolution."""


@dataclass(frozen=True, eq=False)
class ReversalSweep:
    """Shares of held-out samples right of one network's shape, trained anew from random weights."""

    network: str
    reversals: Array
    """|E| of both signs, normalised, (points,)."""
    physical: Array
    """Trained at each |E|, (points, seeds)."""
    conventional: Array
    """Trained for |E| = ∞ and decided at each |E|, (points, seeds)."""
    ideal: Array
    """Trained and decided at |E| = ∞, (seeds,)."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice train neuron --sweep-reversal --json`` prints."""
        best = int(self.physical.mean(axis=1).argmax())
        return {
            "network": self.network,
            "seeds": len(self.ideal),
            "points": [
                {
                    "reversal_potential": float(reversal),
                    "accuracy_physical": mean_with_interval(physical),
                    "accuracy_conventional": mean_with_interval(conventional),
                }
                for reversal, physical, conventional in zip(
                    self.reversals, self.physical, self.conventional, strict=True
                )
            ],
            "accuracy_ideal": mean_with_interval(self.ideal),
            "best_reversal_potential": float(self.reversals[best]),
            "best_minus_ideal": mean_with_interval(self.physical[best] - self.ideal),
        }


def sweep_reversal(
    network: str,
    reversals: Sequence[float] = REVERSALS,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    epochs: int | None = None,
    spike_noise: float = 0.0,
    jobs: int = 1,
    progress: OnProgress = silent,
) -> ReversalSweep:
    """Train the shape of a built-in network for every |E| and seed, which also draws the split of the data.

    ParameterError for a network that is not trained here, or a potential that is not positive.
    """
    if network not in TRAINED_HERE:
        raise ParameterError(
            f"no network {network!r} with samples to train on",
            place="network",
            remedy=f"choose from {', '.join(TRAINED_HERE)}",
        )
    wanted = checked_array("reversal potentials", list(reversals), ("points",))
    checked_count("points", len(wanted), place="reversal potentials")
    if (wanted <= 0).any():
        raise ParameterError(
            f"reversal potential {wanted.min():g}", place="reversal potentials", remedy="give |E| above 0"
        )
    checked_count("seeds", len(seeds), place="seeds")
    schedule = CONVOLUTION if network == "digits-cnn" else DENSE
    schedule = replace(schedule, epochs=epochs or schedule.epochs, spike_noise=spike_noise)
    cases = list(product((np.inf, *wanted), seeds))
    stage = f"train {network} at {len(wanted)} reversal potentials, and ideally"
    progress(Progress(stage=stage, points=len(cases)))
    found = []
    with ProcessPoolExecutor(min(jobs, len(cases))) as pool:
        for one in pool.map(partial(_trained, network, schedule, wanted), cases):
            found.append(one)
            progress(Progress(stage=stage, done=len(found), points=len(cases)))
    ideal, physical = found[: len(seeds)], found[len(seeds) :]
    return ReversalSweep(
        network,
        wanted,
        np.array([own for own, _ in physical]).reshape(len(wanted), len(seeds)),
        np.array([others for _, others in ideal]).T,
        np.array([own for own, _ in ideal]),
    )


def _trained(
    network: str, schedule: Schedule, reversals: Array, case: tuple[float, int]
) -> tuple[float, list[float]]:
    """Share right of one trained network at its own |E|, and if it is ideal at every one of ``reversals``."""
    reversal, seed = case
    built = built_in(network, seed)
    conversion = converted(built.network, built.x_train)
    weights = trained_on_labels(conversion, built.x_train, built.y_train, Learning(reversal, schedule), seed)
    right = partial(share_decided_right, conversion, weights, built.x_test, built.y_test)
    return right(reversal), [right(float(other)) for other in reversals] if np.isinf(reversal) else []
