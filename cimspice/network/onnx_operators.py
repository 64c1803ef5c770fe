"""Operators of ONNX as operations of a network: one function for each, from opset 7."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.network.onnx_node import Unsupported, attribute, own_axes
from cimspice.network.onnx_windows import average_pool, convolution, max_pool, pad, resize

if TYPE_CHECKING:
    import onnx

    from cimspice.network.onnx_import import ModelReader

    Conversion = Callable[[ModelReader, onnx.NodeProto], None]


def _plain(operation: str, **settings: tuple[str, Any]) -> Conversion:
    """One value to one; ``settings`` are attributes with their defaults."""

    def convert(graph: ModelReader, node: onnx.NodeProto) -> None:
        found = {key: attribute(node, name, default) for key, (name, default) in settings.items()}
        graph.emit(node, operation, node.input[:1], found)

    return convert


def _same(graph: ModelReader, node: onnx.NodeProto) -> None:
    graph.same(node, node.input[0])


def _gemm(graph: ModelReader, node: onnx.NodeProto) -> None:
    weights, bias = graph.constant(node, 1, "weights"), graph.constant(node, 2, "bias")
    if weights is None or node.input[0] in graph.constants or attribute(node, "transA", 0):
        raise Unsupported("multiplies the network's values from the right", "export it as x W + b")
    matrix = weights if attribute(node, "transB", 0) else weights.T
    arrays = {"weights": attribute(node, "alpha", 1.0) * matrix}
    if bias is not None:
        row = np.broadcast_to(attribute(node, "beta", 1.0) * bias, (1, len(matrix)))
        arrays["bias"] = row.reshape(-1)
    graph.emit(node, "dense", node.input[:1], None, arrays)


def _matmul(graph: ModelReader, node: onnx.NodeProto) -> None:
    weights = graph.constant(node, 1, "second factor")
    if weights is None or weights.ndim != 2 or node.input[0] in graph.constants:
        raise Unsupported("is not a value times a matrix of weights", "export it as x W")
    graph.emit(node, "dense", node.input[:1], None, {"weights": weights.T})


def _normalised(graph: ModelReader, node: onnx.NodeProto) -> None:
    """Folded into the weights before it where it can be; running mean and variance always."""
    named = ("scale", "offset", "mean", "variance")
    arrays = [graph.constant(node, number, name) for number, name in enumerate(named, 1)]
    if attribute(node, "training_mode", 0) or any(graph.uses[name] for name in node.output[1:] if name):
        raise Unsupported("is in training mode", "export the network in inference mode (model.eval())")
    if not attribute(node, "spatial", 1) or any(array is None for array in arrays):
        raise Unsupported("does not normalise by channel")
    gain, offset, mean, variance = (np.asarray(array, float) for array in arrays)
    scale = gain / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    shift = offset - mean * scale
    if graph.merge(node, node.input[0], scale, shift):
        graph.folded += 1
    else:
        graph.emit(node, "batch_normalisation", node.input[:1], None, {"scale": scale, "shift": shift})


def _arithmetic(operation: str) -> Conversion:
    def convert(graph: ModelReader, node: onnx.NodeProto) -> None:
        varying = [name for name in node.input if name not in graph.constants]
        shape = graph.shape(varying[0])
        if len(varying) == 2:
            if len(shape) != len(graph.shape(varying[1])):
                raise Unsupported("joins values of different numbers of axes")
            graph.emit(node, operation, varying)
            return
        constant = _of_any_batch(graph.constants[node.input[1 - list(node.input).index(varying[0])]], shape)
        right = node.input[0] == varying[0]
        if operation in ("add", "sub") and (right or operation == "add"):
            shift = _by_channel(constant, shape)
            signed = None if shift is None else -shift if operation == "sub" else shift
            if signed is not None and graph.merge(node, varying[0], None, signed):
                return
        graph.emit(node, operation, varying, None, {"right" if right else "left": constant})

    return convert


def _of_any_batch(constant: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A constant that broadcasts to every sample alike."""
    if constant.ndim < len(shape):
        return constant
    if constant.ndim > len(shape) or not len(constant) or (constant != constant[:1]).any():
        raise Unsupported("has a constant that differs from sample to sample")
    return constant[:1]


def _by_channel(constant: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """(channels,) where the constant is one number per channel, or one at all."""
    full = constant.reshape((1,) * (len(shape) - constant.ndim) + constant.shape)
    channels = shape[1] if len(shape) > 1 else 1
    if full.size not in (1, channels) or (full.size > 1 and full.shape[1] != channels):
        return None
    return np.broadcast_to(np.asarray(full, float).reshape(-1), (channels,))


def _clip(graph: ModelReader, node: onnx.NodeProto) -> None:
    if graph.opset < 11:
        bounds = [attribute(node, name, None) for name in ("min", "max")]
    else:
        bounds = [graph.constant(node, number, "bounds") for number in (1, 2)]
    found = {
        key: float(bound) for key, bound in zip(("low", "high"), bounds, strict=True) if bound is not None
    }
    graph.emit(node, "clip", node.input[:1], found)


def _softmax(graph: ModelReader, node: onnx.NodeProto) -> None:
    rank = len(graph.shape(node.input[0]))
    axis = attribute(node, "axis", 1 if graph.opset < 13 else -1) % rank
    axes = own_axes(range(axis, rank) if graph.opset < 13 else (axis,), rank)
    graph.emit(node, "softmax", node.input[:1], {"axis": axes})


def _concat(graph: ModelReader, node: onnx.NodeProto) -> None:
    if any(name in graph.constants for name in node.input):
        raise Unsupported("joins constants to values")
    (axis,) = own_axes([attribute(node, "axis", 1)], len(graph.shape(node.input[0])))
    graph.emit(node, "concat", node.input, {"axis": axis})


def _axes(graph: ModelReader, node: onnx.NodeProto, since: int) -> list[int] | None:
    """Axes from an input since an opset, before it an attribute; None where they are not said."""
    axes = attribute(node, "axes", None) if graph.opset < since else graph.constant(node, 1, "axes")
    return None if axes is None else [int(axis) for axis in axes]


def _mean(graph: ModelReader, node: onnx.NodeProto) -> None:
    axes = _axes(graph, node, 18)
    if not axes and attribute(node, "noop_with_empty_axes", 0):
        graph.same(node, node.input[0])
        return
    rank = len(graph.shape(node.input[0]))
    found = own_axes(axes or range(rank), rank)
    graph.emit(node, "mean", node.input[:1], {"axes": found, "keep": bool(attribute(node, "keepdims", 1))})


def _squeeze(graph: ModelReader, node: onnx.NodeProto) -> None:
    shape, axes = graph.shape(node.input[0]), _axes(graph, node, 13)
    single = [axis for axis, size in enumerate(shape) if size == 1]
    found = own_axes(single if axes is None else axes, len(shape))
    _reshaped(graph, node, [size for axis, size in enumerate(shape) if axis not in found])


def _unsqueeze(graph: ModelReader, node: onnx.NodeProto) -> None:
    shape, axes = graph.shape(node.input[0]), _axes(graph, node, 13) or []
    found = own_axes(axes, len(shape) + len(axes))
    rest = iter(shape)
    _reshaped(graph, node, [1 if n in found else next(rest) for n in range(len(shape) + len(axes))])


def _reshape(graph: ModelReader, node: onnx.NodeProto) -> None:
    shape, given = graph.shape(node.input[0]), graph.constant(node, 1, "shape")
    if given is None:
        raise Unsupported("says no shape")
    target = [int(size) for size in given]
    if not attribute(node, "allowzero", 0):
        target = [shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    if -1 in target:
        target[target.index(-1)] = prod(shape) // max(1, -prod(target))
    _reshaped(graph, node, target)


def _flatten(graph: ModelReader, node: onnx.NodeProto) -> None:
    shape, axis = graph.shape(node.input[0]), attribute(node, "axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    _reshaped(graph, node, [prod(shape[:axis]), prod(shape[axis:])])


def _reshaped(graph: ModelReader, node: onnx.NodeProto, target: Sequence[int]) -> None:
    shape = graph.shape(node.input[0])
    if prod(target) != prod(shape):
        raise Unsupported(f"makes {tuple(target[1:])} of {tuple(shape[1:])}")
    if not target or target[0] != shape[0]:
        raise Unsupported("mixes the samples of a batch")
    if tuple(target) == tuple(shape):
        graph.same(node, node.input[0])
    elif len(target) == 2:
        graph.emit(node, "flatten", node.input[:1])
    else:
        graph.emit(node, "reshape", node.input[:1], {"shape": tuple(target[1:])})


def _transpose(graph: ModelReader, node: onnx.NodeProto) -> None:
    rank = len(graph.shape(node.input[0]))
    axes = tuple(attribute(node, "perm", range(rank)[::-1]))
    if axes[0] != 0:
        raise Unsupported("moves the batch")
    graph.emit(node, "transpose", node.input[:1], {"axes": axes})


def _slice(graph: ModelReader, node: onnx.NodeProto) -> None:
    shape = graph.shape(node.input[0])
    names = ("starts", "ends", "axes", "steps")
    if graph.opset < 10:
        starts, ends, axes, steps = (attribute(node, name, None) for name in names)
    else:
        starts, ends, axes, steps = (
            graph.constant(node, number, name) for number, name in enumerate(names, 1)
        )
    if starts is None or ends is None:
        raise Unsupported("does not say what it cuts out")
    ranges = {}
    for number, (start, stop) in enumerate(zip(starts, ends, strict=True)):
        axis = int(number if axes is None else axes[number]) % len(shape)
        step = 1 if steps is None else int(steps[number])
        cut = range(*slice(int(start), int(stop), step).indices(shape[axis]))
        if cut != range(shape[axis]):
            own_axes([axis], len(shape))
            ranges[axis] = (cut.start, cut.stop if cut.stop >= 0 else None, step)
    graph.emit(node, "slice", node.input[:1], {"ranges": ranges})


def _split(graph: ModelReader, node: onnx.NodeProto) -> None:
    shape = graph.shape(node.input[0])
    (axis,) = own_axes([attribute(node, "axis", 0)], len(shape))
    given = attribute(node, "split", None) if graph.opset < 13 else graph.constant(node, 1, "parts")
    if given is None:
        each = -(-shape[axis] // len(node.output))
        given = [min(each, shape[axis] - first) for first in range(0, shape[axis], each)]
    first = 0
    for number, (name, size) in enumerate(zip(node.output, given, strict=True)):
        if graph.uses[name]:
            ranges = {axis: (first, first + int(size), 1)}
            graph.emit(node, "slice", node.input[:1], {"ranges": ranges}, output=number)
        first += int(size)


def _shape(graph: ModelReader, node: onnx.NodeProto) -> None:
    bounds = slice(attribute(node, "start", 0), attribute(node, "end", None))
    graph.constants[node.output[0]] = np.array(graph.shape(node.input[0])[bounds], dtype=np.int64)


def _cast(graph: ModelReader, node: onnx.NodeProto) -> None:
    from onnx import TensorProto

    if attribute(node, "to", 0) not in (TensorProto.FLOAT, TensorProto.DOUBLE):
        raise Unsupported("rounds values by a cast", "export the network in single precision")
    _same(graph, node)


def _dropout(graph: ModelReader, node: onnx.NodeProto) -> None:
    training = graph.constant(node, 2, "mode")
    if (training is not None and training.any()) or any(graph.uses[name] for name in node.output[1:] if name):
        raise Unsupported("is in training mode", "export the network in inference mode (model.eval())")
    _same(graph, node)


def _quantise(graph: ModelReader, node: onnx.NodeProto) -> None:
    from onnx import helper

    settings, arrays = _scales(graph, node)
    kind = np.dtype(np.uint8)
    if attribute(node, "output_dtype", 0):
        kind = helper.tensor_dtype_to_np_dtype(attribute(node, "output_dtype", 0))
    zero = graph.constant(node, 2, "zero point")
    kind = kind if zero is None else zero.dtype
    if kind.kind not in "iu":
        raise Unsupported(f"quantises to {kind}", "quantise to 8 or 16 bits")
    limits = np.iinfo(kind)
    graph.emit(node, "quantise", node.input[:1], {**settings, "low": limits.min, "high": limits.max}, arrays)


def _dequantise(graph: ModelReader, node: onnx.NodeProto) -> None:
    graph.emit(node, "dequantise", node.input[:1], *_scales(graph, node))


def _scales(graph: ModelReader, node: onnx.NodeProto) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    scale, zero = graph.constant(node, 1, "scale"), graph.constant(node, 2, "zero point")
    if scale is None or attribute(node, "block_size", 0):
        raise Unsupported("quantises by blocks")
    arrays = {"scale": scale, "zero": np.zeros(scale.shape) if zero is None else np.asarray(zero, float)}
    return {"axis": attribute(node, "axis", 1)}, arrays


CONVERSIONS: dict[str, Conversion] = {
    "Add": _arithmetic("add"),
    "AveragePool": average_pool,
    "BatchNormalization": _normalised,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": convolution,
    "DequantizeLinear": _dequantise,
    "Div": _arithmetic("div"),
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": _plain("global_average_pool"),
    "GlobalMaxPool": _plain("global_max_pool"),
    "HardSigmoid": _plain("hard_sigmoid", slope=("alpha", 0.2), offset=("beta", 0.5)),
    "HardSwish": _plain("hard_swish"),
    "Identity": _same,
    "LeakyRelu": _plain("leaky_relu", slope=("alpha", 0.01)),
    "MatMul": _matmul,
    "MaxPool": max_pool,
    "Mish": _plain("mish"),
    "Mul": _arithmetic("mul"),
    "Pad": pad,
    "QuantizeLinear": _quantise,
    "ReduceMean": _mean,
    "Relu": _plain("relu"),
    "Reshape": _reshape,
    "Resize": resize,
    "Shape": _shape,
    "Sigmoid": _plain("sigmoid"),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _arithmetic("sub"),
    "Tanh": _plain("tanh"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Upsample": resize,
}
