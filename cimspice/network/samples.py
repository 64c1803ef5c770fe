"""A network with its own samples or a file's, and which of them it is trained with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.built_in_networks import BUILT_IN, built_in
from cimspice.network.data import load_data, load_training_data
from cimspice.network.graph import Network
from cimspice.network.load import load_network


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs and labels to run; those to calibrate and to train with, and what these are."""

    x: np.ndarray
    y: np.ndarray | None
    x_train: np.ndarray
    y_train: np.ndarray | None
    said: str

    def apart(self) -> tuple[Samples, int]:
        """Without those to run that are to train with, too, and how many these are."""
        seen = {sample.tobytes() for sample in self.x_train}
        kept = [number for number, sample in enumerate(self.x) if sample.tobytes() not in seen]
        if not kept:
            raise ParameterError(
                "every sample is one to train with", place="--data", remedy="give others as x and y"
            )
        left_out = len(self.x) - len(kept)
        return replace(self, x=self.x[kept], y=None if self.y is None else self.y[kept]), left_out


def network_and_samples(net: str, data: Path | None, seed: int, fine_tune: bool) -> tuple[Network, Samples]:
    """The network, and its samples or those of the command line; those to train with, too."""
    if net in BUILT_IN and data is None:
        found = built_in(net, seed)
        said = f"training samples of {net}"
        return found.network, Samples(found.x_test, found.y_test, found.x_train, found.y_train, said)
    if data is None:
        raise ParameterError(
            "no inputs to run", place="--data", remedy="give a file with x, and y where there are labels"
        )
    made = load_network(net, seed=seed)
    given = load_data(data, made)
    if not fine_tune:
        return made, Samples(given.x, given.y, given.x, given.y, "")
    own = load_training_data(data, made)
    if own is not None:
        return made, Samples(given.x, given.y, own.x, own.y, f"x_train of {data.name}")
    order, half = np.random.default_rng(seed).permutation(len(given.x)), len(given.x) // 2
    train, test = np.sort(order[:half]), np.sort(order[half:])
    y, y_train = (None, None) if given.y is None else (given.y[test], given.y[train])
    return made, Samples(
        given.x[test], y, given.x[train], y_train, f"half of {data.name}, drawn with the seed"
    )
