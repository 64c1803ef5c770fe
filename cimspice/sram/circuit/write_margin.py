"""Write margin of a 6T SRAM cell: how far its bit line or its word line has to go before it flips."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Waveforms
from cimspice.sram.circuit.cell import PRECISE, SramCell, Supply, require_state


class WriteMarginParameters(NetlistParameters):
    """A static write of 0 into the side that stores 1, by the line that is swept."""

    cell: SramCell = SramCell()
    supply_voltage: Supply = 1.8
    swept: Literal["bit_line", "word_line"] = "bit_line"
    points: Annotated[
        int, quantity("1", ge=10, le=100_000, description="intervals of the sweep over the supply")
    ] = 900
    beyond: Annotated[
        float, quantity("V", ge=0, le=1, description="sweep past ground, or past the supply")
    ] = 0.4

    @computed_field
    @property
    def word_line_voltage(self) -> float:
        """Where the word line stands before the sweep (V)."""
        return self.supply_voltage if self.swept == "bit_line" else 0.0

    @computed_field
    @property
    def bit_line_voltage(self) -> float:
        """Of the line that stays high (V)."""
        return self.supply_voltage

    @computed_field
    @property
    def bit_line_bar_voltage(self) -> float:
        """Of the line that writes, before the sweep (V)."""
        return self.supply_voltage if self.swept == "bit_line" else 0.0


@register
class WriteMargin(Bench):
    """Bit-line or word-line write margin, by a slow sweep that keeps the cell's state as long as it can.

    ``swept = "bit_line"``: the word line is at the supply, and one bit line falls from the supply;
    ``write_margin`` is its voltage when the cell flips, what noise and a weak driver may leave on it.
    ``swept = "word_line"``: that bit line is at ground, and the word line rises; ``write_margin`` is what is
    left to the supply when the cell flips. Negative: it takes a line beyond its rail.

    References
    ----------
    Wang, Nalam, Calhoun, "Analyzing static and dynamic write margin for nanometer SRAMs", Proc. ISLPED 2008,
    129, compares both definitions.
    """

    name: ClassVar[str] = "sram_write_margin"
    title: ClassVar[str] = "static write margin of a 6T SRAM cell"
    template: ClassVar[str] = "sram/cell_current"
    Parameters: ClassVar[type[NetlistParameters]] = WriteMarginParameters
    columns: ClassVar[dict[str, str]] = {"trip_voltage": "V", "write_margin": "V"}
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: WriteMarginParameters) -> Dc:
        step = parameters.supply_voltage / parameters.points
        steps = parameters.points + round(parameters.beyond / step)
        saved = ("left", "right")
        if parameters.swept == "word_line":
            return Dc("vword_line", 0.0, steps * step, step, save=saved)
        stop = parameters.supply_voltage - steps * step
        return Dc("vbit_line_bar", parameters.supply_voltage, stop, -step, save=saved)

    def measure(self, parameters: WriteMarginParameters, waveforms: Waveforms) -> pd.DataFrame:
        left, right = waveforms["left"], waveforms["right"]
        require_state(left[0], right[0], parameters.supply_voltage, self.name)
        flipped = np.flatnonzero(left > right)
        if not len(flipped):
            raise SimulationError(
                f"the cell does not flip although the {parameters.swept} goes {parameters.beyond:g} V beyond"
                " its rail",
                place=self.name,
                remedy="raise beyond, or size the cell for writing",
            )
        # the flip lies within the last step: its middle is at most half a step away
        trip = float(waveforms.axis[flipped[0] - 1 : flipped[0] + 1].mean())
        margin = trip if parameters.swept == "bit_line" else parameters.supply_voltage - trip
        return pd.DataFrame({"trip_voltage": [trip], "write_margin": [margin]})
