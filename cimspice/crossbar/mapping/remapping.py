"""Stuck cells that are known: inputs and outputs exchange places within tiles so that they matter least."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from cimspice.crossbar.mapping.conductances import MappedWeights

_ROUNDS = 3
"""Of columns given the rows, then rows given the columns; each lowers the error or leaves it."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Which input each row has (inputs,), and which output each pair of columns, or column of weights whose
    signs have slices of their own (outputs,)."""

    rows: np.ndarray
    pairs: np.ndarray

    def laid(self, mapped: MappedWeights) -> MappedWeights:
        """What lies in the places, of what is in the order of inputs and outputs."""
        unit = mapped.unit if np.ndim(mapped.unit) == 0 else np.asarray(mapped.unit)[self.pairs]
        return replace(mapped, conductances=_moved(mapped.conductances, self.rows, self.pairs), unit=unit)

    def ordered(self, conductances: np.ndarray) -> np.ndarray:
        """Conductances (inputs, columns) of the places in the order of inputs and outputs."""
        return _moved(conductances, np.argsort(self.rows), np.argsort(self.pairs))

    def matrix(self, weights: np.ndarray) -> np.ndarray:
        """Weights (outputs, inputs) of the places in the order of inputs and outputs."""
        return np.ascontiguousarray(weights[np.ix_(np.argsort(self.pairs), np.argsort(self.rows))])


def avoid_stuck_cells(
    targets: np.ndarray, stuck: np.ndarray, scale: np.ndarray, tile: tuple[int, int]
) -> Placement:
    """Rows and pairs of columns for which the stuck cells' errors have a small sum of squares: the least for
    the rows, given the pairs; never larger than in order.

    Parameters
    ----------
    targets
        Conductances (slices, inputs, outputs, 2), S, in the order of inputs and outputs; of single columns
        (slices, inputs, outputs, 1).
    stuck
        Those of stuck cells (slices, rows, pairs, 2 or 1), NaN for cells that are not.
    scale
        Error per siemens of G⁺ - G⁻, or of G (slices, inputs, outputs).
    tile
        Rows and columns within which places are exchanged, alike in all tiles beside or below.

    References
    ----------
    H. W. Kuhn, The Hungarian method for the assignment problem (1955).
    """
    rows, pairs = np.arange(targets.shape[1]), np.arange(targets.shape[2])
    for _ in range(_ROUNDS):
        turned = (np.swapaxes(each, 1, 2) for each in (targets[:, rows], stuck, scale[:, rows]))
        pairs = _assigned(*turned, tile[1] // targets.shape[3])
        rows = _assigned(targets[:, :, pairs], stuck, scale[:, :, pairs], tile[0])
    return Placement(rows, pairs)


def stuck_error(
    targets: np.ndarray, stuck: np.ndarray, scale: np.ndarray, placement: Placement | None = None
) -> float:
    """Root of the sum of squares of the stuck cells' errors."""
    if placement is not None:
        targets, scale = (each[:, placement.rows][:, :, placement.pairs] for each in (targets, scale))
    return float(np.linalg.norm(_errors(targets, stuck, scale)))


def _assigned(targets: np.ndarray, stuck: np.ndarray, scale: np.ndarray, size: int) -> np.ndarray:
    """Which line (second axis of ``targets``) each place (that of ``stuck``) gets, within blocks of lines."""
    lines = np.arange(targets.shape[1])
    for first in range(0, len(lines), size):
        block = slice(first, first + size)
        costs = []
        for place in lines[block]:
            hit = np.isfinite(stuck[:, place]).any(axis=(0, 2))
            found = _errors(targets[:, block, hit], stuck[:, place][:, None, hit], scale[:, block, hit])
            costs.append(np.sum(found**2, axis=1))
        lines[block] = first + linear_sum_assignment(costs)[1]
    return lines


def _errors(targets: np.ndarray, stuck: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Of each weight, summed over its slices."""
    off = np.where(np.isnan(stuck), 0.0, stuck - targets)
    return np.sum((off @ np.array([1.0, -1.0])[: off.shape[-1]]) * scale, axis=0)


def _moved(conductances: np.ndarray, rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    inputs, columns = conductances.shape
    return conductances.reshape(inputs, len(pairs), -1)[np.ix_(rows, pairs)].reshape(inputs, columns)
