"""Paths by compiled loops (numba): the same ones as `hamming_path` finds."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def nearest_neighbours(distance: np.ndarray) -> np.ndarray:
    """From node 0 always to the nearest that is left, the last node at the end."""
    nodes = len(distance)
    path = np.empty(nodes, dtype=np.int64)
    left = np.arange(1, nodes - 1)
    path[0], path[nodes - 1] = 0, nodes - 1
    for step in range(1, nodes - 1):
        row, best = distance[path[step - 1]], 0
        for k in range(1, len(left)):
            if row[left[k]] < row[left[best]]:
                best = k
        path[step] = left[best]
        left[best:-1] = left[best + 1 :].copy()
        left = left[:-1]
    return path


@njit(cache=True, nogil=True)
def two_opt(distance: np.ndarray, path: np.ndarray) -> int:
    """Reverse path[i..j] in place wherever that gains most for an i; returns how many reversals."""
    nodes, done = len(path), 0
    along = np.empty(nodes - 1, dtype=distance.dtype)
    for k in range(nodes - 1):
        along[k] = distance[path[k], path[k + 1]]
    for i in range(1, nodes - 2):
        before, first = distance[path[i - 1]], distance[path[i]]
        most, best = 0, -1
        for j in range(i + 1, nodes - 1):
            gain = along[i - 1] + along[j] - before[path[j]] - first[path[j + 1]]
            if gain > most:
                most, best = gain, j
        if best >= 0:
            path[i : best + 1] = path[i : best + 1][::-1].copy()
            for k in range(i - 1, best + 1):
                along[k] = distance[path[k], path[k + 1]]
            done += 1
    return done
