"""One decision of a comparator, or of a latch-type sense amplifier, on the floating lines of a column."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import OPTIONS, Gates, at, control_energy, energy
from cimspice.errors import SimulationError
from cimspice.hybrid.circuit.comparator import Comparator
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.array import Array
from cimspice.sram.circuit.column import SramPeriphery
from cimspice.sram.circuit.multi_row_read import MultiRowParameters, OpenRow

RELEASE = 0.15e-9
"""Between letting the lines go and the strobe (s)."""


class DecisionParameters(Comparator, MultiRowParameters):
    """Lines that stand ``common_drop`` below the supply, the bit line higher by ``difference``."""

    amplifier: Literal["comparator", "sense_amplifier"] = "comparator"
    array: Array = Array(rows=144)
    open_rows: tuple[OpenRow, ...] = ()
    gates: Gates = Gates()
    periphery: SramPeriphery = SramPeriphery()
    common_drop: Annotated[float, quantity("V", ge=0, le=0.5)] = 0.2
    difference: Annotated[float, quantity("V", ge=-0.2, le=0.2)] = 5.6e-3
    strobe: Annotated[float, quantity("s", ge=1e-10, le=1e-6, description="how long")] = 1.2e-9
    strobe_edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9)] = 4e-11
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 5e-12

    @computed_field
    @property
    def release_at(self) -> float:
        return self.array.word_line_start

    @computed_field
    @property
    def strobe_at(self) -> float:
        return self.release_at + RELEASE

    @property
    def stop(self) -> float:
        return self.strobe_at + self.strobe + 0.4e-9


@register
class ComparatorDecision(Bench):
    """Delay from the strobe to the output, both at half supply, energy, and what is left on the lines.

    ``decided`` is 1 where the bit line was found higher, else 0. ``kick_back`` is the largest change of the
    lines' difference while the strobe is high, ``kick_back_after`` what is left of it when the comparator is
    reset, ``common_kick_back_after`` that of the lines' mean.

    SimulationError if nothing was decided when the strobe ends.
    """

    name: ClassVar[str] = "hybrid_comparator_decision"
    title: ClassVar[str] = "one decision on the lines of a column: delay, energy, kick-back"
    template: ClassVar[str] = "hybrid/comparator_decision"
    Parameters: ClassVar[type[NetlistParameters]] = DecisionParameters
    columns: ClassVar[dict[str, str]] = {
        "decided": "",
        "decision_delay": "s",
        "supply_energy": "J",
        "strobe_energy": "J",
        "kick_back": "V",
        "kick_back_after": "V",
        "common_kick_back_after": "V",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: DecisionParameters) -> Tran:
        step = parameters.time_step
        saved = ("b0_0", "c0_0", "win", "win_bar", "vsupply#branch", "vstrobe#branch")
        return Tran(step, parameters.stop, max_step=step, save=saved)

    def measure(self, parameters: DecisionParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, begin = parameters.array.supply_voltage, parameters.strobe_at
        end = begin + parameters.strobe
        win, other = (at(waveforms, name, end) > supply / 2 for name in ("win", "win_bar"))
        if win == other:
            raise SimulationError(
                f"nothing was decided {parameters.strobe:g} s after the strobe",
                place=self.name,
                remedy="lengthen strobe, or enlarge difference",
            )
        time = waveforms.axis
        during = (time >= begin) & (time <= end)
        output = waveforms["win" if win else "win_bar"][during]
        decided_at = float(time[during][np.argmax(output > supply / 2)])
        difference = waveforms["b0_0"] - waveforms["c0_0"]
        before = float(np.interp(begin, time, difference))
        mean = [
            (at(waveforms, "b0_0", when) + at(waveforms, "c0_0", when)) / 2
            for when in (begin, parameters.stop)
        ]
        change = difference[during] - before
        row = {
            "decided": float(win),
            "decision_delay": decided_at - begin - parameters.strobe_edge / 2,
            "supply_energy": energy(waveforms, "vsupply", supply, begin - RELEASE / 2),
            "strobe_energy": control_energy(waveforms, "vstrobe", supply),
            "kick_back": float(change[np.argmax(np.abs(change))]),
            "kick_back_after": float(difference[-1]) - before,
            "common_kick_back_after": mean[1] - mean[0],
        }
        return pd.DataFrame([row])
