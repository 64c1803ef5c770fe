"""Capacitance of an SRAM array's readout on its bit lines and on the rails that columns share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.ranges import Ranges


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class ReadoutLoads(Model):
    """Capacitances for the arrays and rails of benches that have no readout of their own."""

    kind: ClassVar[str] = "sram_readout_loads"
    parameter_units: ClassVar[Mapping[str, str]] = {"line": "F", "rail": "F"}
    line: float
    """Of a resting multiplier and a converter's open switches, on either bit line (F)."""
    rail: float
    """Of a converter that samples a rail (F), without the rail's own wire and switches."""


def fit_readout_loads(table: pd.DataFrame) -> Fit[ReadoutLoads]:
    """The loads of a table of ``sram_readout_loads`` over several swings: constants, by least squares.

    Junctions and gates are not linear: the residual says what a constant leaves.

    FitError if the table is empty.

    Parameters
    ----------
    table
        Columns line_discharge, rail_discharge (V), line_capacitance, rail_capacitance (F).
    """
    observed = table[["line_capacitance", "rail_capacitance"]].to_numpy()
    names = list(ReadoutLoads.parameter_units)
    solution = solve_linear(np.tile(np.eye(2), (len(observed), 1)), observed.ravel(), names=names)
    swings = ("line_discharge", "rail_discharge")
    model = ReadoutLoads(
        **dict(zip(names, map(float, solution.values), strict=True)),
        ranges=Ranges.seen(dict.fromkeys(swings, "V"), **{name: table[name] for name in swings}),
    )
    return Fit.assemble(
        model,
        solution,
        full_scale=np.tile(solution.values, len(observed)),
        full_scale_name="either capacitance",
        unit="F",
        table=table,
    )
