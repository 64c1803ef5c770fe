"""What a learning step and forward passes give in the emulator and in ngspice, side by side."""

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array


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
    """One sample learnt by emulator and circuit."""

    rails: Pair
    codes: Pair
    """``rails``, ``codes``: of the forward pass, all layers: difference of the rails (V), converter codes."""
    errors: Pair
    """Whole errors of the outputs."""
    transposed: Pair
    """Complement minus line of the transposed reads (V), of the circuit's error."""
    gradient: Pair
    """Wanted change of the weights, all layers."""
    words: Pair
    """After the update, all layers."""
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
    """Flowers through the trained Iris network."""

    rails: Pair
    codes: Pair
    """``rails``, ``codes``: as in :class:`StepComparison`."""
    classes: Pair
    """Of every flower."""
    labels: Array
    """What they are."""
    seconds: float
    emulator_seconds: float
