"""A layer of RC-Spike neurons: parameters and ``__call__`` on spike times (batch, inputs)."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import checked_array, foreign, kept_array, like, values
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.dstd import Discretisation, dstd_membrane
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.reversal import checked_times, checked_weights, conductances, inverse_potentials
from cimspice.neuron.emulator.spiking import exact_membrane, exact_trace

Method = Literal["exact", "compiled", "dstd"]


@dataclass(frozen=True, eq=False)
class SpikingLayer:
    """RC-Spike layer (Sakemi et al., arXiv 2412.09010), normalised: v in thresholds, time in phases.

    Spike times, and weights, are numpy arrays or those of another library (torch tensors on any device, with
    gradients); results are of that library.
    """

    weights: Any
    """(out, in)."""
    e_plus: ArrayLike = np.inf
    e_minus: ArrayLike = -np.inf
    """``e_plus``, ``e_minus``: reversal potentials of weights ≥ 0 (E > 0) and < 0 (E < 0): numbers or arrays
    broadcastable to ``weights``; infinite gives the ordinary multiply-accumulate Σ w (1 − t)."""
    ramp: Ramp = field(default_factory=Ramp)
    """Read-out."""
    initial: ArrayLike = 0.0
    """v(0), broadcastable to (batch, out): what the reset leaves."""
    method: Method = "exact"
    """``"exact"`` (the reference), ``"compiled"`` (numba, the same solution; arrays of other libraries than
    numpy take ``"exact"``), or ``"dstd"``."""
    discretisation: Discretisation = field(default_factory=Discretisation)
    """Intervals of DSTD; the other methods do not use it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", checked_weights(self.weights))
        for name in ("e_plus", "e_minus", "initial"):
            kept = kept_array(name, getattr(self, name), (...,), infinite=name != "initial")
            object.__setattr__(self, name, kept if kept.ndim else float(kept))
        inverse_potentials(self.weights.shape, self.e_plus, self.e_minus)
        if self.method not in ("exact", "compiled", "dstd"):
            raise ParameterError(
                f"method {self.method!r} is unknown",
                place="SpikingLayer.method",
                remedy="exact, compiled or dstd",
            )

    @property
    def inputs(self) -> int:
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        return self.weights.shape[0]

    @property
    def conductance(self) -> Any:
        """w/E (out, in), ≥ 0."""
        if foreign(self.weights):  # they may change, and their gradients' graph serves once
            return conductances(self.weights, self.e_plus, self.e_minus)
        return self._conductance

    @cached_property
    def _conductance(self) -> np.ndarray:
        return conductances(self.weights, self.e_plus, self.e_minus)

    @cached_property
    def _blocks(self) -> tuple[np.ndarray, np.ndarray]:
        from cimspice.neuron.emulator.compiled import blocks  # numba takes a second to load

        return blocks(self.weights, self._conductance)

    def membrane(self, times: Any, *, offset: float = 0.0) -> Any:
        """v(1), (batch, out), from input spike times (batch, in); ``offset`` shifts DSTD's intervals."""
        t = like(checked_times(times, self.inputs), self.weights)
        start = like(self._start(t.shape[0]), t)
        if self.method == "compiled" and not foreign(t):
            from cimspice.neuron.emulator.compiled import compiled_membrane  # as above

            return compiled_membrane(t, *self._blocks, start)
        weights, conductance = like(self.weights, t), like(self.conductance, t)
        if self.method == "dstd":
            return dstd_membrane(t, weights, conductance, self.discretisation, start, offset)
        return exact_membrane(t, weights, conductance, start)

    def _start(self, batch: int) -> np.ndarray:
        """v(0) (batch, out), a new array."""
        shape = batch, self.outputs
        try:
            return np.array(np.broadcast_to(self.initial, shape))
        except ValueError:
            raise ParameterError(
                f"initial has shape {np.shape(self.initial)}, the membranes {shape}",
                place="SpikingLayer.initial",
                remedy="give one number, one for each neuron, or (batch, out)",
            ) from None

    def membrane_trace(self, times: ArrayLike, instants: ArrayLike) -> np.ndarray:
        """v(t) at ``instants`` (points,) in [0, 1] of the accumulation phase: (batch, points, out), exact; in
        numpy, without gradients.
        """
        at = checked_array("instants", instants, ("points",), low=0, high=1)
        t = values(checked_times(times, self.inputs))
        return exact_trace(t, values(self.weights), values(self.conductance), at, self._start(len(t)))

    def __call__(self, times: Any) -> Any:
        """Output spike times (batch, out) in [0, 1] of the next phase, from ``times`` (batch, in)."""
        return self.ramp.spike_times(self.membrane(times))
