"""A network on circuits: which values each layer's circuit gets, how effects and chips pass through."""

import numpy as np

from cimspice.network import graph
from cimspice.network.circuit import map_network


class Doubled:
    """A circuit whose sums are twice as large, with inputs limited to ±1 and an effect ``gain``."""

    family = "doubled"

    def __init__(self):
        self.calibrated = {}

    def layer(self, weights, calibration, name):
        self.calibrated.setdefault(name, []).append(calibration)
        return DoubledLayer(weights, 2.0)


class DoubledLayer:
    effects = ("gain",)
    matrix = None

    def __init__(self, weights, gain):
        self.weights, self.gain = weights, gain

    def __call__(self, x):
        return self.gain * self.clip(x) @ self.weights.T

    def clip(self, x):
        return np.clip(x, -1, 1)

    def clipped(self, x):
        return int((np.abs(x) > 1).sum())

    def without(self, *effects):
        return DoubledLayer(self.weights, 1.0 if "gain" in effects else self.gain)

    def facts(self):
        return {"cells": self.weights.size, "tiles": 1, "utilisation": 0.5, "clipped_weights": 0,
                "saturated": None, "weight_error": 0.25}  # fmt: skip


def network():
    rng = np.random.default_rng(1)
    return graph.Network(
        "small",
        (4, 5, 5),
        (
            graph.Node(
                "conv", "conv", ("input",),
                {"stride": (1, 1), "padding": (1, 1, 1, 1), "dilation": (1, 1), "groups": 2},
                {"weights": rng.normal(size=(6, 2, 3, 3)), "bias": rng.uniform(-0.2, 0.2, 6)},
            ),
            graph.Node("relu", "relu", ("conv",), {}, {}),
            graph.Node("flat", "flatten", ("relu",), {}, {}),
            graph.Node("dense", "dense", ("flat",), {}, {"weights": rng.normal(size=(3, 150))}),
        ),
        "dense",
        "test",
        (),
    )  # fmt: skip


def test_circuits_take_the_place_of_every_weighted_sum_and_of_no_bias():
    net, x = network(), np.random.default_rng(2).uniform(-1, 1, (3, 4, 5, 5))
    mapped = map_network(net, x, Doubled())
    doubled = net.with_weights({n.name: 2 * n.arrays["weights"] for n in net.weight_layers})
    small = 0.01 * x
    assert mapped.trace(small).clipped == {"conv": 0, "dense": 0}
    np.testing.assert_allclose(mapped.outputs(small), doubled.outputs(small), rtol=1e-12)
    np.testing.assert_allclose(mapped.without("gain").outputs(small), net.outputs(small), rtol=1e-12)
    assert mapped.without("gain", layer="conv").effects == ("gain",)


def test_each_group_of_a_convolution_gets_its_own_patches_with_the_extremes_among_them():
    net, x = network(), np.random.default_rng(3).uniform(-1, 1, (200, 4, 5, 5))
    x[131, 3, 2, 2], x[77, 0, 1, 1] = 9.0, -8.0
    circuit = Doubled()
    mapped = map_network(net, x, circuit)
    first, second = circuit.calibrated["conv"]
    assert first.shape[1] == second.shape[1] == 18
    assert first.min() == -8.0
    assert second.max() == 9.0
    assert mapped.trace(x).clipped["conv"] == 2
    facts = mapped.facts()["layers"][0]
    assert (facts["name"], facts["cells"], facts["utilisation"], facts["saturated"]) == (
        "conv",
        108,
        0.5,
        None,
    )
