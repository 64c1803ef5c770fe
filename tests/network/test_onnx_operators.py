"""Every operator that is read from ONNX, at the opsets that changed it, against onnxruntime."""

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx.helper import make_node
from onnx_models import assert_same, model

OPSETS = (7, 9, 10, 11, 12, 13, 14, 18, 19, 21, 23)
NO_REGION = np.empty(0, np.float32)
drawn = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def draw(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).normal(size=shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def listed(kind, key, values, since, **more):
    """A node whose list is an attribute before the opset ``since``, its second input from there."""

    def make(opset):
        if opset < since:
            return [make_node(kind, ["x"], ["y"], **{key: values}, **more)], {}
        return [make_node(kind, ["x", key], ["y"], **more)], {key: ints(*values)}

    return make


def node(kind, *, since=7, until=99, arrays=None, first=("x",), **attributes):
    def make(opset):
        if not since <= opset <= until:
            return None
        return [make_node(kind, [*first, *(arrays or {})], ["y"], **attributes)], arrays or {}

    return make


def clip(opset):
    if opset < 11:
        return [make_node("Clip", ["x"], ["y"], min=-0.5, max=0.25)], {}
    return [make_node("Clip", ["x", "", "high"], ["y"])], {"high": np.float32(0.25)}


def padded(opset):
    if opset < 11:
        return [make_node("Pad", ["x"], ["y"], pads=[0, 0, 1, 2, 0, 0, 0, 3], value=0.5)], {}
    return [make_node("Pad", ["x", "p", "v"], ["y"])], {
        "p": ints(0, 0, 1, 2, 0, 0, 0, 3),
        "v": np.float32(0.5),
    }


def sliced(opset):
    cut = {"starts": [-3, 1], "ends": [100, 3], "axes": [3, 2]}
    if opset < 10:
        return [make_node("Slice", ["x"], ["y"], **cut)], {}
    arrays = {key: ints(*value) for key, value in cut.items()} | {"steps": ints(2, 1)}
    return [make_node("Slice", ["x", *arrays], ["y"])], arrays


def sliced_backwards(opset):
    if opset < 10:
        return None
    arrays = {"s": ints(10, -1), "e": ints(-100, 0), "a": ints(3, 2), "t": ints(-1, -2)}
    return [make_node("Slice", ["x", *arrays], ["y"])], arrays


def split(opset):
    join = make_node("Concat", ["b", "a"], ["y"], axis=1)
    if opset < 13:
        return [make_node("Split", ["x"], ["a", "b"], axis=1, split=[1, 3]), join], {}
    return [make_node("Split", ["x", "p"], ["a", "b"], axis=1), join], {"p": ints(1, 3)}


def upsample(opset):
    scales = [1.0, 1.0, 2.0, 3.0]
    if opset < 9:
        return [make_node("Upsample", ["x"], ["y"], scales=scales)], {}
    arrays = {"s": np.array(scales, np.float32)}
    if opset == 9:
        return [make_node("Upsample", ["x", "s"], ["y"])], arrays
    if opset == 10:
        return [make_node("Resize", ["x", "s"], ["y"])], arrays
    return [make_node("Resize", ["x", "r", "s"], ["y"])], {**arrays, "r": NO_REGION}


def dropout(opset):
    if opset < 12:
        return [make_node("Dropout", ["x"], ["y"], ratio=0.4)], {}
    return [make_node("Dropout", ["x", "r"], ["y"])], {"r": np.float32(0.4)}


def quantised(opset):
    if opset < 10:
        return None
    arrays = {"s": np.float32(0.037), "z": np.int8(-3)}
    pair = [
        make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    return pair, arrays


def quantised_by_channel(opset):
    if opset < 13:
        return None
    arrays = {"s": np.array([0.01, 0.02, 0.5, 0.3], np.float32), "z": np.array([3, 128, 0, 255], np.uint8)}
    pair = [
        make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1),
        make_node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=1),
    ]
    return pair, arrays


def flattened_by_shape(opset):
    """What exporters write for ``x.view(x.size(0), -1)``."""
    last = listed("Unsqueeze", "axes", [0], 13)(opset)
    nodes = [
        make_node("Shape", ["x"], ["s"]),
        make_node("Gather", ["s", "zero"], ["n"], axis=0),
        make_node("Cast", ["n"], ["n32"], to=onnx.TensorProto.INT32),
        make_node("Cast", ["n32"], ["n64"], to=onnx.TensorProto.INT64),
        make_node("Unsqueeze", ["n64", *list(last[1])], ["n1"], **({"axes": [0]} if opset < 13 else {})),
        make_node("Concat", ["n1", "rest"], ["t"], axis=0),
        make_node("Reshape", ["x", "t"], ["y"]),
    ]
    return nodes, {"zero": np.int64(0), "rest": ints(-1), **last[1]}


def normalised(opset, before=()):
    arrays = {
        "g": draw(4, seed=1), "o": draw(4, seed=2), "m": draw(4, seed=3), "v": draw(4, seed=4) ** 2 + 0.1,
    }  # fmt: skip
    return [*before, make_node("BatchNormalization", ["c" if before else "x", *arrays], ["y"])], arrays


def folded(opset):
    nodes, arrays = normalised(opset, [make_node("Conv", ["x", "w", "k"], ["c"])])
    return nodes, {**arrays, "w": draw(4, 4, 2, 2), "k": draw(4)}


def not_folded(opset):
    """The convolution's value is wanted twice: batch normalisation must not change it."""
    nodes, arrays = normalised(
        opset, [make_node("Conv", ["x", "w"], ["c0"]), make_node("Identity", ["c0"], ["c"])]
    )
    nodes[-1].output[0] = "b"
    return [*nodes, make_node("Add", ["b", "c0"], ["y"])], {**arrays, "w": draw(4, 4, 1, 1)}


def dense_after_flatten(kind):
    def make(opset):
        flat = make_node("Flatten", ["x"], ["f"])
        if kind == "Gemm":
            last = [make_node("Gemm", ["f", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1)]
            return [flat, *last], {"w": draw(3, 4 * 5 * 6), "b": draw(1, 3)}
        last = [make_node("MatMul", ["f", "w"], ["p"]), make_node("Add", ["b", "p"], ["y"])]
        return [flat, *last], {"w": draw(4 * 5 * 6, 3), "b": draw(3)}

    return make


CASES = {
    "add of a constant": node("Add", arrays={"c": draw(4, 1, 1)}),
    "add of itself": node("Add", first=("x", "x")),
    "constant less x": lambda opset: ([make_node("Sub", ["c", "x"], ["y"])], {"c": draw(1, 4, 1, 6)}),
    "x over a constant": node("Div", arrays={"c": np.float32(3.0)}),
    "product": node("Mul", first=("x", "x")),
    "average pool": node("AveragePool", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
    "average pool with counted padding": node(
        "AveragePool", kernel_shape=[3, 2], pads=[1, 0, 1, 1], count_include_pad=1
    ),
    "average pool rounded up": node(
        "AveragePool", since=19, kernel_shape=[2, 3], strides=[2, 3], pads=[0, 1, 1, 0], ceil_mode=1,
        count_include_pad=1,
    ),
    "batch normalisation": normalised,
    "batch normalisation folded": folded,
    "batch normalisation beside another use": not_folded,
    "clip": clip,
    "convolution": node(
        "Conv", arrays={"w": draw(6, 4, 3, 2), "b": draw(6)}, pads=[1, 0, 2, 1], strides=[2, 1]
    ),
    "depthwise convolution": node("Conv", arrays={"w": draw(8, 1, 3, 3)}, group=4, dilations=[2, 2]),
    "convolution padded as needed": node(
        "Conv", arrays={"w": draw(2, 4, 4, 3)}, auto_pad="SAME_LOWER", strides=[2, 2]
    ),
    "dropout": dropout,
    "flatten by shape": flattened_by_shape,
    "gemm": dense_after_flatten("Gemm"),
    "matrix product and bias": dense_after_flatten("MatMul"),
    "matrix product along the last axis": node("MatMul", arrays={"w": draw(6, 3)}),
    "global average pool": node("GlobalAveragePool"),
    "global max pool": node("GlobalMaxPool"),
    "hard sigmoid": node("HardSigmoid", alpha=0.3, beta=0.4),
    "hard swish": node("HardSwish", since=14),
    "identity": node("Identity"),
    "leaky relu": node("LeakyRelu", alpha=0.2),
    "max pool": node("MaxPool", kernel_shape=[2, 2], pads=[1, 1, 0, 0]),
    "max pool rounded up": node(
        "MaxPool", since=10, kernel_shape=[2, 3], strides=[3, 2], ceil_mode=1, dilations=[2, 1]
    ),
    "mean": listed("ReduceMean", "axes", [2, -1], 18, keepdims=0),
    "mish": node("Mish", since=18),
    "pad": padded,
    "pad by reflection": node("Pad", since=11, arrays={"p": ints(0, 0, 2, 1, 0, 0, 1, 3)}, mode="reflect"),
    "quantised": quantised,
    "quantised by channel": quantised_by_channel,
    "relu": node("Relu"),
    "reshape": node("Reshape", arrays={"s": ints(0, 2, -1, 3)}),
    "sigmoid": node("Sigmoid"),
    "slice": sliced,
    "slice backwards": sliced_backwards,
    "softmax": node("Softmax"),
    "softmax over channels": node("Softmax", axis=1),
    "split and concat": split,
    "unsqueeze": listed("Unsqueeze", "axes", [2, -1], 13),
    "tanh": node("Tanh"),
    "transpose": node("Transpose", perm=[0, 2, 3, 1]),
    "upsample": upsample,
}  # fmt: skip


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("case", CASES)
def test_operator_equals_onnxruntime(case, opset):
    made = CASES[case](opset)
    if made is None:
        pytest.skip("not in this opset")
    assert_same(model(made[0], (4, 5, 6), opset, made[1]), draw(3, 4, 5, 6, seed=9))


def test_one_dimensional_convolution_and_pool_equal_onnxruntime():
    nodes = [
        make_node("Conv", ["x", "w", "b"], ["c"], dilations=[2], pads=[2, 1], group=2),
        make_node("MaxPool", ["c"], ["y"], kernel_shape=[3], strides=[2]),
    ]
    assert_same(model(nodes, (4, 17), 13, {"w": draw(6, 2, 3), "b": draw(6)}), draw(5, 4, 17))


def test_squeezed_and_unsqueezed_equal_onnxruntime():
    for opset in (11, 13):
        nodes, arrays = listed("Squeeze", "axes", [2, -1], 13)(opset)
        nodes.insert(0, make_node("GlobalAveragePool", ["x"], ["g"]))
        nodes[1].input[0] = "g"
        assert_same(model(nodes, (4, 5, 6), opset, arrays), draw(2, 4, 5, 6))


@drawn
@given(st.data())
def test_drawn_convolutions_equal_onnxruntime(data):
    axes = data.draw(st.sampled_from([1, 2]))
    each = lambda low, high: data.draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes))  # noqa: E731
    groups, size = data.draw(st.sampled_from([1, 2, 4])), each(7, 10)
    settings = {"strides": each(1, 3), "dilations": each(1, 2), "group": groups}
    auto = data.draw(st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    if auto == "NOTSET":
        settings["pads"] = [*each(0, 2), *each(0, 2)]
    elif auto != "VALID":
        settings["dilations"] = [1] * axes
    weights = draw(4, 4 // groups, *each(1, 3))
    made = model(
        [make_node("Conv", ["x", "w"], ["y"], auto_pad=auto, **settings)], (4, *size), 13, {"w": weights}
    )
    assert_same(made, draw(2, 4, *size))


@drawn
@given(st.data())
def test_drawn_pools_equal_onnxruntime(data):
    pair = lambda low, high: data.draw(st.lists(st.integers(low, high), min_size=2, max_size=2))  # noqa: E731
    kernel, size = pair(2, 3), pair(6, 9)
    settings = {"kernel_shape": kernel, "strides": pair(1, 3), "pads": [*pair(0, 1), *pair(0, 1)]}
    settings["ceil_mode"] = data.draw(st.integers(0, 1))
    kind = data.draw(st.sampled_from(["MaxPool", "AveragePool"]))
    settings["dilations"] = pair(1, 2)
    if kind == "AveragePool":
        settings["count_include_pad"] = data.draw(st.integers(0, 1))
    assert_same(model([make_node(kind, ["x"], ["y"], **settings)], (2, *size), 19), draw(2, 2, *size))


@drawn
@given(st.data())
def test_drawn_nearest_neighbours_equal_onnxruntime(data):
    opset = data.draw(st.sampled_from([10, 11, 13, 18]))
    size = [data.draw(st.integers(2, 7)) for _ in range(2)]
    scales = np.array(
        [1, 1, *(data.draw(st.sampled_from([0.5, 0.75, 1, 1.5, 2, 3])) for _ in size)], np.float32
    )
    if opset == 10:
        made = make_node("Resize", ["x", "s"], ["y"], mode="nearest")
        arrays = {"s": scales}
    else:
        how = {
            "coordinate_transformation_mode": data.draw(
                st.sampled_from(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
            ),
            "nearest_mode": data.draw(
                st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
            ),
        }
        if data.draw(st.booleans()):
            made, arrays = make_node("Resize", ["x", "r", "s"], ["y"], **how), {"r": NO_REGION, "s": scales}
        else:
            # of scales that a single holds: else rounding decides which of two neighbours is nearer
            exact = [data.draw(st.sampled_from([n, 2 * n, 3 * n, *([n // 2] * (n % 2 == 0))])) for n in size]
            sizes = ints(2, 3, *exact)
            made = make_node("Resize", ["x", "r", "none", "n"], ["y"], **how)
            arrays = {"r": NO_REGION, "none": NO_REGION, "n": sizes}
    assert_same(model([made], (3, *size), opset, arrays), draw(2, 3, *size))
