"""A 1T1R cell as the crossbar solver asks for it: memory and access transistor with the node between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.emulator.crossbar.conjugate import CrossbarNonConvergence
from cimspice.errors import ParameterError
from cimspice.models.rram.access_table import AccessTable
from cimspice.models.rram.device import RramDevice

_LIMIT = 60


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
        (rows, columns), 0 to 1.
    transistor
        Simulated currents of the access transistor at the read's gate voltage.
    """

    device: RramDevice
    states: np.ndarray
    transistor: AccessTable

    def __post_init__(self) -> None:
        states = np.array(self.states, dtype=float)
        if states.ndim != 2 or not states.size or not ((states >= 0) & (states <= 1)).all():
            raise ParameterError(
                f"states have shape {states.shape}, or leave 0 to 1",
                place="states",
                remedy="give (rows, columns) of states from 0 (most resistive) to 1 (most conductive)",
            )
        for name, expected in (("device", RramDevice), ("transistor", AccessTable)):
            if not isinstance(getattr(self, name), expected):
                raise ParameterError(
                    f"{name} is a {type(getattr(self, name)).__name__}",
                    place=name,
                    remedy=f"give a {expected.__name__}: load the card that belongs here",
                )
        states.setflags(write=False)
        object.__setattr__(self, "states", states)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.states.shape
        return rows, columns

    def __call__(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Current (A) from row to column and the mean of its derivatives to both (S)."""
        inner = self._inner(word, bit)
        current = self.device.current(word - inner, self.states)
        above = self.device.slope(word - inner, self.states)
        _, to_drain, to_source = self.transistor.current_and_slopes(inner, bit)
        total = above + to_drain
        # body effect: the source line moves the current more than the bit line does
        return current, 0.5 * above * (to_drain - to_source) / total

    def _inner(self, word: np.ndarray, bit: np.ndarray) -> np.ndarray:
        """Voltage of the node between memory and transistor, by a Newton iteration kept between the ends."""
        low, high = np.minimum(word, bit), np.maximum(word, bit)
        inner = np.array(bit)
        smallest = 4e-16 * (np.abs(word) + np.abs(bit))
        for _ in range(_LIMIT):
            below, to_drain, _ = self.transistor.current_and_slopes(inner, bit)
            excess = self.device.current(word - inner, self.states) - below
            low, high = np.where(excess > 0, inner, low), np.where(excess > 0, high, inner)
            following = inner + excess / (self.device.slope(word - inner, self.states) + to_drain)
            outside = (following < low) | (following > high)
            following = np.where(outside, 0.5 * (low + high), following)
            if (np.abs(following - inner) <= smallest).all():
                return following
            inner = following
        # the last digits of a stiff cell may dance between neighbours: accept what is that close
        if (np.abs(following - inner) <= 1e3 * smallest + 1e-18).all():
            return inner
        raise CrossbarNonConvergence(
            f"the inner node of a cell was not found in {_LIMIT} steps",
            place="OneTransistorCell",
            remedy="check the transistor's table: its current must rise with the voltage across",
        )
