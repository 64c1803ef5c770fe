"""Training as a whole: accuracy, determinism, the circuit's limits, saving."""

import json

import numpy as np
import pytest

from cimspice.errors import CimspiceError, ParameterError
from cimspice.neuron.training import Objective, Schedule, TrainedNetwork, train, train_digits, train_iris
from cimspice.training.adam import Adam
from cimspice.training.datasets import digits, iris


@pytest.fixture(scope="module")
def trained():
    return train_iris(seed=0)


def test_iris_split_is_stratified_and_its_range_comes_from_the_training_part():
    split = iris(3)
    assert split.x_train.shape == (100, 5)
    assert split.x_test.shape == (50, 5)
    assert not set(split.train_index) & set(split.test_index)
    assert np.ptp(np.bincount(split.y_test)) <= 1
    np.testing.assert_allclose(split.x_train[:, :4].min(axis=0), 0.05)
    np.testing.assert_allclose(split.x_train[:, :4].max(axis=0), 0.95)
    assert (split.x_test[:, 4] == 0.05).all()
    assert split.x_test.min() >= 0.05
    assert split.x_test.max() <= 0.95
    np.testing.assert_allclose(split.encode(split.high[None, :])[0], 0.05)
    assert not np.array_equal(iris(4).test_index, split.test_index)


@pytest.mark.parametrize(("e_plus", "e_minus"), [(2.8, -1.5), (100.0, -100.0), (1.5, -1.5)])
def test_iris_is_learned_for_any_reversal_potential(e_plus, e_minus):
    accuracies = [train_iris(seed, e_plus, e_minus).test_accuracy for seed in range(3)]
    assert np.mean(accuracies) >= 0.93


def test_same_seed_gives_the_same_network_and_another_seed_another(trained):
    again = train_iris(seed=0, epochs=3)
    np.testing.assert_array_equal(train_iris(seed=0, epochs=3).weights[0], again.weights[0])
    assert not np.array_equal(train_iris(seed=1, epochs=3).weights[0], again.weights[0])
    assert len(trained.history["loss"]) == 200
    assert trained.history["loss"][-1] < 0.5 * trained.history["loss"][0]


def test_reported_accuracy_is_that_of_the_network_returned(trained):
    split = iris(0)
    assert np.mean(trained.network().decisions(split.x_test) == split.y_test) == trained.test_accuracy
    np.testing.assert_array_equal(trained.test_index, split.test_index)


def test_weights_stay_in_the_circuits_range():
    for limit, low, high in ((0.7, -0.7, 0.7), ((0.4, 0.9), -0.4, 0.9)):
        weights = np.concatenate(
            [w.ravel() for w in train_iris(seed=0, weight_limit=limit, epochs=20).weights]
        )
        assert weights.min() >= low
        assert weights.max() <= high


def test_excursion_penalty_keeps_membranes_in_range(trained):
    def lowest_and_highest(network):
        trace = network.trace(iris(0).x_test)
        inputs = (trace.inputs, *trace.spike_times[:-1])
        paths = [
            layer.membrane_trace(t, np.linspace(0, 1, 41))
            for layer, t in zip(network.layers, inputs, strict=True)
        ]
        return min(p.min() for p in paths), max(p.max() for p in paths)

    low, high = lowest_and_highest(trained.network())
    assert low > -0.25
    assert high < 1.15
    free = lowest_and_highest(train_iris(seed=0, excursion_weight=0.0).network())
    assert free[0] < low - 0.2


def test_dstd_trains_iris_as_well():
    assert train_iris(seed=1, dstd_steps=10, epochs=100).test_accuracy >= 0.9


def test_digits_are_learned_with_dstd_and_solved_exactly():
    few = train_digits(seed=0, epochs=4)
    assert few.weights[0].shape == (50, 64)
    assert few.test_accuracy > 0.9
    split = digits(0)
    assert np.mean(few.network().decisions(split.x_test) == split.y_test) == few.test_accuracy


def test_saved_network_is_loaded_to_the_last_bit(trained, tmp_path):
    path = tmp_path / "network.json"
    trained.save(path)
    loaded = TrainedNetwork.load(path)
    for mine, theirs in zip(trained.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert loaded.provenance == trained.provenance
    assert loaded.history == trained.history
    assert loaded.provenance["seed"] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["network.json"]


def test_ideal_network_survives_json_without_infinity(tmp_path):
    ideal = train_iris(seed=0, e_plus=np.inf, e_minus=-np.inf, epochs=1)
    ideal.save(tmp_path / "ideal.json")
    json.loads((tmp_path / "ideal.json").read_text(), parse_constant=pytest.fail)
    assert TrainedNetwork.load(tmp_path / "ideal.json").e_minus == -np.inf


@pytest.mark.parametrize("damage", ["[]", "{", '{"schema": "other"}', "missing", "nan", "shape"])
def test_damaged_files_are_refused_with_their_name(trained, tmp_path, damage):
    path = tmp_path / "network.json"
    trained.save(path)
    content = json.loads(path.read_text())
    if damage == "missing":
        del content["weights"]
    elif damage == "nan":
        content["weights"][0][0][0] = float("nan")
    elif damage == "shape":
        content["weights"][1] = [[1.0, 2.0]]
    path.write_text(json.dumps(content) if damage in ("missing", "nan", "shape") else damage)
    with pytest.raises(ParameterError, match=r"network\.json"):
        TrainedNetwork.load(path)


def test_file_that_cannot_be_read_or_written_is_named(trained, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CimspiceError, match="file/network"):
        trained.save(tmp_path / "file" / "network.json")
    with pytest.raises(ParameterError, match="absent"):
        TrainedNetwork.load(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "wrong",
    [{"e_plus": -1.0}, {"e_minus": 1.0}, {"weight_limit": 0.0}, {"window": (0.5, 0.2)}, {"ramp_beta": 1.0}],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ParameterError):
        train_iris(**({"epochs": 1} | wrong))


def test_training_lowers_the_loss_it_was_given():
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 1, (40, 4))
    labels = (times[:, 0] > times[:, 1]).astype(int)
    weights = [rng.normal(0.3, 0.3, (2, 4))]
    objective = Objective(2.8, -1.5, leak=0.1)
    before, _ = objective.evaluate(weights, times, labels)
    train(weights, times, labels, objective, Schedule(40, 40, 0.05), rng)
    after, _ = objective.evaluate(weights, times, labels)
    assert after < 0.5 * before


def test_adam_takes_its_published_first_step_and_finds_a_minimum():
    x = np.array([3.0, -2.0])
    adam = Adam([x])
    adam.step([np.array([10.0, -0.1])], 0.5)
    np.testing.assert_allclose(x, [2.5, -1.5], rtol=1e-6)  # first step: rate · sign
    for _ in range(400):
        adam.step([2 * (x - 1.0)], 0.05)
    np.testing.assert_allclose(x, 1.0, atol=1e-3)
