"""What the chips of one layer in an SRAM array have in common, and how many neurons it can hold."""

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_count, checked_number, kept_array
from cimspice.errors import ParameterError
from cimspice.fit.conditions import check_alike
from cimspice.sram.emulator.ideal_read import Read
from cimspice.sram.emulator.periphery import Periphery
from cimspice.sram.mapping.format import WordFormat


@dataclass(frozen=True, eq=False)
class LayerDesign:
    """What all chips have in common."""

    read: Read
    """How columns are read."""
    periphery: Periphery
    """The circuits around them."""
    form: WordFormat
    """Of the words."""
    pulses: Array
    """Codes of factor m = 1, 2, ... on bit k, shape (largest error, slice bits); forward reads take m = 1."""
    line_rise: float = 0.0
    """By how much the lines stand above the supply, which multipliers reckon from, as a read begins (V)."""
    array_rows: int = 512
    """Of the array; group g takes rows g b to g b + b − 1."""
    charge_limit: float = np.inf
    """Sum of codes on a line that no read may exceed (``BitLines.charge_limit``)."""
    open_groups: int | None = None
    """How many neurons a transposed read may open at once; None: all. The hinge's error is positive for one
    output and negative for one."""

    def __post_init__(self) -> None:
        pulses = kept_array("pulses", self.pulses, ("factors", self.form.slice_bits), low=1, whole=True)
        if not len(pulses):
            raise ParameterError("pulses of no factor", place="pulses", remedy="give those of factor 1")
        object.__setattr__(self, "pulses", pulses)
        models = {"lines": getattr(self.read, "lines", None), "periphery": self.periphery}
        check_alike(models, "LayerDesign")
        checked_number("line_rise", self.line_rise, place="LayerDesign")
        checked_count("array_rows", self.array_rows, place="LayerDesign")
        checked_number("charge_limit", self.charge_limit, above=0, infinite=True, place="LayerDesign")
        if self.open_groups is not None:
            checked_count("open_groups", self.open_groups, place="LayerDesign")

    @property
    def largest_error(self) -> int:
        """Largest |e| of a transposed read."""
        return len(self.pulses)

    def check_groups(self, groups: int) -> None:
        """Whether so many neurons can be read at once.

        Raises
        ------
        ParameterError
            If they need more rows than the array has, or take a line below what cells survive.
        """
        rows = groups * self.form.slice_bits
        if rows > self.array_rows:
            raise ParameterError(
                f"{groups} neurons of {self.form.slice_bits} rows need {rows} rows, the array has "
                f"{self.array_rows}",
                place="neurons",
                remedy="use a further array, or words of fewer bits per slice",
            )
        opened = groups if self.open_groups is None else min(groups, self.open_groups)
        worst = opened * int(self.pulses[-1].sum())
        if worst > self.charge_limit:
            raise ParameterError(
                f"a transposed read of {opened} neurons opens {opened * self.form.slice_bits} rows with "
                f"{worst} units of pulse width, "
                f"beyond the disturb limit of {self.charge_limit:.0f}",
                place="neurons",
                remedy="use fewer neurons, a smaller largest error, or fewer bits per slice",
            )
