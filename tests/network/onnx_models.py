"""Small ONNX models, and what onnxruntime makes of them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from cimspice.network import from_onnx

onnxruntime.set_default_logger_severity(3)


def model(nodes, shape, opset, arrays=None, *, batch="N", outputs=("y",)) -> onnx.ModelProto:
    """``nodes`` from the value ``x`` (batch, *shape) to ``y``, ``arrays`` by name beside them."""
    graph = helper.make_graph(
        list(nodes),
        "drawn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = min(made.ir_version, 8 if opset < 21 else 10)
    return made


def by_onnxruntime(made: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(made.SerializeToString(), options)
    return session.run(None, {session.get_inputs()[0].name: x.astype(np.float32)})[0]


def assert_same(made: onnx.ModelProto, x: np.ndarray, input_shape=None) -> None:
    """The imported network equals onnxruntime to 1e-5 of the largest output."""
    right = by_onnxruntime(made, x)
    found = from_onnx(made, input_shape).outputs(x.astype(np.float32))
    assert found.shape == right.shape
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * max(1.0, float(np.abs(right).max())))
