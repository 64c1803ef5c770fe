"""Differentiable spike-time discretisation (DSTD): fixed intervals and matrix products instead of sorting.

Each interval takes, of every input, the fraction u of it during which that input is on; then the exact
exponential step with f and g averaged over the interval (Sakemi et al., arXiv 2412.09010). The total charge
is exact, so an infinite E has no error at all; otherwise it is O(Δτ² |E|⁻¹), as long as Σ|w|/|E| · Δτ stays
below about one.

Order 3 keeps the first moments of f and g in the interval too. The membrane's equation is a flow of affine
maps, whose second Magnus term is one commutator: it adds (h/2)(f·g₁ − f₁·g) to g, with g₁ = Σ w u(1 − u) and
f₁ likewise. It costs twice the products of order 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import checked_count, checked_number, like, namespace
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.relaxation import phi

_ROWS = 400  # samples × intervals in one matrix product: enough for its full speed


@dataclass(frozen=True)
class Discretisation:
    """How DSTD cuts the phase."""

    steps: int = 10
    """M, intervals of length Δτ = 1/M."""
    order: int = 2
    """2 (plain) or 3 (with the commutator of first moments)."""

    def __post_init__(self) -> None:
        checked_count("steps", self.steps, place="Discretisation.steps")
        if self.order not in (2, 3):
            raise ParameterError(f"order = {self.order}", place="Discretisation.order", remedy="give 2 or 3")

    def edges(self, offset: float = 0.0) -> np.ndarray:
        """Edges T_m = mΔτ − offset of the intervals, cut to [0, 1].

        ``offset`` in [0, Δτ) is drawn anew per mini-batch in training. Above zero it makes one interval
        more: the first and the last are short.
        """
        width = 1.0 / self.steps
        offset = checked_number("offset", offset, low=0, below=width, place="Discretisation.edges")
        inner = np.arange(1, self.steps + 1) * width - offset
        sliver = 1e-9 * width  # what rounding leaves of an interval
        return np.concatenate([[0.0], inner[(inner > sliver) & (inner < 1.0 - sliver)], [1.0]])


def occupancy(times: Any, starts: Any, stops: Any) -> Any:
    """Fraction of each interval during which each input is on: (intervals, batch, in).

    ``times`` (batch, in), ``starts`` and ``stops`` (intervals,) are of one array library.
    """
    late = stops[:, None, None]
    return namespace(times).clip((late - times[None, :, :]) / (late - starts[:, None, None]), 0.0, 1.0)


def dstd_membrane(
    times: Any, weights: Any, conductance: Any, discretisation: Discretisation, v: Any, offset: float = 0.0
) -> Any:
    """Membranes at the end of the phase, (batch, out), in whatever array library the arguments are of.

    Parameters
    ----------
    times
        Input spike times (batch, in), in [0, 1].
    weights, conductance
        w and w/E, each (out, in), normalised.
    discretisation, offset
        Intervals; see :meth:`Discretisation.edges`.
    v
        v(0), (batch, out).
    """
    xp = namespace(times)
    edges = discretisation.edges(offset)
    widths = np.diff(edges)
    (batch, inputs), outputs = times.shape, weights.shape[0]
    together = max(1, _ROWS // max(batch, 1))
    for first in range(0, len(widths), together):
        steps = widths[first : first + together]
        last = first + len(steps)
        u = occupancy(times, like(edges[first:last], times), like(edges[first + 1 : last + 1], times))
        u = xp.reshape(u, (len(steps) * batch, inputs))
        g, f = u @ weights.T, u @ conductance.T
        if discretisation.order == 3:
            moments = u * (1.0 - u)
            halves = like(0.5 * np.repeat(steps, batch)[:, None], times)
            g = g + halves * (f * (moments @ weights.T) - (moments @ conductance.T) * g)
        g, f = (xp.reshape(each, (len(steps), batch, outputs)) for each in (g, f))
        for number, step in enumerate(steps.tolist()):
            v = v + (g[number, ...] - f[number, ...] * v) * (phi(f[number, ...] * step) * step)
    return v
