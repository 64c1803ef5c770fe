"""The exact membrane as a compiled loop (numba, extra ``fast``): the same step, no large arrays.

A block of neurons stays in the first-level cache while all events of a sample pass over it; φ is a short
series where the interval is short, which with many inputs is nearly always.
"""

import numpy as np

from cimspice.errors import ParameterError

try:
    from numba import njit
except ImportError:
    raise ParameterError(
        "the compiled method needs numba, which is not installed",
        place="method='compiled'",
        remedy="pip install numba, or use method='exact'",
    ) from None

_NEURONS = 64  # block: 1000 inputs' weights of it fit a second-level cache
_SAMPLES = 4  # samples per sorted chunk: the whole workspace is this many sorted orders


def compiled_membrane(
    times: np.ndarray, weights_by_input: np.ndarray, inverse_plus: float, inverse_minus: float, v: np.ndarray
) -> np.ndarray:
    """Membranes at the end of the phase; ``v`` (batch, out) holds v(0), becomes v(1) and is returned.

    Parameters
    ----------
    times
        Input spike times (batch, in), in [0, 1].
    weights_by_input
        Wᵀ (in, out), C-contiguous.
    inverse_plus, inverse_minus
        1/E⁺ ≥ 0 and 1/E⁻ ≤ 0, one for the whole layer.
    """
    for first in range(0, len(times), _SAMPLES):
        chunk = slice(first, first + _SAMPLES)
        order = np.argsort(times[chunk], axis=1)
        _advance(times[chunk], order, weights_by_input, inverse_plus, inverse_minus, v[chunk])
    return v


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _advance(times, order, weights_by_input, inverse_plus, inverse_minus, membrane):
    samples, inputs = times.shape
    outputs = weights_by_input.shape[1]
    v, g, f = np.empty(_NEURONS), np.empty(_NEURONS), np.empty(_NEURONS)
    for first in range(0, outputs, _NEURONS):
        width = min(_NEURONS, outputs - first)
        largest = _largest_conductance(weights_by_input, first, width, inverse_plus, inverse_minus)
        for b in range(samples):
            v[:width] = membrane[b, first : first + width]
            g[:] = 0.0
            f[:] = 0.0
            for k in range(inputs):
                event = order[b, k]
                start = times[b, event]
                stop = times[b, order[b, k + 1]] if k + 1 < inputs else 1.0
                step = stop - start
                row = weights_by_input[event, first : first + width]
                _add(row, inverse_plus, inverse_minus, g, f, width)
                if step > 0.0:
                    _step(v, g, f, step, step * largest, width)
            membrane[b, first : first + width] = v[:width]


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _largest_conductance(weights_by_input, first, width, inverse_plus, inverse_minus):
    total = np.zeros(width)
    for i in range(weights_by_input.shape[0]):
        for j in range(width):
            w = weights_by_input[i, first + j]
            total[j] += max(w * inverse_plus, w * inverse_minus)
    return total.max()


@njit(cache=True, fastmath={"contract"}, nogil=True, inline="always")
def _add(row, inverse_plus, inverse_minus, g, f, width):
    for j in range(width):
        w = row[j]
        g[j] += w
        f[j] += max(w * inverse_plus, w * inverse_minus)  # the product with the other sign's E is ≤ 0


@njit(cache=True, fastmath={"contract"}, nogil=True, inline="always")
def _step(v, g, f, step, bound, width):
    # each series leaves less than 1e-15 of φ at its bound
    if bound < 0.004:
        for j in range(width):
            x = f[j] * step
            phi = 1.0 - x * (1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120))))
            v[j] += (g[j] - f[j] * v[j]) * step * phi
    elif bound < 0.06:
        for j in range(width):
            x = f[j] * step
            phi = 1 / 720 - x * (1 / 5040 - x * (1 / 40320))
            phi = 1.0 - x * (1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120 - x * phi))))
            v[j] += (g[j] - f[j] * v[j]) * step * phi
    else:
        for j in range(width):
            x = f[j] * step
            phi = -np.expm1(-x) / x if x > 0.0 else 1.0
            v[j] += (g[j] - f[j] * v[j]) * step * phi
