"""Input 1 x 6 x 6; a: conv 3 x 3 to 4 channels; p: max pool 2 x 2; b: conv 3 x 3 to 4; u: upsampling by 2;
k: concat (a, u); c: conv 1 x 1 to 2: its TOML and ONNX files."""

from pathlib import Path

import numpy as np

TOML = """
input = [1, 6, 6]
[[layers]]
name = "a"
kind = "conv"
channels = 4
kernel = 3
padding = 1
[[layers]]
name = "p"
kind = "pool"
kernel = 2
[[layers]]
name = "b"
kind = "conv"
channels = 4
kernel = 3
padding = [1, 1, 1, 1]
[[layers]]
name = "u"
kind = "upsample"
factor = 2
[[layers]]
name = "k"
kind = "concat"
inputs = ["a", "u"]
[[layers]]
name = "c"
kind = "conv"
channels = 2
"""


def toml_file(folder: Path) -> Path:
    path = folder / "worked.toml"
    path.write_text(TOML)
    return path


def onnx_file(folder: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    arrays = {
        "wa": np.ones((4, 1, 3, 3), np.float32),
        "wb": np.ones((4, 4, 3, 3), np.float32),
        "wc": np.ones((2, 8, 1, 1), np.float32),
        "scales": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "wa"], ["a"], name="a", pads=[1] * 4),
        helper.make_node("MaxPool", ["a"], ["p"], name="p", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p", "wb"], ["b"], name="b", pads=[1] * 4),
        helper.make_node(
            "Resize", ["b", "", "scales"], ["u"], name="u", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        ),
        helper.make_node("Concat", ["a", "u"], ["k"], name="k", axis=1),
        helper.make_node("Conv", ["k", "wc"], ["c"], name="c"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "worked",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6, 6])],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    path = folder / "worked.onnx"
    onnx.save(model, path)
    return path
