"""What a 1T1R cell asks of its access transistor: a current, and what charges its drain."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.models.model import Model


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
