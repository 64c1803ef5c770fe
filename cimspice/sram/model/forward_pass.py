"""A neuron's forward pass as one circuit: what its rails differ by, and where its converter's code turns.

A column whose input is 0 keeps its output switch open. With n others that share their charge the rails differ
by Σ_c product[word_c, input_c] / (n (1 + wire_ratio) + load_ratio). A product is what the bit lines' model
gives of the word, times a gain of the input's code, plus ``loading``: what else the multiplier does, and the
parts to each other, in the whole circuit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, kept_array
from cimspice.errors import FitError, ParameterError

MOST_COLUMNS = 64
"""Of an array, on one pair of rails."""


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
    wire_ratio, load_ratio
        Capacitance of the rail per column, and of the converter, over that of a column's output.
    reference_drops
        Of the converter that was simulated, rising (references,), V; its thresholds in between are a straight
        line over the reference.
    thresholds
        At which the code turns (references, 2**bits − 1), V.
    threshold_uncertainty
        Within which they are known (V).
    residual
        Rms of the rails' differences that were simulated, from these numbers (V).
    """

    pulses: Array
    gain: Array
    loading: Array
    wire_ratio: float
    load_ratio: float
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
    def input_bits(self) -> int:
        """Of an input's code."""
        return len(self.gain).bit_length() - 1

    @property
    def converter_bits(self) -> int:
        """Of the converter's code, its sign included."""
        return int(self.thresholds.shape[1]).bit_length()

    def products(self, discharge: Array) -> Array:
        """Of every word and input code (words, codes), V, from what the bit lines' model gives of the words:
        the complement's discharge less the line's (words,), V."""
        return discharge[:, None] * self.gain + self.loading

    def capacitance(self, columns: Array) -> Array:
        """Of rail and converter where so many columns share, over that of a column's output."""
        return columns * (1 + self.wire_ratio) + self.load_ratio

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
class Sums:
    """Of passes that were simulated: rails' difference as sampled (passes,), V; and of each of their columns
    pass, word, input code, and the difference of both outputs (columns,), V."""

    sampled: Array
    number: Array
    word: Array
    code: Array
    output: Array


def fit_products(sums: Sums, discharge: Array, codes: int) -> tuple[Array, Array, float, float, float]:
    """Gains, loading, ratios of wire and load, and the residual (V), for words' ``discharge`` by the bit
    lines' model (words,), V.

    A word and its complement exchange both lines: their products are taken as opposite.

    Raises
    ------
    FitError
        If a word was not simulated with some input, or columns were few in kinds.
    """
    words = len(discharge)
    total, count = np.zeros((2, words, codes))
    for word, code, output in zip(sums.word, sums.code, sums.output, strict=True):
        for place, sign in ((word, 1), (words - 1 - word, -1)):
            total[place, code] += sign * output
            count[place, code] += 1
    if not count[:, 1:].all():
        raise FitError(
            f"{int((count[:, 1:] == 0).sum())} products of words and inputs were not simulated",
            remedy="simulate each word, or its complement, with each input",
        )
    products = total / np.maximum(count, 1)
    gain = discharge @ products / (discharge @ discharge)
    columns = np.bincount(sums.number)
    summed = np.bincount(sums.number, weights=products[sums.word, sums.code])
    design = np.stack([sums.sampled * columns, sums.sampled], axis=1)
    (wire, load), *_ = np.linalg.lstsq(design, summed, rcond=None)
    left = summed / (columns * wire + load) - sums.sampled
    return gain, products - discharge[:, None] * gain, float(wire - 1), float(load), float(np.std(left))
