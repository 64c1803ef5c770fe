"""A column of 6T cells with a comparator on its bit lines: discharge of the lines, and decisions.

Two cells make a weight of −1, 0 or 1 (:func:`cimspice.hybrid.mapping.slices.stored_bits`); an input of 1
is one pulse on the word lines of both. Thresholds are made of dummy cells on the same lines: with the
inputs, n cells take the bit line down by n/2 units of the partial sum; for a second decision 2n take its
complement down.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import Gates, Points, at, control_energy, energy, pulses
from cimspice.converter.circuit.converter import Converter
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Analysis, SolverOptions, Waveforms
from cimspice.sram.circuit.multi_row_read import PRECISE, MultiRowParameters, MultiRowRead

Time = Annotated[float, quantity("s", gt=0, le=1e-6)]
RESET = 0.3e-9
"""Time after the last strobe (s): most of a decision's energy recharges the comparator."""


class ColumnReadParameters(MultiRowParameters):
    """A multi-row read with comparators on the lines."""

    gates: Gates = Gates()
    converter: Converter = Converter()
    """Sizes of the comparator: it is that of the converter."""
    comparators: Annotated[int, quantity("1", ge=1, le=2)] = 1
    """Of a column; of two, each has one of the strobes."""
    strobes: tuple[Time, ...] = ()
    """When the comparators are strobed (s)."""
    strobe: Time = 0.6e-9
    """How long (s): the time that a decision has."""
    strobe_edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9)] = 4e-11

    @model_validator(mode="after")
    def _strobes_after_one_another(self) -> ColumnReadParameters:
        if self.comparators == 2 and len(self.strobes) != 2:
            raise ValueError(f"{len(self.strobes)} strobes of two comparators, which need two")
        _ = self.strobe_points
        return self

    @property
    def stop(self) -> float:
        last = self.strobes[-1] + self.strobe + 2 * self.strobe_edge + RESET if self.strobes else 0.0
        return max(super().stop, last)

    @computed_field
    @property
    def strobe_points(self) -> tuple[Points, ...]:
        """Of each comparator's strobe."""
        high = [(start, start + self.strobe) for start in self.strobes]
        each = [high] if self.comparators == 1 else [[one] for one in high]
        return tuple(pulses(one, self.array.supply_voltage, self.strobe_edge) for one in each)


@register
class LineRead(MultiRowRead):
    """As ``sram_multi_row_read``, with comparators that are not strobed on the lines."""

    name: ClassVar[str] = "hybrid_line_read"
    title: ClassVar[str] = "multi-row read of SRAM columns whose lines carry a comparator"
    template: ClassVar[str] = "hybrid/column_read"
    Parameters: ClassVar[type[NetlistParameters]] = ColumnReadParameters


@register
class ColumnRead(MultiRowRead):
    """Decisions of the comparators, one row for each strobe of each column.

    ``difference`` is that of the lines just before the strobe, ``decided`` 1 where the bit line was found
    higher, else 0; ``comparator_energy`` what the supply delivers to all comparators and their loads in
    the whole read, ``strobe_energy`` what the driver of the strobe would.

    SimulationError if a comparator has not decided when its strobe ends.
    """

    name: ClassVar[str] = "hybrid_column_read"
    title: ClassVar[str] = "SRAM column read by a comparator on its bit lines, thresholds from dummy cells"
    template: ClassVar[str] = "hybrid/column_read"
    Parameters: ClassVar[type[NetlistParameters]] = ColumnReadParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "strobe": "",
        "bit_line_discharge": "V",
        "bit_line_bar_discharge": "V",
        "difference": "V",
        "decided": "",
        "decision_delay": "s",
        "flipped": "",
        "comparator_energy": "J",
        "strobe_energy": "J",
    }
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: ColumnReadParameters) -> Analysis:
        planned = super().analysis(parameters)
        columns = range(parameters.array.simulated_columns)
        each = range(parameters.comparators)
        outputs = [f"{side}{column}_{k}" for side in ("win", "win_bar") for column in columns for k in each]
        strobes = [f"vstrobe{k}#branch" for k in each]
        return replace(planned, save=(*planned.save, *outputs, "vsupply#branch", *strobes))

    def measure(self, parameters: ColumnReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        array, supply = parameters.array, parameters.array.supply_voltage
        before = array.word_line_start - 2 * array.driver_edge
        used = {
            "comparator_energy": energy(waveforms, "vsupply", supply),
            "strobe_energy": sum(
                control_energy(waveforms, f"vstrobe{k}", supply) for k in range(parameters.comparators)
            ),
        }
        flipped = super().measure(parameters, waveforms)["flipped"]
        rows = []
        for column in range(array.simulated_columns):
            lines = f"b{column}_0", f"c{column}_0"
            start = [at(waveforms, line, before) for line in lines]
            for strobe, time in enumerate(parameters.strobes):
                now = [at(waveforms, line, time) for line in lines]
                which = f"{column}_{strobe if parameters.comparators == 2 else 0}"
                decided, delay = decision(parameters, waveforms, which, time)
                rows.append({
                    "column": column,
                    "strobe": strobe,
                    "bit_line_discharge": start[0] - now[0],
                    "bit_line_bar_discharge": start[1] - now[1],
                    "difference": now[0] - now[1],
                    "decided": decided,
                    "decision_delay": delay,
                    "flipped": flipped[column],
                    **used,
                })  # fmt: skip
        return pd.DataFrame(rows)


def decision(
    parameters: ColumnReadParameters, waveforms: Waveforms, comparator: str, time: float
) -> tuple[float, float]:
    """1 or 0, and the time (s) from the strobe at half supply to the output at half supply."""
    half, end = parameters.array.supply_voltage / 2, time + parameters.strobe
    win, other = (at(waveforms, f"{side}{comparator}", end) > half for side in ("win", "win_bar"))
    if win == other:
        raise SimulationError(
            f"comparator {comparator} has not decided {parameters.strobe:g} s after its strobe",
            place="hybrid_column_read",
            remedy="lengthen strobe, or keep sums off the threshold",
        )
    trace = waveforms[f"win{comparator}" if win else f"win_bar{comparator}"]
    during = (waveforms.axis >= time) & (waveforms.axis <= end)
    first = float(waveforms.axis[during][np.argmax(trace[during] > half)])
    return float(win), first - time - parameters.strobe_edge / 2
