"""Exact solution with its adjoint: derivatives of v(1) and of v at every event, to weights and spike times.

With λ(t) = ∂L/∂v(t), which obeys λ' = f λ backwards from the end of the phase, ∂L/∂w_i = ∫ λ (1 − v/E_i) dt
from t_i to 1, and ∂L/∂t_i = −λ(t_i) w_i (1 − v(t_i)/E_i). Both integrals are closed between events, so the
gradient is exact, not that of a discretisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.neuron.emulator.relaxation import phi, psi


@dataclass(frozen=True)
class ExactPass:
    """Forward pass with what the backward pass needs.

    ``path`` (in, batch, out) is v just when each event comes, earliest first; ``membrane`` (batch, out) is
    v(1).
    """

    weights: np.ndarray
    inverse: np.ndarray
    order: np.ndarray
    gaps: np.ndarray
    g: np.ndarray
    f: np.ndarray
    path: np.ndarray
    membrane: np.ndarray

    @classmethod
    def forward(cls, times: np.ndarray, weights: np.ndarray, inverse: np.ndarray) -> ExactPass:
        """Spike times (batch, in), weights and 1/E of each weight (out, in); v(0) = 0."""
        order = np.argsort(times, axis=1)
        gaps = np.diff(np.take_along_axis(times, order, axis=1), axis=1, append=1.0)
        g = np.cumsum(weights.T[order.T], axis=0)
        f = np.cumsum((weights * inverse).T[order.T], axis=0)
        path = np.empty_like(g)
        v = np.zeros(g.shape[1:])
        for k in range(len(g)):
            path[k] = v
            step = gaps[:, k : k + 1]
            v = v + (g[k] - f[k] * v) * step * phi(f[k] * step)
        return cls(weights, inverse, order, gaps, g, f, path, v)

    def backward(
        self, grad_membrane: np.ndarray, grad_path: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """∂L/∂times (batch, in) and ∂L/∂weights (out, in), from ∂L/∂v(1) and, if any, ∂L/∂path."""
        batch, inputs = self.order.shape
        everyone = np.arange(batch)
        adjoint = grad_membrane.copy()
        decay_integral, membrane_integral = np.zeros_like(adjoint), np.zeros_like(adjoint)
        grad_times = np.empty((batch, inputs))
        grad_weights, grad_conductances = np.zeros((2, inputs, adjoint.shape[1]))
        for k in reversed(range(inputs)):
            index, step = self.order[:, k], self.gaps[:, k : k + 1]
            f, g, v = self.f[k], self.g[k], self.path[k]
            x = f * step
            decay = np.exp(-x)
            decay_integral += adjoint * step * phi(x)
            membrane_integral += adjoint * step * (v * decay + g * step * psi(x))
            adjoint *= decay
            w = self.weights.T[index]
            grad_at_event = -adjoint * w * (1.0 - self.inverse.T[index] * v)
            if grad_path is not None:
                slope = self.g[k - 1] - self.f[k - 1] * v if k else 0.0
                grad_at_event += grad_path[k] * slope
                adjoint += grad_path[k]
            grad_times[everyone, index] = grad_at_event.sum(axis=1)
            np.add.at(grad_weights, index, decay_integral)
            np.add.at(grad_conductances, index, -membrane_integral)
        return grad_times, grad_weights.T + grad_conductances.T * self.inverse
