"""A network programmed layer after layer onto the same crossbars: writes of every cell, and what is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cimspice.crossbar.programming.bit_sliced_crossbars import Crossbars, Written
from cimspice.crossbar.programming.bit_slices import quantise
from cimspice.crossbar.programming.networks import Layer, Network
from cimspice.crossbar.programming.plan import Plan
from cimspice.crossbar.programming.section_order import schedule
from cimspice.crossbar.programming.sections import cut, outputs_per_section, restore

_KEPT_WEIGHTS = 2_000_000


@dataclass(frozen=True)
class LayerResult:
    """A layer as it was programmed.

    ``output_error`` is ‖ΔW x‖/‖W x‖ of what the choice of cells left unwritten, ``quantisation_error`` that
    of the quantised weights against the given ones; both over the layer's sample inputs.
    """

    name: str
    outputs: int
    inputs: int
    sections: int
    outputs_per_section: float
    sets: int
    resets: int
    output_error: float
    quantisation_error: float


@dataclass(frozen=True, eq=False)
class Programmed:
    """One pass of a network over the crossbars, from the state that they were given in.

    ``sets`` and ``resets`` (crossbars, rows, columns) count writes per cell; ``weights`` are those realised,
    kept only where the accuracy needs them; ``cells_used`` is how many cells the sections have in all.
    """

    plan: Plan
    layers: tuple[LayerResult, ...]
    sets: np.ndarray
    resets: np.ndarray
    cells_used: int
    weights: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @property
    def writes(self) -> int:
        return int(self.sets.sum() + self.resets.sum())

    @property
    def output_error(self) -> float:
        """Root mean square over layers, each layer counting the same."""
        return float(np.sqrt(np.mean([layer.output_error**2 for layer in self.layers])))

    @property
    def quantisation_error(self) -> float:
        """As :attr:`output_error`."""
        return float(np.sqrt(np.mean([layer.quantisation_error**2 for layer in self.layers])))

    @property
    def outputs_per_section(self) -> float:
        """Mean over all sections: reads of a section per input vector."""
        counts = np.array([layer.sections for layer in self.layers])
        return float(np.dot(counts, [layer.outputs_per_section for layer in self.layers]) / counts.sum())


class Pass:
    """A plan being carried out: the crossbars, and the layers done so far.

    Parameters
    ----------
    plan
        What is done.
    seed
        Of cells chosen at random.
    crossbars
        Physical crossbars in their present state; erased ones if not given.
    """

    def __init__(self, plan: Plan, seed: int = 0, crossbars: Crossbars | None = None) -> None:
        self.plan = plan
        self.crossbars = crossbars or Crossbars(plan.crossbars, plan.rows, plan.slices.columns)
        self._choice, self._rng = plan.write_choice(), np.random.default_rng((seed, 2))
        self._layers: list[LayerResult] = []
        self._weights: list[np.ndarray] = []
        self._cells_used = 0

    def program(self, levels: np.ndarray, number: int) -> tuple[np.ndarray, Written]:
        """Program the levels (outputs, inputs) of the layer of this number; gives the levels realised, and
        what each section held."""
        plan, crossbars = self.plan, self.crossbars
        adaptive = plan.order in ("gray", "hamming")
        shortest = plan.order == "hamming"
        sections = cut(levels, plan.slices, plan.rows, sort=plan.sort, scope=plan.scope, turned=number)
        steps = schedule(
            sections,
            plan.crossbars,
            plan.assignment,
            state=crossbars.words if adaptive else None,
            shorten=shortest,
        )
        written = crossbars.write(sections, steps, self._choice, self._rng, match=shortest)
        held = plan.slices.levels(written.words, written.negative)
        return restore(held, written.index, (levels.shape[0], levels.shape[1])), written

    def add(
        self, layer: Layer, weights: np.ndarray, levels: np.ndarray, step: float, x: np.ndarray, keep: bool
    ) -> None:
        """Program one layer and note its writes and errors."""
        before = self.crossbars.sets.sum(), self.crossbars.resets.sum()
        realised, written = self.program(levels, len(self._layers))
        exact = x @ weights.T
        size = np.linalg.norm(exact) or 1.0
        wanted = x @ (step * levels).astype(weights.dtype).T
        given = x @ (step * realised).astype(weights.dtype).T
        self._layers.append(
            LayerResult(
                layer.name,
                layer.outputs,
                layer.inputs,
                len(written.index),
                outputs_per_section(written.index, layer.inputs),
                int(self.crossbars.sets.sum() - before[0]),
                int(self.crossbars.resets.sum() - before[1]),
                float(np.linalg.norm(given - wanted) / size),
                float(np.linalg.norm(wanted - exact) / size),
            )
        )
        self._cells_used += levels.size * self.plan.slices.columns
        if keep:
            self._weights.append(step * realised)

    def result(self) -> Programmed:
        """What the layers added came to."""
        return Programmed(
            self.plan,
            tuple(self._layers),
            self.crossbars.sets,
            self.crossbars.resets,
            self._cells_used,
            tuple(self._weights),
        )


def program(
    network: Network,
    plans: Sequence[Plan],
    *,
    seed: int = 0,
    progress: Callable[[str], None] = lambda layer: None,
) -> list[Programmed]:
    """Carry out several plans on one network, each on crossbars of its own, erased at first.

    The weights of one layer at a time are in memory. ``progress`` is given each layer's name.
    """
    from threadpoolctl import threadpool_limits

    passes = [Pass(plan, seed) for plan in plans]
    keep = network.accuracy is not None and network.weights <= _KEPT_WEIGHTS
    with threadpool_limits(1, "blas"):
        for layer in network.layers:
            progress(layer.name)
            weights, x = layer.load(), layer.sample()
            quantised = {bits: quantise(weights, bits) for bits in {plan.bits for plan in plans}}
            for one in passes:
                one.add(layer, weights, *quantised[one.plan.bits], x, keep)
    return [one.result() for one in passes]
