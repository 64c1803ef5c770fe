"""Words stored column-major come back, and their weighted sum is what the pulse widths say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import MappingError
from cimspice.sram.mapping.words import row_codes, store_words, stored_words


@st.composite
def columns(draw):
    bits, signed = draw(st.integers(1, 8)), draw(st.booleans())
    low = -(2 ** (bits - 1)) if signed else 0
    words = draw(st.lists(st.integers(low, low + 2**bits - 1), min_size=1, max_size=12))
    return np.array(words), bits, signed


@given(columns())
def test_stored_words_come_back(column):
    words, bits, signed = column
    stored = store_words(words, bits, signed=signed)
    assert stored.shape == (len(words) * bits,)
    assert np.array_equal(stored_words(stored, bits, signed=signed), words)


@given(columns(), st.data())
def test_pulse_widths_weight_the_bits_in_the_sum_of_the_opened_words(column, data):
    words, bits, signed = column
    opened = np.array(data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words))))
    stored = store_words(words, bits, signed=signed)
    codes = row_codes(opened, bits, largest_code=128)
    ones, zeros = (codes * stored).sum(), (codes * (1 - stored)).sum()
    if signed:
        assert ones - zeros == (2 * words[opened] + 1).sum()
    else:
        assert ones == words[opened].sum()


@pytest.mark.parametrize(
    ("words", "bits", "signed", "reported"),
    [
        ([3, 16], 4, False, "word 16 does not fit into 4 bits"),
        ([-1], 4, False, "whole numbers from 0 to 15"),
        ([8], 4, True, "whole numbers from -8 to 7"),
        ([1.5], 4, False, "word 1.5"),
        ([float("nan")], 4, False, "word nan"),
        ([1], 0, False, "words of 0 bits"),
    ],
)
def test_a_word_that_does_not_fit_is_named_with_what_would(words, bits, signed, reported):
    with pytest.raises(MappingError, match=reported):
        store_words(np.array(words), bits, signed=signed)


@pytest.mark.parametrize("words", [["a"], [[1], [1, 2]], [1j], [None]])
def test_words_that_are_no_numbers_are_refused(words):
    with pytest.raises(MappingError, match=r"is of type|different lengths"):
        store_words(words, 3)


def test_words_that_need_longer_pulses_or_more_rows_are_refused():
    with pytest.raises(MappingError, match="needs a pulse of 16 units"):
        row_codes(np.ones(2, bool), 5, largest_code=15)
    with pytest.raises(MappingError, match="need 520 rows, the array has 512"):
        row_codes(np.ones(130, bool), 4, largest_code=15, array_rows=512)
