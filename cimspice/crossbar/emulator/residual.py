"""Kirchhoff's laws of a solution, evaluated along the lines without differences of node voltages.

Currents along a line are sums of its cells' currents, so that Kirchhoff's current law holds at every node as
written. The voltages that these currents bring to the nodes, beside those at which the cells' law was taken,
give through the cells' slopes the current by which law and wires disagree.
"""

from __future__ import annotations

import numpy as np

from cimspice.crossbar.emulator.conjugate import CrossbarNonConvergence
from cimspice.crossbar.emulator.solution import along
from cimspice.crossbar.emulator.wires import Wires

ACCEPTED = 1e-10
"""Residual beyond which a solution is refused, relative to the largest current."""

SURE = 1e-12
"""Residual up to which iterated solutions are taken; beyond, the network is solved directly."""


def residuals(
    wires: Wires, word, bit, cell, slope, excess: np.ndarray | None = None, *, compiled: bool = False
) -> np.ndarray:
    """Largest current of each vector that law and wires disagree by, relative to its largest current.

    Parameters
    ----------
    wires
        Segments.
    word, bit
        Voltages of nodes above those of their terminals (batch, rows, columns), V.
    cell, slope
        Currents of cells (A), derivative of their law (S), both (batch, rows, columns) or ``slope`` without
        batch.
    excess
        Current of the law beyond ``cell``, A.
    compiled
        Whether lines that are not broken are followed by the compiled loop.
    """
    slopes = np.broadcast_to(slope, cell.shape)
    if compiled and not wires.broken:
        from cimspice.crossbar.emulator import residual_compiled

        worst, largest = residual_compiled.misfits(wires, word, bit, cell, slopes, excess)
        return relative(worst, largest)
    up, up_left, up_largest = _misfit(cell, word, wires.word)
    down, down_left, down_largest = _misfit(-cell.swapaxes(1, 2), bit.swapaxes(1, 2), wires.bit.T)
    left = slopes * (up - down.swapaxes(1, 2)) + (0.0 if excess is None else excess)
    worst = np.maximum(np.abs(left).max(axis=(1, 2)), np.maximum(up_left, down_left))
    return relative(worst, np.maximum(up_largest, down_largest))


def relative(worst: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """``worst`` over ``largest``; nothing is right where nothing flows."""
    return np.divide(worst, largest, out=np.where(worst == 0, 0.0, np.inf), where=largest > 0)


def _misfit(drawn, given, segments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voltages that ``drawn`` brings to the nodes of lines less ``given`` ones, each (batch, lines, nodes).

    Also what flows into pieces of lines without a terminal, and the largest current, each (batch,).
    """
    flow = along(drawn, segments)
    broken = np.isinf(segments)
    largest = np.abs(flow).max(axis=(1, 2))
    fall = np.cumsum(np.where(broken, 0.0, segments) * flow, axis=2)
    moved = fall[:, :, :-1] + given
    first, last = broken[:, 0], broken[:, -1]
    if not (broken[:, 1:-1].any() or (first & last).any()):
        moved[:, first] -= fall[:, first, -1:]
        return -moved, np.zeros(len(drawn)), largest
    nodes = drawn.shape[2]
    last = np.maximum.accumulate(np.where(broken, np.arange(nodes + 1), -1), axis=1)
    begin = np.maximum(last[:, :-1], 0)  # first node of the piece that a node belongs to
    hangs_left, hangs_right = last[:, :-1] < 0, last[:, -1:] == last[:, :-1]
    start = np.take_along_axis(moved, np.broadcast_to(begin, drawn.shape), axis=2)
    offset = np.where(hangs_left, 0.0, np.where(hangs_right, fall[:, :, -1:], start))
    before = np.concatenate([np.zeros((*drawn.shape[:2], 1)), np.cumsum(drawn, axis=2)], axis=2)
    since = np.take_along_axis(before[:, :, :-1], np.broadcast_to(begin, drawn.shape), axis=2)
    closed = broken[:, 1:] & ~hangs_left
    left = np.where(closed, before[:, :, 1:] - since, 0.0)
    return offset - moved, np.abs(left).max(axis=(1, 2)), largest


def not_fulfilled(residual: float, line: str, row: int, column: int) -> CrossbarNonConvergence:
    """What is raised where Kirchhoff's law is not fulfilled."""
    return CrossbarNonConvergence(
        f"the currents at a node differ by {residual:.2g} of the largest current, {ACCEPTED:g} is allowed",
        place=f"{line} line node of cell ({row}, {column})",
        remedy="a law's current must rise and its conductance be the derivative of its current; give shorts "
        "and breaks as inf, or less extreme",
    )
