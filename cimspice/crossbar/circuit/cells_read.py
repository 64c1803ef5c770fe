"""Array of resistive memories, passive or 1T1R: column currents of many input vectors, states held."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import model_validator

from cimspice.bench.bench import Bench, register
from cimspice.crossbar.circuit.cells import CellArrayParameters, require_simulable
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.rram.circuit.access_grid import EXACT
from cimspice.spice import Dc, SolverOptions, Waveforms

Voltage = Annotated[float, quantity("V", ge=-3.3, le=3.3)]


class CellsReadParameters(CellArrayParameters):
    """``voltages`` holds one row per input vector: one voltage per bit line. Source lines are at 0 V."""

    voltages: tuple[tuple[Voltage, ...], ...] = ((0.1, 0.2),)
    read_word_line_voltage: Annotated[float, quantity("V", ge=0, le=5.5)] = 3.3

    @model_validator(mode="after")
    def _vectors_fit(self) -> CellsReadParameters:
        if not self.voltages or any(len(vector) != self.rows for vector in self.voltages):
            raise ValueError(f"voltages must be vectors of {self.rows}, one voltage for each bit line")
        return self


@register
class CellsRead(Bench):
    """Currents into the source lines' terminals at an ideal virtual ground of 0 V.

    ``differential_current`` is that of the column minus that of the other one of its pair (0 and 1, 2 and 3);
    the last of an odd number of columns has no other one: its own current.
    """

    name: ClassVar[str] = "crossbar_cells_read"
    title: ClassVar[str] = "column currents of an array of resistive memories, passive or 1T1R"
    template: ClassVar[str] = "crossbar/cells_read"
    Parameters: ClassVar[type[NetlistParameters]] = CellsReadParameters
    columns: ClassVar[dict[str, str]] = {
        "vector": "",
        "column": "",
        "column_current": "A",
        "differential_current": "A",
    }
    flat: ClassVar[bool] = True

    def netlist(self, parameters: CellsReadParameters) -> Netlist:
        require_simulable(parameters)
        return super().netlist(parameters)

    def analysis(self, parameters: CellsReadParameters) -> Dc:
        save = tuple(f"vout{column}#branch" for column in range(parameters.columns))
        return Dc("vselect", 0.0, float(len(parameters.voltages) - 1), 1.0, save=save)

    def options(self, parameters: CellsReadParameters) -> SolverOptions:
        return EXACT

    def measure(self, parameters: CellsReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        currents = np.stack(
            [np.atleast_1d(waveforms[f"vout{j}#branch"]) for j in range(parameters.columns)], axis=1
        )
        vector, column = np.indices(currents.shape)
        return pd.DataFrame(
            {
                "vector": vector.ravel(),
                "column": column.ravel(),
                "column_current": currents.ravel(),
                "differential_current": paired(currents).ravel(),
            }
        )


def paired(currents: np.ndarray) -> np.ndarray:
    """Each column's current minus that of the other one of its pair, (vectors, columns)."""
    columns = currents.shape[1]
    partner = np.arange(columns) ^ 1
    other = np.where(partner < columns, currents[:, np.minimum(partner, columns - 1)], 0.0)
    return currents - other
