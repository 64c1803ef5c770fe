"""What a controller sends to the circuits below an SRAM array: trains of pulses, and their energy."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated

import numpy as np

from cimspice.errors import SimulationError
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import SolverOptions, Waveforms

Interval = tuple[float, float]
Points = tuple[tuple[float, float], ...]

OPTIONS = SolverOptions(reltol=1e-4, abstol=1e-12, vntol=1e-6, chgtol=1e-17, gmin=1e-15)
QUICK = SolverOptions(reltol=1e-3, abstol=1e-12, vntol=1e-5, chgtol=1e-15, gmin=1e-15)
"""For circuits of hundreds of transistors: sums of products within 0.06 % of steps of 4 ps at a tenth of
reltol, in a sixth of the time."""


class Gates(NetlistParameters):
    """Widths of the n-channel transistor of an inverter, and of a switch, whose dummies are half as wide."""

    width: Annotated[float, quantity("m", ge=0.42e-6, le=50e-6)] = 0.42e-6
    switch_width: Annotated[float, quantity("m", ge=0.84e-6, le=50e-6)] = 0.84e-6


class PhaseTiming(NetlistParameters):
    """Phases of equal length, each ended by a gap in which every switch is open."""

    begin: Annotated[float, quantity("s", ge=5e-11, le=1e-6)] = 2e-10
    """When the first phase begins (s)."""
    phase: Annotated[float, quantity("s", ge=2e-10, le=1e-6)] = 8e-10
    gap: Annotated[float, quantity("s", ge=2e-11, le=1e-6)] = 2e-10
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 4e-11

    def high(self, first: int, last: int | None = None) -> Interval:
        """From the beginning of one phase until the gap of the last."""
        last = first if last is None else last
        return self.begin + first * self.phase, self.begin + (last + 1) * self.phase - self.gap


def pulses(intervals: Iterable[Interval], high: float, edge: float) -> Points:
    """Points (time, voltage) of a source that is at ``high`` during these intervals, else at 0."""
    points = [(0.0, 0.0)]
    for start, stop in intervals:
        points += [(start, 0.0), (start + edge, high), (stop, high), (stop + edge, 0.0)]
    first = points[1][0] if len(points) > 1 else 1.0
    if first <= 0 or any(later[0] <= earlier[0] for earlier, later in pairwise(points)):
        raise ValueError("pulses must follow one another, with an edge between them")
    return tuple(points)


def energy(
    waveforms: Waveforms, source: str, voltage: float, start: float = 0.0, stop: float = np.inf
) -> float:
    """Energy (J) that a supply delivers between two times (s): its voltage times its charge."""
    time, current = _delivered(waveforms, source, start, stop)
    return voltage * float(np.trapezoid(current, time))


def control_energy(
    waveforms: Waveforms, source: str, voltage: float, start: float = 0.0, stop: float = np.inf
) -> float:
    """Energy (J) that a driver would take from its supply to send what an ideal source sends.

    The charge that the source gives comes from the supply; what it takes back, a driver sends to ground.
    """
    time, current = _delivered(waveforms, source, start, stop)
    return voltage * float(np.trapezoid(np.maximum(current, 0.0), time))


def at(waveforms: Waveforms, name: str, time: float) -> float:
    """A vector at a time (s), between points on a straight line."""
    return float(np.interp(time, waveforms.axis, waveforms[name]))


def require_within(volts: float, low: float, high: float, what: str, place: str) -> None:
    """That a measured voltage is one that the circuit can have. SimulationError if not."""
    if not low <= volts <= high:
        raise SimulationError(
            f"{what} ends at {volts:.3g} V, outside {low:.3g} to {high:.3g} V",
            place=place,
            remedy="lengthen the phases, or keep the inputs within the range of the switches",
        )


def _delivered(waveforms: Waveforms, source: str, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
    during = (waveforms.axis >= start) & (waveforms.axis <= stop)
    return waveforms.axis[during], -waveforms[f"{source}#branch"][during]
