"""A layer of a network in columns read by comparators: passes, codes, scale factors; effects by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.hybrid.emulator.columns import Deviations
from cimspice.hybrid.mapping.slices import crossbars
from cimspice.hybrid.model.readout import Ideal
from cimspice.hybrid.training.column_layer import ColumnLayer
from cimspice.network.coded import CodedLayer

if TYPE_CHECKING:
    from cimspice.hybrid.emulator.circuit import HybridCircuit

WEIGHTS, INPUTS, CLIPPING = "weight quantisation", "input quantisation", "clipping"
READ_OUT, LINES, MISMATCH = "ternary read-out", "bit lines", "mismatch and noise"
EFFECTS = (WEIGHTS, INPUTS, CLIPPING, READ_OUT, LINES, MISMATCH)
_SHOWN = 512
"""Calibration inputs that scale factors are fitted to; spread evenly."""
_AT_ONCE = 2**23
"""Partial sums."""


@dataclass(frozen=True, eq=False)
class MappedLayer(CodedLayer):
    """Weights (outputs, inputs) as cells; the protocol of `cimspice.network.circuit.Layer`."""

    all_effects: ClassVar[tuple[str, ...]] = EFFECTS
    mismatch: ClassVar[str] = MISMATCH
    circuit: HybridCircuit
    weights: Array
    columns: ColumnLayer
    """With steps and scale factors, without bias."""
    signed: bool
    """Whether negative inputs have a pass of their own."""

    @classmethod
    def calibrated(cls, circuit: HybridCircuit, weights: Array, calibration: Array, name: str) -> MappedLayer:
        """Steps with the least mean square error, and scale factors with that of the sums."""
        design, signed = circuit.design, bool(calibration.min(initial=0.0) < 0)
        seen = np.abs(calibration) if signed else np.maximum(calibration, 0.0)
        steps = (
            _step(values, low, high)
            for values, low, high in (
                (weights, design.weights.low, design.weights.high),
                (seen, 0, 2**design.bits - 1),
            )
        )
        columns = ColumnLayer(weights, np.zeros(len(weights)), design, *steps)
        made = cls(circuit, weights, columns, signed, name=name)
        shown = calibration[:: max(1, len(calibration) // _SHOWN)]
        columns.start_scale(np.concatenate([part for _, part in made.passes(shown)]), least_squares=True)
        return made

    def __call__(self, x: Array) -> Array:
        """Weighted sums (n, outputs) of inputs (n, inputs); of several chips (chips, n, outputs)."""
        x = checked_array("inputs", x, ("n", self.weights.shape[1]))
        if self.chips > 1:
            return np.stack([self.chip(number)(x) for number in range(self.chips)])
        design = self.circuit.design
        sums = design.bits * design.weights.slices * self.tiles * len(self.weights)
        every = max(1, _AT_ONCE // sums)
        parts = [self._sums(x[first : first + every]) for first in range(0, len(x), every)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.weights)))

    def _sums(self, x: Array) -> Array:
        layer = self.columns
        if READ_OUT in self.off:
            layer = layer.with_readout(replace(self.circuit.design, readout=Ideal()))
        found = np.zeros((len(x), len(self.weights)))
        for sign, part in self.passes(x):
            found += sign * layer.forward(part, self._chip)
        if not self.off & {WEIGHTS, INPUTS, CLIPPING}:
            return found
        exact, inputs = self._clipped_weights, self.clip(x)
        weights = exact if WEIGHTS in self.off else self.realised
        if CLIPPING in self.off:
            weights = weights + self.weights - exact
        seen = self._limited(x) if INPUTS in self.off else inputs
        if CLIPPING in self.off:
            seen = seen + x - self._limited(x)
        return found + seen @ weights.T - inputs @ self.realised.T

    def passes(self, x: Array) -> list[tuple[int, Array]]:
        """Sign, and inputs (n, inputs) that are not negative, of each pass."""
        return [(sign, np.maximum(sign * x, 0)) for sign in ((1, -1) if self.signed else (1,))]

    def clip(self, x: Array) -> Array:
        """Inputs of any shape as their codes stand for."""
        step = float(self.columns.input_step)
        return np.rint(self._limited(x) / step) * step

    def clipped(self, x: Array) -> int:
        """How many inputs are limited: beyond the largest code, or negative without a pass for them."""
        low = -self._most if self.signed else 0.0
        return int(np.count_nonzero((x > self._most) | (x < low)))

    def facts(self) -> dict[str, Any]:
        """Cells, crossbars, what did not fit, and numbers of columns and scale factors."""
        design, w = self.circuit.design, self.weights
        columns = self.tiles * design.weights.slices * len(w)
        size = np.linalg.norm(w)
        return {
            "cells": 2 * w.size * design.weights.slices,
            "tiles": self.tiles,
            "utilisation": w.shape[1] / (self.tiles * design.rows),
            "clipped_weights": int(np.count_nonzero(self._clipped_weights != w)),
            "saturated": None,
            "weight_error": float(np.linalg.norm(self.realised - w) / size) if size else 0.0,
            "columns": columns,
            "scale_factors": self.columns.scale.size,
            "inputs": "2 passes" if self.signed else "one pass",
        }

    def arrays(self) -> dict[str, Array]:
        """What is programmed: integers ``words`` (chips, outputs, inputs); ``scale``, the scale factors;
        ``weights`` (chips, outputs, inputs), which the integers stand for."""
        return {
            "words": self.columns.stored_weights[None],
            "scale": self.columns.scale,
            "weights": self.realised[None],
        }

    @property
    def tiles(self) -> int:
        """Crossbars."""
        return crossbars(self.weights.shape[1], self.circuit.design.rows)

    @cached_property
    def realised(self) -> Array:
        """Weights that the integers stand for."""
        return self.columns.stored_weights * float(self.columns.weight_step)

    @cached_property
    def _chip(self) -> Deviations:
        if READ_OUT in self.off:
            return Deviations()
        law = None if LINES in self.off else self.circuit.spread.law
        if not self.differs:
            return Deviations(law=law)
        outputs, inputs = self.weights.shape
        drawn = self.circuit.spread.draw({self.name: (self.circuit.design, inputs, outputs)}, self.chip_rng())
        return replace(drawn[self.name], law=law)

    @property
    def _most(self) -> float:
        """Input that the largest code stands for."""
        return float(self.columns.input_step) * (2**self.circuit.design.bits - 1)

    def _limited(self, x: Array) -> Array:
        return np.clip(x, -self._most if self.signed else 0.0, self._most)

    @property
    def _clipped_weights(self) -> Array:
        form, step = self.circuit.design.weights, float(self.columns.weight_step)
        return np.clip(self.weights, form.low * step, form.high * step)


def _step(values: Array, low: int, high: int) -> float:
    """Of integers from ``low`` to ``high``, with the least mean square error."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    tried = largest / max(high, 1) * np.linspace(0.2, 1.0, 33)
    errors = [np.mean((np.clip(np.rint(values / one), low, high) * one - values) ** 2) for one in tried]
    return float(tried[int(np.argmin(errors))])
