"""A forward and a transposed pass through SRAM array, readout and converter, each in one circuit.

What the benches of single blocks leave to the chain of their models is in these: the readout's switches hang
on the bit lines while cells discharge them, and every block loads the one before.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import Gates, PhaseTiming, Points, at, pulses
from cimspice.converter.circuit.converter import Converter, ConverterTiming, decisions
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.wires import cell_wires
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.multi_row_read import MultiRowParameters

Time = Annotated[float, quantity("s", ge=1e-10, le=1e-6)]
Code = Annotated[int, quantity("1", ge=0, le=255)]

_SUMS = SolverOptions(reltol=1e-4, abstol=1e-12, vntol=1e-7, chgtol=1e-15, trtol=70.0, gmin=1e-15)
"""Equations solved closely at steps that are not: what a tolerance of 10 uV leaves on each capacitor, and not
the truncation of steps of 20 ps, makes the error of products and sums."""


class PassParameters(MultiRowParameters):
    """A read whose lines go on to a converter."""

    gates: Gates = Gates()
    capacitor_side: Annotated[float, quantity("m", ge=2e-6, le=30e-6)] = 3e-6
    phases: PhaseTiming = PhaseTiming()
    converter: Converter = Converter()
    conversion: ConverterTiming = ConverterTiming()
    bits: Annotated[int, quantity("1", ge=3, le=8, description="of the converter, sign included")] = 6
    """Of the converter."""
    target: Annotated[int, quantity("1", ge=-127, le=127)] = 0
    """Code preloaded on its capacitors; it is added to the input."""
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 20e-12

    @model_validator(mode="after")
    def _converts(self) -> PassParameters:
        largest = 2 ** (self.bits - 1) - 1
        if abs(self.target) > largest:
            raise ValueError(f"target {self.target} is no code of {self.bits} bits: -{largest} to {largest}")
        if self.restore:
            raise ValueError("the lines are restored after a pass, not within it: leave restore at 0")
        return self

    def sequence(self, sampled_from: float, sampled_to: float) -> dict[str, list[tuple[float, float]]]:
        """Controls of a conversion that samples between these times (s)."""
        timing = self.conversion
        starts = [sampled_to + timing.settle + number * timing.period for number in range(self.bits)]
        intervals = {
            "sample": [(sampled_from, sampled_to)],
            "clear": [(sampled_from, sampled_from + timing.sample / 3)],
            "strobe": [(start, start + timing.strobe) for start in starts],
        }
        for bit, start in enumerate(reversed(starts)):
            intervals[f"phase{bit}"] = [(start - timing.edge, start + timing.strobe + 2 * timing.edge)]
        return intervals

    @property
    def sampled(self) -> float:
        """When the converter stops sampling (s)."""
        return self.read_time + self.conversion.sample

    @property
    def held(self) -> float:
        """When what it samples is taken: before its switches open (s)."""
        return self.sampled - self.conversion.edge

    @property
    def stop(self) -> float:
        return self.sampled + self.conversion.settle + self.bits * self.conversion.period

    def shaped(self, intervals: dict[str, list[tuple[float, float]]]) -> dict[str, Points]:
        """Sources of these controls."""
        return {
            name: pulses(value, self.array.supply_voltage, self.phases.edge)
            for name, value in intervals.items()
        }


class ForwardParameters(PassParameters):
    """All columns of a neuron at once: their words are multiplied by ``codes``, summed, converted."""

    codes: tuple[Code, ...]
    """Inputs, one per simulated column."""
    input_bits: Annotated[int, quantity("1", ge=1, le=8)] = 4
    """Of an input."""
    share_time: Time = 1.5e-9
    """How long columns, rails and converter are connected (s)."""
    crossed: bool = False
    """Whether the converter takes the rails the other way round, for target minus output."""

    @model_validator(mode="after")
    def _multiplies(self) -> ForwardParameters:
        if len(self.codes) != self.array.simulated_columns:
            raise ValueError(f"{len(self.codes)} codes for {self.array.simulated_columns} columns")
        if max(self.codes) >= 2**self.input_bits:
            raise ValueError(
                f"input code {max(self.codes)} does not fit {self.input_bits} bits: "
                f"0 to {2**self.input_bits - 1}"
            )
        return self

    @property
    def _timing(self) -> PhaseTiming:
        """Phase 0, the capacitors' reset, ends when the lines are read, or after."""
        begin = max(self.phases.begin, self.read_time - self.phases.phase)
        return self.phases.model_copy(update={"begin": begin})

    @property
    def done(self) -> float:
        """When the products stand on the capacitors (s)."""
        return self._timing.high(2 * self.input_bits)[1]

    @property
    def _shares_from(self) -> float:
        return self.done + self.phases.gap

    @property
    def sampled(self) -> float:
        return self._shares_from + self.share_time

    @computed_field
    @property
    def rail_capacitance(self) -> float:
        """Of the wire over the columns (F): as long as their word line, and as one of its capacitance."""
        return self.array.simulated_columns * cell_wires().word_line_capacitance

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of multipliers, rails and converter."""
        timing, gap, last = self._timing, self.phases.gap, 2 * self.input_bits
        take = [timing.high(k) for k in (0, *range(1, last, 2))]
        open_again = self.sampled + gap
        share = [*(timing.high(k) for k in range(0, last, 2)), (timing.high(last)[0], open_again)]
        early, late = 0.8 * gap, gap - 0.8 * gap - 1.5 * timing.edge
        intervals = self.sequence(timing.begin, self.sampled) | {
            "take": take,
            "share": share,
            "reset": [(timing.begin, self._shares_from - gap)],
            "out": [(self._shares_from, open_again)],
        }
        for column, code in enumerate(self.codes):
            ones = [2 * k + 1 for k in range(self.input_bits) if (code >> k) & 1]
            intervals[f"bit{column}"] = [
                (timing.high(k)[0] - early, timing.high(k + 1)[1] + late) for k in ones
            ]
        return self.shaped(intervals)


class TransposedParameters(PassParameters):
    """One column whose lines the converter samples after the read."""

    @model_validator(mode="after")
    def _one_column(self) -> TransposedParameters:
        if self.array.simulated_columns != 1:
            raise ValueError(
                f"{self.array.simulated_columns} columns: a converter reads one column, simulate each"
            )
        return self

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of the converter."""
        return self.shaped(self.sequence(self.read_time, self.sampled))


_CONVERTED = {"sampled_difference": "V", "code": "", "flipped": ""}
"""Difference that the converter has sampled, its result, open cells that have lost their bit."""


class _Pass(Bench):
    flat: ClassVar[bool] = True
    traced: ClassVar[tuple[str, ...]] = ()
    solver: ClassVar[SolverOptions] = _SUMS
    """Nodes of each column that are measured, beside its lines."""

    def analysis(self, parameters: PassParameters) -> Tran:
        columns, rows = range(parameters.array.simulated_columns), range(len(parameters.open_rows))
        nodes = [f"{line}{column}_0" for line in "bc" for column in columns]
        nodes += [f"{side}_{k}_{column}" for side in ("left", "right") for k in rows for column in columns]
        nodes += [f"{name}{column}" for name in self.traced for column in columns]
        latches = [f"{side}{k}" for side in ("q", "q_bar") for k in range(parameters.bits)]
        step = parameters.time_step
        return Tran(step, parameters.stop, max_step=step, save=(*nodes, *latches, "top", "top_bar"))

    def _converted(self, parameters: PassParameters, waveforms: Waveforms) -> dict[str, float]:
        sampled = parameters.held
        decided = decisions(waveforms, parameters.bits, parameters.array.supply_voltage, self.name)
        weights = 2 ** np.arange(parameters.bits)[::-1]
        return {
            "sampled_difference": at(waveforms, "top", sampled) - at(waveforms, "top_bar", sampled),
            "code": float(weights @ decided - 2 ** (parameters.bits - 1)),
            "flipped": float(flipped(parameters, waveforms)),
        }

    def _discharges(self, parameters: PassParameters, waveforms: Waveforms, column: int) -> dict[str, float]:
        supply, read = parameters.array.supply_voltage, parameters.read_time
        return {
            "bit_line_discharge": supply - at(waveforms, f"b{column}_0", read),
            "bit_line_bar_discharge": supply - at(waveforms, f"c{column}_0", read),
        }


def flipped(parameters: PassParameters, waveforms: Waveforms) -> int:
    """Open cells that do not hold their bit at the end."""
    return sum(
        (waveforms[f"left_{k}_{column}"][-1] > waveforms[f"right_{k}_{column}"][-1]) != bool(bit)
        for k, row in enumerate(parameters.open_rows)
        for column, bit in enumerate(row.bits)
    )


@register
class ForwardPass(_Pass):
    """One row per column: its discharges, its products, and what all columns' rails were converted to."""

    name: ClassVar[str] = "sram_forward_pass"
    title: ClassVar[str] = "a neuron's forward pass: SRAM columns, multipliers, shared rails, converter"
    template: ClassVar[str] = "sram/forward"
    Parameters: ClassVar[type[NetlistParameters]] = ForwardParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "bit_line_discharge": "V",
        "bit_line_bar_discharge": "V",
        "output": "V",
        "output_bar": "V",
        **_CONVERTED,
    }
    traced: ClassVar[tuple[str, ...]] = ("second", "second_bar")

    def measure(self, parameters: ForwardParameters, waveforms: Waveforms) -> pd.DataFrame:
        converted, supply = self._converted(parameters, waveforms), parameters.array.supply_voltage
        return pd.DataFrame([
            {
                "column": column,
                **self._discharges(parameters, waveforms, column),
                "output": supply - at(waveforms, f"second{column}", parameters.done),
                "output_bar": supply - at(waveforms, f"second_bar{column}", parameters.done),
                **converted,
            }
            for column in range(parameters.array.simulated_columns)
        ])  # fmt: skip


@register
class TransposedPass(_Pass):
    """The lines' discharges when they are read, and what they were converted to."""

    name: ClassVar[str] = "sram_transposed_pass"
    title: ClassVar[str] = "a column's transposed read: its bit lines sampled and converted"
    template: ClassVar[str] = "sram/transposed"
    Parameters: ClassVar[type[NetlistParameters]] = TransposedParameters
    columns: ClassVar[dict[str, str]] = {
        "bit_line_discharge": "V",
        "bit_line_bar_discharge": "V",
        **_CONVERTED,
    }

    def measure(self, parameters: TransposedParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame(
            [self._discharges(parameters, waveforms, 0) | self._converted(parameters, waveforms)]
        )
