"""Current between a 6T cell and its two bit lines, as tables over both lines' voltages."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cimspice.arrays import Array, kept_array
from cimspice.errors import ParameterError

COUPLED = 1e-4
"""Share of the read current from which on the other line, or the side that stores 1, counts."""


@dataclass(frozen=True, eq=False)
class CellCurrents:
    """Tables on an even grid of line voltages; a cell's two sides have the same ones, mirrored."""

    voltage: Array
    """Of the line in question (V), shape (n,), rising in even steps."""
    other: Array
    """Of the other line (V), shape (m,), rising in even steps."""
    zero: Array
    """Current (A) from a line into the side that stores 0, shape (n, m): it discharges the line."""
    one: Array
    """The same for the side that stores 1, shape (n, m): negative where it charges a line that has fallen."""

    def __post_init__(self) -> None:
        for name in ("voltage", "other"):
            axis = kept_array(f"{name} of the tables", getattr(self, name), ("n",))
            steps = np.diff(axis)
            if not steps.size or steps.min() <= 0 or np.ptp(steps) > 1e-6 * steps.mean():
                raise ParameterError(
                    f"the axis {name!r} of {axis.size} voltages does not rise in even steps",
                    place=f"CellCurrents.{name}",
                    remedy="give two voltages at least, evenly apart",
                )
            object.__setattr__(self, name, axis)
        for name in ("zero", "one"):
            currents = kept_array(
                f"currents {name!r}", getattr(self, name), (len(self.voltage), len(self.other))
            )
            object.__setattr__(self, name, currents)

    def at(self, own: Array, other: Array) -> tuple[Array, Array]:
        """Currents (A) from a line at ``own`` into sides that store 0 and 1 while the other is at ``other``.

        Bilinear in the tables; a voltage outside them is taken at their edge.
        """
        i, u = _place(own, self.voltage)
        j, w = _place(other, self.other)
        weights = ((1 - u) * (1 - w), (1 - u) * w, u * (1 - w), u * w)
        corners = ((i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1))
        zero = sum(weight * self.zero[corner] for weight, corner in zip(weights, corners, strict=True))
        one = sum(weight * self.one[corner] for weight, corner in zip(weights, corners, strict=True))
        return np.asarray(zero), np.asarray(one)

    @cached_property
    def alone(self) -> Array:
        """Current (A) into a side that stores 0 while the other line is at the top of the tables, (n,)."""
        return self.zero[:, -1]

    def zero_alone(self, own: Array) -> Array:
        """As :attr:`alone`, at these voltages."""
        return np.interp(own, self.voltage, self.alone)

    @cached_property
    def slope(self) -> Array:
        """Derivative (S) of :attr:`alone`, (n,)."""
        return np.gradient(self.alone, self.voltage)

    @cached_property
    def decoupled_above(self) -> float:
        """Line voltage (V) down to which a cell on either line knows nothing of the other line.

        Above it, on both lines, the current into a 0 changes by less than 1e-4 with the other line, and that
        into a 1 is less than 1e-4 of the read current.
        """
        scale = COUPLED * float(self.alone.max())
        depends = np.abs(self.zero - self.zero[:, -1:]) > scale  # (n, m): on the other line
        leaks = np.abs(self.one) > scale
        bad_other = self.other[depends.any(axis=0)]
        bad_own = self.voltage[leaks.any(axis=1)]
        lowest = float(min(self.voltage[0], self.other[0]))
        found = [float(values.max()) for values in (bad_other, bad_own) if len(values)]
        step = float(max(self.voltage[1] - self.voltage[0], self.other[1] - self.other[0]))
        return max(found) + step if found else lowest


def _place(value: Array, grid: Array) -> tuple[Array, Array]:
    """Index of the interval of an even grid, and the place in it from 0 to 1."""
    position = (np.asarray(value) - grid[0]) / (grid[1] - grid[0])
    position = np.clip(position, 0.0, len(grid) - 1.0)
    index = np.minimum(position.astype(int), len(grid) - 2)
    return index, position - index
