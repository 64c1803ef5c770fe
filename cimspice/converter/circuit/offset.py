"""Input offset of a circuit that decides again and again while its input closes in by bisection."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench
from cimspice.converter.circuit.controls import OPTIONS
from cimspice.errors import SimulationError
from cimspice.spice import SolverOptions, Tran, Waveforms


class OffsetByBisection(Bench):
    """Difference of the inputs at which the decision turns, known to plus or minus ``resolution``.

    ``magnitude`` is that without its sign. Parameters: ``decisions``, ``period``, ``time_step``,
    ``search_range`` and ``supply_voltage``.
    """

    columns: ClassVar[dict[str, str]] = {"offset": "V", "magnitude": "V", "resolution": "V"}
    solver: ClassVar[SolverOptions] = OPTIONS
    outputs: ClassVar[tuple[str, str]]
    """The first is the higher one where the input was found above the threshold."""
    read_at: ClassVar[float]
    decision_share: ClassVar[float]
    """``read_at``, ``decision_share``: in a period, when outputs are read, and how long a decision has."""

    def analysis(self, parameters: Any) -> Tran:
        stop, step = parameters.decisions * parameters.period, parameters.time_step
        return Tran(step, stop, max_step=step, save=("difference", *sorted(self.outputs)))

    def measure(self, parameters: Any, waveforms: Waveforms) -> pd.DataFrame:
        decided = (np.arange(parameters.decisions) + self.read_at) * parameters.period
        higher, lower = (waveforms[name] for name in self.outputs)
        return offset_of_decisions(
            np.interp(decided, waveforms.axis, waveforms["difference"]),
            np.interp(decided, waveforms.axis, higher - lower),
            supply_voltage=parameters.supply_voltage,
            decision_time=self.decision_share * parameters.period,
            search_range=parameters.search_range,
            place=self.name,
        )


def offset_of_decisions(
    asked: np.ndarray,
    apart: np.ndarray,
    *,
    supply_voltage: float,
    decision_time: float,
    search_range: float,
    place: str,
) -> pd.DataFrame:
    """The threshold between inputs that turned the decision one way and the other, one row of a bench.

    The search would end within ``search_range / 2**decisions``; its steps are charges moved by the
    simulator's own time steps, so what was decided on is what counts.

    SimulationError if a decision was not made, or all were the same.

    Parameters
    ----------
    asked
        Input difference at each decision (decisions,), V.
    apart
        Difference of the outputs (decisions,), V, positive where the input was found above the threshold.
    supply_voltage
        V; outputs that are less than half of it apart have not decided.
    decision_time
        Time that a decision has (s), for the error.
    search_range
        Largest input (V), for the error.
    place
        The bench, for errors.
    """
    undecided = np.flatnonzero(np.abs(apart) < supply_voltage / 2)
    if len(undecided):
        raise SimulationError(
            f"decision {undecided[0] + 1} was not made within {decision_time:.3g} s",
            place=place,
            remedy="lengthen period",
        )
    above, below = asked[apart > 0], asked[apart < 0]
    if not (len(above) and len(below)):
        raise SimulationError(
            f"the offset is beyond {search_range:g} V: every decision was the same",
            place=place,
            remedy="widen search_range",
        )
    low, high = float(below.max()), float(above.min())
    offset = (low + high) / 2
    row = {"offset": offset, "magnitude": abs(offset), "resolution": abs(high - low) / 2}
    return pd.DataFrame([row])
