"""Data retention voltage of a 6T SRAM cell: the lowest supply at which it has two states."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Sweep, Waveforms
from cimspice.sram.circuit.cell import PRECISE, SramCell, Supply

APART = 0.5
"""Share of the supply by which the storage nodes are at least apart while the cell holds its state."""


class RetentionParameters(NetlistParameters):
    """The supplies of the sweep; the bit lines are at the supply too."""

    cell: SramCell = SramCell()
    highest_supply: Supply = 1.2
    lowest_supply: Supply = 0.05
    supply_step: Annotated[float, quantity("V", ge=1e-4, le=0.05)] = 2e-3


@register
class Retention(Bench):
    """The supply falls slowly, with either state stored; ``retention_voltage`` is where the first is lost.

    It is lost when the storage nodes come nearer than half of the supply: as a rule they then jump. (Far
    below, the butterfly may have two lobes again, of states with nearly equal nodes; nothing can be stored in
    these.) A cell with mismatch is lopsided: its other state may outlive any supply.

    References
    ----------
    Qin, Cao, Markovic, Vladimirescu, Rabaey, "SRAM leakage suppression by minimizing standby supply voltage",
    Proc. ISQED 2004, 55.
    """

    name: ClassVar[str] = "sram_retention"
    title: ClassVar[str] = "data retention voltage of a 6T SRAM cell"
    template: ClassVar[str] = "sram/cell_retention"
    Parameters: ClassVar[type[NetlistParameters]] = RetentionParameters
    columns: ClassVar[dict[str, str]] = {"retention_voltage": "V"}
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: RetentionParameters) -> Dc:
        steps = max(round((parameters.highest_supply - parameters.lowest_supply) / parameters.supply_step), 1)
        stop = parameters.highest_supply - steps * parameters.supply_step
        both = Sweep("vstate", 1.0, -1.0, -2.0)
        saved = ("left", "right")
        step = -parameters.supply_step
        return Dc("vsupply", parameters.highest_supply, stop, step, both, save=saved)

    def measure(self, parameters: RetentionParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, other = np.split(waveforms.axis, 2)
        apart = np.array(np.split(waveforms["left"] - waveforms["right"], 2)) * [[1.0], [-1.0]]
        # behind the first point, at which the state is set
        lost = (apart <= APART * np.array([supply, other]))[:, 1:].any(axis=0)
        first = int(np.argmax(lost))
        if not lost.any() or first == 0:
            low, high = parameters.lowest_supply, parameters.highest_supply
            raise SimulationError(
                f"the retention voltage is not between {low:g} and {high:g} V",
                place=self.name,
                remedy="raise highest_supply" if lost.any() else "lower lowest_supply",
            )
        return pd.DataFrame({"retention_voltage": [float(supply[1:][first - 1 : first + 1].mean())]})
