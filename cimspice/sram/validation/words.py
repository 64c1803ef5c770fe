"""Random words for a multi-row read, and the rule that says which of them an array may be asked to read."""

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Words:
    """Words drawn, as rectangles; where a word opens fewer rows, the rest have code 0."""

    rows: Array
    codes: Array
    bits: Array
    """``rows``, ``codes``, ``bits``: row of the array, pulse in units and stored bit, shape (words, most
    rows)."""
    opened: Array
    """How many rows each word names, shape (words,)."""

    @property
    def sums(self) -> Array:
        """Sum of codes of the cells that pull the bit line and its complement, shape (words, 2)."""
        return np.stack([(self.codes * (1 - self.bits)).sum(1), (self.codes * self.bits).sum(1)], axis=1)


@dataclass(frozen=True, eq=False)
class DrawnWords:
    """Random words, parted by the disturb bound before anything is simulated."""

    within: Words
    """Words whose charge keeps to the bound: as many as were asked for."""
    beyond: Words
    """The first of those drawn meanwhile whose charge exceeds it, at most as many again."""
    excluded: int
    """How many exceed it in all."""


def check_words(count: int, rows: tuple[int, int], array_rows: int) -> None:
    """Whether an array of so many rows can be asked for such words.

    ParameterError if there are none, or the numbers of open rows are out of order or more than the array has.
    """
    if count < 1:
        raise ParameterError(f"{count} words", place="--words", remedy="ask for 1 or more")
    if not 1 <= rows[0] <= rows[1] <= array_rows:
        raise ParameterError(
            f"{rows[0]} to {rows[1]} open rows of an array of {array_rows}",
            place="--rows",
            remedy=f"give numbers from 1 to {array_rows}, the smaller first",
        )


def draw_words(
    count: int, seed: int, *, rows: tuple[int, int], array_rows: int, largest_code: int, charge_limit: float
) -> DrawnWords:
    """Draw words until ``count`` are within the disturb bound.

    ParameterError if no such words can be drawn, or hardly one in twenty is within the bound.

    Parameters
    ----------
    count, seed
        How many; of everything drawn.
    rows
        Fewest and most open rows; each number is as likely.
    array_rows
        Rows of the array, among which a word's are drawn.
    largest_code
        Codes are 0 to this, each as likely.
    charge_limit
        Largest sum of codes on one line (``BitLines.charge_limit``).
    """
    check_words(count, rows, array_rows)
    fewest, most = rows
    rng = np.random.default_rng([seed, 4])
    kept: list[tuple[Array, Array, Array]] = []
    beyond: list[tuple[Array, Array, Array]] = []
    drawn = 0
    while len(kept) < count:
        drawn += 1
        number = int(rng.integers(fewest, most + 1))
        chosen = np.sort(rng.choice(array_rows, number, replace=False))
        codes, bits = rng.integers(0, largest_code + 1, number), rng.integers(0, 2, number)
        heaviest = max((codes * bits).sum(), (codes * (1 - bits)).sum())
        (kept if heaviest <= charge_limit else beyond).append((chosen, codes, bits))
        if drawn > 100 and len(kept) < drawn / 20:
            raise ParameterError(
                f"{drawn - len(kept)} of {drawn} random words with {fewest} to {most} open rows take more "
                f"off a line than the disturb bound of {charge_limit:.0f} units of pulse width",
                place="--rows",
                remedy=f"open fewer rows: about {int(charge_limit / largest_code * 4)} with random data and "
                f"codes, {max(int(charge_limit / largest_code), 1)} in any case",
            )
    return DrawnWords(_rectangles(kept, most), _rectangles(beyond[:count], most), len(beyond))


def _rectangles(words: list[tuple[Array, Array, Array]], most: int) -> Words:
    shape = len(words), most
    rows, codes, bits = (np.zeros(shape, int) for _ in range(3))
    for k, (chosen, code, bit) in enumerate(words):
        number = len(chosen)
        rows[k, :number], codes[k, :number], bits[k, :number] = chosen, code, bit
    return Words(rows, codes, bits, np.array([len(word[0]) for word in words], int))
