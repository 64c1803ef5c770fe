"""Charge sharing over the columns of an SRAM array: the rails' discharge and the switches' energy."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import OPTIONS, Gates, Points, at, control_energy, energy, pulses
from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.wires import cell_wires
from cimspice.spice import SolverOptions, Tran, Waveforms

Discharge = Annotated[float, quantity("V", ge=-0.05, le=0.3)]
Time = Annotated[float, quantity("s", ge=1e-10, le=1e-6)]


class SharingParameters(NetlistParameters):
    """One sharing; the columns' discharges are evenly spaced, those of the complement are 0."""

    gates: Gates = Gates()
    capacitor_side: Annotated[float, quantity("m", ge=2e-6, le=30e-6)] = 3e-6
    supply_voltage: Annotated[float, quantity("V", ge=1.2, le=1.95)] = 1.8
    columns: Annotated[int, quantity("1", ge=4, le=16)] = 4
    first_discharge: Discharge = 0.05
    last_discharge: Discharge = 0.05
    """``first_discharge``, ``last_discharge``: of the first and the last column (V)."""
    load_capacitance: Annotated[float, quantity("F", ge=0, le=1e-11)] = 89.6e-15
    """Of the converter that samples the rail (F); the wire's comes to it. 89.6 fF makes the rails those of
    ``sram_forward_pass``, which has the converter's transistors."""
    share_time: Time = 1.5e-9
    reset_time: Time = 1.5e-9
    """``share_time``, ``reset_time``: length of the sharing and of the rails' precharge (s)."""
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 4e-11
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 40e-12

    @computed_field
    @property
    def rail_capacitance(self) -> float:
        """Of the wire over the columns (F): as long as their word line, and as one of its capacitance."""
        return self.columns * cell_wires().word_line_capacitance

    @computed_field
    @property
    def discharges(self) -> tuple[float, ...]:
        """Of every column (V)."""
        return tuple(np.linspace(self.first_discharge, self.last_discharge, self.columns).tolist())

    @property
    def begin(self) -> float:
        return 2e-10

    @property
    def read(self) -> float:
        """When the rails are read (s): the columns still connected."""
        return self.begin + self.share_time

    @property
    def stop(self) -> float:
        return self.read + self.reset_time + 4e-10

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of out and reset; the rails are precharged alone, after the columns are cut off."""
        wanted = {"out": (self.begin, self.read), "reset": (self.read + 3e-10, self.read + self.reset_time)}
        return {name: pulses([high], self.supply_voltage, self.edge) for name, high in wanted.items()}


@register
class ChargeSharingRead(Bench):
    """Discharge of both rails while the columns are connected.

    ``column_discharge`` is the mean that the columns brought, as measured before. ``sharing_energy`` is what
    supply and controls deliver for all columns and the rails' precharge, the multipliers' idle drivers
    included; ``energy_per_column`` a column's share.
    """

    name: ClassVar[str] = "sram_charge_sharing"
    title: ClassVar[str] = "charge sharing of columns' multipliers on two rails"
    template: ClassVar[str] = "sram/charge_sharing"
    Parameters: ClassVar[type[NetlistParameters]] = SharingParameters
    columns: ClassVar[dict[str, str]] = {
        "column_discharge": "V",
        "rail_discharge": "V",
        "rail_discharge_bar": "V",
        "sharing_energy": "J",
        "energy_per_column": "J",
        "duration": "s",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = OPTIONS

    def analysis(self, parameters: SharingParameters) -> Tran:
        step = parameters.time_step
        nodes = [f"second{k}" for k in range(parameters.columns)]
        branches = [f"v{name}#branch" for name in ("supply", "supply_reset", *parameters.controls)]
        return Tran(step, parameters.stop, max_step=step, save=("rail", "rail_bar", *nodes, *branches))

    def measure(self, parameters: SharingParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply = parameters.supply_voltage
        before = [
            at(waveforms, f"second{k}", parameters.begin - parameters.edge) for k in range(parameters.columns)
        ]
        used = sum(energy(waveforms, name, supply) for name in ("vsupply", "vsupply_reset"))
        used += sum(control_energy(waveforms, f"v{name}", supply) for name in parameters.controls)
        row = {
            "column_discharge": supply - float(np.mean(before)),
            "rail_discharge": supply - at(waveforms, "rail", parameters.read),
            "rail_discharge_bar": supply - at(waveforms, "rail_bar", parameters.read),
            "sharing_energy": used,
            "energy_per_column": used / parameters.columns,
            "duration": parameters.read - parameters.begin,
        }
        return pd.DataFrame([row])
