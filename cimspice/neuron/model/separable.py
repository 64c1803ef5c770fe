"""A table over (program, x) written as a short sum of products, so that a layer evaluates it with matrix
products.

``f(program, x) ≈ Σ_k w_k(program) φ_k(x)``: the singular value decomposition of the table, its left vectors
interpolated over the program (gate bias, resistor length), its right vectors over x (membrane voltage). A
synapse's current then costs one matrix product per term, whatever the number of synapses that are on.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.arrays import Array
from cimspice.errors import TableError


@dataclass(frozen=True, eq=False)
class SeparableTable:
    """Table of a quantity over a program axis and a voltage axis.

    Raises
    ------
    TableError
        If shapes do not fit, an axis does not increase or a value is not finite.
    """

    program: Array
    """Strictly increasing, shape (programs,): gate bias (V) or resistor length (m)."""
    x: Array
    """Strictly increasing, shape (points,): membrane voltage (V)."""
    values: Array
    """Shape (programs, points), in the quantity's unit."""
    scale: Array
    """Shape (programs,), positive: what a row is divided by before it is decomposed (its size), in the same
    unit."""
    tolerance: float = 2e-6
    """Largest error of the sum against the table, relative to the largest scaled value."""
    logarithmic: bool = False
    """Interpolate over the program's logarithm (resistor lengths span decades)."""

    def __post_init__(self) -> None:
        for name in ("program", "x", "values", "scale"):
            array = np.array(getattr(self, name), dtype=float)
            if not np.all(np.isfinite(array)):
                raise TableError(f"{name} holds values that are not finite", place="neuron model's table")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.values.shape != (len(self.program), len(self.x)) or self.scale.shape != self.program.shape:
            raise TableError(
                f"values have shape {self.values.shape}, scale {self.scale.shape}; "
                f"the axes ask for ({len(self.program)}, {len(self.x)}) and ({len(self.program)},)"
            )
        if np.any(np.diff(self.program) <= 0) or np.any(np.diff(self.x) <= 0):
            raise TableError("an axis of the table does not increase", remedy="sort it and drop duplicates")
        if np.any(self.scale <= 0):
            raise TableError(
                "a row's scale is not positive", remedy="leave out programs that conduct nothing"
            )

    @cached_property
    def _terms(self) -> tuple[Array, Array]:
        """Left (programs, terms) and right (terms, points) factors of the scaled table."""
        left, size, right = np.linalg.svd(self.values / self.scale[:, None], full_matrices=False)
        largest = np.abs(self.values / self.scale[:, None]).max()
        rest = np.cumsum(size[::-1])[::-1]
        count = max(1, int(np.sum(rest > self.tolerance * largest)))
        return left[:, :count] * size[:count], right[:count]

    @property
    def terms(self) -> int:
        """Number of products in the sum."""
        return self._terms[1].shape[0]

    @cached_property
    def _left(self) -> CubicSpline:
        return CubicSpline(self._axis(self.program), self._terms[0])

    @cached_property
    def _log_scale(self) -> CubicSpline:
        return CubicSpline(self._axis(self.program), np.log(self.scale))

    def _axis(self, program: Array) -> Array:
        return np.log(program) if self.logarithmic else program

    @cached_property
    def basis(self) -> CubicSpline:
        """φ_k(x): called with x of any shape, returns that shape + (terms,)."""
        return CubicSpline(self.x, self._terms[1].T)

    def size(self, program: Array) -> Array:
        """The row's scale at any program inside the axis, same shape as ``program``."""
        return np.exp(self._log_scale(self._axis(program)))

    def weights(self, program: Array, mask: Array) -> Array:
        """w_k(program) with zeros where ``mask`` is false; shape (terms, *program.shape)."""
        inside = np.where(mask, program, self.program[0])
        weights = self._left(self._axis(inside)) * self.size(inside)[..., None]
        return np.moveaxis(np.where(mask[..., None], weights, 0.0), -1, 0)

    def weight_slopes(self, program: Array, mask: Array) -> Array:
        """∂w_k/∂program, as :meth:`weights`."""
        inside = np.where(mask, program, self.program[0])
        axis = self._axis(inside)
        slopes = self._left(axis, 1) + self._left(axis) * self._log_scale(axis, 1)[..., None]
        slopes *= self.size(inside)[..., None]
        if self.logarithmic:
            slopes /= inside[..., None]
        return np.moveaxis(np.where(mask[..., None], slopes, 0.0), -1, 0)

    def __call__(self, program: Array, x: Array) -> Array:
        """The quantity at program and x, broadcast against each other."""
        program, x = np.broadcast_arrays(np.asarray(program, float), np.asarray(x, float))
        return np.sum(self._left(self._axis(program)) * self.basis(x), axis=-1) * self.size(program)
