"""A linear crossbar with resistive wires: conductances and wires in, exact column currents out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Literal

import numpy as np

from cimspice.arrays import checked_array, numbers, real_array
from cimspice.crossbar.emulator import cost
from cimspice.crossbar.emulator.breaks import representable
from cimspice.crossbar.emulator.conjugate import (
    TOLERANCE,
    CrossbarNonConvergence,
    binary_scale,
    deviations_solver,
)
from cimspice.crossbar.emulator.given import check_cells, checked_conductances, checked_voltages, use_compiled
from cimspice.crossbar.emulator.iterated import collected_matrix, column_currents, inside
from cimspice.crossbar.emulator.merge import effective_conductance, facing
from cimspice.crossbar.emulator.network import Network, undefined_short
from cimspice.crossbar.emulator.sensitivity import conductance_gradient, updated_matrix
from cimspice.crossbar.emulator.solution import Solution, connected
from cimspice.crossbar.emulator.wires import Contacts, Drive, Sense, Wires
from cimspice.errors import ParameterError

Method = Literal["auto", "merge", "conjugate"]

_CHUNK_BYTES = 2**26  # of one array (vectors, rows, columns) while voltages are computed
_STIFF = 1e3  # conductance of a cell times resistance of its wires; iterating loses as many digits
FAR = 1e4  # resistance of a segment over that of what surrounds it; merging loses as many digits


class Crossbar:
    """Resistive cells between word lines (rows) and bit lines (columns), with every wire segment in between.

    Word lines are driven at V, bit lines sensed at 0 V::

                     bit 0     bit 1
                       |         |
        V0 --Rs--[r]---+---[r]---+--     word line 0; cell (0, 0) joins it to bit line 0
                       |         |       [r] one segment
                      [r]       [r]
                       |         |
        V1 --Rs--[r]---+---[r]---+--     word line 1
                       |         |
                      [r]       [r]
                       Rm        Rm
                       |         |
                      0 V       0 V      sensed currents I0, I1

    Parameters
    ----------
    conductances
        Cells (rows, columns), siemens, at least 0: 0 is an open cell, inf a short.
    word_line_resistance, bit_line_resistance
        Of every segment (ohms): one number, or arrays (rows, columns + 1) and (rows + 1, columns) from left
        to right and from top to bottom, with the segments to the terminals. 0 is ideal, inf a broken wire.
    source_resistance, sense_resistance
        In series with each terminal (ohms): one number, one for each line, or (lines, 2) for left and
        right, top and bottom. inf leaves that end of the line unconnected.
    drive
        End of the word lines that is driven: "left", "right", or "both" at the same voltage.
    sense
        End of the bit lines that is held at 0 V: "bottom", "top" or "both"; currents of both are added.
    contacts
        "segment": one segment lies between a terminal and the nearest cell, as drawn (badcrossbar,
        CrossSim). "cell": terminals lie at the outermost cells; arrays are then (rows, columns - 1) and
        (rows - 1, columns).
    method
        "merge" computes the effective conductance, "conjugate" iterates for each vector, "auto" takes the
        quicker one for the vectors asked for so far (`cimspice.crossbar.emulator.cost`).
    compiled
        Whether hot loops run compiled (numba); by default if it is installed. False is the numpy reference.
    dtype
        float64; float32 halves memory and time of merging, at errors of some 1e-6 of the largest current.
    memory_limit
        Bytes that a computation may take; by default what the machine has free.

    Raises
    ------
    ParameterError
        For negative, nan or complex values and shapes that do not match.
    CrossbarTooLarge
        When currents, a matrix or a solution is asked for that does not fit into memory, before it starts.

    Notes
    -----
    A floating line (both ends unconnected) or an island without any terminal is no error: currents are
    defined (an island carries none). Undefined node voltages are nan.

    Errors against a sparse direct solution are below 1e-12 for wires from 1 mΩ to 1 kΩ at 1-100 µS. Where
    cells conduct better than the wires, or segments next to nothing, iterated solutions that miss Kirchhoff's
    laws by more than 1e-12 of the largest current are computed directly instead (`Solution.residual`).
    """

    def __init__(
        self,
        conductances: object,
        *,
        word_line_resistance: object = 1.0,
        bit_line_resistance: object = 1.0,
        source_resistance: object = 0.0,
        sense_resistance: object = 0.0,
        drive: Drive = "left",
        sense: Sense = "bottom",
        contacts: Contacts = "segment",
        method: Method = "auto",
        compiled: bool | None = None,
        dtype: type = np.float64,
        memory_limit: int | None = None,
    ) -> None:
        cells = real_array("conductances", conductances)
        shape = " x ".join(map(str, cells.shape))
        cost.require_cells(cost.HELD, cells.size, None, f"an array of {shape} cells")
        self.conductances = checked_conductances(cells)
        lines = (word_line_resistance, bit_line_resistance, source_resistance, sense_resistance)
        wires = Wires.of(*self.shape, *lines, drive, sense, contacts)
        self._set(wires, method, use_compiled(compiled), dtype, memory_limit)

    def _set(self, wires: Wires, method: Method, compiled: bool, dtype: type, memory_limit: int | None):
        if method not in ("auto", "merge", "conjugate"):
            raise ParameterError(
                f"method {method!r} is unknown", place="method", remedy="use 'auto', 'merge' or 'conjugate'"
            )
        try:
            self.dtype: type = np.dtype(dtype).type
        except TypeError:
            self.dtype = object
        if self.dtype not in (np.float64, np.float32):
            raise ParameterError(
                f"dtype {dtype!r} is unknown", place="dtype", remedy="use float64 or float32"
            )
        self.wires, self.compiled, self.memory_limit = wires, compiled, memory_limit
        self.method: Method = method
        self._matrix: np.ndarray | None = None
        self._iterated = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.conductances.shape
        return rows, columns

    def currents(self, voltages: object) -> np.ndarray:
        """Column currents of input voltages.

        Parameters
        ----------
        voltages
            (batch, rows), or one vector (rows,), V.

        Returns
        -------
        np.ndarray
            (batch, columns), or (columns,), A.
        """
        v = checked_voltages(voltages, self.shape[0])
        batch = np.atleast_2d(v)
        if self._matrix is None and self._iterates(len(batch)):
            found = column_currents(self, batch)
            self._iterated += len(batch)
        else:
            found = batch @ self.effective_conductance
        return found if v.ndim == 2 else found[0]

    @property
    def effective_conductance(self) -> np.ndarray:
        """Matrix (rows, columns), siemens: ``currents(v) = v @ effective_conductance``; computed once."""
        if self._matrix is None:
            self._matrix = self._merged() if self._mergeable else collected_matrix(self)
            self._matrix.setflags(write=False)
        return self._matrix

    def solve(self, voltages: object) -> Solution:
        """Everything inside the array, for voltages (batch, rows) in V; see `Solution`."""
        v = np.atleast_2d(checked_voltages(voltages, self.shape[0]))
        cost.require(8 * 6 * len(v) * self.conductances.size, self.memory_limit, "the solution of all nodes")
        word, bit, cell = np.empty((3, len(v), *self.shape))
        residual = np.zeros(len(v))
        for part in self.chunks(len(v)):
            scale = binary_scale(v[part])[:, None]
            found = inside(self, v[part] / scale, np.zeros((len(scale), self.shape[1])))
            for kept, values in ((word, found.word), (bit, found.bit), (cell, found.cell)):
                kept[part] = values * scale[:, :, None]
            residual[part] = found.residual
        if self.wires.broken or not self.conductances.all():
            joined_word, joined_bit = connected(self.conductances, self.wires)
            word[:, ~joined_word] = np.nan
            bit[:, ~joined_bit] = np.nan
        return Solution(v, word, bit, cell, self.wires, residual)

    def gradient(self, voltages: object, upstream: object) -> np.ndarray:
        """Derivative of ``sum(upstream * currents(voltages))`` with respect to every conductance (adjoint).

        Parameters
        ----------
        voltages, upstream
            (batch, rows), V, and (batch, columns), per ampere.

        Returns
        -------
        np.ndarray
            (rows, columns), per siemens.
        """
        v = np.atleast_2d(checked_voltages(voltages, self.shape[0]))
        weights = np.atleast_2d(real_array("upstream", upstream))
        return conductance_gradient(self, v, checked_array("upstream", weights, (len(v), self.shape[1])))

    def with_cells(self, rows: object, columns: object, conductances: object) -> Crossbar:
        """The same array with some cells changed.

        Where the effective conductance is known and few cells change, the new one is a correction of low
        rank; otherwise it is computed anew when asked for.

        Parameters
        ----------
        rows, columns
            Indices of the changed cells (k,), no cell twice.
        conductances
            Their new values (k,), siemens.
        """
        row, column = np.atleast_1d(np.asarray(rows)), np.atleast_1d(np.asarray(columns))
        value = np.atleast_1d(numbers("conductances", conductances))
        cells = self.conductances.copy()
        check_cells(row, column, value, cells.shape)
        row, column = row.astype(int), column.astype(int)
        change = value - cells[row, column]
        cells[row, column] = value
        other = object.__new__(Crossbar)
        other.conductances = checked_conductances(cells)
        other._set(self.wires, self.method, self.compiled, self.dtype, self.memory_limit)
        if self._matrix is not None and not (other.stiff or self.stiff):
            arguments = (self.conductances, self.wires, len(row), TOLERANCE, self.compiled)
            if cost.conjugate_seconds(*arguments) < cost.merge_seconds(
                *self.shape, self.wires, self.compiled
            ):
                with suppress(CrossbarNonConvergence):  # then it is computed anew
                    other._matrix = updated_matrix(self, self._matrix, row, column, change)
                    other._matrix.setflags(write=False)
        return other

    def responses(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Node voltages, terminals at 0 V, with extra currents in cells; see `conjugate.deviations`."""
        self.check_iteration()
        return deviations_solver(self.compiled)(self.conductances, self.wires, currents, TOLERANCE)

    def check_iteration(self) -> None:
        """Refuse an iteration that does not fit into memory."""
        rows, columns = self.shape
        arrays = cost.ITERATED[self.compiled]
        cost.require_cells(arrays, rows * columns, self.memory_limit, f"iterating {rows} x {columns} cells")

    def chunks(self, vectors: int) -> Iterator[slice]:
        """Parts of a batch whose node voltages fit into some tens of megabytes."""
        size = max(1, _CHUNK_BYTES // (8 * self.conductances.size))
        for first in range(0, vectors, size):
            yield slice(first, min(first + size, vectors))

    def _iterates(self, batch: int) -> bool:
        if self.method != "auto" or self._shorted:
            return self.method == "conjugate"
        if not self._mergeable:
            return batch + self._iterated <= min(self.shape)
        # the vectors already iterated count: many small calls end in a matrix, too
        asked = batch + self._iterated
        iterated = cost.conjugate_seconds(self.conductances, self.wires, asked, TOLERANCE, self.compiled)
        return iterated < cost.merge_seconds(*self.shape, self.wires, self.compiled)

    @cached_property
    def _largest(self) -> float:
        return float(self.conductances.max())

    @property
    def _shorted(self) -> bool:
        return self._largest == np.inf

    @cached_property
    def stiff(self) -> bool:
        """Whether a cell conducts so much better than the wires that iteration is not even tried."""
        return self._shorted or self._largest * self.wires.nearest > _STIFF

    @cached_property
    def network(self) -> Network:
        """The array for direct solutions."""
        rows, columns = self.shape
        cost.require(
            cost.direct_bytes(rows * columns), self.memory_limit, f"solving {rows} x {columns} cells"
        )
        return Network(self.wires)

    @cached_property
    def _mergeable(self) -> bool:
        broken, largest = self.wires.broken, self.wires.largest
        if broken:  # the line behind a break hangs on a cell
            there = self.conductances[self.conductances > 0]
            largest = max(largest, 1 / there.min(initial=np.inf))
        if largest * self._largest > FAR:
            # beside such a resistance merging loses what cells and the other wires have in series
            with np.errstate(divide="ignore"):
                loop = (1 / self.conductances + self.wires.paths).min()
            if largest > FAR * min(1 / self._largest + self.wires.least, loop):
                return False
        if not broken:
            return True
        g, word, bit, *_ = facing(self.conductances, self.wires)
        return representable(g, word, bit)

    def _merged(self) -> np.ndarray:
        itemsize = np.dtype(self.dtype).itemsize
        needed = cost.merge_bytes(*self.shape, self.wires, self.compiled, itemsize)
        rows, columns = self.shape
        collected = cost.conjugate_seconds(
            self.conductances, self.wires, min(rows, columns), TOLERANCE, self.compiled
        )
        quicker = collected < cost.merge_seconds(rows, columns, self.wires, self.compiled)
        if quicker and self.method == "auto" and not self._shorted:
            return collected_matrix(self)
        cost.require(needed, self.memory_limit, f"merging {rows} x {columns} cells")
        with np.errstate(divide="ignore", invalid="ignore"):  # a short between ideal wires is found below
            matrix = effective_conductance(
                self.conductances, self.wires, compiled=self.compiled, dtype=self.dtype
            )
        if not np.isfinite(matrix).all():
            raise undefined_short()
        return matrix
