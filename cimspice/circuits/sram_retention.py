"""Data retention voltage of a 6T SRAM cell: the lowest supply at which it has two states."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.circuits.bench import Bench, register
from cimspice.circuits.sram_cell import PRECISE, SramCell, Supply
from cimspice.circuits.sram_noise_margin import static_noise_margin
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, SolverOptions, Sweep, Waveforms


class RetentionParameters(NetlistParameters):
    """Supplies at which the butterfly of a cell in hold is taken; the bit lines are at the supply too."""

    cell: SramCell = SramCell()
    highest_supply: Supply = 1.2
    lowest_supply: Supply = 0.05
    supplies: Annotated[int, quantity("1", ge=2, le=1000, description="intervals between them")] = 92
    points: Annotated[int, quantity("1", ge=10, le=10_000, description="intervals of each butterfly")] = 80


def retention_voltage(supplies: np.ndarray, margins: np.ndarray) -> float:
    """Supply (V) below which the noise margin is gone.

    The margin falls to 0 along a line and stays there, a cell without a lobe has no size of it: the line
    through the last two margins is followed, at most to the first supply without one. Zero or infinite if
    the margin is never or always gone.

    Parameters
    ----------
    supplies, margins
        Rising supplies (V), and the smaller lobe at each (V), shape (supplies,).
    """
    lost = np.flatnonzero(margins <= 0)
    if not len(lost):
        return 0.0
    k = lost[-1] + 1
    if k + 1 >= len(supplies):
        return float("inf")
    slope = (margins[k + 1] - margins[k]) / (supplies[k + 1] - supplies[k])
    followed = supplies[k] - margins[k] / slope if slope > 0 else supplies[k]
    return float(np.clip(followed, supplies[k - 1], supplies[k]))


@register
class Retention(Bench):
    """Lowest supply at which the hold butterfly has both lobes."""

    name: ClassVar[str] = "sram_retention"
    title: ClassVar[str] = "data retention voltage of a 6T SRAM cell"
    template: ClassVar[str] = "sram/cell_retention"
    Parameters: ClassVar[type[NetlistParameters]] = RetentionParameters
    columns: ClassVar[dict[str, str]] = {"retention_voltage": "V"}

    def analysis(self, parameters: RetentionParameters) -> Dc:
        return Dc(
            "vshare",
            0.0,
            1.0,
            1.0 / parameters.points,
            _supplies(parameters),
            save=("left", "right", "supply"),
        )

    def options(self, parameters: RetentionParameters) -> SolverOptions:
        return PRECISE

    def measure(self, parameters: RetentionParameters, waveforms: Waveforms) -> pd.DataFrame:
        supplies = _supplies(parameters).values
        split = [
            np.reshape(vector, (len(supplies), -1))
            for vector in (waveforms.axis * waveforms["supply"], waveforms["left"], waveforms["right"])
        ]
        margins = np.array([static_noise_margin(*curves) for curves in zip(*split, strict=True)])
        voltage = retention_voltage(supplies, margins)
        if not 0 < voltage < np.inf:
            low, high = parameters.lowest_supply, parameters.highest_supply
            raise SimulationError(
                f"the retention voltage is not between {low:g} and {high:g} V",
                place=self.name,
                remedy="lower lowest_supply" if voltage == 0 else "raise highest_supply",
            )
        return pd.DataFrame({"retention_voltage": [voltage]})


def _supplies(parameters: RetentionParameters) -> Sweep:
    low, high = parameters.lowest_supply, parameters.highest_supply
    return Sweep("vsupply", low, high, (high - low) / parameters.supplies)
