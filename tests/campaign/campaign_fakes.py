"""A bench whose result is known by arithmetic, and stand-ins for session and pool that run it without
ngspice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import model_validator

from cimspice.bench import Bench, register
from cimspice.campaign.environment import Environment
from cimspice.errors import NonConvergence, WorkerLost
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Op, SolverOptions, Waveforms

UPPER_RESISTANCE = 1000.0
ENVIRONMENT = Environment("no ngspice at all")


class DividerParameters(NetlistParameters):
    lower_resistance: Annotated[float, quantity("Ohm", gt=0, le=1e9)] = 1000.0
    supply: Annotated[float, quantity("V", ge=0, le=10)] = 1.0
    threshold: Annotated[float, quantity("V", ge=0)] = 0.5
    reltol: Annotated[float, quantity("1", gt=0, lt=1)] = 1e-3
    fault: Literal["none", "simulation", "stiff", "measure", "columns", "empty"] = "none"

    @model_validator(mode="after")
    def _threshold_within_reach(self) -> DividerParameters:
        if self.threshold > 5 and self.supply > 5:
            raise ValueError("threshold and supply cannot both be above 5 V")
        return self


@register
class Divider(Bench):
    """Output of a resistive divider, and whether it is above a threshold."""

    name: ClassVar[str] = "test_divider"
    title: ClassVar[str] = "a resistive divider"
    Parameters: ClassVar[type[NetlistParameters]] = DividerParameters
    columns: ClassVar[dict[str, str]] = {"output": "V", "above": ""}
    altered: ClassVar[dict[str, str]] = {"supply": "vin"}

    def netlist(self, parameters: DividerParameters) -> Netlist:
        lines = (
            "* divider",
            f"vin in 0 dc {parameters.supply!r}",
            f"rupper in out {UPPER_RESISTANCE!r}",
            f"rlower out 0 {parameters.lower_resistance!r}",
            f"* {parameters.fault}",
        )
        return Netlist("\n".join(lines) + "\n", "divider", parameters.model_dump())

    def analysis(self, parameters: DividerParameters) -> Op:
        return Op(save=("out",))

    def options(self, parameters: DividerParameters) -> SolverOptions:
        return SolverOptions(reltol=parameters.reltol)

    def measure(self, parameters: DividerParameters, waveforms: Waveforms) -> pd.DataFrame:
        output = waveforms["out"]
        if parameters.fault == "simulation":
            raise NonConvergence("it does not converge", words="timestep too small")
        if parameters.fault == "measure":
            raise KeyError("no such thing")
        if parameters.fault == "columns":
            return pd.DataFrame({"output": output})
        above = output > parameters.threshold
        return pd.DataFrame({"output": output, "above": above})[: 0 if parameters.fault == "empty" else None]


class FakeSession:
    """Computes the divider; like ngspice it needs a circuit, and here every run needs one set up afresh."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._values: dict[str, float] = {}
        self._fresh = False

    def load(
        self, netlist: Netlist, *, corner: str, temperature: float, options: SolverOptions, flat: bool
    ) -> None:
        self.calls.append("load")
        self._values = {
            name: float(value)
            for name, value in re.findall(r"^(\w+) \w+ \w+ (?:dc )?(\S+)$", netlist.text, re.MULTILINE)
        }
        self._conditions = [corner, temperature]
        self._stiff = "* stiff" in netlist.text and options.method != "gear"
        self._fresh = True

    def set_corner(self, corner: str) -> None:
        self.calls.append("set_corner")
        self._conditions[0], self._fresh = corner, True

    def set_temperature(self, temperature: float) -> None:
        self.calls.append("set_temperature")
        self._conditions[1], self._fresh = temperature, True

    def alter(self, device: str, value: float) -> None:
        assert device in self._values
        self._values[device] = value

    def run(self, analysis: Op) -> Waveforms:
        assert self._fresh, "the point before has left its state"
        self._fresh = False
        if self._stiff:
            raise NonConvergence("timestep too small")
        corner, temperature = self._conditions
        warped = (1 + {"tt": 0.0, "ff": 0.1, "ss": -0.1}[corner]) * (1 + 1e-3 * (temperature - 27))
        lower = self._values["rlower"] * warped
        output = self._values["vin"] * lower / (lower + self._values["rupper"])
        return Waveforms(None, {"out": np.array([output])})


class FakePool:
    """Runs items in this process, as the pool's contract says: in order, a lost item's error in its place.

    ``ran`` lists the digests of the points handed over; ``before`` is called with each chunk, and may raise:
    a ``WorkerLost`` loses the chunk, anything else goes up. ``log`` gets a line per point; ``pause`` is in
    seconds. Past ``most`` points it waits to be killed.
    """

    def __init__(
        self,
        before: Callable | None = None,
        log: Path | None = None,
        pause: float = 0.0,
        most: int | None = None,
    ) -> None:
        self.ran: list[str] = []
        self.chunks: list[int] = []
        self.session = FakeSession()
        self.opened = 0
        self._before, self._log, self._pause, self._left = before, log, pause, most

    def __enter__(self) -> FakePool:
        self.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, function, items, *, on_error="raise", ordered=True):
        assert on_error == "return"
        assert not ordered  # the campaign wants results as they finish; these come in order, and bare
        for chunk in items:
            try:
                if self._before is not None:
                    self._before(chunk)
                self._note(chunk)
                yield function(self.session, chunk)
            except WorkerLost as error:
                yield error

    def _note(self, chunk) -> None:
        self.chunks.append(len(chunk.points))
        self.ran.extend(point.digest for point in chunk.points)
        for point in chunk.points:
            if self._left is not None:
                self._left -= 1
                while self._left < 0:
                    time.sleep(1)
            time.sleep(self._pause)
            if self._log is not None:
                with self._log.open("a") as file:
                    file.write(point.digest + "\n")
