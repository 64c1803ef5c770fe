"""Broken wires in the hybrid form: where they may be, and how a break before a dead cell is passed on."""

from __future__ import annotations

import numpy as np


def passed_on(g: np.ndarray, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same column currents with every break directly before a live cell, or at the far terminal.

    The node between a break and a cell without conductance carries no current: joining it to the near side
    and breaking behind it instead changes nothing but its own voltage.
    """
    if np.isinf(word[:, :-1]).any():
        word = _along(g, word.copy())
    if np.isinf(bit[1:]).any():
        bit = _along(g[::-1].T, bit[::-1].T.copy()).T[::-1]
    return g, word, bit


def _along(g: np.ndarray, segments: np.ndarray) -> np.ndarray:
    for node in range(g.shape[1]):
        moved = np.isinf(segments[:, node]) & (g[:, node] == 0)
        segments[moved, node] = 0.0
        segments[moved, node + 1] = np.inf
    return segments


def representable(g: np.ndarray, word: np.ndarray, bit: np.ndarray) -> bool:
    """Whether no live cell has, after `passed_on`, a break both before it on its word line and below it."""
    if not (np.isinf(word).any() and np.isinf(bit).any()):
        return True
    _, word, bit = passed_on(g, word, bit)
    return not (np.isinf(word[:, :-1]) & np.isinf(bit[1:])).any()
