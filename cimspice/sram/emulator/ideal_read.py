"""A multi-row read without any of the circuit's own ways: discharge is the sum of codes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cimspice.arrays import Array, checked_array, checked_number
from cimspice.errors import ParameterError
from cimspice.sram.emulator.read import Cells, Reading, checked_bits


class Read(Protocol):
    """What reads columns: :class:`MultiRowRead`, or its ideal."""

    def __call__(
        self, codes: Array, bits: Array, *, positions: Array | None = None, cells: Cells | None = None
    ) -> Reading: ...


@dataclass(frozen=True)
class IdealRead:
    """Lines that lose ``unit_discharge`` (V) per unit of pulse width and open cell, and never flip one."""

    unit_discharge: float
    """Of a cell whose factor is 1 (V)."""

    def __post_init__(self) -> None:
        checked_number("unit_discharge", self.unit_discharge, above=0, place="IdealRead")

    def __call__(
        self, codes: Array, bits: Array, *, positions: Array | None = None, cells: Cells | None = None
    ) -> Reading:
        """As :meth:`MultiRowRead.__call__`; positions do not matter."""
        stored = checked_bits(bits)
        rows = stored.shape[-1] if stored.ndim else 1
        widths = checked_array("codes", codes, (..., rows), low=0, whole=True)
        try:
            charge = widths * np.ones(stored.shape)
        except ValueError:
            raise ParameterError(
                f"codes have shape {widths.shape}, stored bits {stored.shape}",
                place="codes",
                remedy="give as many leading axes of one as of the other, or none",
            ) from None
        if cells is not None:
            both = np.exp(cells.log_current)
            charge = charge * np.where(stored == 1, both[..., 1], both[..., 0])
        discharge = self.unit_discharge * np.stack(
            [(charge * (1 - stored)).sum(axis=-1), (charge * stored).sum(axis=-1)], axis=-1
        )
        lead = discharge.shape[:-1]
        return Reading(discharge, np.full((*lead, 2), np.inf), np.zeros(lead, bool), np.zeros(lead))
