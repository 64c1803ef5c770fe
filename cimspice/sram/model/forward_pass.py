"""A neuron's forward pass as one circuit: what its rails differ by, and where its converter's code turns.

Columns whose input is 0 keep their output switches open, but for as many as make the number n of those that
share a multiple of eight. The rails then differ by

    Σ_c product[word_c, input_c] / (n (1 + wire_ratio) + load_ratio − bend Σ_c common[input_c]).

A product is what the bit lines' model gives of the word, and what n columns change on the word lines, times a
gain of the input's code, plus ``loading``: what else the multiplier does, and the parts to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import Array, kept_array
from cimspice.errors import FitError, ParameterError

BLOCK = 8
"""The number of columns that share charge is a multiple."""


def sharing_columns(inputs: Array) -> Array:
    """How many columns share charge where so many inputs are not 0."""
    return -(-inputs // BLOCK) * BLOCK


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """Of one array, in the order of words 0, 1, ... and input codes 0, 1, ...

    Attributes
    ----------
    pulses
        Codes of the word lines' pulses for the bits of a word, least significant first (bits,).
    gain
        By input code (codes,).
    loading
        Of words and input codes (words, codes), V.
    common
        Sum of both outputs' discharges by input code (codes,), V.
    word_line
        What each bit adds to a word's discharge, with its sign, if n columns share instead of as many as the
        loading was found with, n = 0, 8, 16, ... (blocks, bits), V.
    wire_ratio, load_ratio, bend
        Capacitance of the rail per column, and of the converter, over that of a column's output; what the
        discharge of the outputs takes off it (1/V).
    reference_drops
        Of the converter that was simulated, rising (references,), V; its thresholds in between are a straight
        line over the reference.
    thresholds
        At which the code turns (references, 2**bits − 1), V.
    threshold_uncertainty
        Within which they are known (steps).
    residual
        Rms of the rails' differences that were simulated, from these numbers (V).
    """

    pulses: Array
    gain: Array
    loading: Array
    common: Array
    word_line: Array
    wire_ratio: float
    load_ratio: float
    bend: float
    reference_drops: Array
    thresholds: Array
    threshold_uncertainty: float
    residual: float

    def __post_init__(self) -> None:
        bits = np.size(self.pulses)
        shapes = {
            "pulses": (bits,),
            "gain": ("codes",),
            "loading": (2**bits, np.size(self.gain)),
            "common": (np.size(self.gain),),
            "word_line": ("blocks", bits),
            "reference_drops": ("references",),
            "thresholds": (np.size(self.reference_drops), "thresholds"),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, kept_array(name, getattr(self, name), shape))
        if np.size(self.reference_drops) < 2 or (np.diff(self.reference_drops) <= 0).any():
            raise ParameterError(
                f"references {self.reference_drops}", place="forward pass", remedy="give two, rising"
            )

    @property
    def most_columns(self) -> int:
        """That may share charge."""
        return BLOCK * (len(self.word_line) - 1)

    @property
    def input_bits(self) -> int:
        """Of an input's code."""
        return len(self.gain).bit_length() - 1

    @property
    def converter_bits(self) -> int:
        """Of the converter's code, its sign included."""
        return int(self.thresholds.shape[1]).bit_length()

    def capacitance(self, columns: Array, common: Array | None = None) -> Array:
        """Of the rail where so many columns share, over that of a column's output.

        ``common`` is the sum of their ``common`` (V); that of inputs of all codes alike if not given.
        """
        sums = columns * float(self.common[1:].mean()) if common is None else common
        return columns * (1 + self.wire_ratio) + self.load_ratio - self.bend * sums

    def thresholds_at(self, reference_drop: float) -> Array:
        """Thresholds (2**bits − 1,), V, with the converter's reference so far (V) below the supply.

        Raises
        ------
        ParameterError
            Beyond the references that were simulated.
        """
        low, high = self.reference_drops[[0, -1]]
        if not low <= reference_drop <= high:
            raise ParameterError(
                f"a reference {reference_drop:g} V below the supply",
                place="reference_drop",
                remedy=f"use {low:g} to {high:g} V, which were simulated",
            )
        rows = [np.interp(reference_drop, self.reference_drops, row) for row in self.thresholds.T]
        return np.array(rows)


@dataclass(frozen=True, eq=False)
class Passes:
    """Passes that were simulated, and their columns one after another.

    Attributes
    ----------
    sampled
        Rails' difference (passes,), V.
    number, word, code
        Of each column the pass, the word and the input's code (columns,).
    outputs
        Discharge of both outputs before they share (columns, 2), V.
    """

    sampled: Array
    number: Array
    word: Array
    code: Array
    outputs: Array


def fit_passes(passes: Passes, discharge: Array, codes: int) -> dict[str, Any]:
    """What `ForwardPass` takes of the rails and the products, ``residual`` among it, by least squares.

    A word and its complement exchange both lines: their products are taken as opposite, from passes of the
    most frequent number of columns.

    Parameters
    ----------
    discharge
        Of a slice's words by the bit lines' model: complement's less line's (words,), V.
    codes
        Of an input.

    Raises
    ------
    FitError
        If a word was not simulated with some input.
    """
    low, high = passes.outputs.T
    columns = np.bincount(passes.number)

    def summed(values: Array) -> Array:
        return np.bincount(passes.number, weights=values)

    rails = passes.sampled
    design = [rails * columns, rails, -rails * summed(low + high), -summed(high**2 - low**2)]
    (wire, load, bend, square), *_ = np.linalg.lstsq(np.stack(design, axis=1), summed(high - low), rcond=None)
    words = len(discharge)
    common = np.bincount(passes.code, weights=low + high, minlength=codes)
    common = common / np.maximum(np.bincount(passes.code, minlength=codes), 1)
    total, seen = np.zeros((2, words, codes))
    alike = columns[passes.number] == np.bincount(columns).argmax()
    product = high - low + square * (high**2 - low**2)
    for word, code, one in zip(passes.word[alike], passes.code[alike], product[alike], strict=True):
        for place, sign in ((word, 1), (words - 1 - word, -1)):
            total[place, code] += sign * one
            seen[place, code] += 1
    if not seen[:, 1:].all():
        raise FitError(
            f"{int((seen[:, 1:] == 0).sum())} products of words and inputs were not simulated",
            remedy="simulate each word, or its complement, with each input",
        )
    products = total / np.maximum(seen, 1)
    gain = discharge @ products / (discharge @ discharge)
    again = summed(products[passes.word, passes.code])
    left = again / (columns * wire + load - bend * summed(common[passes.code])) - rails
    left = left[columns == np.bincount(columns).argmax()]
    return {
        "gain": gain,
        "loading": products - discharge[:, None] * gain,
        "common": common,
        "wire_ratio": float(wire - 1),
        "load_ratio": float(load),
        "bend": float(bend),
        "residual": float(np.sqrt(np.mean(left**2))),
    }
