"""Published networks written as ONNX files without weights: the same layers, crossbars and schedules."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cimspice.schedule import Elements, Graph, Schedule, Settings, load_graph


class Writer:
    """Layers of a graph as ONNX nodes, with batch normalisation and rectifiers behind convolutions."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        for node in graph.nodes:
            getattr(self, node.kind)(graph, node)
        read = {name for node in graph.nodes for name in node.inputs}
        shape = ["n", graph.channels, graph.height, graph.width]
        made = helper.make_graph(
            self.nodes,
            graph.name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info(node.name, TensorProto.FLOAT, None)
                for node in graph.nodes
                if node.name not in read
            ],
            self.tensors,
        )
        self.model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)])
        self.model.ir_version = 8

    def write(self, kind, inputs, name, label="", **settings):
        self.nodes.append(helper.make_node(kind, inputs, [name], name=label or name, **settings))

    def outside(self, name, *shape) -> str:
        """A tensor that lies in a file which is not there."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "weights.bin"
        self.tensors.append(tensor)
        return name

    def inside(self, name, values) -> str:
        self.tensors.append(numpy_helper.from_array(np.array(values), name))
        return name

    def conv(self, graph, node):
        (source,) = graph.inputs_of(node)
        weights = self.outside(f"{node.name}.w", node.channels, source.channels // node.groups, *node.kernel)
        last = f"{node.name}.bn" if node.rectified else node.name
        self.write("Conv", [source.name, weights], f"{node.name}.c", node.name, pads=list(node.padding),
                 strides=list(node.stride), dilations=list(node.dilation), group=node.groups)  # fmt: skip
        arrays = [self.outside(f"{node.name}.{part}", node.channels) for part in "gbmv"]
        self.write("BatchNormalization", [f"{node.name}.c", *arrays], last)
        if node.rectified:
            self.write("LeakyRelu", [last], node.name)

    def pool(self, graph, node):
        window = {"kernel_shape": node.kernel, "strides": node.stride, "pads": node.padding}
        self.write("MaxPool", node.inputs, node.name, **{key: list(value) for key, value in window.items()})

    def concat(self, graph, node):
        self.write("Concat", node.inputs, node.name, axis=1)

    def add(self, graph, node):
        self.write("Add", node.inputs, node.name)

    def slice(self, graph, node):
        bounds = {"start": 0, "stop": node.channels, "axis": 1}
        names = [self.inside(f"{node.name}.{key}", [value]) for key, value in bounds.items()]
        self.write("Slice", [node.inputs[0], *names], node.name)

    def gather(self, graph, node):
        scales = self.inside(f"{node.name}.scales", np.array([1, 1, 2, 2], np.float32))
        self.write("Resize", [node.inputs[0], "", scales], node.name, mode="nearest",
                   coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip

    def global_pool(self, graph, node):
        self.write("GlobalAveragePool", node.inputs, node.name)

    def dense(self, graph, node):
        (source,) = graph.inputs_of(node)
        flat = source.name
        if source.kind != "dense":
            flat = f"{node.name}.flat"
            self.write("Flatten", [source.name], flat)
        weights = self.outside(f"{node.name}.w", node.channels, source.channels * source.pixels)
        self.write("Gemm", [flat, weights], node.name, transB=1)


@pytest.mark.parametrize(
    "name", ["tinyyolov3", "tinyyolov4", "vgg16", "resnet50", "resnet152", "mobilenetv2"]
)
def test_layers_crossbars_and_steps_are_those_of_the_published_network(name, tmp_path):
    path, own = tmp_path / f"{name}.onnx", load_graph(name)
    path.write_bytes(Writer(own).model.SerializeToString())
    read = load_graph(path)
    for elements in (Elements(), Elements(128, 128, 2, "dense", "include")):
        one, other = (Schedule(graph, Settings(elements, extra=16, sets="pixel")) for graph in (own, read))
        assert [node.name for node in one.layers] == [node.name for node in other.layers]
        assert (one.costs, one.pixels, one.copies) == (other.costs, other.pixels, other.copies)
        assert one.steps == other.steps


def test_height_and_width_of_a_file_that_leaves_them_open(tmp_path):
    model = Writer(load_graph("tinyyolov4")).model
    for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_param = "side"
    path = tmp_path / "open.onnx"
    path.write_bytes(model.SerializeToString())
    for size in ("96x64", "3x96x64"):
        read, own = load_graph(path, size), load_graph("tinyyolov4", "96x64")
        assert Schedule(read).steps == Schedule(own).steps


def test_bilinear_upsampling_reads_two_rows_and_two_columns(tmp_path):
    """By 2 with half pixels: output y lies at y / 2 - 1 / 4."""
    model = Writer(load_graph("tinyyolov4", "64x64")).model
    (resize,) = (node for node in model.graph.node if node.op_type == "Resize")
    for attribute in resize.attribute:
        changed = {"mode": b"linear", "coordinate_transformation_mode": b"half_pixel"}
        attribute.s = changed.get(attribute.name, attribute.s)
    path = tmp_path / "linear.onnx"
    path.write_bytes(model.SerializeToString())
    node = load_graph(path).by_name[resize.output[0]]
    np.testing.assert_array_equal(node.rows, [[0, 0, 0, 1], [0, 1, 1, 1]])
    np.testing.assert_array_equal(node.columns, node.rows)
