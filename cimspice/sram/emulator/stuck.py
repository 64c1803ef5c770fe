"""Hidden neurons that stay at a limit whatever the sample, found by flags of their own.

A rectifier that is 0 for every sample passes no error, so it never learns again ("dying ReLU": Lu et al.,
Commun. Comput. Phys. 28 (2020) 1671); one that is always full is a constant. Passing errors to every neuron
that is at a limit just now would make the layer linear. So only those get errors that have been at the same
limit for a whole period.
"""

from dataclasses import dataclass, field

import numpy as np

from cimspice.arrays import Array


@dataclass(eq=False)
class StuckFlags:
    """Of one hidden layer: two flip-flops per neuron and limit, and a counter of samples for all."""

    _seen: int = field(default=0, init=False)
    _left: Array | None = field(default=None, init=False)
    _stuck: Array | None = field(default=None, init=False)

    def passes(self, signal: Array, largest: float, errors: Array, period: int) -> Array:
        """Which neurons learn from a sample, which is taken note of.

        Parameters
        ----------
        signal
            Of each neuron, shape (chips, neurons).
        largest
            Upper limit of the signal; the lower is 0.
        errors
            Positive to lift the signal, same shape.
        period
            In samples; 0: no neuron is ever found stuck.

        Returns
        -------
        Array
            True for those within the limits, and for those whose error leads away from a limit that they
            have been at for a whole period, and still are; same shape.
        """
        away = np.stack([signal > 0, signal < largest])
        if self._left is None or self._stuck is None:
            self._left, self._stuck = np.zeros_like(away), np.zeros_like(away)
        self._left |= away
        self._stuck &= ~away
        silent, full = self._stuck
        found = away.all(axis=0) | (silent & (errors > 0)) | (full & (errors < 0))
        self._seen += 1
        if self._seen == period:
            self._stuck, self._left, self._seen = ~self._left, np.zeros_like(away), 0
        return found
