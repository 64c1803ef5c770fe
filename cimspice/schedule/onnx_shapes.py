"""ONNX files as graphs of shapes: no weight is read, none is stored beside the file either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.network.onnx_import import ModelReader, opened
from cimspice.schedule.graph import Graph
from cimspice.schedule.shapes import Shapes

if TYPE_CHECKING:
    import onnx

_SMALL = 4096  # numbers of a tensor that is read: shapes, axes, places


def from_onnx(path: str | Path, input_shape: Sequence[int] | None = None) -> Graph:
    """A graph from an ONNX file, opset 7 and later.

    Parameters
    ----------
    path
        The file.
    input_shape
        Of one sample, where the file leaves sizes open.

    Raises
    ------
    ParameterError
        For operators and settings that are not supported, open sizes, a batch of more than one, a cycle, and
        a file that is no ONNX model.
    """
    model, opset = opened(Path(path))
    return _ShapeReader(model, opset, str(path), input_shape).graph_of(Path(path).name)


class _ShapeReader(ModelReader):
    """Each value of the model is a shape; weights are zeros that take no memory."""

    several_outputs = interpolates = True

    def __init__(self, model: onnx.ModelProto, opset: int, place: str, shape: Sequence[int] | None) -> None:
        super().__init__(model, opset, place, shape)
        declared = self.source.type.tensor_type.shape.dim
        if declared and declared[0].dim_value > 1:
            raise self._error(
                f"input {self.source.name!r} is a batch of {declared[0].dim_value}", "export it with batch 1"
            )
        self.shapes = Shapes(place, place, self.input_shape)

    def _shape(self, given: Sequence[int] | None) -> tuple[int, tuple[int, ...]]:
        """Height and width alone leave the channels to the file."""
        axes = self.source.type.tensor_type.shape.dim
        if given is not None and len(given) == 2 and len(axes) == 4:
            given = axes[1].dim_value, *given
        return super()._shape(given)

    def graph_of(self, name: str) -> Graph:
        """All of it."""
        known = {self.source.name, *self.constants}
        for node in self._needed():
            for each in node.input:
                if each not in known:
                    raise self._error(
                        f"node {node.name or node.output[0]!r} ({node.op_type}) takes {each!r}, which "
                        "no node before it gives: a cycle, or another order",
                        "export the network again, its nodes in topological order",
                    )
            known.update(node.output)
        self.read_nodes()
        return self.shapes.graph(name)

    def tensor(self, tensor: onnx.TensorProto) -> np.ndarray:
        """Small tensors as they are; others as zeros of their shape."""
        from onnx import TensorProto, helper

        for entry in tensor.external_data:
            if entry.key == "location" and (
                PurePosixPath(entry.value).is_absolute()
                or PureWindowsPath(entry.value).is_absolute()
                or ".." in PurePosixPath(entry.value.replace("\\", "/")).parts
            ):
                raise self._error(
                    f"tensor {tensor.name!r} lies in {entry.value!r}, outside the file's folder",
                    "export the network with its weights beside it",
                )
        if tensor.data_location != TensorProto.EXTERNAL and prod(tensor.dims) <= _SMALL:
            return super().tensor(tensor)
        return np.broadcast_to(np.zeros((), helper.tensor_dtype_to_np_dtype(tensor.data_type)), tensor.dims)

    def emit(
        self,
        node: onnx.NodeProto,
        operation: str,
        inputs: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        output: int = 0,
    ) -> None:
        names = [self.given[each] for each in inputs]
        name = self._free(node.name if node.name and output == 0 else node.output[output])
        found = {key: np.shape(array) for key, array in (arrays or {}).items()}
        self.shapes.layer(name, operation, names, settings or {}, found)
        self.given[node.output[output]] = name

    def merge(self, node: onnx.NodeProto, value: str, scale: np.ndarray | None, shift: np.ndarray) -> bool:
        """Whatever follows weighted sums channel by channel costs the schedule nothing."""
        self.given[node.output[0]] = self.given[value]
        return True

    def shape(self, value: str) -> tuple[int, ...]:
        return (self.batch, *self.shapes.sizes[self.given[value]])

    def names(self) -> set[str]:
        return set(self.shapes.sizes)
