"""One read or one write of a 6T cell with real circuits around it: delays, and the energy of every supply."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

from cimspice.bench.bench import Bench, register
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms
from cimspice.sram.circuit.cell import SramCell, Supply
from cimspice.sram.circuit.column import SramColumn, SramPeriphery, SramTiming

BLOCKS = ("cell", "precharge", "word", "write", "sense")
"""Of the circuit, each with a supply of its own."""

CONTROLS = ("precharge", "enable", "write", "data", "trigger")
"""Ideal sources: what they drive into gates is energy too."""

RESTORED = 2e-3
"""A cycle is one only if the bit lines end this near (V) to where they began."""


class AccessParameters(NetlistParameters):
    """An array's column and word line, and one access; a write is one of 1 into the side that stores 0."""

    cell: SramCell = SramCell()
    column: SramColumn = SramColumn()
    periphery: SramPeriphery = SramPeriphery()
    timing: SramTiming = SramTiming()
    supply_voltage: Supply = 1.8
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest time step")] = 20e-12


class ReadAccessParameters(AccessParameters):
    """A read: the sense amplifier decides when the bit lines are apart by ``sense_swing``."""

    sense_swing: Annotated[float, quantity("V", ge=0.01, le=1)] = 0.1


def energies(parameters: AccessParameters, waveforms: Waveforms) -> dict[str, float]:
    """Energy (J) that every block's supply and the controls deliver over the whole cycle.

    ``column_energy`` is that of one column (cell, precharge, write driver, sense amplifier and their
    controls), ``access_energy`` that of a word, all of whose columns do the same, with its word line;
    ``bit_energy`` is a bit's share of it.
    """
    time = waveforms.axis
    drawn = {
        block: -parameters.supply_voltage * float(trapezoid(waveforms[f"vsupply_{block}#branch"], time))
        for block in BLOCKS
    }
    given = {
        control: -float(trapezoid(waveforms[control] * waveforms[_source(parameters, control)], time))
        for control in CONTROLS
    }
    word_line = drawn["word"] + given["enable"]
    column = sum(drawn.values()) + sum(given.values()) - word_line
    columns = parameters.column.columns
    return {
        **{f"{block}_energy": drawn[block] for block in BLOCKS},
        "control_energy": sum(given.values()),
        "column_energy": column,
        "access_energy": word_line + columns * column,
        "bit_energy": word_line / columns + column,
    }


def _source(parameters: AccessParameters, control: str) -> str:
    reads = isinstance(parameters, ReadAccessParameters)
    return f"{'e' if reads and control == 'trigger' else 'v'}{control}#branch"


_ENERGIES = {f"{name}_energy": "J" for name in (*BLOCKS, "control", "column", "access", "bit")}
_NODES = ("left", "right", "near", "near_bar", "word_line", "out", "out_bar")


class _Access(Bench):
    """What reads and writes share."""

    solver: ClassVar[SolverOptions] = SolverOptions(
        reltol=1e-4, abstol=1e-13, vntol=1e-7, chgtol=1e-17, gmin=1e-15
    )

    def analysis(self, parameters: AccessParameters) -> Tran:
        branches = [f"vsupply_{block}#branch" for block in BLOCKS]
        branches += [_source(parameters, control) for control in CONTROLS]
        step = parameters.time_step
        return Tran(step, parameters.timing.end, max_step=step, save=(*_NODES, *CONTROLS, *branches))


def require_restored(waveforms: Waveforms, place: str) -> None:
    """That the precharge has restored both bit lines when the cycle ends.

    SimulationError if not: what is left over would be missing in the energy.
    """
    for line in ("near", "near_bar"):
        left_over = abs(waveforms[line][-1] - waveforms[line][0])
        if left_over > RESTORED:
            raise SimulationError(
                f"at the end of the cycle a bit line is {left_over:.3g} V from where it began",
                place=place,
                remedy="give the precharge more time (timing.end) or more width (periphery.precharge_width)",
            )


def opened(parameters: AccessParameters, waveforms: Waveforms, place: str) -> float:
    """When (s) the far end of the word line passes half of the supply.

    SimulationError if it does not although its inputs ask for it.
    """
    time = waveforms.crossing("word_line", parameters.supply_voltage / 2, "rise")
    if not np.isfinite(time):
        raise SimulationError(
            f"at {parameters.supply_voltage:g} V of supply the word line does not open before timing.close",
            place=place,
            remedy="raise supply_voltage (bench sram_retention gives what the cell itself needs), or give the"
            " cycle more time",
        )
    return time


@register
class ReadAccess(_Access):
    """Delays and energy of a read, from the word line's enable to a sense amplifier that has decided.

    ``word_line_delay`` until the far end of the word line is at half supply, ``bit_line_delay`` until the bit
    lines are apart by ``sense_swing``, ``sense_delay`` from then to the output, ``read_delay`` all of it.
    ``bit_line_swing`` is how far the bit line falls until the word line has closed, ``disturb_voltage`` the
    peak of the node that stores 0. ``correct`` is 1 if the right output came and the cell kept its state,
    else 0; what did not come has a delay of nan.
    """

    name: ClassVar[str] = "sram_read_access"
    title: ClassVar[str] = "read of a 6T cell with precharge, drivers and sense amplifier: delays and energy"
    template: ClassVar[str] = "sram/read_access"
    Parameters: ClassVar[type[NetlistParameters]] = ReadAccessParameters
    columns: ClassVar[dict[str, str]] = {
        "correct": "",
        "word_line_delay": "s",
        "bit_line_delay": "s",
        "sense_delay": "s",
        "read_delay": "s",
        "bit_line_swing": "V",
        "disturb_voltage": "V",
        **_ENERGIES,
    }

    def measure(self, parameters: ReadAccessParameters, waveforms: Waveforms) -> pd.DataFrame:
        half, begin = parameters.supply_voltage / 2, parameters.timing.open
        word_line = opened(parameters, waveforms, self.name) - begin
        require_restored(waveforms, self.name)
        apart = waveforms.crossing("trigger", half, "rise") - begin
        output = waveforms.crossing("out_bar", half, "rise") - begin
        wrong = waveforms.crossing("out", half, "rise") - begin
        kept = waveforms["right"][-1] - waveforms["left"][-1] > half
        near = waveforms["near"]
        row = {
            "correct": float(kept and np.isfinite(output) and not np.isfinite(wrong)),
            "word_line_delay": word_line,
            "bit_line_delay": apart,
            "sense_delay": output - apart,
            "read_delay": output,
            "bit_line_swing": near[0] - np.min(near),
            "disturb_voltage": np.max(waveforms["left"]),
        }
        return pd.DataFrame([{**row, **energies(parameters, waveforms)}])


@register
class WriteAccess(_Access):
    """Delays and energy of a write that flips the cell.

    ``write_delay`` from the word line's enable until the node written to 1 is at 90 % of the supply,
    ``flip_delay`` until both nodes are equal. ``written`` is 1 if the cell has the new state when the cycle
    ends, else 0; a delay that does not end is nan.
    """

    name: ClassVar[str] = "sram_write_access"
    title: ClassVar[str] = "write of a 6T cell with precharge and drivers: delays and energy"
    template: ClassVar[str] = "sram/write_access"
    Parameters: ClassVar[type[NetlistParameters]] = AccessParameters
    columns: ClassVar[dict[str, str]] = {
        "written": "",
        "word_line_delay": "s",
        "flip_delay": "s",
        "write_delay": "s",
        **_ENERGIES,
    }

    def measure(self, parameters: AccessParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, begin = parameters.supply_voltage, parameters.timing.open
        word_line = opened(parameters, waveforms, self.name) - begin
        require_restored(waveforms, self.name)
        left, right = waveforms["left"], waveforms["right"]
        apart = Waveforms(waveforms.axis_name, {"time": waveforms.axis, "apart": left - right})
        row = {
            "written": float(left[-1] - right[-1] > supply / 2),
            "word_line_delay": word_line,
            "flip_delay": apart.crossing("apart", 0.0, "rise") - begin,
            "write_delay": waveforms.crossing("left", 0.9 * supply, "rise", after=begin) - begin,
        }
        return pd.DataFrame([{**row, **energies(parameters, waveforms)}])


@register
class HalfSelected(WriteAccess):
    """Energies as of a write; ``kept`` is 1 if the cell has its old state when the cycle ends, else 0.

    ``bit_line_swing`` is how far the bit line falls until the word line closes.
    """

    name: ClassVar[str] = "sram_half_selected"
    title: ClassVar[str] = "column of 6T cells that is not written while its word line is open: energy"
    template: ClassVar[str] = "sram/half_selected"
    Parameters: ClassVar[type[NetlistParameters]] = AccessParameters
    columns: ClassVar[dict[str, str]] = {
        "kept": "",
        "bit_line_swing": "V",
        **{name: unit for name, unit in WriteAccess.columns.items() if name.endswith("_energy")},
    }

    def measure(self, parameters: AccessParameters, waveforms: Waveforms) -> pd.DataFrame:
        opened(parameters, waveforms, self.name)
        require_restored(waveforms, self.name)
        near = waveforms["near"]
        row = {
            "kept": float(waveforms["right"][-1] - waveforms["left"][-1] > parameters.supply_voltage / 2),
            "bit_line_swing": float(near[0] - near.min()),
        }
        return pd.DataFrame([{**row, **energies(parameters, waveforms)}])
