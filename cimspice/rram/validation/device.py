"""A resistive memory in ngspice and in numpy, and the read law that a crossbar's cells get from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from cimspice.campaign.bench_run import run_bench
from cimspice.errors import ParameterError
from cimspice.fit.card import ModelCard
from cimspice.fit.fit import Fit
from cimspice.pdk import Conditions
from cimspice.rram.circuit.cycle import CycleParameters
from cimspice.rram.circuit.device import RramModel
from cimspice.rram.circuit.switching import PulseParameters
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.memdiode import Memdiode
from cimspice.rram.model.pulse import apply_pulse
from cimspice.rram.model.read import SinhRead
from cimspice.rram.model.skywater import SkywaterReram
from cimspice.rram.model.stanford_pku import StanfordPku
from cimspice.rram.model.vteam import Vteam
from cimspice.rram.model.yakopcic import Yakopcic
from cimspice.spice import InProcess

DEVICES: dict[str, type[RramDevice]] = {
    cls.parameter_set: cls for cls in (SkywaterReram, StanfordPku, Vteam, Yakopcic, Memdiode)
}
READ_STATES = (0.3, 0.5, 0.7, 0.85, 1.0)
PULSES = ((0.0, 10e3, (1.6, 2.0, 2.4, 2.8)), (0.9, 2e3, (-1.4, -1.6, -1.8, -2.2)))
"""Initial state, series resistance (ohm) and voltages of SET and RESET pulses."""


@dataclass(frozen=True, eq=False)
class DeviceStudy:
    """What a device does in ngspice beside its numpy model."""

    device: str
    loop: pd.DataFrame
    """time, voltage, current, state of a slow SET and RESET in ngspice."""
    reads: pd.DataFrame
    """state, voltage, current (ngspice), model_current (numpy)."""
    pulses: pd.DataFrame
    """initial_state, series_resistance, pulse_voltage, state_after (ngspice), model_state (numpy)."""
    fits: dict[float, Fit[SinhRead]]
    """The read law of each state."""

    @property
    def card(self) -> ModelCard:
        """The law of the most conductive state that was read, with the device's name."""
        return ModelCard.from_fit(self.fits[max(self.fits)], {"device": self.device})

    @property
    def read_error(self) -> float:
        """Largest difference of a read current between numpy and ngspice, relative to its state's largest."""
        largest = self.reads.groupby("state")["current"].transform(lambda current: current.abs().max())
        return float(((self.reads["model_current"] - self.reads["current"]).abs() / largest).max())

    @property
    def state_error(self) -> float:
        """Largest difference of a state after a pulse between numpy and ngspice."""
        return float((self.pulses["model_state"] - self.pulses["state_after"]).abs().max())


def study_device(device: str = "skywater", *, read_voltage: float = 0.3) -> DeviceStudy:
    """SET, RESET and read of one device in ngspice and numpy, and the sinh law of its reads.

    ParameterError for an unknown device.
    """
    check_device(device)
    model = DEVICES[device].published()
    reads = read_curves(device, read_voltage)
    reads["model_current"] = model.current(reads["voltage"].to_numpy(), reads["state"].to_numpy())
    slow = CycleParameters(model=_name(device), series_resistance=5e3, reset_voltage=2.2)
    loop = run_bench("rram_cycle", slow, engine=InProcess())
    return DeviceStudy(device, loop, reads, _pulses(device, model), fit_reads(reads))


def read_curves(
    device: str,
    read_voltage: float = 0.3,
    *,
    states: Sequence[float] = READ_STATES,
    temperature: float = 27.0,
) -> pd.DataFrame:
    """Simulated currents of held states: state, voltage (V, both signs), current (A)."""
    swept = {"start": -read_voltage, "stop": read_voltage, "step": read_voltage / 10}
    reads = [{"model": _name(device), "state": state, **swept} for state in states]
    table = run_bench("rram_read_iv", reads, Conditions("tt", temperature), engine=InProcess())
    return table.assign(state=np.take(states, table.pop("run")))


def read_law(device: str, temperature: float = 27.0) -> ModelCard:
    """The sinh law of the most conductive state that is read, with the device's name."""
    fits = fit_reads(read_curves(device, states=READ_STATES[-1:], temperature=temperature))
    source = {"device": device, "bench": "rram_read_iv", "state": READ_STATES[-1], "temperature": temperature}
    return ModelCard.from_fit(fits[READ_STATES[-1]], source)


def fit_reads(reads: pd.DataFrame) -> dict[float, Fit[SinhRead]]:
    """The sinh law of each state."""
    return {
        float(str(state)): SinhRead.fit(part[["voltage", "current"]])
        for state, part in reads.groupby("state")
    }


def nonlinearity_of(card: ModelCard, device: str | None, temperature: float = 27.0) -> float:
    """a of a crossbar's cells i = g sinh(a v) / a (1/V), from the card of a read law at one temperature (°C).

    ParameterError for a card of another kind, device or temperature, and one whose series resistance matters:
    the law of a tile's cells has none.
    """
    law = card.model_of(SinhRead)
    wanted = {} if device is None else {"device": device}
    card.check_conditions(**wanted, temperature=temperature)
    if law.series_resistance * law.conductance > 0.01:
        raise ParameterError(
            f"a series resistance of {law.series_resistance:.3g} ohm takes "
            f"{100 * law.series_resistance * law.conductance:.2g} % of the cell's voltage",
            place="card",
            remedy="use SeriesCell with NonlinearCrossbar for such cells",
        )
    return law.curvature


def check_device(device: str) -> None:
    """Raises ParameterError for a device that has no netlist."""
    if not isinstance(device, str) or device not in DEVICES:
        raise ParameterError(
            f"unknown device {device!r}", place="device", remedy=f"use one of {', '.join(DEVICES)}"
        )


def _name(device: str) -> RramModel:
    check_device(device)
    return next(name for name in get_args(RramModel) if name == device)


def _pulses(device: str, model: RramDevice) -> pd.DataFrame:
    names = ["initial_state", "series_resistance", "pulse_voltage"]
    rows = [(state, ohms, volts) for state, ohms, voltages in PULSES for volts in voltages]
    table = pd.DataFrame(rows, columns=names)
    pulses = [{"model": _name(device), **dict(zip(names, row, strict=True))} for row in rows]
    table["state_after"] = run_bench("rram_switching", pulses, engine=InProcess())["state_after"]
    default = PulseParameters(model=_name(device))
    reached = apply_pulse(
        model,
        table["initial_state"].to_numpy(),
        table["pulse_voltage"].to_numpy(),
        default.pulse_width,
        edge=default.edge,
        series_resistance=table["series_resistance"].to_numpy(),
    )
    return table.assign(model_state=reached.state)
