"""Right side of the membrane's equation for a layer: its synapses' tables as sums of products."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.arrays import Array
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.neuron.mapping import SIGNS
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.mismatch import LayerMismatch
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel

SLACK = 1e-9
"""Of a table's ends: round-off."""


class ProgramSlopes(NamedTuple):
    """Derivatives of a :class:`Driven`'s weights to the programs, (terms, inputs, neurons)."""

    current: Array
    idle: Array
    on: Array
    off: list[Array]
    """Per delay."""


class Driven:
    """Synapses of one polarity with their programs: sums over the synapses that are on, as matrix products.

    All arrays are (..., inputs, neurons). ``mismatch``: of a chip's transistors; nominal without.
    """

    def __init__(
        self,
        synapse: SynapseModel,
        edges: EdgeModel,
        program: Array,
        mask: Array,
        mismatch: LayerMismatch | None = None,
    ):
        self.programs = program[mask]  # nominal ones
        gain = np.ones(mask.shape)
        if mismatch is not None:
            program, gain = mismatch.programs(synapse, program, mask)
        self.synapse, self.edges, self.sign = synapse, edges, synapse.sign
        mask, program = mask.T, np.where(mask, program, 0.0).T
        self._unselected = [((~mask).astype(float), edges.unselected)]
        if mismatch is not None:
            self._unselected += mismatch.unselected(synapse, ~mask)
        self._gain = gain.T
        self.current = synapse.current.weights(program, mask) * self._gain
        self.idle = synapse.idle_current.weights(program, mask)
        # a resistor that carries no weight is not placed
        placed = ~mask if synapse.internal_node is None else np.zeros_like(mask)
        unselected = np.full(mask.shape, synapse.unselected_program)
        # (terms, neurons)
        self.unselected_idle = synapse.idle_current.weights(unselected, placed).sum(axis=1)
        self.on = edges.on_charge.weights(program, mask)
        self.off = [table.weights(program, mask) for table in edges.off_charge]
        # what the programmed halves leak beyond unselected ones, with which the read-out was measured
        self.excess_idle = self.idle.sum(axis=1) - synapse.idle_current.weights(unselected, mask).sum(axis=1)
        self._program, self._mask = program, mask

    def unselected(self, chosen: Callable[[Array], Array], voltage: Array) -> Array:
        """Charges (C) of halves that carry no weight, at the rising edge and until each delay after the
        phase, (batch, neurons, 1 + delays); ``chosen`` sums (inputs, neurons) over a sample's inputs.
        """
        return sum(
            (chosen(weights)[..., None] * charges(voltage) for weights, charges in self._unselected),
            start=np.zeros(()),
        )

    @cached_property
    def slopes(self) -> ProgramSlopes:
        """What a program changes."""

        def slopes(table: SeparableTable) -> Array:
            return table.weight_slopes(self._program, self._mask)

        synapse, edges = self.synapse, self.edges
        off = [slopes(table) for table in edges.off_charge]
        return ProgramSlopes(
            slopes(synapse.current) * self._gain, slopes(synapse.idle_current), slopes(edges.on_charge), off
        )


def synapses_of(
    model: NeuronModel,
    edges: Mapping[Polarity, EdgeModel],
    polarity: Array,
    program: Array,
    mismatch: LayerMismatch | None = None,
) -> tuple[Driven, ...]:
    """A layer's synapses of either polarity, with the edges of their spikes."""
    return tuple(
        Driven(model.synapses[name], edges[name], program, polarity == sign, mismatch) for sign, name in SIGNS
    )


def warn_of_extrapolation(synapses: Sequence[Driven], reached: Sequence[Array]) -> None:
    """Warn where membranes (V) leave the tables of their synapses' currents, or programs those of edges."""
    if not reached[0].size:
        return
    low, high = min(map(np.min, reached)), max(map(np.max, reached))
    for driven in synapses:
        used = driven.programs
        if not used.size:
            continue
        ranges = {
            "membrane voltage": (low, high, driven.synapse.current.x, "current"),
            "program": (used.min(), used.max(), driven.edges.on_charge.program, "charge"),
        }
        for what, (least, most, table, quantity) in ranges.items():
            if least < table[0] - SLACK or most > table[-1] + SLACK:
                warnings.warn(
                    f"{what} of the {driven.synapse.polarity}-synapse leaves the range of its {quantity}'s "
                    f"table, {table[0]:.6g} to {table[-1]:.6g}; the result is an extrapolation",
                    ModelRangeWarning,
                    stacklevel=4,
                )


class MembraneRate:
    """Right side of the membrane's equation: terms of all polarities, on and idle, in one stacked spline.

    Parameters
    ----------
    driven
        The synapses of either polarity.
    leakage, capacitance
        Current (A) out of every membrane of the layer, and capacitance (F) that all have, over voltage (V).
    """

    def __init__(self, driven: Sequence[Driven], leakage: CubicSpline, capacitance: CubicSpline):
        grid = np.unique(np.concatenate([half.synapse.current.x for half in driven]))
        # the same voltage in two tables, but for round-off, is one
        grid = grid[np.diff(grid, prepend=-np.inf) > 1e-9]
        columns, self._on, self._idle, self._unselected = [-leakage(grid)[:, None]], [], [], []
        for half in driven:
            current, idle = half.synapse.current, half.synapse.idle_current
            columns += [half.sign * current.basis(grid), half.sign * idle.basis(grid)]
            self._on.append(half.current)
            self._idle.append(half.idle)
            self._unselected.append(half.unselected_idle)
        # dividing by C(V) here makes the right side dV/dt itself
        currents = np.concatenate(columns, axis=1)
        spline = CubicSpline(grid, currents / capacitance(grid)[:, None])
        self._grid = grid
        # (intervals, powers from the third down, terms)
        self._coefficients = np.ascontiguousarray(np.moveaxis(spline.c, 0, 1))
        self._bounds = grid[0], grid[-1]

    def mixture(self, on: Array) -> Array:
        """Coefficients of the stacked terms, (batch, inputs) that are on -> (batch, neurons, terms)."""
        parts = []
        for current, idle, unselected in zip(self._on, self._idle, self._unselected, strict=True):
            leaking = np.tensordot(1 - on, idle, ([1], [1])) + unselected
            parts += [np.tensordot(on, current, ([1], [1])), leaking]
        stacked = np.moveaxis(np.concatenate(parts, axis=1), 1, -1)
        return np.concatenate([np.ones((*stacked.shape[:-1], 1)), stacked], axis=-1)

    def linearised(self, voltage: Array, mixture: Array) -> tuple[Array, Array]:
        """Every term's dV/dt at coefficient 1, (batch, neurons, terms), and the slope ∂(dV/dt)/∂V of all."""
        above, coefficients = self._interval(voltage)
        third, second, first, constant = (coefficients[..., power, :] for power in range(4))
        above = above[..., None]
        terms = ((third * above + second) * above + first) * above + constant
        slopes = (3 * third * above + 2 * second) * above + first
        return terms, np.sum(slopes * mixture, axis=-1)

    def columns(self, number: int) -> tuple[slice, slice]:
        """Where the terms of polarity ``number`` stand: those that are on, and those that are idle."""
        start = 1
        for on, idle in zip(self._on[:number], self._idle[:number], strict=True):
            start += len(on) + len(idle)
        middle = start + len(self._on[number])
        return slice(start, middle), slice(middle, middle + len(self._idle[number]))

    def _interval(self, voltage: Array) -> tuple[Array, Array]:
        """How far (V) above its interval's start a voltage is, and that interval's coefficients."""
        inside = np.minimum(np.maximum(voltage, self._bounds[0]), self._bounds[1])
        interval = np.searchsorted(self._grid[1:-1], inside, side="right")
        return inside - self._grid[interval], self._coefficients[interval]

    def advance(
        self,
        voltage: Array,
        mixture: Array,
        length: Array,
        share: Array | float = 1.0,
        drawn: Array | float = 0.0,
    ) -> Array:
        """One exponential Rosenbrock-Euler step of ``length`` (s).

        ``share``: the capacitance that all membranes have over the membrane's own. ``drawn``: a fall (V/s)
        that lasts through the step.
        """
        low, high = self._bounds
        above, coefficients = self._interval(voltage)
        # the terms are summed first: what is left is one cubic for each membrane
        cubic = coefficients @ mixture[..., None]
        third, second, first, constant = (cubic[..., power, 0] for power in range(4))
        rate = share * (((third * above + second) * above + first) * above + constant) - drawn
        slope = share * ((3 * third * above + 2 * second) * above + first)
        exponent = length * slope
        small = np.abs(exponent) < 1e-12
        growth = np.where(small, 1.0, np.expm1(exponent) / np.where(small, 1.0, exponent))
        return np.minimum(np.maximum(voltage + length * growth * rate, low), high)
