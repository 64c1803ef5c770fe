"""Networks programmed as a whole: counts, errors, sources of weights, cost, memory."""

import warnings
import zipfile
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
    digits_network,
    front,
    gains,
    network_from_file,
    program,
    resnet50,
    shaped_network,
    sweep,
    vit_base,
)
from cimspice.errors import CimspiceError, ParameterError, TableError
from cimspice.fit import ModelCard
from cimspice.rram.model.write_cost import WriteCost

SMALL = Plan(bits=5, rows=16, crossbars=3, order="unsorted", choice="exact")


@pytest.fixture(scope="module")
def digits():
    return digits_network()


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


def test_weights_from_files_are_those_in_the_file(tmp_path):
    rng = np.random.default_rng(0)
    kernel, bias, dense = rng.normal(size=(4, 3, 2, 2)), np.zeros(4), rng.normal(size=(5, 4)).astype("f4")
    np.savez(tmp_path / "net.npz", kernel=kernel, bias=bias, dense=dense)
    network = network_from_file(tmp_path / "net.npz")
    assert [(layer.name, layer.outputs, layer.inputs) for layer in network.layers] == [
        ("kernel", 4, 12), ("dense", 5, 4),
    ]  # fmt: skip
    np.testing.assert_array_equal(network.layers[0].load(), kernel.reshape(4, 12))
    assert "left out: bias" in network.source
    np.save(tmp_path / "one.npy", dense)
    np.testing.assert_array_equal(network_from_file(tmp_path / "one.npy").layers[0].load(), dense)
    np.savetxt(tmp_path / "one.csv", dense, delimiter=",")
    np.testing.assert_allclose(network_from_file(tmp_path / "one.csv").layers[0].load(), dense)


def test_files_without_usable_matrices_are_refused(tmp_path):
    np.savez(tmp_path / "bias.npz", bias=np.zeros(4))
    np.save(tmp_path / "words.npy", np.array([["a"], ["b"]]))
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    np.save(tmp_path / "empty.npy", np.zeros((0, 3)))
    (tmp_path / "text.csv").write_text("1,2\nx,3\n")
    (tmp_path / "grouped.csv").write_text("1,2\n0_5,3\n")
    (tmp_path / "marked.csv").write_text("1,2#,3\n4,5,6\n")
    with zipfile.ZipFile(tmp_path / "twice.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for value in (1.0, 2.0):
            with archive.open("w.npy", "w") as member:
                np.lib.format.write_array(member, np.full((2, 2), value))
    (tmp_path / "broken.npz").write_text("not a zip")
    (tmp_path / "weights.pt").write_bytes(b"")
    for path in (*tmp_path.iterdir(), tmp_path / "absent.npy", tmp_path):
        with pytest.raises(TableError, match=r".") as caught:
            network_from_file(path)
        assert path.name in caught.value.place


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_no_damage_to_a_file_of_weights_gives_anything_but_a_clear_error(tmp_path, ending):
    """Truncated anywhere, any byte changed, sizes that are negative or larger than the file."""
    path = tmp_path / f"net.{ending}"
    if ending == "npz":
        np.savez_compressed(path, one=np.ones((4, 3)), two=np.ones((3, 2)))
    else:
        np.save(path, np.ones((4, 3)))
    whole = path.read_bytes()
    random = np.random.default_rng(1)
    damaged = [whole[:length] for length in random.integers(0, len(whole), 60)]
    for place in random.integers(0, len(whole), 120):
        damaged.append(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
    if ending == "npy":
        damaged += [
            whole.replace(b"(4, 3)", size) for size in (b"(-4,3)", b"(-4,-3)", b"(4,9**9)", b"(4,1e5)")
        ]
        damaged += [whole.replace(b"(4, 3), }      ", b"(400000, 30), }")]
    for content in damaged:
        path.write_bytes(content)
        try:
            for layer in network_from_file(path).layers:
                layer.load()
        except TableError as error:
            assert path.name in error.place  # noqa: PT017 (a changed number may go unseen)


def test_weights_that_are_not_finite_are_found_when_programmed(tmp_path):
    np.save(tmp_path / "nan.npy", np.array([[1.0, np.nan]]))
    with pytest.raises(TableError, match=r"\(0, 1\) of the array .nan. is nan"):
        program(network_from_file(tmp_path / "nan.npy"), [SMALL])


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
