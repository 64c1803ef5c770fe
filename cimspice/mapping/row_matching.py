"""Which weight of a section goes to which row, so that the fewest cells change."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def match_rows(state: np.ndarray, words: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Rows of one section permuted for one crossbar.

    Parameters
    ----------
    state
        Words the crossbar holds (rows,).
    words, used
        Words wanted (rows,), and which of them a weight uses.

    Returns
    -------
    ndarray
        Permutation p (rows,): the weight p[i] goes to the row i. The number of cells that change is the
        smallest possible: equal words are paired first, which the triangle inequality of the Hamming distance
        allows, and the rest is a linear assignment.
    """
    wanted = np.flatnonzero(used)
    by_state = np.argsort(state, kind="stable")
    by_word = wanted[np.argsort(words[wanted], kind="stable")]
    held, needed = _numbered(state[by_state]), _numbered(words[by_word])
    found = np.minimum(np.searchsorted(held, needed), len(held) - 1)
    equal = held[found] == needed
    permutation = np.full(len(state), -1)
    permutation[by_state[found[equal]]] = by_word[equal]
    left = by_word[~equal]
    if left.size:
        free = np.flatnonzero(permutation < 0)
        chosen, row = linear_sum_assignment(_ones(words[left][:, None] ^ state[free][None, :]))
        permutation[free[row]] = left[chosen]
    permutation[permutation < 0] = np.flatnonzero(~used)
    return permutation


def _numbered(ordered: np.ndarray) -> np.ndarray:
    """Sorted words made distinct: the word, and its number among those equal to it."""
    start = np.searchsorted(ordered, ordered)
    return (ordered.astype(np.int64) << 32) + np.arange(len(ordered)) - start


_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def _ones(words: np.ndarray) -> np.ndarray:
    """Number of bits set in each word of 16 bits."""
    return _ONES[words & 0xFF] + _ONES[words >> 8]
