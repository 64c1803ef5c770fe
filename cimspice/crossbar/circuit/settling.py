"""Read of an array in time: how long its column currents take to settle, and what the read costs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field, model_validator

from cimspice.bench.bench import Bench, register
from cimspice.crossbar.circuit.cells import CellArrayParameters, require_simulable
from cimspice.crossbar.circuit.cells_read import paired
from cimspice.errors import SimulationError
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import SolverOptions, Tran, Waveforms

Time = Annotated[float, quantity("s", ge=1e-12, le=1e-3)]


class SettlingParameters(CellArrayParameters):
    """One input vector as a step, and how the source lines are sensed.

    ``ideal``: a virtual ground without resistance. ``resistor``: ``load_resistance`` to the common level.
    ``amplifier``: two stages of SKY130 transistors with ``feedback_resistance`` around them; their output
    falls from the common level, so column currents times that resistance must stay below it.
    """

    voltages: tuple[Annotated[float, quantity("V", ge=-1.8, le=1.8)], ...] = (0.1, 0.2)
    sensing: Literal["ideal", "resistor", "amplifier"] = "ideal"
    read_word_line_voltage: Annotated[float, quantity("V", ge=0, le=5.5)] = 3.3
    common_level: Annotated[float, quantity("V", ge=0, le=1.8)] = 0.5
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95, description="of the amplifiers")] = 1.8
    load_resistance: Annotated[float, quantity("ohm", gt=0, le=1e9)] = 1e3
    load_capacitance: Annotated[float, quantity("F", gt=0, le=1e-9)] = 10e-15
    feedback_resistance: Annotated[float, quantity("ohm", gt=0, le=1e9)] = 5e3
    compensation: Annotated[float, quantity("F", gt=0, le=1e-9, description="of the amplifier")] = 0.4e-12
    nulling_resistance: Annotated[float, quantity("ohm", gt=0, le=1e6)] = 1e3
    delay: Time = 1e-9
    edge: Time = 0.1e-9
    stop: Time = 20e-9
    band: Annotated[float, quantity("1", gt=0, le=0.5, description="share of the final current")] = 0.01

    @model_validator(mode="after")
    def _lengths_agree(self) -> SettlingParameters:
        if len(self.voltages) != self.rows:
            raise ValueError(f"voltages must be {self.rows}, one for each bit line")
        if self.delay + self.edge >= self.stop:
            raise ValueError("stop must come after delay and edge")
        return self

    @computed_field
    @property
    def common(self) -> float:
        """Level of all lines before the step (V)."""
        return self.common_level if self.sensing == "amplifier" else 0.0


@register
class CellsSettling(Bench):
    """Sensed current, its settling time and the energy of the whole read, one row per column.

    ``settling_time`` counts from the beginning of the step until the current stays within ``band`` of its
    final value. ``energy`` is what drivers, reference and amplifiers' supply deliver until all have settled,
    ``static_power`` what they deliver at the end; both are of the whole array.
    """

    name: ClassVar[str] = "crossbar_settling"
    title: ClassVar[str] = "settling and energy of a read, sensed ideally, by resistors or by amplifiers"
    template: ClassVar[str] = "crossbar/settling"
    Parameters: ClassVar[type[NetlistParameters]] = SettlingParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "column_current": "A",
        "differential_current": "A",
        "input_error": "V",
        "settling_time": "s",
        "energy": "J",
        "static_power": "W",
    }
    flat: ClassVar[bool] = True

    def netlist(self, parameters: SettlingParameters) -> Netlist:
        require_simulable(parameters)
        return super().netlist(parameters)

    def analysis(self, parameters: SettlingParameters) -> Tran:
        save = [f"vin{i}#branch" for i in range(parameters.rows)]
        save += [f"in{i}" for i in range(parameters.rows)]
        save += [f"out{j}" for j in range(parameters.columns)]
        if parameters.sensing == "amplifier":
            save += [f"result{j}" for j in range(parameters.columns)]
            save += ["vsupply#branch", "vreference#branch"]
        else:
            save += [f"vout{j}#branch" for j in range(parameters.columns)]
        return Tran(parameters.edge / 10, parameters.stop, max_step=parameters.stop / 1000, save=tuple(save))

    def options(self, parameters: SettlingParameters) -> SolverOptions:
        return SolverOptions(reltol=1e-5, abstol=1e-15, vntol=1e-9, gmin=1e-15)

    def measure(self, parameters: SettlingParameters, waveforms: Waveforms) -> pd.DataFrame:
        given, time = parameters, waveforms.axis
        currents = np.stack([_sensed(given, waveforms, j) for j in range(given.columns)])
        power = _power(given, waveforms)
        settled = np.array([_settled(time, current, given) for current in currents])
        during = (time >= given.delay) & (time <= given.delay + settled.max())
        energy = np.trapezoid(power[during], time[during])
        errors = [waveforms[f"out{j}"][-1] - given.common for j in range(given.columns)]
        return pd.DataFrame(
            {
                "column": np.arange(given.columns),
                "column_current": currents[:, -1],
                "differential_current": paired(currents[None, :, -1])[0],
                "input_error": errors,
                "settling_time": settled,
                "energy": energy,
                "static_power": power[-1],
            }
        )


def _sensed(given: SettlingParameters, waveforms: Waveforms, column: int) -> np.ndarray:
    """The column's current over time (A), as its circuit senses it."""
    if given.sensing == "amplifier":
        across = waveforms[f"out{column}"] - waveforms[f"result{column}"]
        return across / given.feedback_resistance
    return waveforms[f"vout{column}#branch"]


def _power(given: SettlingParameters, waveforms: Waveforms) -> np.ndarray:
    """What all sources deliver over time (W); the common level counts as a source of its own."""
    power = sum(-waveforms[f"vin{i}#branch"] * waveforms[f"in{i}"] for i in range(given.rows))
    if given.sensing == "amplifier":
        power = power - given.supply_voltage * waveforms["vsupply#branch"]
        power = power - given.common * waveforms["vreference#branch"]
    return np.asarray(power)


def _settled(time: np.ndarray, current: np.ndarray, given: SettlingParameters) -> float:
    """Time from the step until the current stays in its band."""
    final = current[-1]
    outside = np.abs(current - final) > given.band * abs(final)
    last = int(np.flatnonzero(outside)[-1]) if outside.any() else 0
    if time[min(last + 1, len(time) - 1)] > 0.9 * given.stop:
        raise SimulationError(
            f"a column current has not settled to {given.band:g} within {given.stop:g} s",
            place="stop",
            remedy="simulate longer, or sense with less resistance or a quicker amplifier",
        )
    return max(float(time[last] - given.delay), 0.0)
