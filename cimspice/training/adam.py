"""Adam (Kingma and Ba, arXiv 1412.6980)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cimspice.arrays import checked_number


class Adam:
    """Moments of a list of parameter arrays.

    Parameters
    ----------
    parameters
        Arrays that :meth:`step` changes in place.
    decay
        β₁ and β₂.
    epsilon
        Floor of the root mean square gradient.
    """

    def __init__(
        self,
        parameters: Sequence[np.ndarray],
        decay: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        for name, value in zip(("first decay", "second decay"), decay, strict=True):
            checked_number(name, value, low=0, below=1, place="Adam.decay")
        checked_number("epsilon", epsilon, above=0, place="Adam.epsilon")
        self.parameters, self.decay, self.epsilon = list(parameters), decay, epsilon
        self._mean = [np.zeros_like(p) for p in self.parameters]
        self._square = [np.zeros_like(p) for p in self.parameters]
        self._steps = 0

    def step(self, gradients: Sequence[np.ndarray], learning_rate: float) -> None:
        """One step; ``learning_rate`` is in the parameters' own unit."""
        self._steps += 1
        first, second = self.decay
        unbiased_mean, unbiased_square = 1 / (1 - first**self._steps), 1 / (1 - second**self._steps)
        for p, gradient, mean, square in zip(
            self.parameters, gradients, self._mean, self._square, strict=True
        ):
            mean += (1 - first) * (gradient - mean)
            square += (1 - second) * (gradient**2 - square)
            p -= learning_rate * unbiased_mean * mean / (np.sqrt(unbiased_square * square) + self.epsilon)
