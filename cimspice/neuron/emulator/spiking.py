"""Exact solution of the RC-Spike membrane: event-driven, vectorised over batch and neurons.

dv/dt = Σ_i w_i (1 − v/E_i) θ(t − t_i) (Sakemi et al., arXiv 2412.09010). Between sorted spikes, with g = Σ
w_i and f = Σ w_i/E_i over the spikes already in, v relaxes exponentially; written as v + (g − f v) Δt φ(f
Δt) the step is exact for every f ≥ 0 and loses no digits as f → 0.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from cimspice.neuron.emulator.relaxation import phi


def exact_membrane(
    times: np.ndarray, weights: np.ndarray, conductance: np.ndarray, initial: ArrayLike = 0.0
) -> np.ndarray:
    """Membranes at the end of the phase.

    Parameters
    ----------
    times
        Input spike times (batch, in), in [0, 1].
    weights, conductance
        w and w/E, each (out, in), normalised.
    initial
        v(0), broadcastable to (batch, out).

    Returns
    -------
    v(1), (batch, out). Cost O(batch · in · out); memory a few (batch, out) arrays.
    """
    order = np.argsort(times, axis=1)
    gaps = np.diff(np.take_along_axis(times, order, axis=1), axis=1, append=1.0)
    v = _start(initial, times.shape[0], weights.shape[0])
    for k, (g, f) in enumerate(_accumulated(order, weights, conductance)):
        step = gaps[:, k : k + 1]
        v += (g - f * v) * step * phi(f * step)
    return v


def exact_trace(
    times: np.ndarray,
    weights: np.ndarray,
    conductance: np.ndarray,
    instants: np.ndarray,
    initial: ArrayLike = 0.0,
) -> np.ndarray:
    """Membranes v(t) at ``instants`` (points,) in [0, 1]; (batch, points, out), exact at every instant."""
    batch, inputs = times.shape
    points = len(instants)
    # an instant is a spike of weight zero: it cuts an interval and changes nothing
    silent = np.zeros((weights.shape[0], points))
    all_times = np.concatenate([times, np.broadcast_to(instants, (batch, points))], axis=1)
    order = np.argsort(all_times, axis=1, kind="stable")
    gaps = np.diff(np.take_along_axis(all_times, order, axis=1), axis=1, prepend=0.0)
    accumulated = _accumulated(order, np.hstack([weights, silent]), np.hstack([conductance, silent]))
    v = _start(initial, batch, weights.shape[0])
    g, f = np.zeros_like(v), np.zeros_like(v)
    trace = np.empty((batch, points, weights.shape[0]))
    for k, (g_after, f_after) in enumerate(accumulated):
        step = gaps[:, k : k + 1]
        v += (g - f * v) * step * phi(f * step)
        g[:], f[:] = g_after, f_after
        event = order[:, k]
        rows = np.flatnonzero(event >= inputs)
        trace[rows, event[rows] - inputs] = v[rows]
    return trace


def _accumulated(
    order: np.ndarray, weights: np.ndarray, conductance: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Running sums g and f (batch, out) after each event; always the same two arrays, updated."""
    by_input, conductance_by_input = weights.T, conductance.T
    g = np.zeros((order.shape[0], weights.shape[0]))
    f = np.zeros_like(g)
    for k in range(order.shape[1]):
        index = order[:, k]
        g += by_input[index]
        f += conductance_by_input[index]
        yield g, f


def _start(initial: ArrayLike, batch: int, outputs: int) -> np.ndarray:
    return np.array(np.broadcast_to(np.asarray(initial, dtype=float), (batch, outputs)))
