"""DSTD with its derivatives: back-propagation through the fixed intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.neuron.emulator.dstd import Discretisation, occupancy
from cimspice.neuron.emulator.relaxation import phi, psi


@dataclass(frozen=True)
class DstdPass:
    """Forward pass with what the backward pass needs.

    ``path`` (intervals, batch, out) is v at the start of each interval; ``membrane`` (batch, out) is v(1).
    """

    weights: np.ndarray
    inverse: np.ndarray
    discretisation: Discretisation
    edges: np.ndarray
    occupancies: np.ndarray
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
    ) -> DstdPass:
        """Spike times (batch, in), weights and 1/E of each weight (out, in); v(0) = 0."""
        edges = discretisation.edges(offset)
        occupancies = occupancy(times, edges[:-1], edges[1:])
        path = np.empty((len(occupancies), len(times), len(weights)))
        partial = cls(weights, inverse, discretisation, edges, occupancies, path, np.empty(0))
        v = np.zeros(path.shape[1:])
        for m, step in enumerate(np.diff(edges)):
            path[m] = v
            g, f, _ = partial._sums(m)
            v = v + (g - f * v) * step * phi(f * step)
        return cls(weights, inverse, discretisation, edges, occupancies, path, v)

    def _sums(self, m: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        """Effective g and f of interval m, and what the commutator was made of (empty at order 2)."""
        conductance = (self.weights * self.inverse).T
        u = self.occupancies[m]
        g, f = u @ self.weights.T, u @ conductance
        if self.discretisation.order == 2:
            return g, f, ()
        moments = u * (1.0 - u)
        g_moment, f_moment = moments @ self.weights.T, moments @ conductance
        half = 0.5 * (self.edges[m + 1] - self.edges[m])
        return g + half * (f * g_moment - f_moment * g), f, (g, g_moment, f_moment)

    def backward(
        self, grad_membrane: np.ndarray, grad_path: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """∂L/∂times (batch, in) and ∂L/∂weights (out, in), from ∂L/∂v(1) and, if any, ∂L/∂path."""
        adjoint = grad_membrane.copy()
        conductance = self.weights * self.inverse
        grad_weights, grad_conductances = np.zeros((2, *self.weights.shape))
        grad_times = np.zeros(self.occupancies.shape[1:])
        for m in reversed(range(len(self.occupancies))):
            step, u, v = self.edges[m + 1] - self.edges[m], self.occupancies[m], self.path[m]
            g, f, moments = self._sums(m)
            x = f * step
            decay = np.exp(-x)
            grad_g = adjoint * step * phi(x)
            grad_f = -adjoint * step * (v * decay + g * step * psi(x))
            adjoint *= decay
            if grad_path is not None:
                adjoint += grad_path[m]
            grad_u = 0.0
            if moments:
                plain_g, g_moment, f_moment = moments
                grad_f += grad_g * 0.5 * step * g_moment
                grad_g_moment, grad_f_moment = grad_g * 0.5 * step * f, grad_g * -0.5 * step * plain_g
                grad_g = grad_g * (1.0 - 0.5 * step * f_moment)
                products = u * (1.0 - u)
                grad_weights += grad_g_moment.T @ products
                grad_conductances += grad_f_moment.T @ products
                grad_u = (1.0 - 2.0 * u) * (grad_g_moment @ self.weights + grad_f_moment @ conductance)
            grad_weights += grad_g.T @ u
            grad_conductances += grad_f.T @ u
            grad_u = grad_u + grad_g @ self.weights + grad_f @ conductance
            grad_times -= np.where((u > 0) & (u < 1), grad_u / step, 0.0)
        return grad_times, grad_weights + grad_conductances * self.inverse
