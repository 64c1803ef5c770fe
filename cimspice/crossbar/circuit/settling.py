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
    stands_for: Annotated[
        int, quantity("1", ge=1, le=4096, description="columns like each of these, for energy and power")
    ] = 1

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

    @property
    def end(self) -> float:
        """When the read is over (s)."""
        return self.stop


class ReadInTime(Bench):
    """Sensed current, its settling time and the energy of the whole read, one row per column.

    ``settling_time`` counts from ``delay`` until the current stays within ``band`` of its final value.
    ``energy`` is what drivers, reference and amplifiers' supply deliver until all have settled,
    ``static_power`` what they deliver at the end, ``idle_power`` what before ``delay``; all are of the whole
    array.
    """

    Parameters: ClassVar[type[NetlistParameters]] = SettlingParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "column_current": "A",
        "differential_current": "A",
        "input_error": "V",
        "settling_time": "s",
        "energy": "J",
        "static_power": "W",
        "idle_power": "W",
    }
    flat: ClassVar[bool] = True

    def netlist(self, parameters: SettlingParameters) -> Netlist:
        require_simulable(parameters)
        return super().netlist(parameters)

    def analysis(self, parameters: SettlingParameters) -> Tran:
        # with amplifiers: against 1600 steps settling times within 0.1 %
        longest = parameters.stop / (400 if parameters.sensing == "amplifier" else 1000)
        return Tran(parameters.edge / 10, parameters.stop, max_step=longest, save=self.saved(parameters))

    def saved(self, parameters: SettlingParameters) -> tuple[str, ...]:
        """Names of vectors."""
        save = [f"vin{i}#branch" for i in range(parameters.rows)]
        save += [f"in{i}" for i in range(parameters.rows)]
        save += [f"out{j}" for j in range(parameters.columns)]
        if parameters.sensing == "amplifier":
            save += [f"result{j}" for j in range(parameters.columns)]
            return (*save, "vsupply#branch", "vreference#branch")
        return (*save, *(f"vout{j}#branch" for j in range(parameters.columns)))

    def options(self, parameters: SettlingParameters) -> SolverOptions:
        if (
            parameters.sensing == "amplifier"
        ):  # with less, inner nodes of its large transistors never converge
            return SolverOptions(reltol=1e-5, abstol=1e-12, vntol=1e-7, gmin=1e-15)
        return SolverOptions(reltol=1e-5, abstol=1e-15, vntol=1e-9, gmin=1e-15)

    def measure(self, parameters: SettlingParameters, waveforms: Waveforms) -> pd.DataFrame:
        given = parameters
        read = waveforms.axis <= given.end
        time, power = waveforms.axis[read], _power(given, waveforms)[read]
        currents = np.stack([_sensed(given, waveforms, j)[read] for j in range(given.columns)])
        settled = np.array([_settled(time, current, given) for current in currents])
        delivered = np.concatenate([[0.0], np.cumsum(np.diff(time) * (power[1:] + power[:-1]) / 2)])
        before, after = np.interp([given.delay, given.delay + settled.max()], time, delivered)
        errors = [waveforms[f"out{j}"][read][-1] - given.common for j in range(given.columns)]
        return pd.DataFrame(
            {
                "column": np.arange(given.columns),
                "column_current": currents[:, -1],
                "differential_current": paired(currents[None, :, -1])[0],
                "input_error": errors,
                "settling_time": settled,
                "energy": after - before,
                "static_power": power[-1],
                "idle_power": power[0],
            }
        )


@register
class CellsSettling(ReadInTime):
    """After a step of the inputs."""

    name: ClassVar[str] = "crossbar_settling"
    title: ClassVar[str] = "settling and energy of a read, sensed ideally, by resistors or by amplifiers"
    template: ClassVar[str] = "crossbar/settling"


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
    return np.asarray(power) * given.stands_for


def _settled(time: np.ndarray, current: np.ndarray, given: SettlingParameters) -> float:
    """Time from the step until the current stays in its band (s), between points on a straight line."""
    final = current[-1]
    beyond = np.abs(current - final) - given.band * abs(final)
    last = int(np.flatnonzero(beyond > 0)[-1]) if (beyond > 0).any() else 0
    length = given.end - given.delay
    late = np.abs(np.interp(given.end - 0.2 * length, time, current) - final)
    if time[min(last + 1, len(time) - 1)] > given.end - 0.1 * length or late > 0.1 * given.band * abs(final):
        raise SimulationError(
            f"a column current has not settled to {given.band:g} within {length:g} s",
            place="stop",
            remedy="simulate longer, or sense with less resistance or a quicker amplifier",
        )
    if not last:
        return 0.0
    share = beyond[last] / (beyond[last] - beyond[last + 1])
    return max(float(time[last] + share * (time[last + 1] - time[last]) - given.delay), 0.0)
