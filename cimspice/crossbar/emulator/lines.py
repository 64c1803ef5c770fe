"""One family of lines as ladders: exact elimination without subtraction, from ideal wires to broken ones.

Node k of a line has a conductance g_k to elsewhere and segments r_k before and r_{k+1} behind it; both outer
terminals are at 0 V. Let z_k be the impedance seen from node k back to the first terminal, its own g_k
included. Currents c_k into the nodes then give the voltages v by one pass forth and one back::

    s_k = c_k + d_k s_{k-1}             d_k = z_{k-1} / (z_{k-1} + r_k)
    v_k = e_k s_k + d_{k+1} v_{k+1}     e_k = r_{k+1} d_{k+1}

This is an LDL' factorisation of the line's tridiagonal matrix, but it only adds and divides positive
numbers, so that a small g next to a large 1/r keeps its digits, and r = 0 or inf need no limit to be taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

solve_factored = lapack.dpttrs  # pyright: ignore[reportAttributeAccessIssue] (made by f2py)


@dataclass(frozen=True, slots=True)
class Ladders:
    """Coefficients of many lines, each (lines, nodes): ``drop`` is d (first column 0), ``gain`` e (ohms)."""

    drop: np.ndarray
    gain: np.ndarray

    @classmethod
    def of(cls, leak: np.ndarray, segments: np.ndarray) -> Ladders:
        """From conductances (lines, nodes), siemens, and segments (lines, nodes + 1), ohms."""
        lines, nodes = leak.shape
        drop, gain = np.zeros((2, lines, nodes))
        seen = np.zeros(lines)  # impedance before node 0: the terminal itself
        with np.errstate(divide="ignore", invalid="ignore"):
            for node in range(nodes + 1):
                r = segments[:, node]
                total = seen + r
                ratio = np.where(np.isinf(seen), np.where(np.isinf(r), 0.0, 1.0), seen / total)
                ratio = np.where(total == 0, 0.0, ratio)
                if node:
                    isolated = np.where(np.isinf(seen), 0.0, seen)  # nothing ever flows there
                    gain[:, node - 1] = np.where(np.isinf(r), isolated, r * ratio)
                if node < nodes:
                    drop[:, node] = ratio if node else 0.0
                    seen = 1 / (leak[:, node] + 1 / total)
        return cls(drop, gain)

    def solve(self, currents: np.ndarray) -> np.ndarray:
        """Voltages (batch, lines, nodes) of currents into the nodes, of the same shape (A)."""
        lines, nodes = self.drop.shape
        if lines * nodes == 1:
            return self.gain * currents
        drop = -self.drop.ravel()[1:]
        with np.errstate(divide="ignore"):
            pivot = 1 / self.gain.ravel()
        flat = currents.reshape(len(currents), lines * nodes)
        solved, _ = solve_factored(pivot, drop, np.array(flat.T, order="F"), overwrite_b=True)
        return np.ascontiguousarray(solved.T).reshape(currents.shape)
