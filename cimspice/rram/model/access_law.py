"""What a 1T1R cell asks of its access transistor: a current, and what charges its drain."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import TableError
from cimspice.fit.model import Model


@dataclass(frozen=True, kw_only=True, eq=False)
class AccessLaw(Model):
    """A transistor whose drain is the node inside the cell; voltages in V against its body, broadcast.

    ``holds_charge`` says whether :meth:`capacitance` is known: where it is not, a cell needs a number of its
    own for it.
    """

    holds_charge: ClassVar[bool] = False

    @abstractmethod
    def current(
        self, gate_voltage: ArrayLike, drain_voltage: ArrayLike, source_voltage: ArrayLike
    ) -> np.ndarray:
        """Current in A from drain to source at rest."""

    def capacitance(self, gate_voltage: ArrayLike, drain_voltage: ArrayLike) -> np.ndarray:
        """∂ charge / ∂ voltage of the drain in F, source and body at 0 V; 0 where it is not known."""
        return np.zeros(np.broadcast_shapes(np.shape(gate_voltage), np.shape(drain_voltage)))


def check_points(kind: str, points: Mapping[str, np.ndarray], degree: int) -> None:
    """TableError unless each axis of a simulated table, in V, rises and bears a spline of this degree, and
    ``across`` begins at 0."""
    for name, volts in points.items():
        if np.ndim(volts) != 1 or len(volts) <= degree or np.any(np.diff(volts) <= 0):
            raise TableError(
                f"{name} of {kind} has {np.size(volts)} points, or they do not rise",
                place=kind,
                remedy=f"sweep at least {degree + 1} rising voltages",
            )
    if points["across"][0] != 0:
        raise TableError(f"across begins at {points['across'][0]:g} V", place=kind, remedy="begin at 0 V")


def grid(
    kind: str, table: pd.DataFrame, names: tuple[str, ...], value: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """Points along each axis of a table, and the values over all of them. TableError if it is no grid."""
    missing = [name for name in (*names, value) if name not in table]
    if missing:
        raise TableError(
            f"column {missing[0]!r} is missing",
            place=kind,
            remedy=f"columns are {', '.join((*names, value))}",
        )
    points = [np.unique(table[name].to_numpy(dtype=float)) for name in names]
    shape = tuple(map(len, points))
    if len(table) != np.prod(shape) or table.duplicated(list(names)).any():
        raise TableError(
            f"{len(table)} rows are no grid of {' x '.join(map(str, shape))}",
            place=kind,
            remedy="sweep every combination once",
        )
    return points, table.sort_values(list(names))[value].to_numpy(dtype=float).reshape(shape)
