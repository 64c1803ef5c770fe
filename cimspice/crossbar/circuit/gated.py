"""Read of an array whose amplifiers are on for the read only: what switching costs in time and in energy."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import control_energy
from cimspice.crossbar.circuit.settling import ReadInTime, SettlingParameters, Time
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Waveforms


class GatedReadParameters(SettlingParameters):
    """A p-channel transistor of ``switch_width`` between supply and each amplifier conducts from ``delay`` on
    for ``hold``; inputs step ``lead`` after its gate falls, and back when it rises."""

    sensing: Literal["amplifier"] = "amplifier"  # pyright: ignore[reportIncompatibleVariableOverride] (one of them)
    switch_width: Annotated[float, quantity("m", ge=1e-6, le=1e-4)] = 50e-6
    lead: Annotated[float, quantity("s", ge=0, le=1e-3)] = 0.0
    hold: Time = 100e-9
    stop: Time = 110e-9

    @model_validator(mode="after")
    def _read_is_whole(self) -> GatedReadParameters:
        if not self.lead + self.edge < self.hold or self.off + self.edge >= self.stop:
            raise ValueError("hold must be longer than lead and edge, and end before stop")
        return self

    @computed_field
    @property
    def off(self) -> float:
        """When amplifiers are switched off (s)."""
        return self.delay + self.hold

    @property
    def end(self) -> float:
        return self.off


@register
class GatedRead(ReadInTime):
    """From amplifiers that have been off for ever.

    ``settling_time`` and ``energy`` count from switching on; ``switch_energy`` is what the gates of the
    switches take from the supply, ``idle_power`` what all take while amplifiers are off.
    """

    name: ClassVar[str] = "crossbar_gated_read"
    title: ClassVar[str] = "settling and energy of a read whose amplifiers are on for its time only"
    template: ClassVar[str] = "crossbar/gated_read"
    Parameters: ClassVar[type[NetlistParameters]] = GatedReadParameters
    columns: ClassVar[dict[str, str]] = {**ReadInTime.columns, "switch_energy": "J"}

    def saved(self, parameters: GatedReadParameters) -> tuple[str, ...]:
        return (*super().saved(parameters), "vsleep#branch")

    def options(self, parameters: GatedReadParameters) -> SolverOptions:
        # supplies of amplifiers that are off float: with less, there is no operating point in the cold
        return replace(super().options(parameters), gmin=1e-12)

    def measure(self, parameters: GatedReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        gates = control_energy(waveforms, "vsleep", parameters.supply_voltage) * parameters.stands_for
        return super().measure(parameters, waveforms).assign(switch_energy=gates)
