"""Write-back of updated words: which bits are written, whether they hold, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import Array, checked_array
from cimspice.errors import ParameterError
from cimspice.fit.model import Model, register


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class WriteBack(Model):
    """Rows are written one after another; only columns whose bit differs are driven.

    A row without any difference is not opened. The other columns of an open row are half-selected: their
    cells pull a bit line down as in a read, and the precharge has to restore it.
    """

    kind: ClassVar[str] = "sram_write_back"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "margin": "V",
        "margin_sigma": "V",
        "energy_joule": "J",
        "half_selected_energy": "J",
        "row_energy": "J",
        "duration": "s",
    }
    margin: float
    margin_sigma: float = 0.0
    """``margin``, ``margin_sigma``: write margin (V), mean and standard deviation over cells: a cell with a
    negative one is not written."""
    energy_joule: float = 0.0
    """Of one bit that is written, its column's circuits (J)."""
    half_selected_energy: float = 0.0
    """Of one column of an open row that is not written (J)."""
    row_energy: float = 0.0
    """Of the word line, per opened row (J)."""
    duration: float = 0.0
    """Of one row's cycle (s)."""

    @classmethod
    def ideal(cls) -> WriteBack:
        """Every bit is written, at no cost."""
        return cls(margin=1.0)

    def draw(self, seed: int, shape: tuple[int, ...]) -> Array:
        """Write margins (V) of particular cells, for instance of shape (chips, rows, columns)."""
        return self.margin + self.margin_sigma * np.random.default_rng(seed).standard_normal(shape)

    def __call__(self, stored: ArrayLike, wanted: ArrayLike, margin: ArrayLike | None = None) -> Array:
        """Bits after the write, broadcast from both.

        ParameterError if a bit is neither 0 nor 1.

        Parameters
        ----------
        stored, wanted
            Bits before and as they should be, 0 or 1.
        margin
            Write margin of each cell (V); the mean if not given.
        """
        before, after = _bits(stored), _bits(wanted)
        written = checked_array("write margins", self.margin if margin is None else margin, (...,)) > 0
        return np.where(written, after, before)

    def energy(self, stored: ArrayLike, wanted: ArrayLike) -> Array:
        """Energy (J) of writing rows of bits, shape (..., rows, columns) -> (...)."""
        differs = np.asarray(_bits(stored) != _bits(wanted))
        opened = differs.any(axis=-1)
        written = differs.sum(axis=-1)
        idle = opened * (differs.shape[-1] - written)
        rows = opened * self.row_energy + written * self.energy_joule + idle * self.half_selected_energy
        return rows.sum(axis=-1)

    def time(self, stored: ArrayLike, wanted: ArrayLike) -> Array:
        """Time (s) of writing rows of bits, shape (..., rows, columns) -> (...)."""
        return (_bits(stored) != _bits(wanted)).any(axis=-1).sum(axis=-1) * self.duration


def _bits(values: ArrayLike) -> Array:
    bits = np.asarray(values)
    if not np.isin(bits, (0, 1)).all():
        raise ParameterError("a bit is neither 0 nor 1", place="write-back", remedy="give bits")
    return bits.astype(int)
