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
    rows = len(state)
    wanted = np.flatnonzero(used)
    place, weight = _equal_pairs(state, words, wanted)
    permutation = np.full(rows, -1)
    permutation[place] = weight
    free_rows = np.flatnonzero(permutation < 0)
    left = np.setdiff1d(wanted, weight, assume_unique=True)
    if left.size:
        distance = _ones(words[left][:, None] ^ state[free_rows][None, :])
        chosen_weight, chosen_row = linear_sum_assignment(distance)
        permutation[free_rows[chosen_row]] = left[chosen_weight]
    permutation[permutation < 0] = np.flatnonzero(~used)
    return permutation


def _equal_pairs(state: np.ndarray, words: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and weights of the same word, as many pairs as there are."""
    by_state = np.argsort(state, kind="stable")
    by_word = wanted[np.argsort(words[wanted], kind="stable")]
    state_key = _numbered(state[by_state])
    word_key = _numbered(words[by_word])
    _, first, second = np.intersect1d(state_key, word_key, assume_unique=True, return_indices=True)
    return by_state[first], by_word[second]


def _numbered(ordered: np.ndarray) -> np.ndarray:
    """Sorted words made distinct: the word, and its number among those equal to it."""
    start = np.searchsorted(ordered, ordered)
    return (ordered.astype(np.int64) << 32) + np.arange(len(ordered)) - start


_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def _ones(words: np.ndarray) -> np.ndarray:
    """Number of bits set in each word of 16 bits."""
    return _ONES[words & 0xFF] + _ONES[words >> 8]
