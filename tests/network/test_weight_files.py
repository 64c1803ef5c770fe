"""Networks from files of arrays, scikit-learn and network files: against the models that wrote them."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from sklearn.datasets import load_digits, load_iris
from sklearn.neural_network import MLPClassifier, MLPRegressor

from cimspice.errors import CimspiceError, ParameterError, TableError
from cimspice.network import Node, built_in, from_sklearn, from_torch, load_network


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape)


@pytest.fixture(scope="module")
def digits_classifier():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(3).permutation(len(x))
    x = x / 16
    model = MLPClassifier((20,), max_iter=15, random_state=3)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(x[order[:1200]], y[order[:1200]])
    return model, x[order[1200:1300]], y[order[1200:1300]]


def test_a_perceptron_saved_with_its_data_has_two_layers_and_their_orientation(tmp_path, digits_classifier):
    model, x, y = digits_classifier
    named = {f"W{n}": w for n, w in enumerate(model.coefs_, 1)} | {
        f"b{n}": b for n, b in enumerate(model.intercepts_, 1)
    }
    np.savez_compressed(tmp_path / "mlp.npz", **named, x_test=x, y_test=y)
    network = load_network(tmp_path / "mlp.npz")
    assert [node.arrays["weights"].shape for node in network.weight_layers] == [(20, 64), (10, 20)]
    assert network.facts()["weights"] == 1480
    np.testing.assert_array_equal(network.outputs(x).argmax(axis=1), model.predict(x))
    remarks = " ".join(network.remarks)
    assert all(word in remarks for word in ("(inputs, outputs)", "ReLU", "x_test (100, 64)", "y_test"))


PAIRS = {
    "W1 and b1": ("W{0}", "b{0}"),
    "coefs and intercepts": ("coefs_{0}", "intercepts_{0}"),
    "layer.weight and layer.bias": ("net.{0}.weight", "net.{0}.bias"),
    "kernels": ("dense_{0}/kernel", "dense_{0}/bias"),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_of_names_chain_in_one_orientation(tmp_path, pair, ending, turned):
    """Eleven layers, one of them square: its orientation is the others'; the tenth comes after the ninth."""
    sizes = (5, 7, 7, 3, 4, 6, 5, 8, 9, 4, 3, 2)
    weights = [draw(after, before) for before, after in pairwise(sizes)]
    arrays = {}
    for number, matrix in enumerate(weights, 1):
        arrays[PAIRS[pair][0].format(number)] = np.ascontiguousarray(matrix.T if turned else matrix)
        arrays[PAIRS[pair][1].format(number)] = draw(len(matrix))
    path = tmp_path / f"net.{ending}"
    save_file(arrays, path) if ending == "safetensors" else np.savez(path, **arrays)
    network = load_network(path)
    x = right = np.abs(draw(6, 5))
    for number, matrix in enumerate(weights, 1):
        right = right @ matrix.T + draw(len(matrix))
        right = np.maximum(right, 0) if number < len(weights) else right
    np.testing.assert_allclose(network.outputs(x), right, rtol=1e-12)
    assert ("(inputs, outputs)" in network.remarks[0]) == turned


def test_half_precision_and_brain_floats_are_read_as_they_are(tmp_path):
    values = np.array([[1.0, -2.5], [0.0078125, 3.0]], np.float32)
    brain = (values.view(np.uint32) >> 16).astype("<u2")
    header = b'{"weight":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}'
    (tmp_path / "b.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + brain.tobytes())
    save_file({"weight": values.astype(np.float16)}, tmp_path / "h.safetensors")
    for name in ("b", "h"):
        network = load_network(tmp_path / f"{name}.safetensors")
        np.testing.assert_array_equal(network.weight_layers[0].arrays["weights"], values)


def test_one_matrix_is_outputs_by_inputs(tmp_path):
    np.save(tmp_path / "one.npy", draw(3, 5))
    np.savetxt(tmp_path / "one.csv", draw(3, 5), delimiter=",")
    for name in ("one.npy", "one.csv"):
        network = load_network(tmp_path / name)
        np.testing.assert_allclose(network.outputs(draw(2, 5)), draw(2, 5) @ draw(3, 5).T)
        assert "(outputs, inputs)" in network.remarks[0]


AMBIGUOUS = {"W1": draw(4, 4), "b1": draw(4), "W2": draw(4, 4), "b2": draw(4)}
ARRAYS_REFUSED = {
    "square matrices": (AMBIGUOUS, ["W1 (4, 4)", "(inputs, outputs)", "network file"]),
    "shapes that do not follow": ({"W1": draw(4, 3), "W2": draw(5, 6)}, ["W1 (4, 3)", "W2 (5, 6)"]),
    "bias of another length": ({"W1": draw(4, 3), "b1": draw(5)}, ["b1 (5,)"]),
    "no names that pair": ({"hidden": draw(4, 3), "out": draw(2, 4)}, ["hidden (4, 3)", "W1 and b1"]),
    "convolution": ({"c.weight": draw(4, 3, 2, 2), "c.bias": draw(4)}, ["c.weight", "ONNX"]),
    "normalisation": (
        {"a.weight": draw(4, 3), "n.running_mean": draw(4), "n.running_var": draw(4)},
        ["running_mean", "ONNX"],
    ),
    "nan": ({"W1": np.full((2, 3), np.nan), "b1": draw(2)}, ["W1", "nan at (0, 0)", "6 of 6"]),
    "words": ({"W1": np.array([["a", "b", "c"]]), "b1": draw(1)}, ["W1", "real numbers"]),
    "empty": ({"W1": np.zeros((0, 3)), "b1": np.zeros(0)}, ["W1", "(0, 3)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS_REFUSED)
def test_arrays_that_make_no_network_are_refused_with_names_shapes_and_remedy(tmp_path, case):
    arrays, words = ARRAYS_REFUSED[case]
    np.savez(tmp_path / "net.npz", **arrays)
    with pytest.raises(TableError) as caught:
        load_network(tmp_path / "net.npz")
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.remedy


def test_square_matrices_are_turned_as_their_names_say(tmp_path):
    np.savez(tmp_path / "t.npz", **{"a.0.weight": draw(4, 4), "a.0.bias": draw(4)})
    np.savez(tmp_path / "s.npz", coefs_0=draw(4, 4), intercepts_0=draw(4))
    x = draw(3, 4)
    np.testing.assert_allclose(load_network(tmp_path / "t.npz").outputs(x), x @ draw(4, 4).T + draw(4))
    np.testing.assert_allclose(load_network(tmp_path / "s.npz").outputs(x), x @ draw(4, 4) + draw(4))


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers_of_scikit_learn_give_their_shares(activation, classes, tmp_path):
    from skops.io import dump

    x, y = load_iris(return_X_y=True)
    model = MLPClassifier((6, 5), activation=activation, solver="lbfgs", max_iter=60, random_state=1)
    model.fit(x[y < classes], y[y < classes])
    dump(model, tmp_path / "net.skops")
    for network in (from_sklearn(model), load_network(tmp_path / "net.skops")):
        np.testing.assert_allclose(network.outputs(x), model.predict_proba(x), rtol=1e-9, atol=1e-12)
        assert "0, 1" in network.remarks[0]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_regressors_of_scikit_learn_give_their_values(tmp_path, solver):
    from skops.io import dump

    x, y = draw(40, 3), draw(40, 2)
    model = MLPRegressor(hidden_layer_sizes=(4,), solver=solver, max_iter=3, random_state=0, tol=1e9)
    model.fit(x, y)
    dump(model, tmp_path / "net.skops")
    for network in (from_sklearn(model), load_network(tmp_path / "net.skops")):
        np.testing.assert_allclose(network.outputs(x), model.predict(x), rtol=1e-12)


def test_nothing_else_comes_out_of_a_skops_file(tmp_path):
    from functools import partial

    from sklearn.linear_model import LinearRegression
    from skops.io import dump

    dump({"model": partial(print, "hello")}, tmp_path / "strange.skops")
    dump(LinearRegression(), tmp_path / "other.skops")
    (tmp_path / "broken.skops").write_bytes(b"no archive")
    for name, word in (("strange", "partial"), ("other", "LinearRegression"), ("broken", "not a skops file")):
        with pytest.raises(ParameterError, match=word) as caught:
            load_network(tmp_path / f"{name}.skops")
        assert f"{name}.skops" in caught.value.place
    with pytest.raises(ParameterError, match="not a fitted perceptron"):
        from_sklearn(MLPClassifier())


NETWORK_FILE = """
weights = "net.npz"
input = [1, 8, 8]
[[layers]]
kind = "conv"
weights = "k1"
bias = "c1"
padding = 1
[[layers]]
kind = "relu"
[[layers]]
kind = "conv"
weights = "k2"
bias = "c2"
padding = [1, 1, 1, 1]
[[layers]]
kind = "relu"
[[layers]]
kind = "max_pool"
kernel = 2
[[layers]]
kind = "flatten"
[[layers]]
kind = "dense"
weights = "out"
bias = "o"
orientation = "inputs, outputs"
"""


def _written(tmp_path, text=NETWORK_FILE, **arrays):
    first, second, last = built_in("digits-cnn").network.weight_layers
    held = {"k1": first.arrays["weights"], "c1": first.arrays["bias"]}
    held |= {"k2": second.arrays["weights"], "c2": second.arrays["bias"]}
    held |= {"out": last.arrays["weights"].T, "o": last.arrays["bias"]}
    np.savez(tmp_path / "net.npz", **{**held, **arrays})
    (tmp_path / "net.toml").write_text(text)
    return tmp_path / "net.toml"


def test_a_network_file_says_the_layers(tmp_path):
    given = built_in("digits-cnn")
    network = load_network(_written(tmp_path))
    np.testing.assert_array_equal(network.outputs(given.x_test[:9]), given.network.outputs(given.x_test[:9]))


def test_batch_normalisation_and_pools_of_a_network_file(tmp_path):
    text = """
    weights = "net.npz"
    input = [2, 7]
    [[layers]]
    kind = "batch_normalisation"
    scale = "s"
    shift = "t"
    mean = "m"
    variance = "v"
    [[layers]]
    kind = "average_pool"
    kernel = [3]
    stride = 2
    [[layers]]
    kind = "clip"
    low = -0.5
    high = 0.5
    """
    arrays = {"s": draw(2), "t": draw(2, 1)[:, 0], "m": draw(2, 2)[0], "v": draw(2, 3)[0, :2] ** 2}
    x = draw(5, 2, 7)
    scaled = (x - arrays["m"][:, None]) / np.sqrt(arrays["v"] + 1e-5)[:, None] * arrays["s"][:, None]
    full = scaled + arrays["t"][:, None]
    right = np.stack([full[..., first : first + 3].mean(axis=-1) for first in (0, 2, 4)], axis=-1)
    network = load_network(_written(tmp_path, text, **arrays))
    np.testing.assert_allclose(network.outputs(x), np.clip(right, -0.5, 0.5), rtol=1e-12)


FILES_REFUSED = {
    "another folder": (("net.npz", "../net.npz"), "same folder"),
    "no such array": (('"k1"', '"k9"'), "no array 'k9'"),
    "unknown key": (("padding = 1\n", "paddings = 1\n"), "paddings"),
    "unknown kind": (('kind = "relu"', 'kind = "lstm"'), "lstm"),
    "channels that do not fit": (("input = [1, 8, 8]", "input = [3, 8, 8]"), "conv1"),
    "an input without end": (("input = [1, 8, 8]", "input = [1, 800000, 800000]"), "800000"),
    "padding without end": (("padding = 1\n", "padding = 1000000\n"), "256"),
    "no TOML": (("weights = ", "weights : "), "not TOML"),
}


@pytest.mark.parametrize("case", FILES_REFUSED)
def test_network_files_that_do_not_fit_are_refused(tmp_path, case):
    change, word = FILES_REFUSED[case]
    with pytest.raises(CimspiceError, match=word) as caught:
        load_network(_written(tmp_path, NETWORK_FILE.replace(*change)))
    assert caught.value.remedy
    assert caught.value.place


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_network_file_is_a_network_or_refused_with_a_remedy(tmp_path, data):
    """Layers of any kinds, settings and arrays, of which hardly any fit one another."""
    names = st.sampled_from(["a", "b", "c", "d", "e"])
    sizes = st.one_of(st.integers(-1, 4), st.lists(st.integers(-1, 4), max_size=5))
    keys = {
        "weights": names, "bias": names, "scale": names, "shift": names, "mean": names, "variance": names,
        "stride": sizes, "padding": sizes, "dilation": sizes, "kernel": sizes, "groups": st.integers(0, 4),
    }  # fmt: skip
    wanted = {
        "dense": ["weights", "bias"], "conv": ["weights", "bias", "stride", "padding", "dilation", "groups"],
        "batch_normalisation": ["scale", "shift", "mean", "variance"], "average_pool": ["kernel", "padding"],
        "max_pool": ["kernel", "stride", "padding"], "flatten": [], "softmax": [], "global_max_pool": [],
    }  # fmt: skip
    text = f'weights = "net.npz"\ninput = {data.draw(st.lists(st.integers(1, 6), max_size=4))}\n'
    for kind in data.draw(st.lists(st.sampled_from(sorted(wanted)), min_size=1, max_size=4)):
        given_keys = {key: data.draw(keys[key]) for key in wanted[kind] if data.draw(st.integers(0, 5))}
        lines = (f"{key} = {json.dumps(value)}" for key, value in given_keys.items())
        text += "\n".join(["[[layers]]", f'kind = "{kind}"', *lines, ""])
    arrays = {"a": draw(3), "b": draw(2, 3), "c": draw(4, 2, 3, 3), "d": draw(4), "e": draw(4, 1, 3)}
    np.savez(tmp_path / "net.npz", **arrays)
    (tmp_path / "net.toml").write_text(text)
    try:
        network = load_network(tmp_path / "net.toml")
    except CimspiceError as error:
        assert error.remedy  # noqa: PT017
    else:
        network.outputs(np.ones((2, *network.input_shape)))


@pytest.mark.parametrize("name", ["net.pt", "net.pkl", "net.joblib", "net.h5", "net"])
def test_pickles_and_unknown_files_are_refused_unread(tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(ParameterError) as caught:
        load_network(tmp_path / name)
    assert "give .onnx" in caught.value.remedy or "run code" in caught.value.remedy


@pytest.mark.parametrize("ending", ["npz", "npy", "safetensors"])
def test_no_damage_to_a_file_of_weights_gives_anything_but_a_clear_error(tmp_path, ending):
    """Truncated anywhere, any byte changed, sizes that are negative or larger than the file."""
    path = tmp_path / f"net.{ending}"
    if ending == "npz":
        np.savez_compressed(path, W1=np.ones((4, 3)), b1=np.ones(4), W2=np.ones((2, 4)))
    elif ending == "npy":
        np.save(path, np.ones((4, 3)))
    else:
        save_file({"W1": np.ones((4, 3)), "b1": np.ones(4)}, path)
    whole = path.read_bytes()
    random = np.random.default_rng(1)
    damaged = [whole[:length] for length in random.integers(0, len(whole), 60)]
    for place in random.integers(0, len(whole), 120):
        damaged.append(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
    for size in (b"(-4,3)", b"(-4,-3)", b"(4,9**9)", b"(4,1e5)"):
        damaged.append(whole.replace(b"(4, 3)", size))
    for size in (b"[-4,3]", b"[4,9999999999999]", b'["4",3]'):
        damaged.append(whole.replace(b"[4,3]", size))
    damaged.append(whole.replace(b"(4, 3), }      ", b"(400000, 30), }"))
    for content in damaged:
        path.write_bytes(content)
        try:
            load_network(path)
        except TableError as error:
            assert path.name in error.place  # noqa: PT017 (a changed number may go unseen)


def test_a_network_of_torch_without_torch_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ParameterError, match=r"(?s)package torch.*pip install torch"):
        from_torch(None, None)


def test_a_network_of_torch_equals_torch():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3),
        torch.nn.BatchNorm2d(3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(108, 4),
    )
    module.train()
    module(torch.randn(8, 1, 8, 8))
    x = torch.randn(5, 1, 8, 8)
    network = from_torch(module, x)
    assert module.training
    np.testing.assert_allclose(network.outputs(x.numpy()), module.eval()(x).detach().numpy(), atol=1e-5)


def test_names_of_layers_are_those_in_the_file(tmp_path):
    np.savez(tmp_path / "net.npz", **{"fc1.weight": draw(4, 3), "fc2.weight": draw(2, 4)})
    network = load_network(tmp_path / "net.npz")
    assert [node.name for node in network.weight_layers] == ["fc1.weight", "fc2.weight"]
    assert isinstance(network.nodes[1], Node)
