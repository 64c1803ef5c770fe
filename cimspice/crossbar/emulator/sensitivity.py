"""How column currents depend on cells: gradients by the adjoint array, and new cells without a new solution.

Both rest on reciprocity. Let x be the voltage across each cell for the inputs, and y the one when the sense
terminals are driven with weights and the word lines held at 0 V (the adjoint array). Then the derivative of
the weighted column current with respect to a conductance is -x y (Tellegen's theorem; S. W. Director and R.
A. Rohrer, IEEE Trans. Circuit Theory 16 (1969) 318). A change of k cells is a correction of rank k
(Woodbury's identity).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cimspice.crossbar.emulator.iterated import inside

if TYPE_CHECKING:
    from cimspice.crossbar.emulator.array import Crossbar


def conductance_gradient(crossbar: Crossbar, voltages: np.ndarray, upstream: np.ndarray) -> np.ndarray:
    """Derivative of sum(upstream * currents(voltages)) with respect to every conductance.

    Parameters
    ----------
    voltages
        (batch, rows), V.
    upstream
        (batch, columns), per ampere.

    Returns
    -------
    np.ndarray
        (rows, columns), per siemens.

    Notes
    -----
    Only the outer product of both matters, so at most min(batch, rows, columns) pairs of vectors are solved.
    """
    rows, columns = crossbar.shape
    if len(voltages) > min(rows, columns):
        product = voltages.T @ upstream
        voltages, upstream = (np.eye(rows), product) if rows <= columns else (product.T, np.eye(columns))
    gradient = np.zeros(crossbar.shape)
    for part in crossbar.chunks(len(voltages)):
        at_ground = np.zeros((part.stop - part.start, columns)), np.zeros((part.stop - part.start, rows))
        forward = inside(crossbar, voltages[part], at_ground[0]).across
        adjoint = inside(crossbar, at_ground[1], upstream[part]).across
        gradient -= np.einsum("bij,bij->ij", forward, adjoint)
    return gradient


def updated_matrix(
    crossbar: Crossbar, matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray, change: np.ndarray
) -> np.ndarray:
    """Effective conductance after cells (rows[k], columns[k]) have changed by ``change[k]`` siemens.

    A unit current forced through each changed cell gives the voltages across all of them and, by reciprocity,
    what the terminals bring to that cell and take from it.
    """
    count = len(rows)
    coupling = np.empty((count, count))
    brought, taken = np.empty((count, crossbar.shape[0])), np.empty((count, crossbar.shape[1]))
    for part in crossbar.chunks(count):
        forced = np.zeros((part.stop - part.start, *crossbar.shape))
        forced[np.arange(len(forced)), rows[part], columns[part]] = 1.0
        word, bit = crossbar.responses(forced)
        across = word - bit
        coupling[:, part] = across[:, rows, columns].T
        currents = forced + crossbar.conductances * across
        brought[part], taken[part] = currents.sum(axis=2), currents.sum(axis=1)
    flow = np.linalg.solve(np.eye(count) - change[:, None] * coupling, change[:, None] * brought)
    return matrix + flow.T @ taken
