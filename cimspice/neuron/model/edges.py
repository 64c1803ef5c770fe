"""What the edges of a spike do to a membrane beyond the synapse's steady current."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.neuron.model.separable import SeparableTable

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class EdgeModel:
    """Charges (C) of one polarity of synapse whose spike line is driven by a driver with a known load,
    positive in the direction that the synapse drives.

    Parameters
    ----------
    on_charge
        Over program and membrane voltage (V): what the rising edge adds to the integral of the steady current
        from the moment at which the line crosses half the supply.
    off_delay
        Delays (s) after the end of the phase, strictly increasing, shape (delays,).
    off_charge
        One table per delay: charge that still flows from the end of the phase until then. The driver's own
        delay, the charge of its edge and the logarithmic tail of the floating inner node are all in it.
    parked_voltage, parked_on_charge, parked_off_charge
        The same of a synapse that carries no weight but is switched all the same: membrane voltages
        (points,), charges (points,) and (delays, points).
    """

    on_charge: SeparableTable
    off_delay: Array
    off_charge: tuple[SeparableTable, ...]
    parked_voltage: Array
    parked_on_charge: Array
    parked_off_charge: Array

    @cached_property
    def parked(self) -> CubicSpline:
        """Charges of a parked synapse over voltage (V): shape of x + (1 + delays,), the rising edge first."""
        stacked = np.concatenate([self.parked_on_charge[None], self.parked_off_charge])
        return CubicSpline(self.parked_voltage, stacked.T)
