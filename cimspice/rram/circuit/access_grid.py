"""Access transistor on a dense grid of both its channel ends: the table that the crossbar solver reads."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Sweep, Waveforms

EXACT = SolverOptions(reltol=1e-11, abstol=1e-17, vntol=1e-13, gmin=1e-18, itl1=300, itl2=300)
"""A read to nine digits: the default gmin and tolerances show in megohms."""


class AccessGridParameters(NetlistParameters):
    """The transistor, and the grid: lower end from ``lowest`` to ``highest``, across it 0 to ``across``.

    ``step`` is that of both, unless ``low_step`` gives another one between the lower ends.
    """

    transistor: Literal["nfet_g5v0d10v5", "nfet_01v8", "nfet_01v8_lvt"] = "nfet_g5v0d10v5"
    width: Annotated[float, quantity("m", gt=0, le=1e-4)] = 2e-6
    length: Annotated[float, quantity("m", gt=0, le=1e-5)] = 0.5e-6
    gate_voltage: Annotated[float, quantity("V", ge=0, le=5.5)] = 3.3
    lowest: Annotated[float, quantity("V", ge=-0.5, le=5)] = 0.0
    highest: Annotated[float, quantity("V", ge=-0.5, le=5)] = 0.3
    across: Annotated[float, quantity("V", gt=0, le=5, description="largest voltage across")] = 0.3
    step: Annotated[float, quantity("V", gt=0, le=0.1)] = 0.01
    low_step: Annotated[float | None, quantity("V", gt=0, le=0.5)] = None


@register
class AccessGrid(Bench):
    """Current over the lower end's voltage ``low`` and the voltage ``across``."""

    name: ClassVar[str] = "rram_access_grid"
    title: ClassVar[str] = "dense table of a 1T1R cell's access transistor"
    template: ClassVar[str] = "rram/access_grid"
    Parameters: ClassVar[type[NetlistParameters]] = AccessGridParameters
    columns: ClassVar[dict[str, str]] = {"low": "V", "across": "V", "current": "A"}
    altered: ClassVar[dict[str, str]] = {"gate_voltage": "vgate"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = EXACT

    def analysis(self, parameters: AccessGridParameters) -> Dc:
        low_step = parameters.low_step or parameters.step
        outer = Sweep("vlow", parameters.lowest, parameters.highest, low_step)
        return Dc(
            "vacross", 0.0, parameters.across, parameters.step, outer=outer, save=("source", "vacross#branch")
        )

    def measure(self, parameters: AccessGridParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "low": np.round(waveforms["source"], 9),
                "across": np.round(waveforms.axis, 9),
                "current": -waveforms["vacross#branch"],
            }
        )
