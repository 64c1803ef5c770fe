"""Digital multiply-accumulate in transistors: what the SRAM array's own arithmetic is compared with."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.converter.circuit.controls import QUICK, Gates, Points, control_energy, energy, pulses
from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms


class MacParameters(NetlistParameters):
    """Random factors of 4 bits each, one pair per clock."""

    gates: Gates = Gates()
    supply_voltage: Annotated[float, quantity("V", ge=1.2, le=1.95)] = 1.8
    operations: Annotated[int, quantity("1", ge=2, le=16)] = 8
    """How many products are accumulated."""
    seed: Annotated[int, quantity("1", ge=0, le=2**31)] = 1
    period: Annotated[float, quantity("s", ge=2e-9, le=1e-6, description="of the clock")] = 4e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every input")] = 5e-11
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 1e-10

    @property
    def factors(self) -> np.ndarray:
        """Both factors of every operation, shape (operations, 2)."""
        return np.random.default_rng(self.seed).integers(0, 16, (self.operations, 2))

    @property
    def stop(self) -> float:
        return (self.operations + 0.2) * self.period

    @computed_field
    @property
    def controls(self) -> dict[str, Points]:
        """Of the clock, which takes a sum at each period's end, and of the bits of both factors."""
        supply, period = self.supply_voltage, self.period
        clock = [((k + 1) * period, (k + 1.1) * period) for k in range(self.operations)]
        found = {"clock": pulses(clock, supply, self.edge)}
        for column, name in enumerate("xw"):
            for bit in range(4):
                ones = (self.factors[:, column] >> bit) & 1
                found[f"{name}{bit}"] = pulses(self._runs(ones), supply, self.edge)
        return found

    def _runs(self, ones: np.ndarray) -> list[tuple[float, float]]:
        """When a bit is 1: a new factor comes 0.12 periods after the clock."""
        steps = np.flatnonzero(np.diff(np.concatenate([[0], ones, [0]])))
        times = (steps + 0.12) * self.period
        return list(zip(times[::2].tolist(), times[1::2].tolist(), strict=True))


@register
class DigitalMac(Bench):
    """Energy per operation, of the supply (``mac_energy``) and of what drives inputs and clock.

    Raises
    ------
    SimulationError
        If the register does not end at the sum of the products.
    """

    name: ClassVar[str] = "sram_digital_mac"
    title: ClassVar[str] = "digital 4 x 4 bit multiply-accumulate in transistors: energy"
    template: ClassVar[str] = "sram/digital_mac"
    Parameters: ClassVar[type[NetlistParameters]] = MacParameters
    columns: ClassVar[dict[str, str]] = {"accumulated": "", "mac_energy": "J", "control_energy": "J"}
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = QUICK

    def analysis(self, parameters: MacParameters) -> Tran:
        step = parameters.time_step
        branches = [f"v{name}#branch" for name in ("supply", *parameters.controls)]
        return Tran(step, parameters.stop, max_step=step, save=(*(f"q{k}" for k in range(12)), *branches))

    def measure(self, parameters: MacParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, count = parameters.supply_voltage, parameters.operations
        bits = [int(waveforms[f"q{k}"][-1] > supply / 2) for k in range(12)]
        accumulated = sum(bit << k for k, bit in enumerate(bits))
        wanted = int(parameters.factors.prod(axis=1).sum())
        if accumulated != wanted:
            raise SimulationError(
                f"the register holds {accumulated}, the sum of the products is {wanted}",
                place=self.name,
                remedy="lengthen period: the carries need more time",
            )
        drivers = sum(control_energy(waveforms, f"v{name}", supply) for name in parameters.controls)
        row = {
            "accumulated": float(accumulated),
            "mac_energy": energy(waveforms, "vsupply", supply) / count,
            "control_energy": drivers / count,
        }
        return pd.DataFrame([row])
