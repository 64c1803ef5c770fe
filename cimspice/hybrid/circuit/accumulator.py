"""Digital part of a column (DCiM): scale factors from 6T cells added or subtracted as the comparator decided.

The same register and carries without signs add up the codes of a converter.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import QUICK, Interval, Points, control_energy, energy, pulses
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.wires import cell_wires
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.array import Diffusion, cell_diffusion
from cimspice.sram.circuit.cell import SramCell

Time = Annotated[float, quantity("s", ge=5e-11, le=1e-6)]


class SumTiming(NetlistParameters):
    """Of one operation, from the comparator's first strobe on (s); each ends before the next one begins."""

    period: Time = 4.4e-9
    begin: Time = 1e-10
    """When the first strobe rises."""
    second: Time = 1e-9
    """From the first strobe to the second."""
    strobe: Time = 6e-10
    operand: Time = 1.8e-9
    """When the operand comes: a word line opens, or a converter's code stands."""
    take: Time = 2.7e-9
    """When it has gone through all carries and the sum takes it."""
    take_width: Time = 5e-10
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 4e-11

    @model_validator(mode="after")
    def _in_order(self) -> SumTiming:
        order = (0.0, self.begin, self.begin + self.second, self.operand, self.take)
        last = self.take + self.take_width + 4 * self.edge
        if sorted(order) != list(order) or self.strobe + 2 * self.edge > self.second or last > self.period:
            raise ValueError("strobes, operand and take must follow one another within the period")
        return self


class SumParameters(NetlistParameters):
    """A register of ``sum_bits``, and what is added to it."""

    width: Annotated[float, quantity("m", ge=0.42e-6, le=10e-6, description="of all transistors")] = 0.42e-6
    latch_length: Annotated[
        float, quantity("m", ge=0.15e-6, le=1e-6, description="of the p-channel transistors of latches")
    ] = 0.3e-6
    timing: SumTiming = SumTiming()
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8
    sum_bits: Annotated[int, quantity("1", ge=2, le=16, description="two's complement")] = 8
    codes: tuple[int, ...]
    """Of one read after the other."""
    start: int = 0
    """The sum at the beginning."""
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 4e-11

    @property
    def added(self) -> np.ndarray:
        """What each read adds."""
        raise NotImplementedError

    @property
    def sums(self) -> np.ndarray:
        """The exact sum after each read, as ``sum_bits`` bits hold it."""
        return (self.start + np.cumsum(self.added)) % 2**self.sum_bits

    @computed_field
    @property
    def start_bits(self) -> tuple[int, ...]:
        return _bits(self.start, self.sum_bits)

    def _windows(self, reads: Any, start: float, stop: float) -> list[Interval]:
        """The same interval (s) of each of these reads."""
        period = self.timing.period
        return [(float(k * period + start), float(k * period + stop)) for k in reads]

    def _taken(self) -> list[Interval]:
        take = self.timing.take
        return self._windows(range(len(self.codes)), take, take + self.timing.take_width)

    def _pulses(self, intervals: dict[str, list[Interval]]) -> dict[str, Points]:
        supply, edge = self.supply_voltage, self.timing.edge
        return {name: pulses(value, supply, edge) for name, value in intervals.items()}


class AccumulatorParameters(SumParameters):
    """Ternary or binary codes of a comparator that is strobed twice; read k uses scale factor k modulo their
    number, as input bits come one after the other. Without scale factors codes are counted."""

    scale_factors: tuple[Annotated[int, quantity("1", ge=0)], ...] = (5,)
    scale_bits: Annotated[int, quantity("1", ge=1, le=8)] = 4
    shifted: bool = False
    """Whether scale factor w stands w places higher than the first, as input bit w does."""

    @model_validator(mode="after")
    def _fits(self) -> AccumulatorParameters:
        if not self.codes or any(code not in (-1, 0, 1) for code in self.codes):
            raise ValueError(f"codes {self.codes[:8]}: one or more of -1, 0 and 1")
        if len(self.scale_factors) > 8 or any(value >= 2**self.scale_bits for value in self.scale_factors):
            raise ValueError(f"scale factors {self.scale_factors[:8]}: up to eight of {self.scale_bits} bits")
        if self.operand_bits > self.sum_bits:
            raise ValueError(f"operands of {self.operand_bits} bits in a sum of {self.sum_bits}")
        return self

    @property
    def added(self) -> np.ndarray:
        scales = np.array(self.scale_factors) << np.array(self.offsets) if self.words else np.ones(1, int)
        return np.array(self.codes) * np.resize(scales, len(self.codes))

    @computed_field
    @property
    def cell(self) -> SramCell:
        return SramCell()

    @computed_field
    @property
    def diffusion(self) -> Diffusion:
        return cell_diffusion(self.cell)

    @computed_field
    @property
    def words(self) -> int:
        return len(self.scale_factors)

    @computed_field
    @property
    def operand_bits(self) -> int:
        return self.scale_bits + max(self.offsets) if self.scale_factors else 0

    @computed_field
    @property
    def offsets(self) -> tuple[int, ...]:
        """Place of each scale factor's lowest bit."""
        return tuple(range(self.words)) if self.shifted else (0,) * self.words

    @computed_field
    @property
    def stored_bits(self) -> tuple[tuple[int, ...], ...]:
        return tuple(_bits(value, self.scale_bits) for value in self.scale_factors)

    @computed_field
    @property
    def wires(self) -> dict[str, float]:
        """Of each cell (ohm, F)."""
        return asdict(cell_wires())

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of the comparator's outputs, both phases, the rows and take."""
        timing, reads = self.timing, range(len(self.codes))
        strobes = [
            self._windows(reads, begin, begin + timing.strobe)
            for begin in (timing.begin, timing.begin + timing.second)
        ]
        won: dict[bool, list[Interval]] = {True: [], False: []}
        for code, first, second in zip(self.codes, *strobes, strict=True):
            won[code > 0].append(first)
            won[code > -1].append(second)
        stop = timing.take + timing.take_width
        rows = {
            f"row{word}": self._windows(reads[word :: self.words], timing.operand, stop)
            for word in range(self.words)
        }
        return self._pulses({
            "win": won[True], "win_bar": won[False], "first": strobes[0], "second": strobes[1], **rows,
            "take": self._taken(),
        })  # fmt: skip


class CodeAccumulatorParameters(SumParameters):
    """Codes of a converter, 0 to 2^bits − 1: what is to be subtracted for their sign is known beforehand.
    Code k is added k modulo ``places`` places higher, as input bits come one after the other."""

    code_bits: Annotated[int, quantity("1", ge=1, le=10)] = 4
    places: Annotated[int, quantity("1", ge=1, le=8)] = 1

    @model_validator(mode="after")
    def _fits(self) -> CodeAccumulatorParameters:
        if not self.codes or not all(0 <= code < 2**self.code_bits for code in self.codes):
            raise ValueError(f"codes {self.codes[:8]}: one or more from 0 to {2**self.code_bits - 1}")
        if self.operand_bits > self.sum_bits:
            raise ValueError(f"operands of {self.operand_bits} bits in a sum of {self.sum_bits}")
        return self

    @property
    def added(self) -> np.ndarray:
        return np.array(self.codes) << np.arange(len(self.codes)) % self.places

    @computed_field
    @property
    def operand_bits(self) -> int:
        return self.code_bits + self.places - 1

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of the code's bits, which stand until the sum has taken them, of each place's gates and of take."""
        timing, supply = self.timing, self.supply_voltage
        bits = np.array([_bits(code, self.code_bits) for code in self.codes])
        stop = timing.take + timing.take_width + 2 * timing.edge
        found = {
            f"code{k}": self._windows(np.flatnonzero(bits[:, k]), timing.operand, stop)
            for k in range(self.code_bits)
        }
        for place in range(self.places):
            reads = range(place, len(self.codes), self.places)
            opened = timing.operand - 2 * timing.edge, stop + 0.3e-9
            found[f"place{place}"] = self._windows(reads, *opened)
        driven = self._pulses({**found, "take": self._taken()})
        for place in range(self.places):
            inverse = tuple((time, supply - volts) for time, volts in driven[f"place{place}"])
            driven[f"place_bar{place}"] = inverse
        return driven


class _Sums(Bench):
    """What both have in common."""

    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = QUICK
    supplies: ClassVar[tuple[str, ...]] = ("sum",)

    def _supplies(self, parameters: Any) -> list[str]:
        return [name for name in self.supplies if name != "read" or parameters.words]

    def analysis(self, parameters: Any) -> Tran:
        step, timing = parameters.time_step, parameters.timing
        stop = len(parameters.codes) * timing.period + timing.begin
        sources = [f"supply_{name}" for name in self._supplies(parameters)]
        branches = [f"v{name}#branch" for name in (*sources, *parameters.controls)]
        bits = [f"s{k}" for k in range(parameters.sum_bits)]
        return Tran(step, stop, max_step=step, save=(*bits, *branches))

    def measure(self, parameters: Any, waveforms: Waveforms) -> pd.DataFrame:
        supply, timing = parameters.supply_voltage, parameters.timing
        rows = []
        for read, code in enumerate(parameters.codes):
            start = read * timing.period + timing.begin
            stop = start + timing.period
            given = {
                name: control_energy(waveforms, f"v{name}", supply, start, stop)
                for name in parameters.controls
            }
            drawn = {
                f"{name}_energy": energy(waveforms, f"vsupply_{name}", supply, start, stop)
                for name in self._supplies(parameters)
            }
            code_energy = sum(value for name, value in given.items() if name.startswith(("win", "code")))
            rows.append({
                "read": read,
                "code": code,
                "added": parameters.added[read],
                "sum": self._sum(parameters, waveforms, read, stop),
                **dict.fromkeys((f"{name}_energy" for name in self.supplies), 0.0),
                **drawn,
                "code_energy": code_energy,
                "control_energy": sum(given.values()) - code_energy,
            })  # fmt: skip
        return pd.DataFrame(rows).astype(float)

    def _sum(self, parameters: Any, waveforms: Waveforms, read: int, time: float) -> int:
        """The register at a time (s). SimulationError if it is not the exact sum, or at no logic level."""
        supply, wanted = parameters.supply_voltage, int(parameters.sums[read])
        levels = [
            np.interp(time, waveforms.axis, waveforms[f"s{k}"]) / supply for k in range(parameters.sum_bits)
        ]
        found = sum(int(level > 0.5) << k for k, level in enumerate(levels))
        if found != wanted or any(0.1 < level < 0.9 for level in levels):
            raise SimulationError(
                f"after read {read} the register holds {found}, the sum is {wanted}"
                if found != wanted
                else f"after read {read} a bit of the register is at no logic level",
                place=self.name,
                remedy="lengthen timing.period and give the carries more time before timing.take",
            )
        return found - ((found >> (parameters.sum_bits - 1)) << parameters.sum_bits)


@register
class Accumulator(_Sums):
    """One row per read: what was added, the sum (two's complement), and energies.

    ``read_energy`` is that of the scale factors' cells and bit lines, ``gating_energy`` that of the codes'
    latches and of what opens word lines and register, ``sum_energy`` that of carries and register,
    ``control_energy`` what a controller sends to all columns; ``code_energy`` what the comparator gives to
    the codes' latches.

    Raises
    ------
    SimulationError
        If a sum is not the exact one.
    """

    name: ClassVar[str] = "hybrid_accumulator"
    title: ClassVar[str] = "scale factors from 6T cells added or subtracted by ternary codes: sums, energy"
    template: ClassVar[str] = "hybrid/accumulator"
    Parameters: ClassVar[type[NetlistParameters]] = AccumulatorParameters
    supplies: ClassVar[tuple[str, ...]] = ("read", "gating", "sum")
    columns: ClassVar[dict[str, str]] = {
        "read": "",
        "code": "",
        "added": "",
        "sum": "",
        "read_energy": "J",
        "gating_energy": "J",
        "sum_energy": "J",
        "code_energy": "J",
        "control_energy": "J",
    }


@register
class CodeAccumulator(_Sums):
    """As ``hybrid_accumulator``, codes of a converter added in the same register; ``code_energy`` is what its
    latches give to the operand.

    Raises
    ------
    SimulationError
        If a sum is not the exact one.
    """

    name: ClassVar[str] = "hybrid_code_accumulator"
    title: ClassVar[str] = "a converter's codes added up by the same carries and register: sums and energy"
    template: ClassVar[str] = "hybrid/code_accumulator"
    Parameters: ClassVar[type[NetlistParameters]] = CodeAccumulatorParameters
    columns: ClassVar[dict[str, str]] = {
        name: unit for name, unit in Accumulator.columns.items() if not name.startswith(("read_", "gating"))
    }


def _bits(value: int, count: int) -> tuple[int, ...]:
    """Least significant first, two's complement."""
    return tuple((value >> k) & 1 for k in range(count))
