"""A layer trained through the read-out of its columns: LSQ weights and inputs, scale factors, their
gradients.

Backward rules (learned step sizes, Esser et al., arXiv 1902.08153; partial sums as Saxena and Roy, ISLPED
2023): straight through the read-out where it does not saturate; of a weight the mean over its slices of
what each one asks of the whole weight, of an input the mean over its bits; of a scale factor α with code q
and sum s, q − s/α inside the range and q beyond it. Gradients of steps and scales are not divided by
√(numel · Qp): Adam does not see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.hybrid.emulator.columns import (
    NOMINAL,
    Design,
    Deviations,
    cell_values,
    codes_of,
    column_outputs,
    open_weights,
    partial_sums,
    pulses,
    quantised_scale,
)
from cimspice.hybrid.model.readout import Converter, Ideal, Ternary

SMALLEST = 1e-3
"""Floor of steps and scale factors, of what they were at first."""


@dataclass(eq=False)
class _Kept:
    """Of a forward pass, for the backward pass."""

    x: Array
    inputs: Array
    weights: Array
    open_rows: Array
    cells: Array
    sums: Array
    codes: Array
    scale: Array


class ColumnLayer:
    """Weighted sums on crossbars, with what is trained.

    Parameters
    ----------
    weights, bias
        Real ones, (columns, inputs) and (columns,).
    design
        Crossbars and read-out.
    weight_step, input_step
        What a weight of 1 and an input of 1 stand for.
    public_scale_gradient
        Leave −s/α out of the gradient of α, as the public training code does.
    """

    def __init__(
        self,
        weights: Array,
        bias: Array,
        design: Design,
        weight_step: Array | float,
        input_step: Array | float,
        *,
        public_scale_gradient: bool = False,
    ) -> None:
        self.weights, self.bias, self.weight_step, self.input_step = (
            np.array(values, np.float32) for values in (weights, bias, weight_step, input_step)
        )
        self.design, self.public_scale_gradient = design, public_scale_gradient
        self.scale = np.ones(design.scale_shape(weights.shape[1], len(weights)), np.float32)
        self._kept: _Kept | None = None

    @classmethod
    def started(cls, weights: Array, bias: Array, design: Design, x: Array) -> ColumnLayer:
        """With LSQ's first steps, 2 · mean|v|/√(largest code) of weights and of inputs ``x``."""
        steps = (
            2 * np.abs(values).mean() / np.sqrt(highest)
            for values, highest in ((weights, design.weights.high), (x, 2**design.bits - 1))
        )
        return cls(weights, bias, design, *steps)

    def with_readout(self, design: Design, *, public_scale_gradient: bool = False) -> ColumnLayer:
        """A copy with other crossbars or another read-out, weights and steps kept."""
        kept = self.weights, self.bias, design, self.weight_step, self.input_step
        return ColumnLayer(*kept, public_scale_gradient=public_scale_gradient)

    @property
    def unit(self) -> Array:
        """What one cell stands for."""
        return self.weight_step * self.input_step

    @property
    def stored_weights(self) -> Array:
        """Integers (columns, inputs)."""
        return self.design.weights.rounded(self.weights / self.weight_step)

    def input_codes(self, x: Array) -> Array:
        """Integers of real inputs; negative ones are 0."""
        return np.clip(np.rint(x / self.input_step), 0, 2**self.design.bits - 1)

    def sums_of(self, x: Array, chip: Deviations = NOMINAL) -> Array:
        """Partial sums (..., crossbars, bits, samples, slices, columns) of real inputs (..., samples,
        inputs)."""
        cells = chip.of(cell_values(self.stored_weights, self.design))
        return partial_sums(pulses(self.input_codes(x), self.design), cells, self.design)

    def start_scale(self, x: Array, *, least_squares: bool = False) -> None:
        """Scale factors for these inputs: twice the mean magnitude of the sums, one cell where they are
        all 0; or those that take code times scale nearest to the sums, for a network that is not trained
        through them."""
        if not self.design.readout.scaled:
            return
        sums = self.sums_of(x)
        axes = tuple(
            axis for axis, size in enumerate(self.scale.shape) if size < sums.shape[axis] or axis == 2
        )
        mean = np.abs(sums).mean(axis=axes, keepdims=True)
        scale = np.where(mean == 0, 1, 2 * mean)
        for _ in range(20 * least_squares):
            codes = codes_of(sums, self.design.readout, scale)
            used = (codes**2).sum(axis=axes, keepdims=True)
            best = (codes * sums).sum(axis=axes, keepdims=True) / np.maximum(used, 1)
            scale = np.where(best > 0, best, scale)
        self.scale = (scale * self.unit).astype(np.float32)

    def forward(self, x: Array, chip: Deviations = NOMINAL, rng: np.random.Generator | None = None) -> Array:
        """Outputs (..., samples, columns) of inputs (..., samples, inputs)."""
        design, unit = self.design, self.unit
        inputs, weights = self.input_codes(x), self.stored_weights
        if isinstance(design.readout, Ideal) and chip.cells is None:
            none = np.empty(0)
            self._kept = _Kept(x, inputs, weights, none, none, none, none, none)
            return unit * (inputs @ weights.T) + self.bias
        cells = chip.of(cell_values(weights, design))
        open_rows = pulses(inputs, design)
        sums = partial_sums(open_rows, cells, design)
        scaled = design.readout.scaled
        scale = quantised_scale(self.scale, design.scale_bits) if scaled else np.ones_like(self.scale)
        active = None if chip.law is None else open_weights(open_rows, design)
        codes = codes_of(sums, design.readout, scale / unit, chip, rng, active)
        self._kept = _Kept(x, inputs, weights, open_rows, cells, sums, codes, scale)
        outputs = column_outputs(codes, scale * design.places)
        return (outputs if scaled else outputs * unit) + self.bias

    def backward(self, error: Array) -> tuple[list[Array], Array]:
        """Gradients of ``parameters``, and of the inputs, from ∂loss/∂outputs (samples, columns)."""
        kept, design = self._kept, self.design
        assert kept is not None
        if kept.sums.size:
            slope, by_scale = self._through_readout(kept, error)
            by_weight, by_input = self._through_slices(kept, slope, error)
        else:
            by_scale = np.zeros_like(self.scale)
            by_weight = self.input_step * (error.T @ kept.inputs)
            by_input = self.weight_step * (error @ kept.weights)
        high = design.weights.high
        ratio = self.weights / self.weight_step
        within = (ratio >= design.weights.low) & (ratio <= high)
        by_weight_step = (by_weight * (kept.weights - within * ratio)).sum()
        x_ratio = kept.x / self.input_step
        x_within = (x_ratio >= 0) & (x_ratio <= 2**design.bits - 1)
        by_input_step = (by_input * (kept.inputs - x_within * x_ratio)).sum()
        gradients = [by_weight * within, error.sum(axis=0), by_weight_step, by_input_step, by_scale]
        return gradients, by_input * x_within

    @property
    def parameters(self) -> list[Array]:
        """What is trained, in place."""
        return [self.weights, self.bias, self.weight_step, self.input_step, self.scale]

    def _through_readout(self, kept: _Kept, error: Array) -> tuple[Array, Array]:
        """Slope of the read-out at each sum, and the gradient of the scale factors."""
        design, readout = self.design, self.design.readout
        if isinstance(readout, Ideal | Converter):
            inside = np.ones_like(kept.sums)
            if isinstance(readout, Converter):
                high = 2 ** (readout.bits - 1) * readout.step
                inside[(kept.sums < -high) | (kept.sums > high - readout.step)] = 0
            return inside, np.zeros_like(self.scale)
        theta = readout.threshold if isinstance(readout, Ternary) else None
        width = kept.scale / self.unit if theta is None else np.float32(2 * theta)
        ratio = kept.sums * (1 / width)
        inside = (np.abs(ratio) <= 1).astype(np.float32)
        along = kept.codes
        if theta is None and not self.public_scale_gradient:
            ratio *= inside
            along = np.subtract(along, ratio, out=ratio)
        by_scale = np.einsum("nc,tjnkc->tjkc", error, along)[:, :, None] * design.places
        axes = tuple(axis for axis, size in enumerate(self.scale.shape) if size < by_scale.shape[axis])
        if theta is not None:
            inside *= kept.scale / (self.unit * width)
        return inside, by_scale.sum(axis=axes, keepdims=True)

    def _through_slices(self, kept: _Kept, slope: Array, error: Array) -> tuple[Array, Array]:
        """Gradients of weights and inputs: means over slices and bits, taken before the products."""
        count, bits, samples, slices, columns = slope.shape
        rows, inputs = self.design.rows, kept.inputs.shape[1]
        of_bits = (2.0 ** np.arange(bits)).astype(np.float32).reshape(-1, 1, 1)
        of_weights = (slope.sum(axis=3) * (of_bits * error)).reshape(count, bits * samples, columns)
        by_weight = (kept.open_rows.swapaxes(-1, -2) @ of_weights).reshape(count * rows, columns)
        of_inputs = (slope.sum(axis=1) * error[:, None, :]).reshape(count, samples, -1)
        places = np.repeat(2.0 ** np.arange(slices), columns).astype(np.float32)
        by_input = (of_inputs @ (kept.cells * places).swapaxes(-1, -2)).transpose(1, 0, 2)
        by_input = by_input.reshape(samples, -1)[:, :inputs]
        return self.input_step / slices * by_weight[:inputs].T, self.weight_step / bits * by_input
