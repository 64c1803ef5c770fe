"""Exact solution of the RC-Spike membrane: event-driven, vectorised over batch and neurons.

dv/dt = Σ_i w_i (1 − v/E_i) θ(t − t_i) (Sakemi et al., arXiv 2412.09010). Between sorted spikes, with g = Σ
w_i and f = Σ w_i/E_i over the spikes already in, v relaxes exponentially; written as v + (g − f v) Δt φ(f
Δt) the step is exact for every f ≥ 0 and loses no digits as f → 0.
"""

from typing import Any

import numpy as np

from cimspice.arrays import namespace, taken
from cimspice.neuron.emulator.relaxation import phi


def exact_membrane(times: Any, weights: Any, conductance: Any, v: Any) -> Any:
    """Membranes at the end of the phase, in whatever array library the arguments are of.

    Parameters
    ----------
    times
        Input spike times (batch, in), in [0, 1].
    weights, conductance
        w and w/E, each (out, in), normalised.
    v
        v(0), (batch, out).

    Returns
    -------
    v(1), (batch, out). Cost O(batch · in · out); memory a few (batch, out) arrays (with torch's gradients,
    some of them for every input).
    """
    xp = namespace(times)
    along = xp.take_along_dim if hasattr(xp, "take_along_dim") else xp.take_along_axis
    order = xp.argsort(times, axis=1)
    starts = along(times, order, axis=1)
    by_input, conductance_by_input = weights.T, conductance.T
    g = f = 0.0
    for k in range(times.shape[1]):
        g = g + taken(by_input, order[:, k])
        f = f + taken(conductance_by_input, order[:, k])
        step = (starts[:, k + 1 : k + 2] if k + 1 < times.shape[1] else 1.0) - starts[:, k : k + 1]
        v = v + (g - f * v) * (step * phi(f * step))
    return v


def exact_trace(
    times: np.ndarray, weights: np.ndarray, conductance: np.ndarray, instants: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Membranes v(t) at ``instants`` (points,) in [0, 1] from v(0) (batch, out); (batch, points, out), exact
    at every instant.
    """
    batch, inputs = times.shape
    points = len(instants)
    # an instant is a spike of weight zero: it cuts an interval and changes nothing
    silent = np.zeros((points, weights.shape[0]))
    by_input, conductance_by_input = np.vstack([weights.T, silent]), np.vstack([conductance.T, silent])
    all_times = np.concatenate([times, np.broadcast_to(instants, (batch, points))], axis=1)
    order = np.argsort(all_times, axis=1, kind="stable")
    gaps = np.diff(np.take_along_axis(all_times, order, axis=1), axis=1, prepend=0.0)
    g, f = np.zeros_like(v), np.zeros_like(v)
    trace = np.empty((batch, points, weights.shape[0]))
    for k, event in enumerate(order.T):
        step = gaps[:, k : k + 1]
        v = v + (g - f * v) * (step * phi(f * step))
        g += by_input[event]
        f += conductance_by_input[event]
        rows = np.flatnonzero(event >= inputs)
        trace[rows, event[rows] - inputs] = v[rows]
    return trace
