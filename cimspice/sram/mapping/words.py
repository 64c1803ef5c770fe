"""Words in an SRAM array: column-major, one bit per row, each row opened for a time that weights its bit."""

import numpy as np

from cimspice.arrays import Array, checked_array, real_array
from cimspice.errors import MappingError


def store_words(words: Array, bits: int, *, signed: bool = False) -> Array:
    """Stored bits of the words of a column, one word below the other, least significant bit first.

    Parameters
    ----------
    words
        Whole numbers, shape (..., words of a column).
    bits
        Rows that a word takes, 1 to 16.
    signed
        Words from −2^(bits − 1) on, in offset binary: the difference of the two lines' discharges is then
        2 w + 1 units, whatever its sign.

    Returns
    -------
    0 or 1, shape (..., words of a column × bits).

    Raises
    ------
    MappingError
        If a word does not fit.
    """
    _check_bits(bits)
    values = real_array("words", words, MappingError)
    low = -(2 ** (bits - 1)) if signed else 0
    high = low + 2**bits - 1
    wrong = ~np.isfinite(values) | (values != np.round(values)) | (values < low) | (values > high)
    if values.ndim == 0 or wrong.any():
        at = np.argwhere(wrong)[0].tolist() if values.ndim else []
        what = f"word {values[tuple(at)]}" if values.ndim else "a single number instead of a column of words"
        raise MappingError(
            f"{what} does not fit into {bits} bits",
            place=f"words{at}",
            remedy=f"use whole numbers from {low} to {high}, or more bits",
        )
    levels = (values - low).astype(np.int64)
    stored = (levels[..., None] >> np.arange(bits)) & 1
    return stored.reshape(*values.shape[:-1], values.shape[-1] * bits)


def _check_bits(bits: int) -> None:
    if isinstance(bits, bool) or not isinstance(bits, int | np.integer) or not 1 <= bits <= 16:
        raise MappingError(f"words of {bits} bits", place="bits", remedy="use 1 to 16")


def stored_words(stored: Array, bits: int, *, signed: bool = False) -> Array:
    """The inverse of :func:`store_words`: words of shape (..., rows / bits).

    Raises
    ------
    MappingError
        If the rows are no whole number of words, or something is neither 0 nor 1.
    """
    _check_bits(bits)
    values = real_array("stored", stored, MappingError)
    if values.ndim == 0 or values.shape[-1] % bits or np.any((values != 0) & (values != 1)):
        raise MappingError(
            f"rows of shape {values.shape} do not hold words of {bits} bits",
            place="stored",
            remedy="give 0 or 1 for every row, and a whole number of words",
        )
    grouped = values.astype(np.int64).reshape(*values.shape[:-1], -1, bits)
    return grouped @ (1 << np.arange(bits)) - (2 ** (bits - 1) if signed else 0)


def row_codes(opened: Array, bits: int, *, largest_code: int, array_rows: int | None = None) -> Array:
    """Pulse widths that weight the bits of the opened words: 1, 2, 4, ... units; 0 for words that are closed.

    Parameters
    ----------
    opened
        Whether each word of a column is opened, shape (..., words of a column).
    bits
        Rows of a word.
    largest_code
        Longest pulse that the array's model knows (``BitLines.largest_code``).
    array_rows
        Rows of the array, if the words are to fit into it.

    Raises
    ------
    MappingError
        If the most significant bit needs a longer pulse, or the words more rows.
    """
    _check_bits(bits)
    chosen = checked_array(
        "marks of opened words", opened, (..., "words"), low=0, high=1, whole=True, error=MappingError
    )
    if 2 ** (bits - 1) > largest_code:
        raise MappingError(
            f"the most significant of {bits} bits needs a pulse of {2 ** (bits - 1)} units, the longest has "
            f"{largest_code}",
            place="bits",
            remedy=f"use at most {int(largest_code).bit_length()} bits, or characterise longer pulses",
        )
    rows = chosen.shape[-1] * bits
    if array_rows is not None and rows > array_rows:
        raise MappingError(
            f"{chosen.shape[-1]} words of {bits} bits need {rows} rows, the array has {array_rows}",
            place="array_rows",
            remedy="use a further column, or shorter words",
        )
    weights = chosen[..., None] * (1 << np.arange(bits))
    return weights.reshape(*chosen.shape[:-1], rows)
