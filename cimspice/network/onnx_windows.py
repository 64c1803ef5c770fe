"""Operators of ONNX that move a window or resample: convolution, pooling, padding, nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.network.onnx_node import Unsupported, attribute, check_size, own_axes

if TYPE_CHECKING:
    import onnx

    from cimspice.network.onnx_import import ModelReader


def convolution(graph: ModelReader, node: onnx.NodeProto) -> None:
    weights = graph.constant(node, 1, "weights")
    bias = graph.constant(node, 2, "bias")
    if weights is None:
        raise Unsupported("has no weights")
    kernel = tuple(attribute(node, "kernel_shape", weights.shape[2:]))
    if kernel != weights.shape[2:] or not kernel:
        raise Unsupported(f"says a kernel of {kernel} and has weights {weights.shape}")
    settings = _places(node, kernel, graph.shape(node.input[0]))
    settings["groups"] = attribute(node, "group", 1)
    arrays = {"weights": weights} if bias is None else {"weights": weights, "bias": bias}
    graph.emit(node, "conv", node.input[:1], settings, arrays)


def max_pool(graph: ModelReader, node: onnx.NodeProto) -> None:
    if len(node.output) > 1 and graph.uses[node.output[1]]:
        raise Unsupported("gives indices")
    _pool(graph, node, "max_pool")


def average_pool(graph: ModelReader, node: onnx.NodeProto) -> None:
    _pool(graph, node, "average_pool")


def _pool(graph: ModelReader, node: onnx.NodeProto, operation: str) -> None:
    kernel = tuple(attribute(node, "kernel_shape", ()))
    size = graph.shape(node.input[0])[2:]
    settings = _places(node, kernel, graph.shape(node.input[0]))
    axes, padding = len(kernel), settings["padding"]
    if attribute(node, "count_include_pad", 0):
        settings["counted"] = padding
    if attribute(node, "ceil_mode", 0):
        ends = list(padding)
        for axis, (length, k, step, d) in enumerate(
            zip(size, kernel, settings["stride"], settings["dilation"], strict=True)
        ):
            begin, end, span = padding[axis], padding[axes + axis], d * (k - 1) + 1
            places = -(-(length + begin + end - span) // step) + 1
            if (places - 1) * step >= length + begin:  # the last window would see padding alone
                places -= 1
            ends[axes + axis] = max(end, (places - 1) * step + span - length - begin)
        settings["padding"] = tuple(ends)
    graph.emit(node, operation, node.input[:1], {"kernel": kernel, **settings})


def _places(node: onnx.NodeProto, kernel: Sequence[int], shape: Sequence[int]) -> dict[str, Any]:
    """Stride, padding and dilation of a kernel over a value of this shape."""
    axes, size = len(kernel), shape[2:]
    stride = tuple(attribute(node, "strides", (1,) * axes))
    dilation = tuple(attribute(node, "dilations", (1,) * axes))
    padding = tuple(attribute(node, "pads", (0,) * 2 * axes))
    if len(size) != axes or {len(stride), len(dilation), len(padding) // 2} != {axes}:
        raise Unsupported(f"has a kernel of {axes} axes for a sample of {len(size)} spatial ones")
    if min(*kernel, *stride, *dilation) < 1:
        raise Unsupported(
            f"has a kernel of {tuple(kernel)}, strides {stride} and dilations {dilation}, not all 1 or more"
        )
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode == "VALID":
        padding = (0,) * 2 * axes
    elif mode != "NOTSET":
        less, more = [], []
        for length, k, step, d in zip(size, kernel, stride, dilation, strict=True):
            total = max(0, (-(-length // step) - 1) * step + d * (k - 1) + 1 - length)
            less.append(total // 2)
            more.append(total - total // 2)
        padding = (*less, *more) if mode == "SAME_UPPER" else (*more, *less)
    if min(padding, default=0) < 0:
        raise Unsupported("crops by a negative padding")
    check_size(
        (*shape[:2], *(n + a + b for n, a, b in zip(size, padding[:axes], padding[axes:], strict=True)))
    )
    return {"stride": stride, "padding": padding, "dilation": dilation}


def pad(graph: ModelReader, node: onnx.NodeProto) -> None:
    rank = len(graph.shape(node.input[0]))
    if graph.opset < 11:
        pads, value = attribute(node, "pads", ()), attribute(node, "value", 0.0)
        axes = None
    else:
        pads, value = graph.constant(node, 1, "padding"), graph.constant(node, 2, "value")
        axes = graph.constant(node, 3, "axes")
    given = [int(each) for each in np.ravel(pads)]  # pyright: ignore[reportArgumentType, reportCallIssue]
    where = range(rank) if axes is None else [int(axis) % rank for axis in axes]
    ends = [(0, 0)] * rank
    for axis, begin, end in zip(where, given[: len(given) // 2], given[len(given) // 2 :], strict=True):
        ends[axis] = (begin, end)
    if ends[0] != (0, 0):
        raise Unsupported("pads the batch")
    if min(map(min, ends)) < 0:
        raise Unsupported("crops by a negative padding", "export the network with a Slice")
    check_size(size + sum(end) for size, end in zip(graph.shape(node.input[0]), ends, strict=True))
    settings = {"ends": ends, "mode": attribute(node, "mode", "constant")}
    if value is not None and np.size(value):
        settings["value"] = float(np.ravel(value)[0])
    graph.emit(node, "pad", node.input[:1], settings)


def resize(graph: ModelReader, node: onnx.NodeProto) -> None:
    """Upsample too: of the input's axes any but the batch, nearest neighbours alone."""
    mode = attribute(node, "mode", "nearest")
    policy = attribute(node, "keep_aspect_ratio_policy", "stretch")
    linear = mode == "linear" and graph.interpolates
    if (mode != "nearest" and not linear) or policy != "stretch":
        raise Unsupported(
            f"resamples by {mode if mode != 'nearest' else policy}", "export the network with mode 'nearest'"
        )
    shape = graph.shape(node.input[0])
    old = node.op_type == "Upsample" or graph.opset == 10
    coordinates = attribute(node, "coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rounding = attribute(node, "nearest_mode", "" if old else "round_prefer_floor")
    sizes = None if old else graph.constant(node, 3, "sizes")
    if node.op_type == "Upsample" and graph.opset < 9:
        scales = attribute(node, "scales", None)
    else:
        scales = graph.constant(node, 1 if old else 2, "scales")
    given = sizes if sizes is not None and len(sizes) else scales
    if given is None:
        raise Unsupported("says neither scales nor sizes")
    places, grown = {}, list(shape)
    for axis, factor in zip(attribute(node, "axes", range(len(shape))), given, strict=True):
        length = shape[axis]
        count = int(factor) if given is sizes else int(np.floor(np.float32(length) * np.float32(factor)))
        scale = count / length if given is sizes else float(factor)
        grown[axis] = count
        check_size(grown)
        if count != length or scale != 1:
            (axis,) = own_axes([axis], len(shape))
            at = _coordinates(length, count, scale, coordinates)
            places[axis] = _between(length, at) if linear else _nearest(length, at, scale, rounding)
    graph.emit(node, "resize", node.input[:1], {"places": places})


def _coordinates(length: int, count: int, scale: float, coordinates: str) -> np.ndarray:
    """Where among ``length`` elements each of ``count`` lies."""
    number = np.arange(count, dtype=float)
    if coordinates == "half_pixel" or (coordinates == "pytorch_half_pixel" and count > 1):
        at = (number + 0.5) / scale - 0.5
    elif coordinates == "half_pixel_symmetric":
        at = length / 2 * (1 - count / (scale * length)) + (number + 0.5) / scale - 0.5
    elif coordinates == "asymmetric":
        at = number / scale
    elif coordinates == "align_corners":
        at = number * (length - 1) / max(count - 1, 1)
    elif coordinates == "tf_half_pixel_for_nn":
        at = (number + 0.5) / scale
    elif coordinates == "pytorch_half_pixel":
        at = np.zeros(1)
    else:
        raise Unsupported(f"has the coordinates {coordinates!r}")
    return at


def _between(length: int, at: np.ndarray) -> np.ndarray:
    """The two elements (2, count) between which each is interpolated."""
    return np.clip([np.floor(at), np.ceil(at)], 0, length - 1).astype(int)


def _nearest(length: int, at: np.ndarray, scale: float, rounding: str) -> np.ndarray:
    """Which of ``length`` elements each takes."""
    if rounding == "round_prefer_floor":
        taken = np.ceil(at - 0.5)
    elif rounding == "round_prefer_ceil":
        taken = np.floor(at + 0.5)
    else:
        taken = np.ceil(at) if rounding == "ceil" or (not rounding and scale < 1) else np.floor(at)
    return np.clip(taken, 0, length - 1).astype(int)
