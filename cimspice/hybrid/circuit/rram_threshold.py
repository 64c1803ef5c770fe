"""Thresholds of pairs of RRAM columns: sums next to both of them, in pairs under the same inputs."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import model_validator

from cimspice.bench.bench import Bench, register
from cimspice.hybrid.circuit.rram_column import RramColumnParameters, RramColumnRead, RramPairParameters
from cimspice.hybrid.circuit.threshold import thresholds_of
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Analysis, SolverOptions, Waveforms
from cimspice.sram.circuit.multi_row_read import PRECISE


class RramThresholdParameters(RramPairParameters):
    """Four pairs with as many cells of either sign as make sums on both sides of both thresholds."""

    weights: Annotated[int, quantity("1", ge=4, le=256)] = 64
    dummies: Annotated[int, quantity("1", ge=1, le=31, description="odd")] = 3
    active: Annotated[int, quantity("1", ge=4, le=256, description="open weights")] = 20

    @model_validator(mode="after")
    def _active_reach(self) -> RramThresholdParameters:
        if not self.sums[-1] <= self.active <= self.weights:
            raise ValueError(
                f"{self.active} open weights: give {self.sums[-1]} to {self.weights}, whose sums reach the "
                "thresholds"
            )
        return self

    @property
    def sums(self) -> list[int]:
        """On both sides of both thresholds, rising."""
        beyond = (self.dummies + 1) // 2
        return [-beyond, 1 - beyond, beyond - 1, beyond]

    @property
    def read(self) -> RramColumnParameters:
        """The read of four pairs with these sums; two thirds of the other open weights are not 0."""
        places = np.arange(self.active) * self.weights // self.active
        cells, inputs = np.zeros((4, self.weights), int), np.zeros(self.weights, int)
        inputs[places] = 1
        each = (self.active - self.sums[-1]) // 3
        for values, total in zip(cells, self.sums, strict=True):
            values[places[: abs(total)]] = np.sign(total)
            values[places[self.sums[-1] :][: 2 * each]] = np.tile([1, -1], each)
        own = {name: getattr(self, name) for name in RramPairParameters.model_fields}
        return RramColumnParameters(
            **own,
            dummies=self.dummies,
            cells=tuple(tuple(map(int, values)) for values in cells),
            inputs=tuple(map(int, inputs)),
        )

    @property
    def states(self) -> tuple[tuple[float, ...], ...]:
        return self.read.states

    @property
    def opened(self) -> np.ndarray:
        column = RramColumn(self.weights, self.dummies, self.low_state, self.high_state)
        return column.opened(np.zeros(self.weights, int))


@register
class RramThreshold(Bench):
    """``upper`` and ``lower`` threshold in units: where both drains would be alike, between two sums.

    ``unit`` is what one cell makes of the drains' difference, the mean of both; ``discharge`` the mean of all
    drains at the strobes; ``right`` the share of decisions that are those of the sums. The rest as in
    ``hybrid_rram_column_read``, of one pair, ``decision_delay`` the longest.
    """

    name: ClassVar[str] = "hybrid_rram_threshold"
    title: ClassVar[str] = "thresholds that dummy cells make for the ternary read of a pair of RRAM columns"
    Parameters: ClassVar[type[NetlistParameters]] = RramThresholdParameters
    columns: ClassVar[dict[str, str]] = {
        "upper": "1",
        "lower": "1",
        "unit": "V",
        "discharge": "V",
        "right": "1",
        **dict(list(RramColumnRead.columns.items())[6:]),
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = PRECISE

    def netlist(self, parameters: RramThresholdParameters) -> Netlist:
        return RramColumnRead().netlist(parameters.read)

    def analysis(self, parameters: RramThresholdParameters) -> Analysis:
        return RramColumnRead().analysis(parameters.read)

    def measure(self, parameters: RramThresholdParameters, waveforms: Waveforms) -> pd.DataFrame:
        table = RramColumnRead().measure(parameters.read, waveforms)
        row = {
            **thresholds_of(table, parameters.sums),
            "discharge": float(table[["positive_discharge", "negative_discharge"]].to_numpy().mean()),
            **table[list(self.columns)[5:]].max(),
        }
        return pd.DataFrame([row], columns=list(self.columns))
