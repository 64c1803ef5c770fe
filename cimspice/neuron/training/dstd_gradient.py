"""DSTD with its derivatives: back-propagation through the fixed intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.neuron.emulator.dstd import Discretisation

_NONE = np.empty((0, 0, 0))


@dataclass(frozen=True)
class DstdPass:
    """Forward pass with what the backward pass needs, which solves each block of neurons again.

    ``path`` (intervals, batch, out) is v at the start of each interval, where it was asked for, else (0, 0,
    0); ``membrane`` (batch, out) is v(1).
    """

    times: np.ndarray
    weights: np.ndarray
    inverse: np.ndarray
    discretisation: Discretisation
    edges: np.ndarray
    order: np.ndarray
    firsts: np.ndarray
    path: np.ndarray
    membrane: np.ndarray

    @classmethod
    def forward(
        cls,
        times: np.ndarray,
        weights: np.ndarray,
        inverse: np.ndarray,
        discretisation: Discretisation,
        offset: float = 0.0,
        keep_path: bool = False,
    ) -> DstdPass:
        """Spike times (batch, in), weights and 1/E of each weight (out, in); v(0) = 0."""
        from cimspice.neuron.training.dstd_compiled import (  # numba takes a second to load
            by_interval,
            forward,
        )

        times, weights, inverse = (_plain(each) for each in (times, weights, inverse))
        edges = discretisation.edges(offset)
        order, firsts = by_interval(times, edges)
        membrane = np.empty((len(times), len(weights)))
        path = np.empty((len(edges) - 1, *membrane.shape)) if keep_path else _NONE
        third = discretisation.order == 3
        forward(times, order, firsts, edges, weights, inverse, third, path, membrane)
        return cls(times, weights, inverse, discretisation, edges, order, firsts, path, membrane)

    def backward(
        self, grad_membrane: np.ndarray, grad_path: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """∂L/∂times (batch, in) and ∂L/∂weights (out, in), from ∂L/∂v(1) and, if any, ∂L/∂path."""
        from cimspice.neuron.training.dstd_compiled import backward  # as above

        grad_times, grad_weights = np.zeros(self.times.shape), np.empty(self.weights.shape)
        backward(
            self.times,
            self.order,
            self.firsts,
            self.edges,
            self.weights,
            self.inverse,
            self.discretisation.order == 3,
            _plain(grad_membrane),
            _NONE if grad_path is None else _plain(grad_path),
            grad_times,
            grad_weights,
        )
        return grad_times, grad_weights


def _plain(array: np.ndarray) -> np.ndarray:
    """As one kind of array, so that loops are compiled once."""
    return np.require(array, float, ("C", "W"))
