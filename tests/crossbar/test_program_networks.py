"""Networks programmed as a whole: counts, errors, sources of weights, cost, memory."""

from dataclasses import replace

import numpy as np
import pytest

from cimspice.crossbar.programming import (
    Layer,
    Network,
    Plan,
    bytes_needed,
    check_memory,
    compare,
    front,
    gains,
    program,
    resnet50,
    shaped_network,
    sweep,
    trained_network,
    vit_base,
)
from cimspice.errors import CimspiceError, ParameterError
from cimspice.fit import ModelCard
from cimspice.network import Network as GraphNetwork
from cimspice.network import Node, built_in
from cimspice.rram.model.write_cost import WriteCost

SMALL = Plan(bits=5, rows=16, crossbars=3, order="unsorted", choice="exact")


@pytest.fixture(scope="module")
def digits():
    return trained_network()


def drawn(shapes, seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) for shape in shapes]
    layers = [
        Layer(f"layer{n}", *w.shape, lambda w=w: w, lambda w=w: np.eye(w.shape[1]))
        for n, w in enumerate(weights)
    ]
    return Network("drawn", tuple(layers), "drawn", "unit vectors")


def test_architectures_have_the_published_number_of_parameters():
    assert resnet50().parameters == 25_557_032
    assert vit_base().parameters == 86_567_656


def test_shapes_of_resnet50_are_those_of_its_layers():
    matrices = {matrix.name: (matrix.outputs, matrix.inputs) for matrix in resnet50().matrices}
    assert len(matrices) == 54
    assert matrices["conv1"] == (64, 147)
    assert matrices["conv4.1.shortcut"] == (1024, 512)
    assert matrices["conv5.3.spatial"] == (512, 4608)


@pytest.mark.parametrize("order", ["unsorted", "sorted", "gray", "hamming"])
@pytest.mark.parametrize("scope", ["layer", "output"])
@pytest.mark.parametrize("sign", ["column", "periphery"])
def test_every_order_reads_back_exactly_when_every_cell_is_written(order, scope, sign):
    network = drawn([(7, 40), (5, 7)])
    (done,) = program(network, [replace(SMALL, order=order, scope=scope, sign=sign)])
    assert done.output_error == 0.0
    assert sum(layer.sets + layer.resets for layer in done.layers) == done.writes > 0


def test_the_output_error_is_that_of_the_weights_left_unwritten():
    network = drawn([(9, 50)])
    network = replace(network, accuracy=lambda weights: 0.0)  # so that weights are kept
    exact, stuck = program(network, [SMALL, replace(SMALL, choice="random", order="sorted")])
    wanted, held = exact.weights[0], stuck.weights[0]
    expected = np.linalg.norm(held - wanted) / np.linalg.norm(network.layers[0].load())
    assert stuck.output_error == pytest.approx(expected)
    assert expected > 0
    assert np.abs(wanted - network.layers[0].load()).max() <= np.abs(wanted).max() / 31 / 2 * (1 + 1e-9)


def test_sorting_gray_order_and_matching_each_save_writes_without_error():
    network = shaped_network(replace(resnet50(), matrices=resnet50().matrices[2:5]))
    orders = ["unsorted", "sorted", "gray", "hamming"]
    writes = [one.writes for one in program(network, [Plan(order=o, choice="exact") for o in orders])]
    assert writes == sorted(writes, reverse=True)
    assert writes[0] > 5 * writes[-1]


def test_digits_lose_less_than_a_percent_with_two_fifths_of_the_published_schemes_writes(digits):
    facts, done = compare(digits, Plan(), WriteCost())
    published, chosen = facts["methods"][2], facts["methods"][3]
    assert abs(facts["accuracy_change"]) < 0.01
    assert chosen["output_error"] <= published["output_error"]
    assert 2.5 * chosen["writes"] <= published["writes"] <= facts["writes_baseline"]
    assert facts["writes_baseline"] <= facts["writes_every_cell"]
    assert facts["reduction"] == facts["writes_baseline"] / facts["writes"]
    assert facts["writes"] == facts["sets"] + facts["resets"] == done["chosen"].writes


def test_energy_time_and_lifetime_follow_the_card():
    cost = WriteCost(
        set_energy=1e-12, reset_energy=3e-12, set_time=2e-9, reset_time=5e-9, endurance_cycles=100
    )
    facts, done = compare(drawn([(6, 30)]), SMALL, cost)
    one = done["chosen"]
    assert facts["energy_joule"] == pytest.approx(1e-12 * one.sets.sum() + 3e-12 * one.resets.sum())
    per_crossbar = [2e-9 * s.sum() + 5e-9 * r.sum() for s, r in zip(one.sets, one.resets, strict=True)]
    assert facts["time_second"] == pytest.approx(max(per_crossbar))
    assert facts["lifetime_passes"] == pytest.approx(200 / facts["max_writes_per_cell"])


@pytest.mark.parametrize(("law", "shape"), [("weibull", 2.0), ("lognormal", 0.5)])
def test_half_of_the_cells_outlive_the_median_endurance(law, shape):
    cost = WriteCost(endurance_cycles=1e5, endurance_law=law, endurance_shape=shape)
    drawn_cycles = cost.draw_endurance((200, 200), np.random.default_rng(0))
    assert np.mean(drawn_cycles > 1e5) == pytest.approx(0.5, abs=0.01)
    beyond = 0.5**4 if law == "weibull" else 0.0828  # of twice the median: 2^−(2²), and 1 − Φ(ln 2 / 0.5)
    assert np.mean(drawn_cycles > 2e5) == pytest.approx(beyond, abs=0.005)


def test_a_write_cost_survives_its_card(tmp_path):
    cost = WriteCost(set_energy=3e-12, origin="measured here")
    ModelCard.from_model(cost).save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json").model_of(WriteCost) == cost


@pytest.mark.parametrize("change", [{"set_energy": 0.0}, {"endurance_law": "normal"}, {"reset_time": -1.0}])
def test_a_cost_that_makes_no_sense_is_refused(change):
    with pytest.raises(ParameterError):
        WriteCost(**change)


def test_matrices_of_a_convolution_network_and_their_inputs_are_its_own():
    """W x of each matrix and its inputs are the weighted sums in the network; so is the accuracy."""
    given = built_in("digits-cnn")
    network = trained_network("digits-cnn")
    assert [(layer.name, layer.outputs, layer.inputs) for layer in network.layers] == [
        ("conv1", 8, 9), ("conv2", 16, 72), ("dense", 10, 256),
    ]  # fmt: skip
    sums = given.network.values(given.x_test)["dense"]
    last = network.layers[-1]
    bias = given.network.nodes[-1].arrays["bias"]
    np.testing.assert_allclose(last.sample() @ last.load().T + bias, sums, rtol=1e-10, atol=1e-10)
    first = {tuple(row) for row in network.layers[0].sample()}
    padded = np.pad(given.x_test[0, 0], 1)
    assert tuple(padded[:3, :3].ravel()) in first
    assert network.accuracy is not None
    weights = [layer.load() for layer in network.layers]
    assert network.accuracy(weights) == given.test_accuracy
    assert network.accuracy([*weights[:2], 0 * weights[2]]) < 0.2


def test_each_group_of_a_convolution_is_a_matrix():
    weights = np.random.default_rng(0).normal(size=(6, 2, 3))
    node = Node("c", "conv", ("input",), {"groups": 3}, {"weights": weights})
    given = GraphNetwork("grouped", (6, 5), (node,), "c")
    x = np.random.default_rng(1).normal(size=(4, 6, 5))
    network = trained_network(given, x, np.zeros(4, int))
    assert [(layer.name, layer.outputs, layer.inputs) for layer in network.layers] == [
        ("c.0", 2, 6), ("c.1", 2, 6), ("c.2", 2, 6),
    ]  # fmt: skip
    np.testing.assert_array_equal(
        np.concatenate([one.load() for one in network.layers]), weights.reshape(6, 6)
    )
    assert network.accuracy is not None
    right = np.argmax(given.outputs(x).reshape(4, -1), axis=1) == 0
    assert network.accuracy([one.load() for one in network.layers]) == right.mean()


def test_a_network_without_weights_is_refused():
    with pytest.raises(ParameterError, match="no weights"):
        trained_network(GraphNetwork("n", (3,), (Node("a", "relu"),), "a"))


def test_what_does_not_fit_the_memory_is_refused_before_it_starts():
    network = shaped_network(vit_base())
    assert bytes_needed(network, [Plan(), replace(Plan(), order="unsorted", choice="exact")]) < 2 * 2**30
    with pytest.raises(ParameterError, match="GiB of memory"):
        check_memory(network, [replace(Plan(), crossbars=10**9)])


@pytest.mark.parametrize(
    "change",
    [{"bits": 0}, {"rows": 0}, {"crossbars": 0}, {"fraction": 1.5}, {"stuck_columns": 9}, {"order": "random"},
     {"sign": "none"}, {"choice": "best"}, {"scope": "network"}],
)  # fmt: skip
def test_plans_that_make_no_sense_are_refused(change):
    with pytest.raises(CimspiceError, match=str(next(iter(change.values())))):
        Plan(**change)


def test_the_front_holds_what_nothing_beats():
    writes, error = [10, 8, 9, 5, 5, 12], [0.0, 0.1, 0.2, 0.3, 0.4, 0.0]
    assert front(writes, error).tolist() == [0, 1, 3]


def test_a_sweep_compares_methods_at_no_larger_error():
    table = sweep(drawn([(24, 40)]), Plan(bits=6, rows=16, crossbars=2), WriteCost())
    assert np.all(table.loc[table["order"] == "unsorted", "relative_writes"] == 1.0)
    gained = gains(table).set_index("method")
    one = table[(table["method"] == "sorted, random") & (table["output_error"] <= 0.1)]
    largest = one.merge(
        table[table["method"] == "hamming, nearest"], on=["bits", "rows", "crossbars", "scope"]
    )
    allowed = largest[largest["output_error_y"] <= largest["output_error_x"]]
    assert gained.loc["hamming, nearest", "largest"] == pytest.approx(
        (allowed["writes_x"] / allowed["writes_y"]).max()
    )
