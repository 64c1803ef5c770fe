"""A 1T1R cell as the crossbar solver asks for it: memory and access transistor with the node between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.crossbar.emulator.conjugate import CrossbarNonConvergence
from cimspice.crossbar.emulator.given import use_compiled
from cimspice.errors import ParameterError
from cimspice.rram.model.access_table import AccessTable
from cimspice.rram.model.device import RramDevice

_LIMIT = 60
_POINTS, _BISECTIONS = 1025, 60


@dataclass(frozen=True, eq=False)
class AccessedMemory:
    """Memory and access transistor of 1T1R cells in any state; the gate is at the table's voltage."""

    device: RramDevice
    transistor: AccessTable

    def states_of(self, conductances: np.ndarray, voltage: float) -> np.ndarray:
        """States (any shape) of cells that conduct these (S) with ``voltage`` (V) across both.

        Between 1,025 exact points a cubic spline, within 1e-9 of a state.

        Raises
        ------
        ParameterError
            For conductances that no state has.
        """
        g = np.asarray(conductances, dtype=float)
        ends = np.array([[0.0, 1.0]])
        least, most = self.conductances(ends, voltage)[0]
        low, high = g.min(), g.max()
        if not (low >= least * (1 - 1e-9) and high <= most * (1 + 1e-9)):
            raise ParameterError(
                f"cells are to conduct {low:.6g} to {high:.6g} S",
                place="1T1R cells",
                remedy=f"{self.device.kind} behind its transistor goes from {least:.6g} to {most:.6g} S",
            )
        points = np.linspace(low, max(high, low * (1 + 1e-6)), _POINTS)[None]
        below, above = np.zeros_like(points), np.ones_like(points)
        for _ in range(_BISECTIONS):
            middle = (below + above) / 2
            small = self.conductances(middle, voltage) < points
            below, above = np.where(small, middle, below), np.where(small, above, middle)
        return np.clip(CubicSpline(points[0], above[0])(g), 0.0, 1.0)

    def conductances(self, states: np.ndarray, voltage: float) -> np.ndarray:
        """I/V (rows, columns), S, of cells in these states with ``voltage`` (V) across both."""
        cell = OneTransistorCell(self.device, states, self.transistor)
        across = np.full((1, *states.shape), voltage)
        return cell(across, np.zeros_like(across))[0][0] / voltage


@dataclass(frozen=True)
class OneTransistorCell:
    """Law of cells whose memory is on the bit line and whose transistor is on the source line.

    Rows of the solver (its word lines, where the inputs are) are the array's bit lines; columns (where
    currents are sensed) are its source lines. Gates are at the table's voltage, bodies at 0 V.

    Attributes
    ----------
    device
        Equations of the memory.
    states
        (rows, columns), 0 to 1; pristine cells are below 0.
    transistor
        Simulated currents of the access transistor at the read's gate voltage.
    compiled
        Whether the loop over cells runs compiled, for memories whose current is a sinh; by default if numba
        is installed.
    """

    device: RramDevice
    states: np.ndarray
    transistor: AccessTable
    compiled: bool | None = None

    def __post_init__(self) -> None:
        states = np.array(self.states, dtype=float)
        for name, expected in (("device", RramDevice), ("transistor", AccessTable)):
            if not isinstance(getattr(self, name), expected):
                raise ParameterError(
                    f"{name} is a {type(getattr(self, name)).__name__}",
                    place=name,
                    remedy=f"give a {expected.__name__}: load the card that belongs here",
                )
        lowest = self.device.lowest_state
        if states.ndim != 2 or not states.size or not ((states >= lowest) & (states <= 1)).all():
            raise ParameterError(
                f"states have shape {states.shape}, or leave {lowest:g} to 1",
                place="states",
                remedy="give (rows, columns) of states from 0 (most resistive) to 1 (most conductive)",
            )
        states.setflags(write=False)
        object.__setattr__(self, "compiled", use_compiled(self.compiled))
        object.__setattr__(self, "states", states)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.states.shape
        return rows, columns

    @cached_property
    def _memory(self) -> tuple[np.ndarray, float] | None:
        return self.device.sinh_read(self.states) if self.compiled else None

    @cached_property
    def _share(self) -> np.ndarray:
        """Share of a small voltage that falls on each transistor (rows, columns): where the search begins."""
        level = float(np.clip(0.0, self.transistor.low[0], self.transistor.low[-1]))
        _, channel, _ = self.transistor.current_and_slopes(level, level)
        memory = self.device.slope(0.0, self.states)
        return memory / (memory + channel)

    def __call__(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Current (A) from row to column and the mean of its derivatives to both (S)."""
        if self._memory is not None:
            from cimspice.crossbar.emulator.one_transistor_compiled import currents_and_slopes

            shared = (self._memory, self.transistor.spline, self._share, _LIMIT)
            current, slope, found = currents_and_slopes(word, bit, *shared)
            if not found:
                raise _not_found()
            return current, slope
        inner = self._inner(word, bit)
        current = self.device.current(word - inner, self.states)
        above = self.device.slope(word - inner, self.states)
        below, to_drain, to_source = self.transistor.current_and_slopes(inner, bit)
        # what inner has been rounded by is made good in the current
        current -= above * (current - below) / (above + to_drain)
        # body effect: the source line moves the current more than the bit line does
        return current, 0.5 * above * (to_drain - to_source) / (above + to_drain)

    def _inner(self, word: np.ndarray, bit: np.ndarray) -> np.ndarray:
        """Voltage of the node between memory and transistor, by a Newton iteration kept between the ends."""
        low, high = np.minimum(word, bit), np.maximum(word, bit)
        inner = bit + (word - bit) * self._share
        # the square of such a step, over the volts that bend the laws, is below rounding
        near = 1e-16 * (np.abs(word) + np.abs(bit))
        for _ in range(_LIMIT):
            below, to_drain, _ = self.transistor.current_and_slopes(inner, bit)
            excess = self.device.current(word - inner, self.states) - below
            low, high = np.where(excess > 0, inner, low), np.where(excess > 0, high, inner)
            step = excess / (self.device.slope(word - inner, self.states) + to_drain)
            arrived = step**2 <= near
            inside = (inner + step >= low) & (inner + step <= high)
            following = np.where(arrived | inside, inner + step, 0.5 * (low + high))
            arrived |= following == inner
            inner = following
            if arrived.all():
                return inner
        raise _not_found()


def _not_found() -> CrossbarNonConvergence:
    return CrossbarNonConvergence(
        f"the inner node of a cell was not found in {_LIMIT} steps",
        place="OneTransistorCell",
        remedy="check the transistor's table: its current must rise with the voltage across",
    )
