"""N-curve of a 6T SRAM cell: the current that holds one storage node, and the four margins on it."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Waveforms
from cimspice.sram.circuit.cell import PRECISE, SramCell, Supply


class NCurveParameters(NetlistParameters):
    """Word line and both bit lines are at the supply."""

    cell: SramCell = SramCell()
    supply_voltage: Supply = 1.8
    points: Annotated[int, quantity("1", ge=10, le=10_000, description="intervals of the sweep")] = 360


def n_curve_margins(voltage: np.ndarray, current: np.ndarray) -> dict[str, float]:
    """Margins of an N-curve, whose zeros are the states in which the cell can stand.

    The first and the last zero, A and C, are the two stored states, and the zeros next to them, B and B', the
    metastable ones that bound them. B is B' as a rule. In the cold, or at a low supply, a slow cell that is
    open has a third stable state between them, in which no transistor conducts much.

    Parameters
    ----------
    voltage, current
        Of the held node (V), rising, and into it (A), shape (points,).

    Returns
    -------
    dict[str, float]
        ``voltage_noise_margin`` B - A (SVNM, V) and ``current_noise_margin``, the peak between them (SINM,
        A): what it takes to flip the cell in a read. ``write_trip_voltage`` C - B' (WTV, V) and
        ``write_trip_current``, the peak between these (WTI, A): what it takes to write it. All are 0 for a
        cell with one state.

    References
    ----------
    Grossar, Stucchi, Maex, Dehaene, IEEE J. Solid-State Circuits 41 (2006) 2577.
    """
    names = ("voltage_noise_margin", "current_noise_margin", "write_trip_voltage", "write_trip_current")
    change = np.flatnonzero((current[:-1] < 0) != (current[1:] < 0))
    if len(change) < 3:
        return dict.fromkeys(names, 0.0)
    share = current[change] / (current[change] - current[change + 1])
    zeros = voltage[change] + share * (voltage[change + 1] - voltage[change])
    draws = current[change[0] + 1 : change[1] + 1]
    gives = current[change[-2] + 1 : change[-1] + 1]
    values = (zeros[1] - zeros[0], np.max(draws), zeros[-1] - zeros[-2], -np.min(gives))
    return dict(zip(names, map(float, values), strict=True))


@register
class NCurve(Bench):
    """The four margins of :func:`n_curve_margins`, for ``left`` swept from 0 to the supply."""

    name: ClassVar[str] = "sram_n_curve"
    title: ClassVar[str] = "margins from the N-curve of a 6T SRAM cell in read"
    template: ClassVar[str] = "sram/cell_n_curve"
    Parameters: ClassVar[type[NetlistParameters]] = NCurveParameters
    columns: ClassVar[dict[str, str]] = {
        "voltage_noise_margin": "V",
        "current_noise_margin": "A",
        "write_trip_voltage": "V",
        "write_trip_current": "A",
    }
    altered: ClassVar[dict[str, str]] = {"supply_voltage": "vsupply"}
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: NCurveParameters) -> Dc:
        stop = parameters.supply_voltage
        return Dc("vleft", 0.0, stop, stop / parameters.points, save=("vleft#branch",))

    def measure(self, parameters: NCurveParameters, waveforms: Waveforms) -> pd.DataFrame:
        # a source's branch current flows into it: what it drives into the node is the negative
        return pd.DataFrame([n_curve_margins(waveforms.axis, -waveforms["vleft#branch"])])


@register
class NCurvePoints(NCurve):
    """The curve itself."""

    name: ClassVar[str] = "sram_n_curve_points"
    title: ClassVar[str] = "N-curve of a 6T SRAM cell in read"
    columns: ClassVar[dict[str, str]] = {"node_voltage": "V", "node_current": "A"}

    def measure(self, parameters: NCurveParameters, waveforms: Waveforms) -> pd.DataFrame:
        voltage = np.round(waveforms.axis, 9)
        return pd.DataFrame({"node_voltage": voltage, "node_current": -waveforms["vleft#branch"]})
