"""Life of an array that switches between networks: cells wear out and stick, and the accuracy falls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cimspice.crossbar.programming.bit_sliced_crossbars import Crossbars
from cimspice.crossbar.programming.bit_slices import quantise
from cimspice.crossbar.programming.networks import Network
from cimspice.crossbar.programming.plan import Plan
from cimspice.crossbar.programming.program import Pass
from cimspice.errors import ParameterError
from cimspice.rram.model.write_cost import WriteCost

_POINTS = 12
_MOST_WORN = 0.5
STUCK_AT_ONE = 0.5
"""Share of worn cells that stick in the low-resistance state, assumed; the others stick in the high one."""


@dataclass(frozen=True, eq=False)
class Life:
    """Accuracy over life.

    ``table`` has a row per moment: ``switches`` made, ``worn_cells`` (share), ``accuracy`` (mean over the
    networks) and ``worst_accuracy``. ``first_failure`` is the switch at which the first cell sticks,
    ``lifetime`` that at which the mean accuracy lies ``loss`` below that of the unworn array for good,
    interpolated in the logarithm between moments; None if it never does. ``writes_per_switch`` is the mean.
    """

    plan: Plan
    table: pd.DataFrame
    writes_per_switch: float
    first_failure: float
    lifetime: float | None
    loss: float


def life(
    networks: Sequence[Network],
    plan: Plan,
    cost: WriteCost,
    *,
    seed: int = 0,
    loss: float = 0.01,
    progress: Callable[[str], None] = lambda moment: None,
) -> Life:
    """Let crossbars be reprogrammed with one network after another until half of their cells are worn.

    A switch programs all layers of the next network. Each cell's endurance is drawn from the card's law; its
    wear per switch is counted over one round of all networks, after a first one that is not counted. A cell
    that has used up its cycles sticks at 1 or 0 with equal chance (:data:`STUCK_AT_ONE`, assumed). Writes
    that fail are not detected, so nothing is remapped. With ``"hamming"`` and ``"nearest"`` worn cells
    change what is written to the others; the accuracy sees that, the wear does not.

    Raises
    ------
    ParameterError
        If a network's accuracy cannot be known, or nothing is ever written.
    """
    if not networks or any(network.accuracy is None for network in networks):
        raise ParameterError(
            "the accuracy over life needs networks whose accuracy can be measured",
            place="network",
            remedy="use --network digits-256",
        )
    rng = np.random.default_rng((seed, 3))
    quantised = [[quantise(layer.load(), plan.bits) for layer in network.layers] for network in networks]
    crossbars = Crossbars(plan.crossbars, plan.rows, plan.slices.columns)
    _round(networks, quantised, plan, crossbars, seed)
    before = crossbars.sets + crossbars.resets
    _round(networks, quantised, plan, crossbars, seed + 1)
    rate = (crossbars.sets + crossbars.resets - before) / len(networks)
    if not rate.any():
        raise ParameterError(
            "no cell is ever rewritten", place="networks", remedy="switch between networks that differ"
        )
    with np.errstate(divide="ignore"):
        fails = cost.draw_endurance(rate.shape, rng) / (rate / 2.0)
    stuck_at = rng.random(rate.shape) < STUCK_AT_ONE
    rows = []
    for switches in _moments(fails):
        progress(f"{switches:.3g} switches")
        worn = fails <= switches
        array = Crossbars(
            plan.crossbars, plan.rows, plan.slices.columns,
            faulty=_packed(worn), fault_value=_packed(worn & stuck_at),
        )  # fmt: skip
        accuracy = _round(networks, quantised, plan, array, seed)
        rows.append((switches, worn.mean(), np.mean(accuracy), np.min(accuracy)))
    table = pd.DataFrame(rows, columns=["switches", "worn_cells", "accuracy", "worst_accuracy"])
    return Life(plan, table, float(rate.sum()), float(fails.min()), _lifetime(table, loss), loss)


def _round(
    networks: Sequence[Network],
    quantised: Sequence[Sequence[tuple[np.ndarray, float]]],
    plan: Plan,
    crossbars: Crossbars,
    seed: int,
) -> list[float]:
    """Program every network once; accuracy of each."""
    accuracies = []
    for number, (network, layers) in enumerate(zip(networks, quantised, strict=True)):
        one = Pass(plan, seed * len(networks) + number, crossbars)
        weights = [step * one.program(levels, place)[0] for place, (levels, step) in enumerate(layers)]
        assert network.accuracy is not None  # checked by the caller
        accuracies.append(network.accuracy(weights))
    return accuracies


def _moments(fails: np.ndarray) -> np.ndarray:
    """Before the first failure, and then where ever more cells are worn, in equal factors."""
    times = np.sort(fails[np.isfinite(fails)])
    last = max(1.0, _MOST_WORN * len(times) - 1)
    ranks = np.unique(np.geomspace(1, last, _POINTS).astype(int)) - 1
    return np.append(0.5 * times[0], times[ranks])


def _packed(cells: np.ndarray) -> np.ndarray:
    """Words (crossbars, rows) of cells (crossbars, rows, columns)."""
    shift = np.uint16(1) << np.arange(cells.shape[2], dtype=np.uint16)
    return (cells * shift).sum(axis=2, dtype=np.uint16)


def _lifetime(table: pd.DataFrame, loss: float) -> float | None:
    limit = table["accuracy"].iloc[0] - loss
    good = np.flatnonzero(table["accuracy"].to_numpy() >= limit)
    last = int(good[-1])
    if last == len(table) - 1:
        return None
    (early, above), (late, below) = table[["switches", "accuracy"]].iloc[[last, last + 1]].to_numpy()
    share = (above - limit) / (above - below)
    return float(early * (late / early) ** share)
