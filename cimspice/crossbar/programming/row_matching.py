"""Which weight of a section goes to which row, so that the fewest cells change."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from scipy.optimize import linear_sum_assignment

_UNUSED = 1 << 16  # above every word: equal to none


def match_rows(state: np.ndarray, words: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Rows of one section permuted for each crossbar.

    Parameters
    ----------
    state
        Words the crossbars hold (crossbars, rows).
    words, used
        Words wanted (crossbars, rows), and which of them a weight uses.

    Returns
    -------
    ndarray
        Permutations p (crossbars, rows): the weight p[c, i] goes to row i. The number of cells that change is
        the smallest possible: equal words are paired first, which the triangle inequality of the Hamming
        distance allows, and the rest is a linear assignment.
    """
    crossbars, rows = state.shape
    by_state, held = _numbered(state.astype(np.int64))
    by_word, needed = _numbered(np.where(used, words.astype(np.int64), _UNUSED))
    # one sorted list for all crossbars, each behind the one before
    places = np.searchsorted(held.ravel(), needed.ravel())
    found = np.minimum(places, held.size - 1).reshape(crossbars, rows)
    equal = held.ravel()[found] == needed
    permutation = np.full((crossbars, rows), -1)
    crossbar, _ = np.nonzero(equal)
    held_at = found[equal] - rows * crossbar
    permutation[crossbar, by_state[crossbar, held_at]] = by_word[equal]
    _assign_rest(permutation, state, words, used, np.where(equal, -1, by_word))
    if not used.all():
        permutation[permutation < 0] = np.nonzero(~used)[1]
    return permutation


def _assign_rest(permutation, state, words, used, left_over) -> None:
    """Weights that equal no word held, to the rows that are left, crossbar by crossbar."""
    free, free_row = np.nonzero(permutation < 0)
    left, place = np.nonzero(left_over >= 0)
    weight = left_over[left, place]
    wanted = used[left, weight]
    left, weight = left[wanted], weight[wanted]
    free_words, left_words = state[free, free_row], words[left, weight]
    ends = np.arange(len(state) + 1)
    starts = np.searchsorted(left, ends), np.searchsorted(free, ends)
    permutation[left, free_row[_assigned()(left_words, starts[0], free_words, starts[1], _ONES)]] = weight


def _assigned() -> Callable[..., np.ndarray]:
    """`_assigned_by_scipy`, compiled where numba is installed."""
    if find_spec("numba") is None:
        return _assigned_by_scipy
    from cimspice.crossbar.programming.row_matching_compiled import assigned

    return assigned


def _assigned_by_scipy(left, left_at, free, free_at, ones) -> np.ndarray:
    """For each word its row, as indices into ``free``: see `row_matching_compiled.assigned`."""
    row_of = np.empty(len(left), dtype=np.int64)
    for crossbar in range(len(left_at) - 1):
        one, other = (slice(*at[crossbar : crossbar + 2]) for at in (left_at, free_at))
        if one.start < one.stop:
            differing = left[one, None] ^ free[None, other]
            row_of[one] = other.start + linear_sum_assignment(ones[differing])[1]
    return row_of


def _numbered(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of the words of each crossbar, and the ordered words made distinct, crossbar after crossbar.

    A number holds the crossbar, the word, and how many equal to it came before.
    """
    crossbars, rows = words.shape
    order = np.argsort(words, axis=1, kind="stable")
    ordered = np.take_along_axis(words, order, axis=1)
    place = np.arange(rows)
    first = np.ones(words.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    since = place - np.maximum.accumulate(np.where(first, place, 0), axis=1)
    return order, (((np.arange(crossbars)[:, None] << 17) + ordered) << 24) + since


_ONES = np.array([bin(word).count("1") for word in range(_UNUSED)], dtype=np.uint8)
"""Number of bits set in each word of 16 bits."""
