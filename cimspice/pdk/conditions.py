"""Under which conditions a circuit stands."""

from dataclasses import dataclass

from cimspice.pdk.source import check_conditions


@dataclass(frozen=True)
class Conditions:
    """Process corner and temperature.

    Raises
    ------
    ParameterError
        If the device models do not hold there.
    """

    corner: str = "tt"
    """By name: ``tt``, ``ff``, ``ss``, ``sf``, ``fs``."""
    temperature: float = 27.0
    """Degrees Celsius."""

    def __post_init__(self) -> None:
        check_conditions(self.corner, self.temperature)
