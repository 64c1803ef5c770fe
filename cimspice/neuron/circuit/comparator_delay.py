"""Bench of the comparator: static threshold, and the delay and offset that a falling membrane adds."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pandas as pd

from cimspice.bench.bench import register
from cimspice.errors import SimulationError
from cimspice.neuron.circuit.firing import ComparatorDelay, ComparatorParameters
from cimspice.spice import Analysis, Waveforms

MARGIN = 1e-3
"""A replica this near (V) to an end of the fall found no threshold within it."""


@register
class ComparatorTiming(ComparatorDelay):
    """The static trip point, and how far and how long the membrane falls on before the output spikes.

    ``threshold`` is where the output stands at half supply at rest; ``offset`` how far below it the membrane
    is when the output crosses half supply; ``delay`` the time that the fall takes for that.
    """

    name: ClassVar[str] = "neuron_comparator_delay"
    title: ClassVar[str] = "spiking neuron: comparator's threshold, delay and offset over the slope"
    template: ClassVar[str] = "neuron/comparator_delay"
    columns: ClassVar[dict[str, str]] = {"threshold": "V", "offset": "V", "delay": "s"}

    def analysis(self, parameters: ComparatorParameters) -> Analysis:
        falling = super().analysis(parameters)
        return replace(falling, save=(*falling.save, "replica"))

    def measure(self, parameters: ComparatorParameters, waveforms: Waveforms) -> pd.DataFrame:
        crossing = float(super().measure(parameters, waveforms)["crossing_voltage"].iloc[0])
        threshold = float(waveforms["replica"][0])
        if not parameters.low_voltage + MARGIN < threshold < parameters.high_voltage - MARGIN:
            raise SimulationError(
                f"the static threshold, {threshold:.4g} V, is outside the membrane's fall",
                place=self.name,
                remedy="widen high_voltage and low_voltage around it",
            )
        offset = threshold - crossing
        return pd.DataFrame(
            {"threshold": [threshold], "offset": [offset], "delay": [offset / parameters.slope]}
        )
