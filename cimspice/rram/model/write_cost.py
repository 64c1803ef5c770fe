"""What writing a one-bit memristive cell costs: energy and time of a SET and a RESET, and endurance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cimspice.errors import ParameterError
from cimspice.fit.model import Model, register

ASSUMED = (
    "assumed, not simulated: pulses of 1 us as in SkyWater's published 1T1R measurements, 100 uA through the "
    "cell at 2.4 V (SET) and 2.6 V (RESET); endurance and its spread are round numbers"
)


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class WriteCost(Model):
    """Cost of a fixed-amplitude write of one cell.

    ``set_energy``, ``reset_energy`` in J and ``set_time``, ``reset_time`` in s are those of one write.
    ``endurance_cycles`` is the median number of SET and RESET pairs that a cell survives; over cells it has a
    Weibull law (``endurance_law`` "weibull", ``endurance_shape`` its shape β) or a log-normal one
    ("lognormal", ``endurance_shape`` the standard deviation of its logarithm). ``origin`` says where the
    numbers come from. The defaults are assumptions that stand for nothing measured (:data:`ASSUMED`).
    """

    kind: ClassVar[str] = "write_cost"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "set_energy": "J",
        "set_time": "s",
        "reset_energy": "J",
        "reset_time": "s",
        "endurance_cycles": "1",
        "endurance_shape": "1",
    }
    set_energy: float = 240e-12
    set_time: float = 1e-6
    reset_energy: float = 260e-12
    reset_time: float = 1e-6
    endurance_cycles: float = 1e6
    endurance_shape: float = 2.0
    endurance_law: str = "weibull"
    origin: str = ASSUMED

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.parameter_units:
            if getattr(self, name) <= 0:
                raise ParameterError(
                    f"{name} is {getattr(self, name)}", place=name, remedy="give a positive number"
                )
        if self.endurance_law not in ("weibull", "lognormal"):
            raise ParameterError(
                f"endurance_law is {self.endurance_law!r}",
                place="endurance_law",
                remedy="choose weibull or lognormal",
            )

    def energy(self, sets: np.ndarray | int, resets: np.ndarray | int) -> np.ndarray:
        """Energy in J of so many writes."""
        return np.asarray(sets) * self.set_energy + np.asarray(resets) * self.reset_energy

    def time(self, sets: np.ndarray | int, resets: np.ndarray | int) -> np.ndarray:
        """Time in s of so many writes, one after another."""
        return np.asarray(sets) * self.set_time + np.asarray(resets) * self.reset_time

    def draw_endurance(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Cycles (SET and RESET pairs) that each of many cells survives."""
        if self.endurance_law == "weibull":
            scale = self.endurance_cycles / np.log(2.0) ** (1.0 / self.endurance_shape)
            return scale * rng.weibull(self.endurance_shape, shape)
        return rng.lognormal(np.log(self.endurance_cycles), self.endurance_shape, shape)
