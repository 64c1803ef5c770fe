"""Passive crossbar with resistive wires: column currents of many input vectors in one run of ngspice."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Waveforms

Conductance = Annotated[float, quantity("S", ge=0, le=1e3, description="0 leaves the cell out")]
Resistance = Annotated[float, quantity("ohm", ge=0, le=1e12)]
Voltage = Annotated[float, quantity("V", ge=-100, le=100)]


class CrossbarReadParameters(NetlistParameters):
    """Cells, wires and inputs of a read.

    ``voltages`` holds one row per input vector, ngspice keeps 11 significant digits of them. The segments to
    the terminals are the first and last of a line. Where segments differ, ``word_line_segments`` (rows,
    columns + 1) and ``bit_line_segments`` (rows + 1, columns) replace the single resistances, terminals
    included; ``None`` is open.
    """

    conductances: tuple[tuple[Conductance, ...], ...] = ((1e-5, 2e-5), (3e-5, 4e-5))
    voltages: tuple[tuple[Voltage, ...], ...] = ((0.2, 0.1),)
    word_line_resistance: Resistance = 1.0
    bit_line_resistance: Resistance = 1.0
    source_resistance: Resistance = 0.0
    sense_resistance: Resistance = 0.0
    drive: Literal["left", "right", "both"] = "left"
    sense: Literal["bottom", "top", "both"] = "bottom"
    nonlinearity: Annotated[
        float, quantity("1/V", ge=0, le=100, description="of sinh cells; 0 is linear")
    ] = 0.0
    word_line_segments: tuple[tuple[Resistance | None, ...], ...] = ()
    bit_line_segments: tuple[tuple[Resistance | None, ...], ...] = ()

    @model_validator(mode="after")
    def _shapes_agree(self) -> CrossbarReadParameters:
        rows, columns = len(self.conductances), len(self.conductances[0]) if self.conductances else 0
        if not columns or any(len(row) != columns for row in self.conductances):
            raise ValueError("conductances must be rows of equal length, at least one")
        if not self.voltages or any(len(vector) != rows for vector in self.voltages):
            raise ValueError(f"voltages must be vectors of {rows}, one voltage for each word line")
        for name, lines, wanted in (
            ("word_line_segments", self.word_line_segments, (rows, columns + 1)),
            ("bit_line_segments", self.bit_line_segments, (rows + 1, columns)),
        ):
            if lines and (len(lines), *{len(line) for line in lines}) != wanted:
                raise ValueError(f"{name} must have the shape {wanted}")
        return self

    @computed_field
    @property
    def word_segments(self) -> tuple[tuple[float | None, ...], ...]:
        """Resistance of every word line segment (rows, columns + 1), ohms; None is open."""
        if self.word_line_segments:
            return self.word_line_segments
        r, end = self.word_line_resistance, self.word_line_resistance + self.source_resistance
        first, last = end if self.drive != "right" else None, end if self.drive != "left" else None
        return ((first, *[r] * (len(self.conductances[0]) - 1), last),) * len(self.conductances)

    @computed_field
    @property
    def bit_segments(self) -> tuple[tuple[float | None, ...], ...]:
        """Resistance of every bit line segment (rows + 1, columns), ohms; None is open."""
        if self.bit_line_segments:
            return self.bit_line_segments
        r, end = self.bit_line_resistance, self.bit_line_resistance + self.sense_resistance
        top, bottom = end if self.sense != "bottom" else None, end if self.sense != "top" else None
        columns, between = len(self.conductances[0]), len(self.conductances) - 1
        return ((top,) * columns, *((r,) * columns,) * between, (bottom,) * columns)


@register
class CrossbarRead(Bench):
    """Currents into the sense terminals, both ends of a bit line together."""

    name: ClassVar[str] = "crossbar_read"
    title: ClassVar[str] = "column currents of a passive crossbar with resistive wires"
    template: ClassVar[str] = "crossbar/passive"
    Parameters: ClassVar[type[NetlistParameters]] = CrossbarReadParameters
    columns: ClassVar[dict[str, str]] = {"vector": "", "column": "", "column_current": "A"}

    def analysis(self, parameters: CrossbarReadParameters) -> Dc:
        columns = range(len(parameters.conductances[0]))
        save = tuple(f"vs{end}_{column}#branch" for end in ("top", "bottom") for column in columns)
        return Dc("vselect", 0.0, float(len(parameters.voltages) - 1), 1.0, save=save)

    def options(self, parameters: CrossbarReadParameters) -> SolverOptions:
        # The default 1 pS from every node of a B-source's cell to ground and 1e-12 A are far from exact. KLU,
        # left to choose, keeps the diagonal as pivot and loses five digits of a mesh with ideal sources.
        # Currents of non-linear cells converge no further than the rounding of nodes lets those of segments.
        abstol = 1e-18
        if parameters.nonlinearity > 0:
            highest = max(abs(volts) for vector in parameters.voltages for volts in vector)
            segments = (*parameters.word_segments, *parameters.bit_segments)
            least = min((ohms for line in segments for ohms in line if ohms), default=np.inf)
            abstol = max(abstol, 1e-15 * highest / least)
        return SolverOptions(
            reltol=1e-12, abstol=abstol, vntol=1e-15, gmin=1e-18, itl1=200, itl2=200, pivrel=1.0, klu=True
        )

    def measure(self, parameters: CrossbarReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        columns = len(parameters.conductances[0])
        currents = np.stack(
            [
                np.atleast_1d(waveforms[f"vstop_{j}#branch"])
                + np.atleast_1d(waveforms[f"vsbottom_{j}#branch"])
                for j in range(columns)
            ],
            axis=1,
        )
        vector, column = np.indices(currents.shape)
        return pd.DataFrame(
            {"vector": vector.ravel(), "column": column.ravel(), "column_current": currents.ravel()}
        )
