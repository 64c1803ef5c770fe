"""What a learning step and forward passes give in the emulator and in ngspice, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Pair:
    """A quantity from both."""

    measured: Array
    predicted: Array

    @property
    def percent(self) -> float:
        """Root mean square of the difference, in percent of the largest that was measured."""
        error = float(np.sqrt(np.mean((self.predicted - self.measured) ** 2)))
        return 100 * error / float(np.abs(self.measured).max()) if error else 0.0

    @property
    def differ(self) -> int:
        """How many are not equal."""
        return int((self.measured != self.predicted).sum())


@dataclass(frozen=True, eq=False)
class StepComparison:
    """One sample learnt by emulator and circuit.

    Attributes
    ----------
    rails, codes
        Of the forward pass, all layers: difference of the rails (V), converter codes.
    errors
        Whole errors of the outputs.
    transposed
        Complement minus line of the transposed reads (V), of the circuit's error.
    gradient
        Wanted change of the weights, all layers.
    words
        After the update, all layers.
    """

    rails: Pair
    codes: Pair
    errors: Pair
    transposed: Pair
    gradient: Pair
    words: Pair
    changed_bits: int
    written: bool
    flipped: int
    seconds: float

    @property
    def bits_differ(self) -> int:
        """Bits of the updated words that differ."""
        return int(np.bitwise_count(self.words.measured ^ self.words.predicted).sum())


@dataclass(frozen=True, eq=False)
class ForwardComparison:
    """Flowers through the trained Iris network.

    Attributes
    ----------
    rails, codes
        As in :class:`StepComparison`.
    classes
        Of every flower.
    labels
        What they are.
    """

    rails: Pair
    codes: Pair
    classes: Pair
    labels: Array
    seconds: float
    emulator_seconds: float
