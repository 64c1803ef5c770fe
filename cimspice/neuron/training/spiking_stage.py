"""A dense or convolution layer of spiking neurons, forward and backward, a few samples at a time.

Signals are shares x = 1 − t of a phase, 0 for no spike: a convolution's padding, and what no spike reaches,
then add nothing. The neurons of all pixels are one batch of a dense layer; its patches are never all there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from cimspice.network.convolution import folded, output_size, patches, strided
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.training.dstd_gradient import DstdPass
from cimspice.neuron.training.exact_gradient import ExactPass

Geometry = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class SpikingStage:
    """Membranes of neurons whose last input is the bias: a spike at the start of the phase.

    Parameters
    ----------
    weights, inverse
        Normalised weights and 1/E of each, (outputs, inputs + 1).
    kernel
        Sizes of a convolution's kernel; () of a dense layer.
    geometry
        Stride, padding, dilation of the convolution.
    discretisation, offset
        Of DSTD; None solves exactly.
    limit
        Memory of one chunk (byte).
    """

    weights: np.ndarray
    inverse: np.ndarray
    kernel: tuple[int, ...] = ()
    geometry: Geometry = ((), (), ())
    discretisation: Discretisation | None = None
    offset: float = 0.0
    limit: int = 2**26

    def membrane(self, share: np.ndarray) -> np.ndarray:
        """v(1) (samples, outputs, *positions) for ``share`` (samples, channels, *size)."""
        parts = [self._solved(rows).membrane for _, rows in self._chunks(share)]
        return self._image(np.concatenate(parts), share)

    def backward(self, share: np.ndarray, grad_membrane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂L/∂share, shaped as it, and ∂L/∂weights from ∂L/∂v(1); every chunk is solved again."""
        grad_share, grad_weights = np.empty_like(share), np.zeros_like(self.weights)
        of_rows = np.moveaxis(grad_membrane, 1, -1).reshape(-1, len(self.weights))
        positions = len(of_rows) // len(share)
        for chunk, rows in self._chunks(share):
            own = of_rows[chunk.start * positions : chunk.stop * positions]
            grad_times, found = self._solved(rows).backward(own)
            grad_weights += found
            grad_share[chunk] = self._folded(-grad_times[:, :-1], share[chunk].shape)
        return grad_share, grad_weights

    def _solved(self, rows: np.ndarray) -> DstdPass | ExactPass:
        times = np.column_stack([1.0 - rows, np.zeros(len(rows))])
        if self.discretisation is None:
            return ExactPass.forward(times, self.weights, self.inverse)
        return DstdPass.forward(times, self.weights, self.inverse, self.discretisation, self.offset)

    def _chunks(self, share: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Samples, and what their neurons receive (samples · positions, inputs)."""
        outputs, inputs = self.weights.shape
        steps = inputs if self.discretisation is None else 1  # DSTD keeps nothing of its intervals
        each = 8 * prod(self._positions(share)) * steps * 4 * (inputs + outputs)
        step = max(1, self.limit // each)
        for first in range(0, len(share), step):
            part = share[first : first + step]
            if self.kernel:
                rows = np.concatenate(list(patches(part, self.kernel, *self.geometry)))
            else:
                rows = part.reshape(-1, inputs - 1)
            yield slice(first, first + len(part)), rows

    def _positions(self, share: np.ndarray) -> tuple[int, ...]:
        return output_size(share.shape[2:], self.kernel, *self.geometry) if self.kernel else share.shape[1:-1]

    def _image(self, rows: np.ndarray, share: np.ndarray) -> np.ndarray:
        return np.moveaxis(rows.reshape(len(share), *self._positions(share), -1), -1, 1)

    def _folded(self, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Sum over all positions of what belongs to each input: the adjoint of taking patches."""
        return folded(rows, shape, self.kernel, *self.geometry) if self.kernel else rows.reshape(shape)


def max_pool_backward(x: np.ndarray, pooled: np.ndarray, grad: np.ndarray, settings: dict) -> np.ndarray:
    """∂L/∂x of the earliest spike (largest share) of each window; equal ones take equal parts."""
    kernel = tuple(settings["kernel"])
    ones = (1,) * len(kernel)
    axes = len(kernel)
    padding = tuple(settings.get("padding", (0,) * 2 * axes)) or (0,) * 2 * axes
    ends = list(zip(padding[:axes], padding[axes:], strict=True))
    around = np.pad(x, [(0, 0), (0, 0), *ends], constant_values=-np.inf)
    back = np.zeros_like(around)
    places = settings.get("stride", kernel), settings.get("dilation", ones)
    count = sum((part == pooled).astype(float) for part in strided(around, kernel, *places))
    for part, seen in zip(strided(around, kernel, *places), strided(back, kernel, *places), strict=True):
        seen += np.where(part == pooled, grad / count, 0.0)
    return back[(..., *(slice(a, a + s) for s, (a, _) in zip(x.shape[2:], ends, strict=True)))]
