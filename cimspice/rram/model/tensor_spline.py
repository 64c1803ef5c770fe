"""A spline over a rectangular grid as one polynomial in each rectangle: value and both slopes at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from scipy.interpolate import make_interp_spline

_CHUNK = 4096  # points whose coefficients stay near the processor


@dataclass(frozen=True)
class TensorSpline:
    """Interpolating tensor-product spline (not-a-knot ends), in powers of the distance from a corner."""

    x: np.ndarray
    y: np.ndarray
    """``x``, ``y``: ends of the pieces (p + 1,) and (q + 1,), rising."""
    coefficients: np.ndarray
    """(p, q, k + 1, k + 1): of (x - x_i)^a (y - y_j)^b at [i, j, a, b]."""

    @classmethod
    def through(cls, x: np.ndarray, y: np.ndarray, values: np.ndarray, degree: int) -> TensorSpline:
        """The spline through values (len(x), len(y))."""
        along_x, x_ends = _pieces(x, values, degree)  # (a, p, len(y))
        along_y, y_ends = _pieces(y, np.moveaxis(along_x, 2, 0), degree)  # (b, q, a, p)
        return cls(x_ends, y_ends, np.ascontiguousarray(np.transpose(along_y, (3, 1, 2, 0))))

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value, slope along x and slope along y at points (x, y) of one shape inside of the grid."""
        found = np.empty((3, x.size))
        flat_x, flat_y = x.ravel(), y.ravel()
        for first in range(0, x.size, _CHUNK):
            part = slice(first, first + _CHUNK)
            found[:, part] = self._chunk(flat_x[part], flat_y[part])
        value, by_x, by_y = found.reshape(3, *x.shape)
        return value, by_x, by_y

    def _chunk(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        i = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, len(self.x) - 2)
        j = np.clip(np.searchsorted(self.y, y, side="right") - 1, 0, len(self.y) - 2)
        u, v = x - self.x[i], (y - self.y[j])[:, None]
        local = self.coefficients[i, j]
        row, slope = local[:, :, -1], np.zeros(local.shape[:2])
        for b in range(local.shape[2] - 2, -1, -1):
            slope = slope * v + row
            row = row * v + local[:, :, b]
        value, by_y, by_x = row[:, -1], slope[:, -1], np.zeros(len(x))
        for a in range(local.shape[1] - 2, -1, -1):
            by_x = by_x * u + value
            value = value * u + row[:, a]
            by_y = by_y * u + slope[:, a]
        return value, by_x, by_y


def _pieces(points: np.ndarray, values: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients by rising power (degree + 1, pieces, ...) of splines along the first axis; the ends."""
    spline = make_interp_spline(points, values, k=degree, axis=0)
    ends = np.unique(spline.t)
    powers = [spline(ends[:-1], nu=power) / factorial(power) for power in range(degree + 1)]
    return np.stack(powers), ends
