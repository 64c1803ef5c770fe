"""DC currents of many 6T cells at once, each with threshold shifts of its own."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Waveforms
from cimspice.sram.circuit.array import Diffusion, cell_diffusion
from cimspice.sram.circuit.cell import SramCell
from cimspice.sram.circuit.multi_row_read import NO_SHIFTS, CellShifts

Line = Annotated[float, quantity("V", ge=-0.5, le=2.5)]


class PopulationParameters(NetlistParameters):
    """Cells under one word-line voltage; one bit line is swept down, the other held."""

    cell: SramCell = SramCell()
    supply_voltage: Annotated[float, quantity("V", gt=0, le=1.95)] = 1.8
    word_line_voltage: Annotated[float, quantity("V", ge=0, le=1.95)] = 1.2
    shifts: tuple[CellShifts, ...] = (NO_SHIFTS,)
    """Per cell, threshold shifts (V) of pull-up, pull-down and pass, left then right."""
    stored: Annotated[int, quantity("1", ge=0, le=1)] = 0
    """What all cells store: 0 pulls the bit line down, 1 its complement."""
    swept: Literal["bit_line", "bit_line_bar"] = "bit_line"
    """Which line is swept, from ``start_voltage`` to ``stop_voltage``; the other is at ``held_voltage``. A
    line below 0 V gives how far a cell is from flipping that no line can flip."""
    held_voltage: Line = 1.8
    start_voltage: Line = 1.8
    stop_voltage: Line = 0.0
    intervals: Annotated[int, quantity("1", ge=1, le=10_000)] = 90

    @computed_field
    @property
    def diffusion(self) -> Diffusion:
        return cell_diffusion(self.cell)


@register
class CellPopulation(Bench):
    """Currents from both lines into each cell, and the difference of its storage nodes (positive: holds)."""

    name: ClassVar[str] = "sram_cell_population"
    title: ClassVar[str] = "DC bit-line currents of 6T cells with given threshold shifts"
    template: ClassVar[str] = "sram/cell_population"
    Parameters: ClassVar[type[NetlistParameters]] = PopulationParameters
    columns: ClassVar[dict[str, str]] = {
        "cell": "",
        "line_voltage": "V",
        "bit_line_current": "A",
        "bit_line_bar_current": "A",
        "state_margin": "V",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = SolverOptions(reltol=1e-6, abstol=1e-14, vntol=1e-9)

    def analysis(self, parameters: PopulationParameters) -> Dc:
        cells = range(len(parameters.shifts))
        saved = [f"v{line}{k}#branch" for k in cells for line in "bc"]
        saved += [f"{side}_{k}" for k in cells for side in ("left", "right")]
        start, stop = parameters.start_voltage, parameters.stop_voltage
        step = (stop - start) / parameters.intervals
        return Dc(f"v{parameters.swept}", start, stop, step, save=tuple(saved))

    def measure(self, parameters: PopulationParameters, waveforms: Waveforms) -> pd.DataFrame:
        sign = 1.0 if parameters.stored else -1.0
        voltage = np.round(waveforms.axis, 9) + 0.0  # no -0.0
        frames = [
            pd.DataFrame({
                "cell": k,
                "line_voltage": voltage,
                "bit_line_current": waveforms[f"vb{k}#branch"],
                "bit_line_bar_current": waveforms[f"vc{k}#branch"],
                "state_margin": sign * (waveforms[f"left_{k}"] - waveforms[f"right_{k}"]),
            })
            for k in range(len(parameters.shifts))
        ]  # fmt: skip
        return pd.concat(frames, ignore_index=True)
