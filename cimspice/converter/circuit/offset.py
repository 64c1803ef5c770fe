"""Input offset of a circuit that decides again and again while its input closes in by bisection."""

import numpy as np
import pandas as pd

from cimspice.errors import SimulationError

COLUMNS = {"offset": "V", "magnitude": "V", "resolution": "V"}


def offset_of_decisions(
    asked: np.ndarray,
    apart: np.ndarray,
    *,
    supply_voltage: float,
    decision_time: float,
    search_range: float,
    place: str,
) -> pd.DataFrame:
    """The threshold between inputs that turned the decision one way and the other, one row of `COLUMNS`.

    The search would end within ``search_range / 2**decisions``; its steps are charges moved by the
    simulator's own time steps, so what was decided on is what counts.

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

    Raises
    ------
    SimulationError
        If a decision was not made, or all were the same.
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
