"""Pairs of columns of 1T1R cells: the currents of both are compared, without a virtual ground.

Each line ends in a clamp, a common gate. Its drain is precharged while the lines settle, let go, and
discharged by the column's current until the clamp is switched off; then a clocked comparator decides between
both drains. Word lines are the inputs. Dummy cells of half a unit make the thresholds: n of them on the
negative column in the first decision, on the positive one in the second.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import Gates, Points, at, control_energy, energy, pulses
from cimspice.converter.circuit.converter import Width
from cimspice.crossbar.circuit.cells import LARGEST_READ, ArrayCircuit
from cimspice.errors import SimulationError
from cimspice.hybrid.circuit.comparator import Comparator
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.netlist import NetlistParameters, quantity
from cimspice.rram.circuit.device import RramParameters, State
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.multi_row_read import PRECISE

Time = Annotated[float, quantity("s", ge=5e-11, le=1e-6)]
Bit = Annotated[int, quantity("1", ge=0, le=1)]
RESET = 0.4e-9
"""Time after the last strobe (s), in which comparator and drains are precharged."""


class InputStage(NetlistParameters):
    """Clamps and their loads: ``precharged`` drains that the current discharges, or p-channel transistors as
    ``diode``, or those and ``crossed`` ones of half their width."""

    load: Literal["precharged", "diode", "crossed"] = "precharged"
    load_width: Width = 1e-6
    load_length: Annotated[float, quantity("m", ge=0.15e-6, le=2e-6)] = 0.15e-6
    clamp_width: Width = 10e-6
    clamp_length: Annotated[float, quantity("m", ge=0.15e-6, le=2e-6)] = 0.15e-6


class RramTiming(NetlistParameters):
    """Of a decision, from its word lines on (s)."""

    begin: Time = 1e-10
    """When the first word lines rise (s)."""
    settle: Time = 0.8e-9
    """Until the drains are let go."""
    integrate: Time = 0.2e-9
    """Until the clamps are switched off and the comparator is strobed."""
    strobe: Time = 0.8e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 4e-11
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 1e-11

    @property
    def period(self) -> float:
        """Of a decision (s)."""
        return self.settle + self.integrate + self.strobe + 2 * self.edge


class RramPairParameters(RramParameters, Comparator):
    """What all reads of pairs of columns have in common."""

    array: ArrayCircuit = ArrayCircuit(width=1e-6)
    gates: Gates = Gates()
    stage: InputStage = InputStage()
    timing: RramTiming = RramTiming()
    low_state: State = 0.6
    high_state: State = 0.0
    clamp_voltage: Annotated[float, quantity("V", ge=0.5, le=1.5, description="at the clamps' gates")] = 0.9
    word_line_voltage: Annotated[float, quantity("V", ge=0.8, le=3.3)] = 1.4
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8

    @model_validator(mode="after")
    def _fits(self) -> RramPairParameters:
        if self.model != "skywater" or self.changes or self.array.cell != "1T1R":
            raise ValueError("columns have 1T1R cells of the skywater model with its published numbers")
        if self.rows * self.columns > LARGEST_READ:
            raise ValueError(
                f"{self.rows // 2} pairs of columns of {self.columns} rows: at most {LARGEST_READ} cells"
            )
        return self

    @property
    def states(self) -> tuple[tuple[float, ...], ...]:
        """Of lines by word lines."""
        raise NotImplementedError

    @property
    def opened(self) -> np.ndarray:
        """Which word lines are open in each decision, (decisions, word lines)."""
        raise NotImplementedError

    @computed_field
    @property
    def rows(self) -> int:
        """Lines."""
        return len(self.states)

    @computed_field
    @property
    def columns(self) -> int:
        """Word lines."""
        return self.opened.shape[1]

    @property
    def starts(self) -> list[float]:
        """When the word lines of each decision change (s)."""
        return [self.timing.begin + k * self.timing.period for k in range(len(self.opened))]

    @property
    def strobes(self) -> list[float]:
        """When the comparators are strobed (s)."""
        return [start + self.timing.settle + self.timing.integrate for start in self.starts]

    @property
    def stop(self) -> float:
        return self.starts[-1] + self.timing.period + RESET

    @computed_field
    @property
    def strobe_points(self) -> Points:
        return self._pulses([(start, start + self.timing.strobe) for start in self.strobes])

    @computed_field
    @property
    def precharge_points(self) -> Points:
        settle, strobe = self.timing.settle, self.timing.strobe
        windows = [
            (start + settle, end + strobe) for start, end in zip(self.starts, self.strobes, strict=True)
        ]
        return self._pulses(windows)

    @computed_field
    @property
    def clamp_points(self) -> Points:
        """Off when the strobe rises; loads that hold no charge need it until the decision is made."""
        late = -self.timing.edge if self.stage.load == "precharged" else self.timing.strobe
        windows = [(start, end + late) for start, end in zip(self.starts, self.strobes, strict=True)]
        return self._pulses(windows, self.clamp_voltage)

    @computed_field
    @property
    def word_points(self) -> tuple[Points, ...]:
        """Of each word line; one that is open in the next decision, too, stays open."""
        starts, period = self.starts, self.timing.period - 2 * self.timing.edge
        found = []
        for bits in self.opened.T:
            windows: list[tuple[float, float]] = []
            for start, bit, before in zip(starts, bits, [0, *bits], strict=False):
                if bit:
                    begin = windows.pop()[0] if before else start
                    windows.append((begin, start + period))
            found.append(self._pulses(windows, self.word_line_voltage))
        return tuple(found)

    def _pulses(self, windows: list[tuple[float, float]], high: float | None = None) -> Points:
        return pulses(windows, self.supply_voltage if high is None else high, self.timing.edge)


class RramColumnParameters(RramPairParameters):
    """Cell values −1, 0 and 1 of pairs of columns, and the inputs that open their rows."""

    cells: tuple[tuple[Annotated[int, quantity("1", ge=-1, le=1)], ...], ...] = ((1, 1, 1, 0, -1, 0, 0, 1),)
    inputs: tuple[Bit, ...] = (1,) * 8
    dummies: Annotated[int, quantity("1", ge=1, le=31, description="odd")] = 3

    @model_validator(mode="after")
    def _rows_agree(self) -> RramColumnParameters:
        if not self.cells or any(len(pair) != len(self.inputs) for pair in self.cells):
            raise ValueError(f"cells must be rows of {len(self.inputs)}, one value for each input")
        return self

    @property
    def column(self) -> RramColumn:
        """Word lines and states."""
        return RramColumn(len(self.inputs), self.dummies, self.low_state, self.high_state)

    @computed_field
    @property
    def states(self) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(map(float, line)) for line in self.column.states(np.array(self.cells)))

    @property
    def opened(self) -> np.ndarray:
        return self.column.opened(np.array(self.inputs))


@register
class RramColumnRead(Bench):
    """Both decisions of each pair, one row for each strobe of each.

    ``positive_discharge``, ``negative_discharge``: what the columns took off their drains at the strobe, and
    ``difference`` their difference; ``decided`` 1 where the positive column draws more, else 0;
    ``cell_voltage`` the highest voltage of a line in the whole read, which no cell's exceeds. Energies are of
    a pair in the whole read, the same in its rows: ``read_energy`` what columns and drains draw,
    ``control_energy`` what gates of precharge and clamps do.

    Raises
    ------
    SimulationError
        If a comparator has not decided, as where its drains have no headroom left.
    """

    name: ClassVar[str] = "hybrid_rram_column_read"
    title: ClassVar[str] = "pairs of RRAM columns, their currents compared: decisions, delay, energy"
    template: ClassVar[str] = "hybrid/rram_column_read"
    Parameters: ClassVar[type[NetlistParameters]] = RramColumnParameters
    columns: ClassVar[dict[str, str]] = {
        "pair": "",
        "strobe": "",
        "positive_discharge": "V",
        "negative_discharge": "V",
        "difference": "V",
        "decided": "",
        "decision_delay": "s",
        "cell_voltage": "V",
        "read_energy": "J",
        "word_line_energy": "J",
        "control_energy": "J",
        "comparator_energy": "J",
        "strobe_energy": "J",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: RramColumnParameters) -> Tran:
        given, step = parameters, parameters.timing.time_step
        lines, pairs = range(given.rows), range(given.rows // 2)
        saved = [f"{name}{k}" for name in ("in", "node") for k in lines]
        saved += [f"{name}{k}" for name in ("win", "win_bar") for k in pairs]
        sources = ["supply", "read", "clamp", "strobe", *(f"gate{j}" for j in range(given.columns))]
        sources += ["precharge"] if given.stage.load == "precharged" else []
        saved += [f"v{name}#branch" for name in sources]
        return Tran(step, given.stop, max_step=step, save=tuple(saved))

    def measure(self, parameters: RramColumnParameters, waveforms: Waveforms) -> pd.DataFrame:
        given, supply, pairs = parameters, parameters.supply_voltage, parameters.rows // 2
        gates = [control_energy(waveforms, "vclamp", supply)]
        if given.stage.load == "precharged":
            gates.append(control_energy(waveforms, "vprecharge", supply))
        words = [
            control_energy(waveforms, f"vgate{j}", given.word_line_voltage) for j in range(given.columns)
        ]
        used = {
            "read_energy": energy(waveforms, "vread", supply),
            "word_line_energy": sum(words),
            "control_energy": sum(gates),
            "comparator_energy": energy(waveforms, "vsupply", supply),
            "strobe_energy": control_energy(waveforms, "vstrobe", supply),
        }
        rows = []
        for pair in range(pairs):
            highest = max(float(waveforms[f"in{2 * pair + k}"].max()) for k in (0, 1))
            for strobe, time in enumerate(given.strobes):
                drains = [at(waveforms, f"node{2 * pair + k}", time) for k in (0, 1)]
                decided, delay = self._decision(given, waveforms, pair, time, max(drains))
                rows.append({
                    "pair": pair,
                    "strobe": strobe,
                    "positive_discharge": supply - drains[0],
                    "negative_discharge": supply - drains[1],
                    "difference": drains[1] - drains[0],
                    "decided": decided,
                    "decision_delay": delay,
                    "cell_voltage": highest,
                    **{name: value / pairs for name, value in used.items()},
                })  # fmt: skip
        return pd.DataFrame(rows)

    def _decision(
        self, given: RramColumnParameters, waveforms: Waveforms, pair: int, time: float, drain: float
    ) -> tuple[float, float]:
        """1 or 0, and the time (s) from the strobe at half supply to the output at half supply."""
        half, end = given.supply_voltage / 2, time + given.timing.strobe
        win, other = (at(waveforms, f"{side}{pair}", end) > half for side in ("win", "win_bar"))
        if win == other:
            raise SimulationError(
                f"comparator {pair} has not decided {given.timing.strobe:g} s after its strobe, the higher "
                f"drain at {drain:.2f} V",
                place=self.name,
                remedy="lengthen timing.strobe"
                if drain > given.supply_voltage / 2
                else "there is no headroom: open fewer rows, shorten timing.integrate, or give a more "
                "resistive low_state",
            )
        trace = waveforms[f"win{pair}" if win else f"win_bar{pair}"]
        during = (waveforms.axis >= time) & (waveforms.axis <= end)
        first = float(waveforms.axis[during][np.argmax(trace[during] > half)])
        return float(win), first - time - given.timing.edge / 2
