"""What the edges of a spike do to a membrane beyond the synapse's steady current."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.arrays import Array
from cimspice.neuron.model.separable import SeparableTable


@dataclass(frozen=True, eq=False)
class EdgeModel:
    """Charges (C) of one polarity of synapse whose spike line is driven by a driver with a known load,
    positive in the direction that the synapse drives.
    """

    on_charge: SeparableTable
    """Over program and membrane voltage (V): what the rising edge adds to the integral of the steady current
    from the moment at which the line crosses half the supply."""
    off_delay: Array
    """Delays (s) after the end of the phase, strictly increasing, shape (delays,)."""
    off_charge: tuple[SeparableTable, ...]
    """One table per delay: charge that still flows from the end of the phase until then. The driver's own
    delay, the charge of its edge and the logarithmic tail of the floating inner node are all in it."""
    unselected_voltage: Array
    unselected_on_charge: Array
    unselected_off_charge: Array
    """``unselected_voltage``, ``unselected_on_charge``, ``unselected_off_charge``: the same of a synapse that
    carries no weight but is switched all the same: membrane voltages (points,), charges (points,) and
    (delays, points)."""

    @cached_property
    def unselected(self) -> CubicSpline:
        """Charges if unselected, over voltage (V): shape of x + (1 + delays,), the rising edge first."""
        stacked = np.concatenate([self.unselected_on_charge[None], self.unselected_off_charge])
        return CubicSpline(self.unselected_voltage, stacked.T)
