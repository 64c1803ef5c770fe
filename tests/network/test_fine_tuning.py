"""Fine-tuning through circuits: gradients against differences, steps against plain training, accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.crossbar import crossbar_circuit
from cimspice.errors import ParameterError
from cimspice.network import Network, Node, built_in, dense_network, fine_tune, map_network
from cimspice.network.decisions import share_right, strongest
from cimspice.network.fine_tuning import straight_through
from cimspice.training.classifiers import descend

IDEAL = crossbar_circuit(word_line_resistance=0.0, bit_line_resistance=0.0)
KINDS = ("weights", "bias")
POOL = {"kernel": (2, 2)}
BETWEEN = {
    "relu": {},
    "leaky_relu": {"slope": 0.1},
    "clip": {"low": -0.5, "high": 0.6},
    "sigmoid": {},
    "tanh": {},
    "hard_sigmoid": {"slope": 0.2, "offset": 0.5},
    "hard_swish": {},
    "mish": {},
    "softmax": {"axis": 1},
    "max_pool": POOL | {"padding": (1, 0, 1, 0), "stride": (1, 2)},
    "average_pool": POOL | {"padding": (1, 1, 1, 1), "counted": (1, 0, 1, 0)},
    "global_max_pool": {},
    "global_average_pool": {},
    "mean": {"axes": (1, 2), "keep": False},
    "slice": {"ranges": {2: (0, 3, 2)}},
    "pad": {"ends": ((0, 0), (0, 0), (1, 0), (0, 2)), "value": 0.7},
    "resize": {"places": {3: np.array([0, 0, 1, 2])}},
    "transpose": {"axes": (0, 2, 1, 3)},
    "reshape": {"shape": (2, -1)},
}


def small(*between: Node) -> Network:
    """conv of 2 groups, the nodes given on its value ``conv``, and a dense layer of 3 outputs."""
    rng = np.random.default_rng(5)
    conv = Node(
        "conv", "conv", ("input",),
        {"stride": (1, 2), "padding": (1, 0, 0, 1), "dilation": (2, 1), "groups": 2},
        {"weights": rng.normal(size=(4, 2, 2, 3)), "bias": rng.normal(size=4)},
    )  # fmt: skip
    flat = Node("flat", "flatten", (between[-1].name if between else "conv",))
    head = Network("head", (4, 5, 7), (conv, *between, flat), "flat")
    size = head.shapes["flat"][0]
    dense = Node("dense", "dense", ("flat",), {}, {"weights": rng.normal(size=(3, size)) / size})
    return Network("small", (4, 5, 7), (*head.nodes, dense), "dense")


def software_loss(network: Network, x: np.ndarray, labels: np.ndarray) -> float:
    scores = network.outputs(x)
    return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(x)), labels]))


def check_gradients(network: Network) -> None:
    rng = np.random.default_rng(6)
    x, labels = rng.uniform(-1, 1, (3, *network.input_shape)), np.array([0, 2, 1])
    loss, found = straight_through(map_network(network, x, IDEAL), x, labels)
    assert loss == pytest.approx(software_loss(network, x, labels), rel=1e-9)
    for node in network.weight_layers:
        for kind, array in found[node.name].items():
            along = rng.normal(size=array.shape)
            moved = [
                network.with_weights(
                    *({node.name: node.arrays[one] + step * along} if one == kind else {} for one in KINDS)
                )
                for step in (1e-5, -1e-5)
            ]
            slope = (software_loss(moved[0], x, labels) - software_loss(moved[1], x, labels)) / 2e-5
            assert np.vdot(array, along) == pytest.approx(slope, rel=2e-5, abs=1e-8), (node.name, kind)


@pytest.mark.parametrize("operation", BETWEEN)
def test_gradients_through_every_operation_are_the_differences_of_the_loss(operation):
    check_gradients(small(Node("between", operation, ("conv",), BETWEEN[operation])))


@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div", "concat"])
def test_gradients_through_two_branches_are_the_differences_of_the_loss(operation):
    branch = Node("branch", "sigmoid", ("conv",))
    settings = {"axis": 1} if operation == "concat" else {}
    check_gradients(small(branch, Node("joined", operation, ("conv", "branch"), settings)))
    if operation != "concat":
        constant = np.linspace(1.0, 2.0, 4).reshape(4, 1, 1)
        for side in ("left", "right"):
            taken = ("branch",)
            check_gradients(small(branch, Node("scaled", operation, taken, {}, {side: constant})))


def test_on_an_ideal_circuit_training_takes_the_steps_of_the_plain_network():
    rng = np.random.default_rng(1)
    x, labels = rng.uniform(0, 1, (130, 9)), rng.integers(0, 4, 130)
    network = dense_network(
        "mine", [rng.normal(size=(7, 9)), rng.normal(size=(4, 7))], [rng.normal(size=7), rng.normal(size=4)]
    )
    tuned = fine_tune(network, IDEAL, x, labels, epochs=3, seed=4)
    first, last = (node.arrays for node in network.weight_layers)
    hidden = np.maximum(x @ first["weights"].T + first["bias"], 0)
    rms = [np.sqrt(np.mean(array**2)) for array in (first["weights"], x, last["weights"], hidden)]
    units = [rms[0], rms[0] * rms[1], rms[2], rms[2] * rms[3]]
    arrays = [first["weights"], first["bias"], last["weights"], last["bias"]]
    plain = [array / unit for array, unit in zip(arrays, units, strict=True)]
    chips = np.random.default_rng(4)

    def gradients(batch, wanted):
        chips.integers(2**32)  # the circuit's draw: batches come from the same generator
        w1, b1, w2, b2 = (array * unit for array, unit in zip(plain, units, strict=True))
        sums = batch @ w1.T + b1
        values = np.maximum(sums, 0)
        share = np.exp(values @ w2.T + b2)
        error = (share / share.sum(axis=1, keepdims=True) - np.eye(4)[wanted]) / len(batch)
        below = (error @ w2) * (sums > 0)
        found = [below.T @ batch, below.sum(axis=0), error.T @ values, error.sum(axis=0)]
        return [gradient * unit for gradient, unit in zip(found, units, strict=True)]

    descend(plain, gradients, x, labels, chips, 3, tuned.rate)
    for node, weights, bias in zip(tuned.network.weight_layers, (0, 2), (1, 3), strict=True):
        np.testing.assert_allclose(node.arrays["weights"], plain[weights] * units[weights], atol=1e-9)
        np.testing.assert_allclose(node.arrays["bias"], plain[bias] * units[bias], atol=1e-9)
    assert tuned.loss[-1] < tuned.loss[0]
    assert len(tuned.loss) == 3


def test_every_batch_meets_another_chip_and_the_seed_says_which():
    seeds = []

    class Recorded:
        family = "crossbar"

        def drawn(self, seed):
            seeds.append(seed)
            return IDEAL

    iris = built_in("iris")
    tunings = [
        fine_tune(iris.network, Recorded(), iris.x_train, iris.y_train, epochs=2, seed=seed)  # type: ignore[arg-type]
        for seed in (3, 3, 4)
    ]
    batches = np.reshape(seeds, (3, 4))  # 100 flowers in batches of at most 64, twice
    assert len(set(batches[0])) == 4
    assert (batches[0] == batches[1]).all()
    assert not set(batches[0]) & set(batches[2])
    one, same, _ = (tuning.network.nodes[0].arrays["weights"] for tuning in tunings)
    np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize(
    ("name", "seed", "epochs", "gain"), [("digits", 2, 8, 0.03), ("digits-cnn", 0, 2, 0.01)]
)
def test_a_circuit_that_loses_accuracy_gets_some_back_on_held_out_samples(name, seed, epochs, gain):
    known = built_in(name, seed)
    circuit = crossbar_circuit(
        levels=8, tolerance=0.15, adc_bits=5, word_line_resistance=20.0, bit_line_resistance=20.0,
        source_resistance=100.0, sense_resistance=100.0, chips=3, seed=7,
    )  # fmt: skip
    tuned = fine_tune(known.network, circuit, known.x_train, known.y_train, epochs=epochs)

    def accuracy(network: Network) -> float:
        outputs = map_network(network, known.x_train, circuit).outputs(known.x_test)
        return float(np.mean([share_right(strongest(one), known.y_test, 10) for one in outputs]))

    assert accuracy(tuned.network) > accuracy(known.network) + gain


def test_what_cannot_be_trained_is_refused_with_the_layer():
    x, labels = np.zeros((4, 4, 5, 7)), np.arange(4) % 3
    quantised = small(
        Node(
            "codes",
            "quantise",
            ("conv",),
            {"low": -128, "high": 127},
            {"scale": np.array([0.1]), "zero": np.zeros(1)},
        )
    )
    with pytest.raises(ParameterError, match=r"quantise.*\n.*codes.*\n.*dense, conv"):
        fine_tune(quantised, IDEAL, x, labels)
    with pytest.raises(ParameterError, match="no classes"):
        fine_tune(dense_network("one", [np.ones((1, 2))], [None]), IDEAL, np.ones((2, 2)), np.zeros(2))
    with pytest.raises(ParameterError, match="labels"):
        fine_tune(small(), IDEAL, x, labels + 1)
