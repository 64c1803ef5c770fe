"""A network on circuits: which values each layer's circuit gets, how effects and chips pass through."""

import numpy as np

from cimspice.network import graph
from cimspice.network.circuit import map_network
from cimspice.network.validate import default_runs


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


def test_by_default_as_many_inputs_run_as_the_simulator_takes_minutes_for():
    assert [default_runs(seconds, 899) for seconds in (0.01, 60.0, 61.0, 130.0, 5000.0)] == [20, 20, 19, 9, 1]
    assert default_runs(0.01, 12) == 12


class Neurons:
    """Circuits that add the bias and rectify, as a family's own conversion makes them."""

    family = "neurons"

    def layers(self, network, calibration, progress):
        made = {node.name: Neuron(node) for node in network.weight_layers}
        return made, {name: Neuron(one.node, gain=0.5) for name, one in made.items()}


class Neuron:
    effects = ("gain",)
    matrix = None
    absorbs = ("bias", "relu")
    full_scale = 4.0

    def __init__(self, node, gain=1.0):
        self.node, self.gain = node, gain

    def __call__(self, x):
        weights = self.node.arrays["weights"]
        bias = self.node.arrays.get("bias", 0.0)
        return np.maximum(self.gain * x @ weights.reshape(len(weights), -1).T + bias, 0.0)

    def clipped(self, x):
        return 0


def test_a_layer_that_absorbs_bias_and_relu_gets_neither_twice_and_is_compared_after_them():
    rng = np.random.default_rng(7)
    nodes = (
        graph.Node(
            "a", "dense", ("input",), {}, {"weights": rng.normal(size=(5, 3)), "bias": rng.normal(size=5)}
        ),
        graph.Node("relu", "relu", ("a",)),
        graph.Node("b", "dense", ("relu",), {}, {"weights": rng.uniform(size=(2, 5)), "bias": np.ones(2)}),
    )
    net, x = graph.Network("neurons", (3,), nodes, "b"), rng.uniform(0, 1, (6, 3))
    mapped = map_network(net, x, Neurons())
    software = mapped.software(x)
    assert software["a"].min() == 0.0
    for name, value in mapped.trace(x).values.items():
        np.testing.assert_allclose(value, software[name], rtol=1e-12, atol=1e-14)
    assert mapped.error("b", software["b"] + 1.0, software["b"]) == 0.25  # of full scale
    assert mapped.raw is not None
    assert np.abs(mapped.raw.outputs(x) - net.outputs(x)).max() > 0.1
