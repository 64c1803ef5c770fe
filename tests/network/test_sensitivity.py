"""What a layer's sums change at the output, against the whole network with one of the sums moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from cimspice.crossbar import family
from cimspice.errors import ParameterError
from cimspice.network import CircuitNetwork, Network, Node, map_network
from cimspice.network.circuit import of_layer
from cimspice.network.sensitivity import output_slopes

RNG = np.random.default_rng(8)
X = RNG.uniform(0, 1, (3, 2, 5, 4))
NETWORK = Network(
    "convolutions and dense layers",
    (2, 5, 4),
    (
        Node("conv1", "conv", settings={"padding": (1, 0, 1, 1)},
             arrays={"weights": RNG.normal(size=(4, 2, 3, 2)), "bias": RNG.normal(size=4)}),
        Node("relu1", "relu", ("conv1",)),
        Node("pool", "max_pool", ("relu1",), settings={"kernel": (2, 1), "stride": (1, 1)}),
        Node("conv2", "conv", ("pool",), settings={"groups": 2, "stride": (1, 2), "dilation": (2, 1)},
             arrays={"weights": RNG.normal(size=(4, 2, 2, 2))}),
        Node("tanh", "tanh", ("conv2",)),
        Node("flat", "flatten", ("tanh",)),
        Node("dense1", "dense", ("flat",), arrays={"weights": RNG.normal(size=(5, 16))}),
        Node("relu2", "relu", ("dense1",)),
        Node("dense2", "dense", ("relu2",), arrays={"weights": RNG.normal(size=(3, 5))}),
        Node("softmax", "softmax", ("dense2",)),
    ),
    "softmax",
)  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """A layer of which one sum, of a vector of its inputs, is moved."""

    layer: Any
    vector: int
    column: int
    by: float
    matrix: None = None

    @property
    def absorbs(self) -> tuple[str, ...]:
        return of_layer(self.layer, "absorbs")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        sums = np.array(self.layer(x))
        sums[self.vector, self.column] += self.by
        return sums


def slope(mapped: CircuitNetwork, x: np.ndarray, name: str, channel: int, pixel: int) -> np.ndarray:
    """∂output/∂sum (outputs,) of one input x (1, ...), by moving the sum either way."""
    layers = mapped.layers[name]
    node = next(node for node in mapped.network.weight_layers if node.name == name)
    group, column = divmod(channel, len(node.arrays["weights"]) // len(layers))
    found = []
    for by in (1e-5, -1e-5):
        moved = list(layers)
        moved[group] = Moved(layers[group], pixel, column, by)
        found.append(replace(mapped, layers={**mapped.layers, name: tuple(moved)}).outputs(x)[0])
    return (found[0] - found[1]) / 2e-5


@pytest.mark.parametrize("settings", [{}, {"nonlinearity": 2.0}], ids=["matrices", "non-linear cells"])
def test_slopes_of_every_layer_are_those_of_the_whole_network_with_one_sum_moved(settings):
    mapped = map_network(NETWORK, X, family.circuit(tile=8, word_line_resistance=20.0, **settings))
    found, rng = output_slopes(mapped, X), np.random.default_rng(9)
    assert {name: one.shape[1:] for name, one in found.items()} == {
        "conv1": (3, 4, 20), "conv2": (3, 4, 4), "dense1": (3, 5, 1), "dense2": (3, 3, 1)
    }  # fmt: skip
    for name, slopes in found.items():
        for _ in range(6):
            sample, channel, pixel = (int(rng.integers(size)) for size in np.delete(slopes.shape, 1))
            wanted = slope(mapped, X[sample : sample + 1], name, channel, pixel)
            np.testing.assert_allclose(slopes[sample, :, channel, pixel], wanted, atol=2e-5, rtol=1e-3)


def test_more_slopes_than_memory_holds_are_refused_with_what_to_run_instead():
    weights = np.broadcast_to(1.0, (2**14, 1))
    wide = Network("wide", (1,), (Node("dense", "dense", arrays={"weights": weights}),), "dense")
    mapped = map_network(wide, np.ones((1, 1)), family.circuit())
    with pytest.raises(ParameterError, match="16384 sums for 16384 outputs"):
        output_slopes(mapped, np.ones((1, 1)))
