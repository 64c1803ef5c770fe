"""Laws of non-linear cells, as the solver asks for them: current and slope at given node voltages.

A law is anything callable as ``law(word, bit) -> (current, conductance)`` on arrays (batch, rows, columns):
voltages of the cell's word line and bit line node (V) to the current from word to bit line (A) and its
derivative with respect to the voltage across the cell (S, not negative). A law that also depends on the level
of its nodes, as one with an access transistor does, gives the mean of its derivatives to either node; that
slows Newton's convergence a little and leaves its result as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cimspice.arrays import numbers
from cimspice.crossbar.emulator.conjugate import CrossbarNonConvergence
from cimspice.crossbar.emulator.given import checked_conductances
from cimspice.errors import ParameterError


class CellLaw(Protocol):
    """Current (A) and slope (S) of cells between word and bit line voltages (V): (batch, rows, columns)."""

    def __call__(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True)
class SinhCell:
    """i = g sinh(a v) / a: thermally activated hopping, g at small voltages.

    Attributes
    ----------
    conductances
        g (rows, columns), siemens, at least 0.
    nonlinearity
        a > 0, 1/V: one number, or (rows, columns).

    References
    ----------
    N. F. Mott, R. W. Gurney, Electronic Processes in Ionic Crystals (1940).
    """

    conductances: np.ndarray
    nonlinearity: float | np.ndarray

    def __post_init__(self) -> None:
        g = checked_conductances(self.conductances)
        if np.isinf(g).any():
            raise ParameterError(
                "a sinh cell has an infinite conductance", place="conductances", remedy="give a finite one"
            )
        a = numbers("nonlinearity", self.nonlinearity)
        if a.shape not in ((), g.shape) or not (np.isfinite(a) & (a > 0)).all():
            raise ParameterError(
                f"nonlinearity {self.nonlinearity!r} is not positive and finite, or of another shape",
                place="nonlinearity",
                remedy=f"give one number in 1/V, or {g.shape}",
            )
        a.setflags(write=False)
        object.__setattr__(self, "conductances", g)
        object.__setattr__(self, "nonlinearity", a)

    def __call__(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # sinh and cosh from one exponential, exact near 0 and far from it
        bend = self.nonlinearity * (word - bit)
        m = np.expm1(np.abs(bend))
        inverse = 1 / (m + 1)
        sinh = 0.5 * (m + m * inverse)
        slope = self.conductances * (sinh + inverse)
        return self.conductances / self.nonlinearity * np.copysign(sinh, bend), slope


@dataclass(frozen=True)
class TwoTerminalCell:
    """A law of the voltage across the cell alone, from two vectorised functions.

    Attributes
    ----------
    current
        Voltage (batch, rows, columns), V, to current, A; rising.
    conductance
        Its derivative, siemens.
    """

    current: Callable[[np.ndarray], np.ndarray]
    conductance: Callable[[np.ndarray], np.ndarray]

    def __call__(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across = word - bit
        return self.current(across), self.conductance(across)


@dataclass(frozen=True)
class SeriesCell:
    """Two laws in series with an inner node: ``upper`` from the word line to it, ``lower`` to the bit line.

    An access transistor is a law of its two channel ends with its gate voltage inside; a contact resistance
    is a `TwoTerminalCell`. The inner node is found by a safeguarded Newton iteration for all cells at once:
    both currents are monotonous in it, so that it lies between the node voltages.
    """

    upper: CellLaw
    lower: CellLaw

    def __call__(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.minimum(word, bit), np.maximum(word, bit)
        inner, before = 0.5 * (low + high), high - low
        for _ in range(_INNER_LIMIT):
            into, above = self.upper(word, inner)
            out, below = self.lower(inner, bit)
            excess, total = into - out, above + below
            step = np.divide(excess, total, out=np.zeros_like(excess), where=total > 0)
            rounding = 4e-16 * (np.abs(word) + np.abs(bit))
            arrived = ((np.abs(step) <= rounding) & ((total > 0) | (excess == 0))) | (high - low <= rounding)
            if arrived.all():
                # what inner has been rounded by is made good in the current
                current = into - above * step
                return current, np.divide(above * below, total, out=np.zeros_like(total), where=total > 0)
            low, high = np.where(excess > 0, inner, low), np.where(excess > 0, high, inner)
            inside = (inner + step >= low) & (inner + step <= high) & (np.abs(step) <= 0.5 * before)
            following = np.where(inside, inner + step, 0.5 * (low + high))
            following = np.where(arrived, inner, following)
            inner, before = following, np.where(inside, np.abs(step), high - low)
        raise CrossbarNonConvergence(
            f"the inner node of a cell was not found in {_INNER_LIMIT} steps",
            place="SeriesCell",
            remedy="both laws must rise with the voltage across them",
        )


_INNER_LIMIT = 200
