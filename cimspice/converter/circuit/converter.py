"""Signed converter of an SRAM array's readout: one conversion, all transistors of its array and logic."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import Gates, Points, at, control_energy, energy, pulses
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms

Width = Annotated[float, quantity("m", ge=0.42e-6, le=100e-6)]
Time = Annotated[float, quantity("s", ge=5e-11, le=1e-6)]

RESIDUES = SolverOptions(reltol=3e-4, abstol=1e-12, vntol=1e-6, chgtol=1e-16, gmin=1e-15)
"""Against a third of reltol and a tenth of chgtol: residues within 0.013 mV, half the time."""


class Converter(NetlistParameters):
    """Sizes of comparator and capacitor array.

    The capacitors are fingers of metal: a unit of 2 fF, and ``parasitic_share`` of it to ground at either
    plate. Both are our choice; no layout was extracted, and the capacitors have no mismatch.
    """

    input_width: Width = 12e-6
    tail_width: Width = 0.5e-6
    cross_width: Width = 2e-6
    precharge_width: Width = 0.84e-6
    unit_capacitance: Annotated[float, quantity("F", ge=1e-16, le=1e-12)] = 2e-15
    parasitic_share: Annotated[float, quantity("1", ge=0, le=1)] = 0.1
    reference_drop: Annotated[float, quantity("V", ge=0.01, le=0.4)] = 0.1
    """By how much the reference is below the supply (V); it sets the step."""


class ConverterTiming(NetlistParameters):
    """Sampling first, then one decision after the other."""

    begin: Time = 1e-10
    sample: Time = 2e-9
    settle: Time = 8e-10
    period: Annotated[float, quantity("s", ge=2e-10, le=1e-6, description="of one decision")] = 2e-9
    strobe: Annotated[float, quantity("s", ge=1e-10, le=1e-6, description="its high part")] = 1.2e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 4e-11

    def decision(self, number: int) -> float:
        """When strobe ``number`` rises (s)."""
        return self.begin + self.sample + self.settle + number * self.period


class ConverterParameters(NetlistParameters):
    """One conversion."""

    gates: Gates = Gates()
    converter: Converter = Converter()
    timing: ConverterTiming = ConverterTiming()
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8
    bits: Annotated[int, quantity("1", ge=3, le=8, description="sign included")] = 6
    difference: Annotated[float, quantity("V", ge=-0.2, le=0.2)] = 0.0
    """Of the rails (V), complement's discharge minus the rail's."""
    common_drop: Annotated[float, quantity("V", ge=0, le=0.2)] = 0.05
    """Mean discharge of the rails (V)."""
    target: Annotated[int, quantity("1", ge=-127, le=127)] = 0
    """Preloaded code; it is added to the input."""
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 40e-12

    @model_validator(mode="after")
    def _fits(self) -> ConverterParameters:
        if abs(self.target) >= 2 ** (self.bits - 1):
            largest = 2 ** (self.bits - 1) - 1
            raise ValueError(f"target {self.target} is no code of {self.bits} bits: -{largest} to {largest}")
        if abs(self.difference) / 2 > self.common_drop:
            raise ValueError(
                f"with a difference of {self.difference:g} V and a common drop of {self.common_drop:g} V a"
                " rail would stand above the supply"
            )
        return self

    @property
    def stop(self) -> float:
        return self.timing.decision(self.bits)

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of sample, clear, strobe and the phase of each bit."""
        timing = self.timing
        begin, end = timing.begin, timing.begin + timing.sample
        strobes = [(timing.decision(n), timing.decision(n) + timing.strobe) for n in range(self.bits)]
        intervals = {
            "sample": [(begin, end)],
            "clear": [(begin, begin + timing.sample / 3)],
            "strobe": strobes,
        }
        for bit in range(self.bits):
            start = timing.decision(self.bits - 1 - bit)
            intervals[f"phase{bit}"] = [(start - timing.edge, start + timing.strobe + 2 * timing.edge)]
        high, edge = self.supply_voltage, timing.edge
        return {name: pulses(value, high, edge) for name, value in intervals.items()}


@register
class Conversion(Bench):
    """One row per decision, the sign first.

    ``residue`` is the difference of the top plates when the strobe rises, ``decided`` 1 if it was found
    positive, else 0; ``code`` the conversion's result. ``converter_energy`` is what the supply delivers,
    ``control_energy`` what the drivers of the controls would. What the capacitors push into the reference is
    not credited.
    """

    name: ClassVar[str] = "sram_converter"
    title: ClassVar[str] = "signed differential converter by successive approximation: decisions and energy"
    template: ClassVar[str] = "converter/converter"
    Parameters: ClassVar[type[NetlistParameters]] = ConverterParameters
    columns: ClassVar[dict[str, str]] = {
        "decision": "",
        "residue": "V",
        "decided": "",
        "code": "",
        "converter_energy": "J",
        "control_energy": "J",
        "duration": "s",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = RESIDUES

    def analysis(self, parameters: ConverterParameters) -> Tran:
        step = parameters.time_step
        latches = [f"{side}{k}" for side in ("q", "q_bar") for k in range(parameters.bits)]
        branches = [f"v{name}#branch" for name in ("supply", "reference", *parameters.controls)]
        return Tran(step, parameters.stop, max_step=step, save=("top", "top_bar", *latches, *branches))

    def measure(self, parameters: ConverterParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, timing = parameters.supply_voltage, parameters.timing
        decided = decisions(waveforms, parameters.bits, supply, self.name)
        weights = 2 ** np.arange(parameters.bits)[::-1]
        times = [timing.decision(number) for number in range(parameters.bits)]
        used = energy(waveforms, "vsupply", supply)
        used += control_energy(waveforms, "vreference", supply - parameters.converter.reference_drop)
        return pd.DataFrame({
            "decision": np.arange(parameters.bits, dtype=float),
            "residue": [at(waveforms, "top", t) - at(waveforms, "top_bar", t) for t in times],
            "decided": decided.astype(float),
            "code": float(weights @ decided - 2 ** (parameters.bits - 1)),
            "converter_energy": used,
            "control_energy": sum(
                control_energy(waveforms, f"v{name}", supply) for name in parameters.controls
            ),
            "duration": parameters.stop - timing.begin,
        })  # fmt: skip


def decisions(waveforms: Waveforms, bits: int, supply: float, place: str) -> np.ndarray:
    """What the latches of every bit hold at the end, the sign first: 1 where the positive side's is set.

    SimulationError if a comparison set no latch, or both.
    """
    found = []
    for bit in reversed(range(bits)):
        positive, negative = (waveforms[f"{side}{bit}"][-1] > supply / 2 for side in ("q", "q_bar"))
        if positive == negative:
            raise SimulationError(
                f"the comparison of bit {bit} set {'both latches' if positive else 'no latch'}",
                place=place,
                remedy="lengthen timing.strobe: near a threshold the comparator needs more time",
            )
        found.append(int(positive))
    return np.array(found)
