"""A layer of a network in 6T arrays: words, passes of neurons, codes decoded; effects by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.network.coded import CodedLayer
from cimspice.sram.model.forward_pass import BLOCK, sharing_columns

if TYPE_CHECKING:
    from cimspice.sram.emulator.circuit import SramCircuit

WORDS, INPUTS, CLIPPING = "word quantisation", "input quantisation", "clipping"
LINES, CELLS, MULTIPLIER = "bit lines", "cell mismatch", "multiplier"
CONVERTER, THRESHOLDS = "converter quantisation", "converter non-linearity"
EFFECTS = (WORDS, INPUTS, CLIPPING, LINES, CELLS, MULTIPLIER, CONVERTER, THRESHOLDS)
_SHOWN = 512
"""Calibration inputs whose rails set the converter's range; spread evenly."""
_AT_ONCE = 2**22
"""Numbers."""


@dataclass(frozen=True, eq=False)
class MappedLayer(CodedLayer):
    """Weights (outputs, inputs) as words; the protocol of `cimspice.network.circuit.Layer`.

    Attributes
    ----------
    calibration
        Some of the inputs that the ranges were calibrated with (n, inputs).
    input_scale
        Input that the largest code stands for.
    signed
        Whether negative inputs have a pass of their own.
    reference_drop
        Of the converter (V).
    """

    all_effects: ClassVar[tuple[str, ...]] = EFFECTS
    mismatch: ClassVar[str] = CELLS
    circuit: SramCircuit
    weights: Array
    calibration: Array
    input_scale: float
    signed: bool
    reference_drop: float

    @classmethod
    def calibrated(cls, circuit: SramCircuit, weights: Array, calibration: Array, name: str) -> MappedLayer:
        """With ranges as the circuit's settings say."""
        signed = circuit.signed if circuit.signed is not None else bool(calibration.min(initial=0.0) < 0)
        shown = calibration[:: max(1, len(calibration) // _SHOWN)]
        scale = _input_scale(circuit, np.abs(calibration) if signed else np.maximum(calibration, 0.0))
        drops = circuit.forward.reference_drops
        drop = circuit.reference_drop or float(drops[-1])
        made = cls(circuit, weights, shown, scale, signed, drop, name=name)
        if circuit.reference_drop is None:
            rails = np.concatenate([made.rails(codes).ravel() for _, codes in made.passes(shown)])
            tried = np.geomspace(drops[0], drops[-1], 17)
            errors = [_conversion_error(rails, circuit.forward.thresholds_at(drop)) for drop in tried]
            made = replace(made, reference_drop=float(tried[int(np.argmin(errors))]))
        return made

    def __call__(self, x: Array) -> Array:
        """Weighted sums (n, outputs) of inputs (n, inputs); of several chips (chips, n, outputs)."""
        x = checked_array("inputs", x, ("n", self.weights.shape[1]))
        if self.chips > 1:
            return np.stack([self.chip(number)(x) for number in range(self.chips)])
        every = max(1, _AT_ONCE // max(self.weights.shape))
        parts = [self._sums(x[first : first + every]) for first in range(0, len(x), every)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.weights)))

    def _sums(self, x: Array) -> Array:
        found = self.decoded([(codes, self.convert(self.rails(codes))) for _, codes in self.passes(x)])
        if not self.off & {WORDS, INPUTS, CLIPPING}:
            return found
        exact, inputs = self._words_for, self.clip(x)
        weights = exact if WORDS in self.off else self._realised
        if CLIPPING in self.off:
            weights = weights + self.weights - exact
        seen = self._limited(x) if INPUTS in self.off else inputs
        if CLIPPING in self.off:
            seen = seen + x - self._limited(x)
        return found + seen @ weights.T - inputs @ self._realised.T

    def clip(self, x: Array) -> Array:
        """Inputs of any shape as their codes stand for."""
        step = self.input_scale / self._largest
        return np.rint(self._limited(x) / step) * step

    def clipped(self, x: Array) -> int:
        """How many inputs are limited: beyond the largest code, or negative without a pass for them."""
        low = -self.input_scale if self.signed else 0.0
        return int(np.count_nonzero((x > self.input_scale) | (x < low)))

    def passes(self, x: Array) -> list[tuple[int, Array]]:
        """Sign, and codes (n, inputs) of the inputs, of each pass."""
        codes = np.rint(self._limited(x) * (self._largest / self.input_scale)).astype(int)
        return [(sign, np.maximum(sign * codes, 0)) for sign in ((1, -1) if self.signed else (1,))]

    def rails(self, codes: Array) -> Array:
        """Difference of the rails (n, outputs, groups, slices), V, for codes (n, inputs); 0 where a
        group has codes of 0 only. Of several chips those of the first."""
        groups, slices = self.groups, self.words.shape[2]
        found = np.zeros((len(codes), len(self.weights), len(groups), slices))
        model, products, gain = self.circuit.forward, self._products, self._gain
        sharing = self.sharing(codes)
        common = np.stack([model.common[codes[:, place]].sum(axis=1) for place in groups], axis=1)
        for group, number in np.ndindex(len(groups), slices):
            part, words = codes[:, groups[group]], self.words[:, groups[group], number].T
            sums = found[:, :, group, number]
            for code in range(1, self._largest + 1):
                there = part == code
                if there.any():
                    sums += there @ products[words, code]
            if self._deviation is not None:
                sums += gain[part] @ self._deviation[:, groups[group], number].T
            if LINES not in self.off:
                for bit, change in enumerate(model.word_line[sharing[:, group] // BLOCK].T):
                    sums += change[:, None] * (gain[part] @ (2.0 * ((words >> bit) & 1) - 1))
        if MULTIPLIER in self.off:
            capacitance = model.capacitance(sharing)
        else:
            capacitance = model.capacitance(sharing, common)
        return found / capacitance[:, None, :, None]

    def convert(self, rails: Array) -> Array:
        """Codes of rails' differences; with the converter's quantisation off, fractions of steps too."""
        if CONVERTER in self.off:
            return rails / self.step
        thresholds = self.thresholds
        return np.searchsorted(thresholds, rails, side="right") - (len(thresholds) + 1) // 2

    def decoded(self, read: list[tuple[Array, Array]]) -> Array:
        """Weighted sums (n, outputs) from each pass's input codes (n, inputs) and the converter's
        (n, outputs, groups, slices)."""
        total = np.zeros((len(read[0][0]), len(self.weights)))
        counts = self.circuit.form.weights
        for sign, (codes, converted) in zip((1, -1), read, strict=False):
            capacitance = self.circuit.forward.capacitance(self.sharing(codes))
            shared = np.where(self.sharing(codes) > 0, capacitance, 0.0)
            total += sign * np.einsum("nogs,ng,s->no", converted, shared, counts)
        unit = self.step / self._unit / self.circuit.form.largest * self.input_scale / self._largest
        return total * (unit * self._full_scale)

    @cached_property
    def words(self) -> Array:
        """Of each slice, the least significant first (outputs, inputs, slices)."""
        form = self.circuit.form
        return form.split(form.words(self._words_for / self._full_scale[:, None]))

    @property
    def groups(self) -> list[slice]:
        """Inputs that share rails."""
        inputs, most = self.weights.shape[1], self.circuit.columns
        return [slice(first, min(first + most, inputs)) for first in range(0, inputs, most)]

    @cached_property
    def thresholds(self) -> Array:
        """Of the converter (V)."""
        real = self.circuit.forward.thresholds_at(self.reference_drop)
        if THRESHOLDS not in self.off:
            return real
        return (np.arange(len(real)) - (len(real) - 1) / 2 - 0.5) * self.step

    @cached_property
    def step(self) -> float:
        """Of the converter (V)."""
        real = self.circuit.forward.thresholds_at(self.reference_drop)
        return float((real[-1] - real[0]) / (len(real) - 1))

    def facts(self) -> dict[str, Any]:
        """Cells, arrays, what did not fit; ``saturated`` of the calibration's conversions."""
        circuit, w = self.circuit, self.weights
        form, read = circuit.form, [self.rails(codes) for _, codes in self.passes(self.calibration)]
        arrays = -(-len(w) // circuit.array_neurons) * len(self.groups) * form.slices
        cells, size = w.size * form.bits, np.linalg.norm(w)
        return {
            "cells": cells,
            "tiles": arrays,
            "utilisation": cells / (arrays * circuit.array_rows * circuit.array_columns),
            "clipped_weights": int(np.count_nonzero(np.abs(w) > self._full_scale[:, None])),
            "saturated": sum(self.saturated(rails) for rails in read),
            "conversions": sum(rails.size for rails in read),
            "weight_error": float(np.linalg.norm(self._realised - w) / size) if size else 0.0,
            "input_scale": self.input_scale,
            "inputs": "2 passes" if self.signed else "one pass",
            "reference_drop": self.reference_drop,
            **({"disturbed_cells": self._mismatch[1]} if circuit.chips else {}),
        }

    def saturated(self, rails: Array) -> int:
        """How many differences (V) lie beyond what the end codes stand for."""
        low, high = self.thresholds[0] - self.step, self.thresholds[-1] + self.step
        return int(np.count_nonzero((rails < low) | (rails > high)))

    def arrays(self) -> dict[str, Array]:
        """What is programmed: ``words`` (chips, outputs, inputs, slices); ``scale`` (outputs,), what the
        outermost word stands for; ``weights`` (chips, outputs, inputs), which these give."""
        return {"words": self.words[None], "scale": self._full_scale, "weights": self._realised[None]}

    @property
    def _largest(self) -> int:
        """Code of an input."""
        return 2**self.circuit.forward.input_bits - 1

    def _limited(self, x: Array) -> Array:
        return np.clip(x, -self.input_scale if self.signed else 0.0, self.input_scale)

    def sharing(self, codes: Array) -> Array:
        """Columns that share charge (n, groups)."""
        busy = np.stack([np.count_nonzero(codes[:, place], axis=1) for place in self.groups], axis=1)
        return sharing_columns(busy)

    @cached_property
    def _full_scale(self) -> Array:
        """Of each output (outputs,)."""
        magnitude = np.abs(self.weights)
        axis = 1 if self.circuit.weight_scale == "neuron" else None
        found = np.percentile(magnitude, self.circuit.weight_percentile, axis)
        largest = magnitude.max(axis)
        scale = np.where(found > 0, found, np.where(largest > 0, largest, 1.0))
        return np.broadcast_to(scale, len(self.weights))

    @property
    def _words_for(self) -> Array:
        """Weights within full scale."""
        return np.clip(self.weights, -self._full_scale[:, None], self._full_scale[:, None])

    @cached_property
    def _realised(self) -> Array:
        """Weights that the words stand for."""
        form = self.circuit.form
        values = (2 * self.words - (2**form.slice_bits - 1)) @ form.weights
        return values * (self._full_scale[:, None] / form.largest)

    @property
    def _deviation(self) -> Array | None:
        """Of each word's discharge from the nominal one (outputs, inputs, slices), V."""
        return self._mismatch[0] if self.differs else None

    @cached_property
    def _mismatch(self) -> tuple[Array, int]:
        """Of the chip's words, and how many of its cells a read disturbs."""
        return self.circuit.deviation(self.words, self.chip_rng())

    @cached_property
    def _products(self) -> Array:
        """Of a slice's words and input codes (words, codes), V."""
        circuit, model = self.circuit, self.circuit.forward
        discharge = circuit.discharge
        if LINES in self.off:
            discharge = self._values * float(discharge @ self._values / (self._values @ self._values))
        return discharge[:, None] * self._gain + (0.0 if MULTIPLIER in self.off else model.loading)

    @cached_property
    def _gain(self) -> Array:
        """Of a word's discharge, by input code."""
        gain, codes = self.circuit.forward.gain, np.arange(self._largest + 1)
        return codes * float(gain @ codes / (codes @ codes)) if MULTIPLIER in self.off else gain

    @property
    def _values(self) -> Array:
        """Of a slice's words: odd numbers."""
        bits = self.circuit.form.slice_bits
        return 2.0 * np.arange(2**bits) - (2**bits - 1)

    @cached_property
    def _unit(self) -> float:
        """Of a product by value and code (V), by least squares over all of them."""
        ideal = self._values[:, None] * np.arange(self._largest + 1)
        return float((self._products * ideal).sum() / (ideal**2).sum())


def _input_scale(circuit: SramCircuit, magnitudes: Array) -> float:
    """The input that the largest code stands for."""
    largest = float(magnitudes.max(initial=0.0)) or 1.0
    if circuit.input_calibration == "percentile":
        return (
            float(np.percentile(magnitudes, circuit.input_percentile)) or largest if magnitudes.size else 1.0
        )
    most, tried = 2**circuit.forward.input_bits - 1, largest * np.linspace(0.2, 1.0, 33)
    errors = [np.mean((np.minimum(np.rint(magnitudes * (most / one)), most) * (one / most) - magnitudes) ** 2)
              for one in tried]  # fmt: skip
    return float(tried[int(np.argmin(errors))])


def _conversion_error(rails: Array, thresholds: Array) -> float:
    """Mean square of what conversion takes off rails' differences (V)."""
    step = (thresholds[-1] - thresholds[0]) / (len(thresholds) - 1)
    codes = np.searchsorted(thresholds, rails, side="right") - (len(thresholds) + 1) // 2
    return float(np.mean((codes * step - rails) ** 2))
