"""Nodes of an ONNX file whose inputs are constants, computed once by onnx."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cimspice.network.onnx_node import Unsupported, attribute, check_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

_BROADCAST = {
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mod",
    "Mul", "Or", "Pow", "Sub", "Where", "DequantizeLinear", "QuantizeLinear",
}  # fmt: skip
_NO_LARGER = {
    "Abs", "Cast", "Ceil", "Concat", "Constant", "Exp", "Flatten", "Floor", "Identity", "Neg", "Not",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Round", "Shape", "Size",
    "Slice", "Split", "Sqrt", "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
_OF_A_SHAPE = {"ConstantOfShape", "Expand", "Tile"}


def computed(node: onnx.NodeProto, constants: Mapping[str, np.ndarray], opset: int) -> dict[str, np.ndarray]:
    """Outputs of the node by their names.

    Raises
    ------
    Unsupported
        For operators that are not in the list here, results that are too large, and whatever onnx cannot
        compute.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inputs = {name: constants[name] for name in node.input if name}
    if node.domain not in ("", "ai.onnx"):
        raise Unsupported(f"is an operator of {node.domain}")
    check_size([_most_numbers(node, list(inputs.values()))])
    taken, given = (
        [helper.make_empty_tensor_value_info(name) for name in names] for names in (inputs, node.output)
    )
    alone = helper.make_graph([node], "constant", taken, given)
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        opset = max(opset, 19)  # the first that onnx computes; older ones mean the same
    try:
        found = ReferenceEvaluator(alone, opsets={"": opset}).run(None, inputs)
        return dict(zip(node.output, map(np.asarray, found), strict=True))
    except Exception as error:  # whatever onnx's own functions raise of a damaged node
        raise Unsupported(f"cannot be computed: {error}", "export the network again") from None


def _most_numbers(node: onnx.NodeProto, inputs: list[np.ndarray]) -> int:
    """As many numbers as the node's result can have."""
    kind, sizes = node.op_type, [array.size for array in inputs]
    if kind in _NO_LARGER:
        return sum(sizes)
    if kind == "Gather":
        axis = attribute(node, "axis", 0)
        return sizes[1] * sizes[0] // max(inputs[0].shape[axis], 1) if inputs[0].ndim else sizes[1]
    if kind in _BROADCAST:
        shapes = [array.shape for array in inputs]
        if kind.endswith("Linear"):
            return max(sizes)
        return prod(np.broadcast_shapes(*shapes))
    if kind in _OF_A_SHAPE:
        wanted = prod(max(int(size), 1) for size in np.ravel(inputs[-1]))
        return wanted if kind == "ConstantOfShape" else wanted * sizes[0]
    if kind == "Range":
        start, limit, step = (float(array) for array in inputs)
        return int(abs((limit - start) / step)) + 1
    raise Unsupported(f"is not computed for constants: {kind} is none of the operators for that")
