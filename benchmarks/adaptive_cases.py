"""The two circuits of the benchmark of adaptive campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.hyperparameters import Samples

CORNERS = ["tt", "ss", "ff", "sf", "fs"]
COLD, HOT = -40.0, 125.0


@dataclass(frozen=True)
class Case:
    """A circuit: benches of a point and of a curve, axes (start, stop, values of the full grid), the last of
    which a curve sweeps; ``fine`` are values of the adaptive campaign's grid.
    """

    name: str
    bench: str
    curve_bench: str
    curve: dict[str, Any]
    column: str
    axes: dict[str, tuple[float, float, int]]
    fine: dict[str, int]
    temperatures: int
    negligible: float
    budget: int
    batch: int
    curve_budget: int
    checked: int

    @property
    def swept(self) -> str:
        """The axis that a curve sweeps."""
        return list(self.axes)[-1]

    @property
    def values(self) -> np.ndarray:
        """Its values on the full grid."""
        return np.linspace(*self.axes[self.swept])

    def error(self, predicted: np.ndarray, values: np.ndarray) -> float:
        """Rms error of predicted currents."""
        return float(np.sqrt(np.mean(((predicted - values) / (values + self.negligible)) ** 2)))


SYNAPSE = Case(
    name="synapse",
    bench="neuron_synapse_point",
    curve_bench="neuron_synapse",
    curve={"membrane_start": 0.1, "membrane_stop": 1.8, "membrane_step": 0.10625},
    column="current",
    axes={"gate_bias": (0.3, 0.7, 17), "membrane_voltage": (0.1, 1.8, 9)},
    fine={"gate_bias": 33, "membrane_voltage": 35},
    temperatures=5,
    negligible=1e-11,
    budget=500,
    batch=20,
    curve_budget=200,
    checked=16,
)
SRAM = Case(
    name="sram",
    bench="sram_read_current",
    curve_bench="",  # its curve starts at the supply: curves of two supplies have no values in common
    curve={},
    column="bit_line_current",
    axes={
        "supply_voltage": (1.62, 1.98, 3),
        "word_line_voltage": (0.8, 1.8, 11),
        "bit_line_voltage": (0.4, 1.8, 9),
    },
    fine={"supply_voltage": 7, "word_line_voltage": 41, "bit_line_voltage": 29},
    temperatures=5,
    negligible=0.0,
    budget=1480,
    batch=40,
    curve_budget=0,
    checked=16,
)


def samples(case: Case, table: pd.DataFrame, *, curves: bool = False) -> Samples:
    """Rows of a table as the adaptive campaign's inputs."""
    ends = {name: axis[:2] for name, axis in case.axes.items() if not (curves and name == case.swept)}
    ends["temperature"] = (COLD, HOT)
    columns = [(table[name].to_numpy() - low) / (high - low) for name, (low, high) in ends.items()]
    return Samples(np.stack(columns, axis=1), table["corner"].map(CORNERS.index).to_numpy())
