"""Conjugate gradients on the bit lines, with every line solved exactly: few iterations, no matrix.

Word lines are eliminated exactly (`Ladders`), bit lines alone are the preconditioner. With W and B the
exact solutions of word and bit lines whose cells are held at 0 V at the far side, the system for the bit
lines' voltages is (B⁻¹ - G W G) b = f. Its product with a direction is formed from a recurrence for B⁻¹p,
so that B⁻¹ itself, which an ideal bit line does not have, is never needed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cimspice.crossbar.emulator.lines import Ladders
from cimspice.crossbar.emulator.wires import Wires
from cimspice.errors import CimspiceError

TOLERANCE = 1e-13
"""Root mean square of the error that the last correction leaves, relative to that of the voltages."""

LEFT = 16.0
"""Once it is applied, the correction of a step leaves at most d of itself, where the preconditioned spectrum
lies between 1 - d and 1. A step of conjugate gradients shrinks it by about d/4, which is observed: the square
of what is left is then 16 times the square of that ratio. One quick step alone does not count: it may only
show that the currents hardly reach the slow modes (a line that hangs on nothing but cells, say), so the
slower of the last two steps is believed, and nothing before there are two."""

ROUNDING = 2.0**-51
"""Of a cell's voltage beside the larger of its nodes."""

LIMIT = 5000
"""Iterations before giving up; ordinary arrays take 4 to 30."""


class CrossbarNonConvergence(CimspiceError):
    """An iteration for a crossbar's voltages did not reach its tolerance."""


def deviations(
    conductances: np.ndarray, wires: Wires, currents: np.ndarray, tolerance: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """Voltages at all nodes when every terminal is at 0 V and each cell carries an extra current.

    Parameters
    ----------
    conductances
        Cells (rows, columns), or each vector's own (batch, rows, columns), siemens, finite.
    wires
        Segments.
    currents
        Extra current of each cell from its word line to its bit line (batch, rows, columns), A. For
        word lines driven at V that is ``G * V``, and word line voltages are then V plus what is returned.
    tolerance
        Root mean square of the error of bit line voltages, relative to that of the voltages.

    Returns
    -------
    tuple
        Word line nodes and bit line nodes (batch, rows, columns), V.
    """
    if conductances.ndim == 2:
        return _shared(conductances, wires, currents, tolerance)
    solved = [_shared(g, wires, i[None], tolerance) for g, i in zip(conductances, currents, strict=True)]
    return np.concatenate([word for word, _ in solved]), np.concatenate([bit for _, bit in solved])


def binary_scale(voltages: np.ndarray) -> np.ndarray:
    """Power of two near the largest entry of each vector (batch, rows): (batch,).

    The iteration compares squares, which underflow or overflow where voltages are extreme; a power of two
    divides without loss.
    """
    largest = np.abs(voltages).max(axis=1, initial=0.0)
    return np.ldexp(1.0, np.frexp(largest)[1])


def _shared(g, wires: Wires, currents, tolerance) -> tuple[np.ndarray, np.ndarray]:
    word = Ladders.of(g, wires.word).solve
    bit_ladders = Ladders.of(g.T, wires.bit.T)

    def bit(flow: np.ndarray) -> np.ndarray:
        return bit_ladders.solve(flow.swapaxes(1, 2)).swapaxes(1, 2)

    residual = currents - g * word(currents)
    voltage, direction, image = (np.zeros(currents.shape) for _ in range(3))
    before = np.ones(len(currents))
    earlier = previous = np.full(len(currents), 1e-200)
    active = np.ones(len(currents), dtype=bool)
    for step in range(LIMIT):
        correction = bit(residual)
        product = _dot(residual, correction)
        size, reach = _dot(correction, correction), _dot(voltage, voltage)
        left = size * np.minimum(1.0, LEFT * np.maximum(size / earlier, earlier / previous))
        arriving = active & ~((left > tolerance**2 * reach) & (product > 0))
        voltage[arriving] += correction[arriving]
        active &= ~arriving
        if not active.any():
            break
        previous, earlier = earlier, np.maximum(size, 1e-200)
        share = np.where(active & (step > 0), product / np.where(before > 0, before, 1), 0.0)
        direction = correction + share[:, None, None] * direction
        image = residual + share[:, None, None] * image
        change = image - g * word(g * direction)
        curvature = _dot(direction, change)
        length = np.divide(product, curvature, out=np.zeros_like(product), where=active & (curvature > 0))
        voltage += length[:, None, None] * direction
        residual -= length[:, None, None] * change
        before = product
    else:
        raise not_converged()
    return word(g * voltage - currents), voltage


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("bij,bij->b", a, b)


def not_converged() -> CrossbarNonConvergence:
    """What is raised after `LIMIT` iterations."""
    return CrossbarNonConvergence(
        f"conjugate gradients took more than {LIMIT} iterations",
        place="crossbar",
        remedy="cells conduct far better than the wires: ask for currents alone (method='merge')",
    )


def deviations_solver(compiled: bool) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """`deviations`, compiled or this one."""
    if not compiled:
        return deviations
    from cimspice.crossbar.emulator import conjugate_compiled

    return conjugate_compiled.deviations
