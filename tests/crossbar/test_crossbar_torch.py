"""Linear tiles and converters on torch tensors, with gradients; `make test-torch` where torch is there."""

import numpy as np
import pytest

from cimspice.crossbar.family import circuit

torch = pytest.importorskip("torch")

WIRED = {"word_line_resistance": 3.0, "bit_line_resistance": 2.0, "tile": (16, 8)}


def case(low=0.0):
    rng = np.random.default_rng(0)
    return rng.normal(size=(11, 37)), rng.uniform(low, 1, (20, 37))


@pytest.mark.parametrize("settings", [WIRED, {**WIRED, "adc_bits": 8, "dac_bits": 6}])
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_sums_of_tensors_are_those_of_arrays(settings, low):
    w, x = case(low)
    layer = circuit(**settings).layer(w, x)
    found = layer(torch.tensor(x))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.numpy(), layer(x), atol=1e-12 * np.abs(layer(x)).max())


def test_single_precision_stays_single():
    w, x = case()
    layer = circuit(**WIRED).layer(w, x)
    found = layer(torch.tensor(x, dtype=torch.float32))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), layer(x), atol=1e-5)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_gradients_are_those_of_the_matrix_and_pass_straight_through_converters(low):
    w, x = case(low)
    linear = circuit(**WIRED).layer(w, 2 * x)
    for layer in (linear, circuit(**WIRED, adc_bits=8, dac_bits=6).layer(w, 2 * x)):
        given = torch.tensor(x, requires_grad=True)
        layer(given).sum().backward()
        expected = np.broadcast_to(linear.matrix.sum(axis=0), x.shape)
        np.testing.assert_allclose(given.grad.numpy(), expected, rtol=1e-9, atol=1e-9)
