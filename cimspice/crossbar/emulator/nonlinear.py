"""Crossbars of non-linear cells: Newton's method on top of the linear solver, all inputs at once.

Between steps the wires' equations hold for the currents of the last linearisation, so that what is left to
correct is, cell by cell, the law's current minus that one. A step is a linear array with that excess as extra
currents; steps of vectors that have arrived cost nothing. Vectors that do not arrive, or that miss
Kirchhoff's laws where they do, are solved directly one by one (`cimspice.crossbar.emulator.network`).
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.crossbar.emulator import cost
from cimspice.crossbar.emulator.cells import CellLaw, SinhCell
from cimspice.crossbar.emulator.conjugate import CrossbarNonConvergence, deviations_solver
from cimspice.crossbar.emulator.given import checked_voltages, use_compiled
from cimspice.crossbar.emulator.network import Network
from cimspice.crossbar.emulator.residual import ACCEPTED, SURE, residuals
from cimspice.crossbar.emulator.solution import Solution
from cimspice.crossbar.emulator.wires import Contacts, Drive, Sense, Wires
from cimspice.errors import ParameterError

LIMIT = 60
"""Newton steps; ordinary cells take 4 to 7."""

_CHUNK_BYTES = 2**22  # of one array (vectors, rows, columns): the dozen in use stay near the processor
_LINEAR_TOLERANCE = 1e-13
_STEEP = 100.0  # currents at the full voltage over what the wires let through: iteration is not even tried


class NonlinearCrossbar:
    """Cells of any law between word and bit lines; wires, terminals and conventions as in `Crossbar`.

    Parameters
    ----------
    law
        Current and slope of all cells, see `cimspice.crossbar.emulator.cells`.
    shape
        (rows, columns); a `SinhCell` knows it.
    tolerance
        Largest excess current of a cell at which iteration ends, relative to the largest cell current of
        that vector; at most 1e-10.
    word_line_resistance, bit_line_resistance, source_resistance, sense_resistance, drive, sense, contacts
        As in `Crossbar`.
    compiled, memory_limit
        As in `Crossbar`.

    Raises
    ------
    CrossbarNonConvergence
        From `solve` and `currents`, if Kirchhoff's laws are not fulfilled to 1e-10 of the largest current.
    """

    def __init__(
        self,
        law: CellLaw,
        shape: tuple[int, int] | None = None,
        *,
        tolerance: float = 1e-12,
        word_line_resistance: object = 1.0,
        bit_line_resistance: object = 1.0,
        source_resistance: object = 0.0,
        sense_resistance: object = 0.0,
        drive: Drive = "left",
        sense: Sense = "bottom",
        contacts: Contacts = "segment",
        compiled: bool | None = None,
        memory_limit: int | None = None,
    ) -> None:
        if shape is None and isinstance(law, SinhCell):
            shape = law.conductances.shape
        if not callable(law):
            raise ParameterError(
                f"law is a {type(law).__name__}",
                place="law",
                remedy="give a function law(word, bit), or a cell",
            )
        if shape is None:
            raise ParameterError("no shape is given", place="shape", remedy="give (rows, columns)")
        rows, columns = checked_array("shape", shape, (2,), low=1, whole=True).tolist()
        if isinstance(law, SinhCell) and law.conductances.shape != (rows, columns):
            raise ParameterError(
                f"shape ({rows}, {columns}) for cells {law.conductances.shape}",
                place="shape",
                remedy="leave it out: a SinhCell knows it",
            )
        self.law, self.shape = law, (rows, columns)
        self.tolerance = checked_number("tolerance", tolerance, low=0, high=ACCEPTED)
        lines = (word_line_resistance, bit_line_resistance, source_resistance, sense_resistance)
        self.wires = Wires.of(*self.shape, *lines, drive, sense, contacts)
        self.compiled, self.memory_limit = use_compiled(compiled), memory_limit

    def currents(self, voltages: object) -> np.ndarray:
        """Column currents (batch, columns), A, of voltages (batch, rows), V; one vector gives one vector.

        Vectors are solved in slices, so that memory does not grow with the batch beyond its currents.

        Raises
        ------
        CrossbarTooLarge
            Before anything is computed, where one slice does not fit into memory.
        """
        v = checked_voltages(voltages, self.shape[0])
        batch = np.atleast_2d(v)
        rows, columns = self.shape
        self._require(len(batch), 8 * len(batch) * columns, f"solving {rows} x {columns} non-linear cells")
        parts = [self._newton(batch[part])[2].sum(axis=1) for part in self._chunks(len(batch))]
        found = np.concatenate(parts) if parts else np.zeros((0, self.shape[1]))
        return found if v.ndim == 2 else found[0]

    def solve(self, voltages: object) -> Solution:
        """Everything inside the array, for voltages (batch, rows) in V."""
        v = np.atleast_2d(checked_voltages(voltages, self.shape[0]))
        size = self.shape[0] * self.shape[1]
        self._require(len(v), 8 * 6 * len(v) * size, "the solution of all nodes")
        word, bit, cell = (np.empty((len(v), *self.shape)) for _ in range(3))
        residual = np.empty(len(v))
        for part in self._chunks(len(v)):
            word[part], bit[part], cell[part], residual[part] = self._newton(v[part])
        return Solution(v, word, bit, cell, self.wires, residual)

    def _require(self, vectors: int, kept: int, what: str) -> None:
        """Refuse what does not fit: ``kept`` bytes of results, and one slice while it is solved."""
        cells = min(vectors, self._chunk) * self.shape[0] * self.shape[1]
        cost.require(kept + 8 * cost.NEWTON[self.compiled] * cells, self.memory_limit, what)

    @property
    def _chunk(self) -> int:
        """Vectors solved at once."""
        return max(1, _CHUNK_BYTES // (8 * self.shape[0] * self.shape[1]))

    def _chunks(self, vectors: int):
        for first in range(0, vectors, self._chunk):
            yield slice(first, min(first + self._chunk, vectors))

    @cached_property
    def _network(self) -> Network:
        rows, columns = self.shape
        cost.require(
            cost.direct_bytes(rows * columns), self.memory_limit, f"solving {rows} x {columns} cells"
        )
        return Network(self.wires)

    def _newton(self, voltages: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Word line and bit line voltages, cell currents, each (batch, rows, columns), residuals (batch,)."""
        applied = np.where(self.wires.driven, voltages[:, :, None], 0.0)
        state = applied.copy(), np.zeros_like(applied), np.zeros_like(applied)
        residual = np.full(len(voltages), np.inf)
        with suppress(CrossbarNonConvergence):  # what has not arrived is solved directly
            self._iterate(applied, state, residual)
        for missed in np.flatnonzero(~(residual <= max(SURE, self.tolerance))):
            found = self._network.nonlinear(self._evaluated, voltages[missed])
            for values, new in zip(
                (*state, residual), (found.word, found.bit, found.cell, found.residual), strict=True
            ):
                values[missed] = new[0]
        return *state, residual

    def _iterate(self, applied: np.ndarray, state: tuple[np.ndarray, ...], residual: np.ndarray) -> None:
        """Newton's method; residuals of the vectors for which it arrives."""
        word, bit, flow = state
        current, slope = self._evaluated(word, bit)
        # wires that let through far less than this: such steps lead nowhere
        most = np.abs(applied).max(initial=0.0) / (self.wires.nearest + sum(self.wires.means) or 1e-300)
        if not np.abs(current).max(initial=0.0) <= _STEEP * most:
            return
        active = np.arange(len(applied))
        for _ in range(LIMIT):
            excess = current - flow[active]
            error = np.abs(excess).max(axis=(1, 2))
            scale = np.abs(current).max(axis=(1, 2))
            going = ~self._arrived(error, scale)
            if not going.all():
                there = slice(None) if not going.any() and len(active) == len(applied) else active[~going]
                here = slice(None) if not going.any() else ~going
                residual[there] = residuals(
                    self.wires, word[there] - applied[there], bit[there], flow[there], slope[here],
                    excess[here], compiled=self.compiled,
                )  # fmt: skip
                if not going.any():
                    return
            active, excess, slope = active[going], excess[going], slope[going]
            error, scale = error[going], scale[going]
            # what an early step leaves unsolved stays; a late and small one need not be solved as far
            tolerance = float(np.clip(_LINEAR_TOLERANCE * scale / error, _LINEAR_TOLERANCE, 1e-3).min())
            up, across = deviations_solver(self.compiled)(slope, self.wires, excess, tolerance)
            change = excess + slope * (up - across)
            current, slope = self._step(active, state, (up, across, change), error)

    def _step(self, active, state, change, before) -> tuple[np.ndarray, np.ndarray]:
        """Go the whole way, or for vectors that would be worse off half of it, a quarter, ..."""
        length = np.ones(len(active))
        start = [values[active] for values in state]
        while True:
            reach = length[:, None, None]
            moved = [values + reach * step for values, step in zip(start, change, strict=True)]
            current, slope = self._evaluated(moved[0], moved[1])
            error = np.abs(current - moved[2]).max(axis=(1, 2))
            worse = ~(error < before) & (length > 1e-3)
            # within rounding of the currents an error may stand still
            worse &= ~self._arrived(error, np.abs(current).max(axis=(1, 2)))
            if not worse.any():
                break
            length[worse] *= 0.5
        for values, new in zip(state, moved, strict=True):
            values[active] = new
        return current, slope

    def _arrived(self, error: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.isfinite(error) & (error <= self.tolerance * scale)

    def _evaluated(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.law(word, bit)
        shapes = [np.shape(part) for part in found]
        if shapes != [word.shape] * 2:
            raise ParameterError(
                f"the law returned shapes {shapes} for {word.shape}",
                place="law",
                remedy="return two arrays of the shape of the voltages",
            )
        current, slope = found
        return current, slope
