"""A converter that samples two bit lines themselves: what it leaves of their difference, and what it adds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.arrays import Array
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.ranges import Ranges


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class LineSampling(Model):
    """What a converter takes in, attenuation times the lines' difference + offset.

    Its plates share the lines' charge; the plate that centres code 0 pushes the offset onto one of them.
    """

    kind: ClassVar[str] = "sram_line_sampling"
    parameter_units: ClassVar[Mapping[str, str]] = {"attenuation": "1", "offset": "V"}
    attenuation: float = 1.0
    """What is left of a difference."""
    offset: float = 0.0
    """What is added to it (V)."""

    def __call__(self, difference: ArrayLike) -> Array:
        """Sampled difference (V) of lines whose difference (V) is given, of the same shape."""
        volts = np.asarray(difference, dtype=float)
        self._check(difference=volts)
        return self.attenuation * volts + self.offset


def fit_line_sampling(table: pd.DataFrame) -> Fit[LineSampling]:
    """The sampling of a table of ``sram_transposed_pass``, by linear least squares.

    FitError if there are fewer reads than parameters.

    Parameters
    ----------
    table
        Columns bit_line_discharge, bit_line_bar_discharge, sampled_difference (V).
    """
    before = (table["bit_line_bar_discharge"] - table["bit_line_discharge"]).to_numpy()
    sampled = table["sampled_difference"].to_numpy()
    names = list(LineSampling.parameter_units)
    solution = solve_linear(np.stack([before, np.ones_like(before)], axis=1), sampled, names=names)
    model = LineSampling(
        **dict(zip(names, map(float, solution.values), strict=True)),
        ranges=Ranges.seen({"difference": "V"}, difference=before),
    )
    return Fit.assemble(
        model,
        solution,
        full_scale=float(np.abs(sampled).max()),
        full_scale_name="largest sampled difference",
        unit="V",
        table=table,
    )
