"""Assignments of words to rows by a compiled loop (numba): the same ones as scipy finds."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def assigned(
    left: np.ndarray, left_at: np.ndarray, free: np.ndarray, free_at: np.ndarray, ones: np.ndarray
) -> np.ndarray:
    """For each word its row: indices into ``free`` (words,), crossbar by crossbar.

    Parameters
    ----------
    left, free
        Words wanted and words held, of all crossbars one after another.
    left_at, free_at
        Where each crossbar begins, and the end (crossbars + 1,); none has more words than rows.
    ones
        Bits set in each word.

    Notes
    -----
    Shortest augmenting paths (D. Crouse, IEEE Trans. Aerosp. Electron. Syst. 52 (2016) 1679) in the order in
    which `scipy.optimize.linear_sum_assignment` takes them, so that of several best ones the same is found.
    """
    row_of = np.empty(len(left), dtype=np.int64)
    for crossbar in range(len(left_at) - 1):
        first, last = left_at[crossbar], left_at[crossbar + 1]
        low, high = free_at[crossbar], free_at[crossbar + 1]
        if first < last:
            row_of[first:last] = low + _shortest(left[first:last], free[low:high], ones)
    return row_of


@njit(cache=True, nogil=True)
def _shortest(left: np.ndarray, free: np.ndarray, ones: np.ndarray) -> np.ndarray:
    """The row of each word in one crossbar."""
    words, rows = len(left), len(free)
    of_word, of_row = np.zeros(words, dtype=np.int64), np.zeros(rows, dtype=np.int64)  # dual variables
    row_of, word_of = np.full(words, -1), np.full(rows, -1)
    length, before = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
    remaining, reached = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.bool_)
    far = np.int64(1) << 40
    for start in range(words):
        word, so_far, end, count = start, np.int64(0), -1, rows
        for j in range(rows):
            remaining[j], length[j], reached[j] = rows - 1 - j, far, False
        while end < 0:
            lowest, found = far, -1
            for k in range(count):
                j = remaining[k]
                along = so_far + ones[left[word] ^ free[j]] - of_word[word] - of_row[j]
                if along < length[j]:
                    length[j], before[j] = along, word
                if length[j] < lowest or (length[j] == lowest and word_of[j] < 0):
                    lowest, found = length[j], k
            so_far, j = lowest, remaining[found]
            reached[j] = True
            count -= 1
            remaining[found] = remaining[count]
            if word_of[j] < 0:
                end = j
            else:
                word = word_of[j]
        of_word[start] += so_far
        for j in range(rows):
            if reached[j]:
                if word_of[j] >= 0:
                    of_word[word_of[j]] += so_far - length[j]
                of_row[j] -= so_far - length[j]
        while True:
            word = before[end]
            word_of[end] = word
            row_of[word], end = end, row_of[word]
            if word == start:
                break
    return row_of
