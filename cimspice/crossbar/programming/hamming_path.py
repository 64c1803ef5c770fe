"""A short open path through sections by exact Hamming distance: nearest neighbour, then 2-opt and Or-opt."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

_SWEEPS = 8
_LONGEST_SEGMENT = 3
_MOST_FOR_MOVES = 256
"""Nodes up to which Or-opt is tried: on longer paths it took two thirds of the time for 0.4 % of cells."""


def hamming_distances(
    words: np.ndarray, used: np.ndarray, others: np.ndarray, others_used: np.ndarray
) -> np.ndarray:
    """Cells that differ between each of ``words`` (a, rows) and each of ``others`` (b, rows), as (a, b).

    Rows that either leaves empty do not count.
    """
    columns = max(1, int(max(words.max(initial=0), others.max(initial=0))).bit_length())
    one, one_used = _cells(words, used, columns)
    other, other_used = _cells(others, others_used, columns)
    if used.all() and others_used.all():
        counts = one.sum(axis=1)[:, None] + other.sum(axis=1) - 2 * (one @ other.T)
    else:
        counts = one @ other_used.T + one_used @ other.T - 2 * (one @ other.T)
    return np.rint(counts).astype(np.int32)


def _cells(words: np.ndarray, used: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Bits of used rows (n, rows · columns) and which of them count, in float32 (exact below 2²⁴)."""
    bits = (words[:, :, None] >> np.arange(columns, dtype=np.uint16)) & np.uint16(1)
    mask = np.broadcast_to(used[:, :, None], bits.shape)
    return (
        (bits * mask).reshape(len(words), -1).astype(np.float32),
        mask.reshape(len(words), -1).astype(np.float32),
    )


def cells_changed(words: np.ndarray, used: np.ndarray, held: np.ndarray) -> int:
    """Cells that change when sections (n, rows) are written one after another onto ``held`` (rows,)."""
    total, state = 0, held
    for section, mask in zip(words, used, strict=True):
        total += int(sum(bin(word).count("1") for word in (state ^ section)[mask].tolist()))
        state = np.where(mask, section, state)
    return total


def shortened(words: np.ndarray, used: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Order (n,) in which sections change fewer cells than, or as many as, in the order given.

    Parameters
    ----------
    words, used
        Sections (n, rows), and the rows that a weight uses.
    held
        What the crossbar holds before the first (rows,).

    Notes
    -----
    Open path with a fixed start. The better of the given order and the nearest-neighbour path is improved by
    2-opt (reversals) and, where it is short, Or-opt (moves of up to three neighbours) until nothing is gained
    or a fixed number of sweeps is done. Time and memory grow with n².
    """
    given = np.arange(len(words))
    nodes = np.concatenate([held[None, :], words])
    nodes_used = np.concatenate([np.ones((1, len(held)), dtype=bool), used])
    distance = np.zeros((len(nodes) + 1,) * 2, dtype=np.int32)  # the last node: an end, free to reach
    distance[:-1, :-1] = hamming_distances(nodes, nodes_used, nodes, nodes_used)
    nearest, _ = _loops()
    starts = [np.arange(len(distance)), nearest(distance)]
    path = min(starts, key=lambda candidate: path_length(distance, candidate))
    found = improve(distance, path)[1:-1] - 1
    if used.all():
        return found
    # rows left empty keep what they hold, which the distance between pairs does not see
    better = cells_changed(words[found], used[found], held) < cells_changed(words, used, held)
    return found if better else given


def path_length(distance: np.ndarray, path: np.ndarray) -> int:
    """Sum of ``distance`` along ``path``."""
    return int(distance[path[:-1], path[1:]].sum())


def _nearest_neighbours(distance: np.ndarray) -> np.ndarray:
    end = len(distance) - 1
    path = [0]
    open_ = np.ones(len(distance), dtype=bool)
    open_[[0, end]] = False
    far = np.iinfo(np.int32).max
    for _ in range(end - 1):
        path.append(int(np.argmin(np.where(open_, distance[path[-1]], far))))
        open_[path[-1]] = False
    return np.array([*path, end])


def improve(distance: np.ndarray, path: np.ndarray) -> np.ndarray:
    """``path`` with its ends kept, improved by 2-opt and Or-opt; never longer than it came.

    Parameters
    ----------
    distance
        Symmetric (n, n).
    path
        All nodes once (n,).
    """
    path, (_, two_opt) = path.copy(), _loops()
    for _ in range(_SWEEPS):
        gains = two_opt(distance, path)
        if len(path) <= _MOST_FOR_MOVES:
            gains += _or_opt(distance, path)
        if not gains:
            break
    return path


def _loops() -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray, np.ndarray], int]]:
    """`_nearest_neighbours` and `_two_opt`, compiled where numba is installed."""
    if find_spec("numba") is None:
        return _nearest_neighbours, _two_opt
    from cimspice.crossbar.programming import hamming_path_compiled

    return hamming_path_compiled.nearest_neighbours, hamming_path_compiled.two_opt


def _two_opt(distance: np.ndarray, path: np.ndarray) -> int:
    """Reverse path[i..j] wherever that gains most for an i; returns how many reversals."""
    done = 0
    along = distance[path[:-1], path[1:]]
    for i in range(1, len(path) - 2):
        before, first = distance[path[i - 1]], distance[path[i]]
        gain = along[i - 1] + along[i + 1 :] - before[path[i + 1 : -1]] - first[path[i + 2 :]]
        best = int(np.argmax(gain))
        if gain[best] > 0:
            path[i : i + best + 2] = path[i : i + best + 2][::-1].copy()
            along[i - 1 : i + best + 2] = distance[path[i - 1 : i + best + 2], path[i : i + best + 3]]
            done += 1
    return done


def _or_opt(distance: np.ndarray, path: np.ndarray) -> int:
    """Move up to three neighbours to where that gains most, either way round; returns how many moves."""
    done = 0
    for length in range(1, _LONGEST_SEGMENT + 1):
        for i in range(1, len(path) - 1 - length):
            segment, rest = path[i : i + length], np.delete(path, np.s_[i : i + length])
            left, right = rest[:-1], rest[1:]
            removed = distance[path[i - 1], segment[0]] + distance[segment[-1], path[i + length]]
            saved = removed - distance[path[i - 1], path[i + length]] + distance[left, right]
            straight = saved - distance[left, segment[0]] - distance[segment[-1], right]
            turned = saved - distance[left, segment[-1]] - distance[segment[0], right]
            gain = np.maximum(straight, turned)
            best = int(np.argmax(gain))
            if gain[best] > 0:
                moved = segment if straight[best] >= turned[best] else segment[::-1]
                path[:] = np.concatenate([rest[: best + 1], moved, rest[best + 1 :]])
                done += 1
    return done
