"""What the wires of a layer do: rails that drop voltage, and membranes that move their neighbours."""

from collections.abc import Callable, Sequence

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.membrane_rate import Driven, synapses_of
from cimspice.neuron.model.mismatch import LayerMismatch
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.wires import Wiring, rail_share

_ROUNDS = 40
_SETTLED = 1e-7  # of the largest current
_POINTS = 64  # of the firing phase, between which membranes are taken to fall straight
_THERMAL = 0.026  # V: of the discharger where its drain saturates


class Rails:
    """Rails along the rows of a layer, supplied before its first neuron.

    Source and body of a synapse stand at its rail. A rail that has moved by δ is the same as a gate bias and
    a membrane that have moved by −δ (the switch's gate, far above its threshold, changes nothing), so the
    measured I(gate bias, V) holds all that is needed. Its logarithm is taken to be straight in δ, which it is
    in weak inversion. Drops and currents depend on one another, along the whole row: a fixed point.

    Parameters
    ----------
    driven
        The synapses of either polarity, each with rails of its own.
    resistance
        Of a rail, from one cell to the next (Ω).
    """

    def __init__(self, driven: Sequence[Driven], resistance: float):
        self.resistance = resistance
        self._parts = []
        for half in driven:
            # (neurons, terms, inputs); the slope is that over a membrane and a gate bias that move together
            current, over_program = (np.moveaxis(part, 2, 0) for part in (half.current, half.slopes.current))
            above = np.concatenate([current, over_program], axis=2)
            below = np.concatenate([np.zeros_like(current), current], axis=2)
            self._parts.append((half, np.concatenate([above, below], axis=1)))

    def drop(self, currents: Array) -> Array:
        """Drop (V) at every cell of rows that carry these currents (A), both (..., neurons)."""
        beyond = np.cumsum(currents[..., ::-1], axis=-1)[..., ::-1]
        return self.resistance * np.cumsum(beyond, axis=-1)

    def change(self, voltage: Array, on: Array) -> Array:
        """What the rails add to the currents (A, positive raises V) of membranes at ``voltage`` (V), both
        (batch, neurons), while inputs are ``on`` (batch, inputs), 0 or 1.

        ParameterError if the drops are so large that no fixed point is found.
        """
        total = np.zeros_like(voltage)
        inputs = on.shape[1]
        for half, weights in self._parts:
            basis = half.synapse.current.basis
            shape = np.concatenate([basis(voltage), basis(voltage, 1)], axis=-1)
            both = np.moveaxis(
                np.matmul(np.moveaxis(shape, 1, 0), weights), 0, 2
            )  # (batch, 2 inputs, neurons)
            current = both[:, :inputs] * on[:, :, None]
            flowing = current > 0
            slope = half.sign * both[:, inputs:] / np.where(flowing, current, 1.0) * flowing
            found = self._fixed_point(current, slope)
            total += half.sign * (found - current).sum(axis=1)
        return total

    def _fixed_point(self, current: Array, slope: Array) -> Array:
        """Currents (A) with the drops that they make, from those without and ∂ ln I/∂δ (1/V)."""
        found, close = current, _SETTLED * current.max(initial=0.0)
        for _ in range(_ROUNDS):
            before, found = found, current * np.exp(slope * self.drop(found))
            if np.abs(found - before).max(initial=0.0) <= close:
                return found
        raise ParameterError(
            f"rails of {self.resistance:.4g} ohm a cell drop {self.drop(current).max():.3g} V",
            place="rail_resistance",
            remedy="give wider rails or a smaller layer",
        )


class WiredLayer:
    """What the wires of one layer do.

    Parameters
    ----------
    wiring, model
        Of the network, and of its neurons.
    polarity, program
        As of :class:`cimspice.neuron.emulator.layer.NeuronLayer`, (neurons, inputs).
    capacitance
        Of the membranes (F), over their voltage (V).
    mismatch
        Of a chip's transistors; nominal without.
    """

    def __init__(
        self,
        wiring: Wiring,
        model: NeuronModel,
        polarity: Array,
        program: Array,
        capacitance: Callable[[Array], Array],
        mismatch: LayerMismatch | None = None,
    ):
        neurons, inputs = polarity.shape
        self._capacitance = capacitance
        edges = wiring.edges[neurons]
        self._mixed = [
            (share, synapses_of(model, both, polarity, program, mismatch))
            for share, both in zip(edge_shares(neurons, len(edges)), edges, strict=True)
        ]
        self._rails = Rails(self._mixed[0][1], wiring.wires.rail_resistance)
        self.coupling = inputs * wiring.wires.membrane_coupling
        """Of a membrane to the next one on either side (F)."""

    def mixed(self, charge: Callable[[Sequence[Driven]], Array]) -> Array:
        """A charge (C) that synapses with edges make, (..., neurons), with the rail's resistance to each."""
        return sum((share * charge(synapses) for share, synapses in self._mixed), np.zeros(()))

    def drawn(self, voltage: Array, on: Array) -> Array | float:
        """Fall (V/s) of membranes by what rails add to their currents: see :meth:`Rails.change`."""
        return (
            -self._rails.change(voltage, on) / self._capacitance(voltage) if self._rails.resistance else 0.0
        )

    def share(self, voltage: Array) -> Array:
        """Coupling to either neighbour over a membrane's capacitance, at ``voltage`` (V)."""
        return self.coupling / self._capacitance(voltage)

    def moved(self, before: Array, after: Array) -> Array:
        """Voltages (V) of coupled membranes, from those that they would reach if they were not."""
        return before + coupled(after - before, self.share(before)) if self.coupling else after


def edge_shares(neurons: int, count: int) -> list[Array]:
    """Shares (neurons,) of edges measured at ``count`` rail resistances, from none to that of the row's end
    in equal steps: the polynomial through them, at every place of the row."""
    nodes, place = np.linspace(0.0, 1.0, count), rail_share(neurons)
    ratios = [[(place - other) / (node - other) for other in nodes if other != node] for node in nodes]
    return [np.prod([np.ones(neurons), *each], axis=0) for each in ratios]


def neighbours(values: Array) -> Array:
    """Sum of the values before and after each one, along the last axis."""
    total = np.zeros_like(values)
    total[..., 1:] += values[..., :-1]
    total[..., :-1] += values[..., 1:]
    return total


def coupled(moves: Array, share: Array) -> Array:
    """Moves (V) of membranes that are coupled, from those with neighbours held, both (..., neurons).

    Solves (1 − share · neighbours) x = moves, the capacitance matrix over its diagonal, by Jacobi's
    iteration.

    Parameters
    ----------
    share
        Coupling to either neighbour over the membrane's whole capacitance, below one half; same shape.
    """
    found, close = moves, 1e-12 * np.abs(moves).max(initial=0.0)
    for _ in range(_ROUNDS):
        before, found = found, moves + share * neighbours(found)
        if np.abs(found - before).max(initial=0.0) <= close:
            break
    return found


def ramp_shift(
    readout: ReadoutModel,
    voltage: Array,
    late: Callable[[Array], Array],
    share: Callable[[Array], Array],
    phase: float,
) -> Array:
    """What coupled membranes do to one another while all of them fall, as a change (V) of each one's voltage
    at the phase's start that does the same, until each of `_POINTS` + 1 times through the phase.

    Parameters
    ----------
    readout
        Has the ramp.
    voltage
        At the phase's start (V), (batch, neurons).
    late
        From times (s), (..., batch, neurons), to the change that late charges make until then, likewise.
    share
        From voltages (V) to coupling to either neighbour over the membrane's capacitance.
    phase
        Length (s).
    """
    times = np.linspace(0.0, phase, _POINTS + 1)[:, None, None]
    charged = voltage + np.stack([late(np.full(voltage.shape, time)) for time in times[:, 0, 0]])
    shift = np.zeros_like(charged)
    for _ in range(3):  # each round is smaller by the coupling's share
        membrane = _falling(readout, charged + shift, times)
        moves = neighbours(np.diff(membrane, axis=0, prepend=voltage[None]))
        middle = (membrane + np.concatenate([voltage[None], membrane[:-1]])) / 2
        alike = share(middle) * moves * (readout.slope(voltage) / readout.slope(middle))
        shift = np.cumsum(alike, axis=0)
    return shift


def at_time(shift: Array, time: Array, phase: float) -> Array:
    """What :func:`ramp_shift` gives, at a time (s) for every membrane, (batch, neurons)."""
    place = np.clip(time / phase, 0.0, 1.0) * (len(shift) - 1)
    below = np.minimum(place.astype(int), len(shift) - 2)
    low, high = (np.take_along_axis(shift, (below + step)[None], 0)[0] for step in (0, 1))
    return low + (place - below) * (high - low)


def _falling(readout: ReadoutModel, voltage: Array, delay: Array) -> Array:
    """Membranes (V) a time (s) after the ramp left ``voltage``: beyond the measured trace at its last slope,
    until the discharger saturates: dV/dt = slope (1 − exp(−V/φ))."""
    end = readout.ramp_voltage[-1]
    started = np.maximum(voltage, end)
    left = readout.ramp_time[-1] - readout.time_on_ramp(started)
    beyond = np.maximum(delay - left, 0.0)
    slope = readout.slope(np.array(end))
    low = np.minimum(voltage, end) / _THERMAL
    saturating = _THERMAL * np.log1p(np.expm1(np.maximum(low, 1e-9)) * np.exp(slope * beyond / _THERMAL))
    return np.where(beyond > 0, saturating, readout.voltage_after(voltage, delay))
