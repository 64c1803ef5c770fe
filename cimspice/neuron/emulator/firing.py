"""From a membrane's voltage when the firing phase begins to its output spike, for MOSFET synapses.

The read-out's time, moved by the charge that synapses still drive while they turn off. A charge that comes
when the ramp's current has changed moves the spike by that charge over that current.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.neuron.emulator.membrane_rate import Driven
from cimspice.neuron.emulator.wires import WiredLayer, at_time, ramp_shift
from cimspice.neuron.model.mismatch import ShiftedReadout
from cimspice.neuron.model.readout import ReadoutModel

_NUDGE = 1e-4  # V: of the central differences of smooth tables


@dataclass(frozen=True, eq=False)
class Firing:
    """The firing phase of one layer."""

    driven: Sequence[Driven]
    readout: ReadoutModel | ShiftedReadout
    capacitance: Callable[[Array], Array]
    """Of the membranes (F) over their voltage (V)."""
    phase: float
    """Length of the phase (s)."""
    wired: WiredLayer | None = None
    """Wires, if there are any: edges as they make them, and coupled membranes."""

    @property
    def _delays(self) -> Array:
        return self.driven[0].edges.off_delay

    def charge(self, voltage: Array, active: Array) -> Array:
        """Charge (C, positive raises V) from the phase's end until each delay, (delays, batch, neurons)."""
        if self.wired:
            return self.wired.mixed(lambda synapses: self._charge(synapses, voltage, active))
        return self._charge(self.driven, voltage, active)

    def _charge(self, synapses: Sequence[Driven], voltage: Array, active: Array) -> Array:
        total = np.zeros((len(self._delays), *voltage.shape))
        for driven in synapses:
            unselected = driven.unselected(lambda weights: active @ weights, voltage)
            total += driven.sign * np.moveaxis(unselected[..., 1:], -1, 0)
            for index, (table, weights) in enumerate(zip(driven.edges.off_charge, driven.off, strict=True)):
                summed = np.tensordot(weights, active, ([1], [1])).swapaxes(1, 2)
                total[index] += driven.sign * contract(summed, table.basis(voltage))
        return total

    def times(self, voltage: Array, active: Array) -> Array:
        """Output spikes (s; the phase's length where there is none) for voltages (batch, neurons) and the
        inputs that spiked, 0 or 1, (batch, inputs)."""
        shift = self._shift(voltage, active)
        if not self.wired or not self.wired.coupling:
            return self._time(voltage, shift)
        ramp = self.readout
        moved = ramp_shift(
            ramp.nominal if isinstance(ramp, ShiftedReadout) else ramp,
            voltage,
            lambda time: interpolate(self._delays, shift, time),
            self.wired.share,
            self.phase,
        )
        return self._time(voltage, shift, moved)

    def program_slopes(self, voltage: Array, active: Array) -> Array:
        """∂t/∂program (s/V) through the charges at turn-off alone, (batch, inputs, neurons)."""
        shift = self._shift(voltage, active)
        time = self._time(voltage, shift)
        below, above = (self._time(voltage, shift + change) for change in (-_NUDGE, _NUDGE))
        upper, share = bracket(self._delays, time)
        factors = self._factors(voltage)
        moved, charge = np.zeros((2, len(voltage), active.shape[1], voltage.shape[1]))
        total = np.zeros_like(moved)
        for index, factor in enumerate(factors):
            before, charge = charge, np.zeros_like(charge)
            for driven in self.driven:
                basis = driven.edges.off_charge[index].basis(voltage)
                part = np.einsum("kjn,bnk->bjn", driven.slopes.off[index], basis)
                charge += driven.sign * active[:, :, None] * part
            moved = moved + factor[:, None] * (charge - before)
            total += (np.where(upper == index, share, 0.0) + np.where(upper == index + 1, 1 - share, 0.0))[
                :, None
            ] * moved
        return total * ((above - below) / (2 * _NUDGE))[:, None]

    def _factors(self, voltage: Array) -> Array:
        """Change of the voltage (V) at the phase's start that does the same as 1 C between two delays,
        (delays, batch, neurons)."""
        delays, slope = self._delays, self.readout.slope(voltage)
        factors = np.empty((len(delays), *voltage.shape))
        factors[0] = 1 / self.capacitance(voltage)
        for index in range(1, len(delays)):
            middle = self._middle(voltage, index)
            factors[index] = slope / (self.readout.slope(middle) * self.capacitance(middle))
        return factors

    def _middle(self, voltage: Array, index: int) -> Array:
        """Voltage (V) between two delays."""
        return self.readout.voltage_after(
            voltage, float(np.sqrt(self._delays[index] * self._delays[index - 1]))
        )

    def _shift(self, voltage: Array, active: Array) -> Array:
        """What the charges until each delay do, as a change of the voltage (V) at the phase's start."""
        charge, factors = self.charge(voltage, active), self._factors(voltage)
        for index in range(len(charge) - 1, 0, -1):
            leaked = self._excess_leakage(self._middle(voltage, index))
            charge[index] += leaked * (self._delays[index] - self._delays[index - 1]) - charge[index - 1]
        return np.cumsum(factors * charge, axis=0)

    def _excess_leakage(self, voltage: Array) -> Array:
        """Current (A, positive raises V) of programmed synapses that are off, beyond unselected ones."""
        total = np.zeros_like(voltage)
        for driven in self.driven:
            every = np.broadcast_to(driven.excess_idle[:, None], (len(driven.idle), *voltage.shape))
            total += driven.sign * contract(every, driven.synapse.idle_current.basis(voltage))
        return total

    def _time(self, voltage: Array, shift: Array, coupled: Array | None = None) -> Array:
        time = self.readout.time(voltage)
        for _ in range(3):
            late = interpolate(self._delays, shift, time)
            late += 0.0 if coupled is None else at_time(coupled, time, self.phase)
            time = self.readout.time(voltage + late)
        return np.minimum(time, self.phase)


def on_charge(synapses: Sequence[Driven], voltage: Array, column: Array) -> Array:
    """Charge (C, positive raises V) of one rising edge per sample, of input ``column`` (batch,), on membranes
    at ``voltage`` (V), (batch, neurons)."""
    total = np.zeros_like(voltage)
    for driven in synapses:
        charge = contract(driven.on[:, column], driven.edges.on_charge.basis(voltage))
        charge += driven.unselected(lambda weights: weights[column], voltage)[..., 0]
        total += driven.sign * charge
    return total


def contract(weights: Array, basis: Array) -> Array:
    """Sum over terms: (terms, batch, neurons) and (batch, neurons, terms) to (batch, neurons)."""
    return np.einsum("kbn,bnk->bn", weights, basis)


def bracket(delays: Array, at: Array) -> tuple[Array, Array]:
    """Index of the delay above each entry of ``at`` and its share in the interpolation, linear in the delay's
    logarithm."""
    grid, wanted = np.log(delays), np.log(np.maximum(at, delays[0]))
    upper = np.clip(np.searchsorted(grid, wanted), 1, len(grid) - 1)
    return upper, np.clip((wanted - grid[upper - 1]) / (grid[upper] - grid[upper - 1]), 0.0, 1.0)


def interpolate(delays: Array, values: Array, at: Array) -> Array:
    """Values (delays, ...) at a delay for each entry of ``at`` (...)."""
    upper, share = bracket(delays, at)
    low = np.take_along_axis(values, (upper - 1)[None], 0)[0]
    high = np.take_along_axis(values, upper[None], 0)[0]
    return low + share * (high - low)
