"""Under which conditions a circuit stands."""

from __future__ import annotations

from dataclasses import dataclass

from cimspice.pdk.source import check_conditions


@dataclass(frozen=True)
class Conditions:
    """Process corner and temperature.

    Attributes
    ----------
    corner
        By name: ``tt``, ``ff``, ``ss``, ``sf``, ``fs``.
    temperature
        Degrees Celsius.

    Raises
    ------
    ParameterError
        If the device models do not hold there.
    """

    corner: str = "tt"
    temperature: float = 27.0

    def __post_init__(self) -> None:
        check_conditions(self.corner, self.temperature)
