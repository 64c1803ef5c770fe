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
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import checked_count, checked_number
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


def occupancy(times: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Fraction of [start, stop] during which each input is on, shaped as ``times``."""
    return np.clip((stop - times) / (stop - start), 0.0, 1.0)


def dstd_membrane(
    times: np.ndarray,
    stacked: np.ndarray,
    discretisation: Discretisation,
    initial: ArrayLike = 0.0,
    offset: float = 0.0,
) -> np.ndarray:
    """Membranes at the end of the phase, (batch, out).

    Parameters
    ----------
    times
        Input spike times (batch, in), in [0, 1].
    stacked
        [Wᵀ, (W/E)ᵀ] side by side, (in, 2·out): one matrix product per interval gives g and f.
    discretisation, offset
        Intervals; see :meth:`Discretisation.edges`.
    initial
        v(0), broadcastable to (batch, out).
    """
    batch, outputs = len(times), stacked.shape[1] // 2
    v = np.array(np.broadcast_to(np.asarray(initial, dtype=float), (batch, outputs)))
    intervals = list(pairwise(discretisation.edges(offset)))
    together = min(len(intervals), max(1, _ROWS // max(batch, 1)))
    u_buffer = np.empty((together * batch, len(stacked)))
    sums_buffer = np.empty((together * batch, 2 * outputs))
    for first in range(0, len(intervals), together):
        group = intervals[first : first + together]
        u, sums = u_buffer[: len(group) * batch], sums_buffer[: len(group) * batch]
        for number, (start, stop) in enumerate(group):
            u[number * batch : (number + 1) * batch] = occupancy(times, start, stop)
        np.matmul(u, stacked, out=sums)
        if discretisation.order == 3:
            moments = (u * (1.0 - u)) @ stacked
            halves = np.repeat([0.5 * (stop - start) for start, stop in group], batch)[:, None]
            g, f = sums[:, :outputs], sums[:, outputs:]
            g += halves * (f * moments[:, :outputs] - moments[:, outputs:] * g)
        for number, (start, stop) in enumerate(group):
            interval = sums[number * batch : (number + 1) * batch]
            g, f = interval[:, :outputs], interval[:, outputs:]
            change = phi(f * (stop - start))
            change *= stop - start
            change *= g - f * v
            v += change
    return v
