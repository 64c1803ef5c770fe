"""ONNX files as networks: what does not depend on the input is computed once, here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.errors import CimspiceError, ParameterError
from cimspice.files import open_plain
from cimspice.network.graph import INPUT, Network, Node
from cimspice.network.onnx_constants import computed
from cimspice.network.onnx_node import LARGEST_VALUE, Unsupported
from cimspice.network.onnx_operators import CONVERSIONS
from cimspice.network.operations import OPERATIONS, WEIGHTED

if TYPE_CHECKING:
    import onnx

_LARGEST_FILE = 2**31 - 1  # more are none of protobuf's messages
_OLDEST_OPSET = 7
_ANY_BATCH = 2  # samples that stand for a batch of any size while shapes are found


def from_onnx(
    source: str | Path | onnx.ModelProto, input_shape: Sequence[int] | None = None, name: str = ""
) -> Network:
    """A network from an ONNX file or model, opset 7 and later.

    Parameters
    ----------
    source
        The file, or what ``onnx.load`` makes of it.
    input_shape
        Of one sample, where the file leaves sizes open.
    name
        Of the network; without it the file's.

    Raises
    ------
    ParameterError
        For operators and settings that are not supported, open sizes, weights that are not finite, a file
        that is no ONNX model, and where the package onnx is not installed.
    """
    _onnx()
    model = _read(Path(source)) if isinstance(source, str | Path) else source
    place = str(source) if isinstance(source, str | Path) else name or model.graph.name or "ONNX model"
    label = name or (Path(source).name if isinstance(source, str | Path) else place)
    return _Import(*_inlined(model, place), place, input_shape).network(label)


def opened(path: Path) -> tuple[onnx.ModelProto, int]:
    """The model in a file, without what is stored beside it, and its opset; ParameterError if not one."""
    _onnx()
    return _inlined(_read(path, external=False), str(path))


def _inlined(model: onnx.ModelProto, place: str) -> tuple[onnx.ModelProto, int]:
    """The model without functions of its own, and its opset, which is one that is known."""
    import onnx

    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
    newest = onnx.defs.onnx_opset_version()
    if not _OLDEST_OPSET <= opset <= newest:
        raise ParameterError(
            f"operators of opset {opset}",
            place=place,
            remedy=f"export the network with opset {_OLDEST_OPSET} to {newest}",
        )
    if model.functions:
        from onnx.inliner import inline_local_functions

        model = inline_local_functions(model)
    return model, opset


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise ParameterError(
            "ONNX networks need the package onnx",
            place="network",
            remedy="pip install 'cimspice[networks]'",
        ) from None
    return onnx


def _read(path: Path, *, external: bool = True) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        with open_plain(path, _LARGEST_FILE):
            pass
        model = onnx.load(path, load_external_data=external)
    except (OSError, DecodeError, ValueError, onnx.checker.ValidationError) as error:
        reason = str(error.strerror or error) if isinstance(error, OSError) else str(error)
        lines = reason.strip().splitlines() or ["not of this format"]
        raise ParameterError(
            f"not an ONNX file that can be read: {lines[0][:300]}", place=str(path), remedy="export it again"
        ) from None
    return model


class ModelReader:
    """The model's values become constants or layers in turn; what a layer is, the class beneath this one says
    with `emit`, `merge`, `shape` and `names`."""

    several_outputs = interpolates = False

    def __init__(
        self, model: onnx.ModelProto, opset: int, place: str, input_shape: Sequence[int] | None
    ) -> None:
        self.graph, self.opset, self.place = model.graph, opset, place
        self.constants: dict[str, np.ndarray] = {"": np.empty(0)}
        for tensor in self.graph.initializer:
            try:
                self.constants[tensor.name] = self.tensor(tensor)
            except (ValueError, TypeError, KeyError) as error:
                raise self._error(
                    f"tensor {tensor.name!r} cannot be read: {error}", "export it again"
                ) from None
        self.given: dict[str, str] = {}  # name of the model's value -> name of the layer that gives it
        self.roots: dict[str, str] = {}
        self.folded = 0  # batch normalisations
        self.source = self._one("input", [v for v in self.graph.input if v.name not in self.constants])
        if not self.several_outputs:
            self._one("output", self.graph.output)
        self.outputs = [value.name for value in self.graph.output]
        self.batch, self.input_shape = self._shape(input_shape)
        self.given[self.source.name] = INPUT

    def tensor(self, tensor: onnx.TensorProto) -> np.ndarray:
        """A constant of the model."""
        from onnx import numpy_helper

        return numpy_helper.to_array(tensor)

    def emit(
        self,
        node: onnx.NodeProto,
        operation: str,
        inputs: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        output: int = 0,
    ) -> None:
        """A layer that gives output number ``output`` of ``node``."""
        raise NotImplementedError

    def merge(self, node: onnx.NodeProto, value: str, scale: np.ndarray | None, shift: np.ndarray) -> bool:
        """Fold ``scale`` and ``shift``, both (outputs,), into the sums ``value`` where that can be."""
        raise NotImplementedError

    def shape(self, value: str) -> tuple[int, ...]:
        """Of a value that depends on the input, the batch in front."""
        raise NotImplementedError

    def names(self) -> set[str]:
        """Of the layers so far."""
        raise NotImplementedError

    def read_nodes(self) -> None:
        """All nodes that the outputs depend on."""
        needed = self._needed()
        self.uses = Counter(each for node in needed for each in node.input)
        self.uses.update(self.outputs)
        with np.errstate(all="ignore"):
            for node in needed:
                self._convert(node)
        for name in self.outputs:
            if name not in self.given:
                raise self._error(f"the output {name!r} does not depend on the input", "export it again")

    def same(self, node: onnx.NodeProto, value: str) -> None:
        """``node`` gives ``value`` as it is."""
        self.given[node.output[0]] = self.given[value]
        root = self.roots[node.output[0]] = self._root(value)
        self.uses[root] += self.uses[node.output[0]] - 1

    def _root(self, value: str) -> str:
        """The value that ``value`` is another name of."""
        return self.roots.get(value, value)

    def constant(self, node: onnx.NodeProto, number: int, what: str) -> np.ndarray | None:
        """Input ``number`` of ``node``, which must not depend on the network's; None where it is left out."""
        if number >= len(node.input) or not node.input[number]:
            return None
        if node.input[number] not in self.constants:
            raise Unsupported(f"computes its {what} from the network's input")
        return self.constants[node.input[number]]

    def _convert(self, node: onnx.NodeProto) -> None:
        place = f"node {node.name or node.output[0]!r} ({node.op_type})"
        try:
            if all(name in self.constants for name in node.input):
                self.constants |= computed(node, self.constants, self.opset)
            elif node.domain not in ("", "ai.onnx") or node.op_type not in CONVERSIONS:
                known = ", ".join(sorted(CONVERSIONS))
                raise self._error(
                    f"{place}: the operator {node.op_type!r}"
                    f"{f' of {node.domain}' if node.domain else ''} is not supported",
                    f"build the network of {known}",
                )
            else:
                CONVERSIONS[node.op_type](self, node)
        except Unsupported as error:
            raise self._error(f"{place} {error}", error.remedy) from None
        except CimspiceError as error:
            if error.place == self.place:
                raise
            raise self._error(f"{place}: {error.message}, at {error.place}", error.remedy) from None
        except (ValueError, IndexError, TypeError, KeyError, MemoryError) as error:
            shapes = " and ".join(str(self.shape(name)[1:]) for name in node.input if name in self.given)
            raise self._error(
                f"{place} cannot take {shapes or 'its inputs'}: {error}", "check the exported network"
            ) from error

    def _needed(self) -> list[onnx.NodeProto]:
        """Nodes that the outputs depend on."""
        wanted, found = set(self.outputs), []
        for node in reversed(self.graph.node):
            if wanted & set(node.output):
                found.append(node)
                wanted.update(node.input)
        return found[::-1]

    def _one(self, what: str, values: Sequence[Any]) -> Any:
        if len(values) != 1:
            names = ", ".join(value.name for value in values) or "none"
            raise self._error(
                f"{len(values)} {what}s: {names}",
                f"export a network of one {what} (onnx.utils.extract_model)",
            )
        return values[0]

    def _shape(self, given: Sequence[int] | None) -> tuple[int, tuple[int, ...]]:
        """Samples in a batch, and shape of one."""
        axes = self.source.type.tensor_type.shape.dim
        sizes = [max(axis.dim_value, 0) for axis in axes]  # 0 or less: open
        batch, inner = (sizes[0], sizes[1:]) if sizes else (0, [0] * len(given or ()))
        shown = ", ".join(str(axis.dim_value or axis.dim_param or "?") for axis in axes)
        if given is not None:
            if len(given) != len(inner) or any(a not in (0, b) for a, b in zip(inner, given, strict=True)):
                raise self._error(
                    f"input {self.source.name!r} has shape ({shown}), one sample of it is not "
                    f"{'x'.join(map(str, given))}",
                    "give --input the sizes behind the batch",
                )
            inner = [int(size) for size in given]
        if not inner or min(inner) < 1:
            raise self._error(
                f"input {self.source.name!r} has shape ({shown}): sizes behind the batch are open",
                "give them: --input CxHxW (in Python input_shape=(C, H, W))",
            )
        if prod(inner) * max(batch, 1) > LARGEST_VALUE:
            raise self._error(f"input {self.source.name!r} has shape ({shown})", "give a smaller one")
        return batch or _ANY_BATCH, tuple(inner)

    def _free(self, name: str) -> str:
        """``name``, or with a number where the network has it already."""
        taken, number, found = {INPUT, *self.names()}, 2, name
        while found in taken:
            found, number = f"{name}_{number}", number + 1
        return found

    def _error(self, message: str, remedy: str) -> ParameterError:
        return ParameterError(message, place=self.place, remedy=remedy)


class _Import(ModelReader):
    """Each layer is computed once for a batch of zeros."""

    def network(self, name: str) -> Network:
        """All of it."""
        self.nodes: dict[str, Node] = {}
        self.probes = {INPUT: np.zeros((self.batch, *self.input_shape))}
        self.read_nodes()
        source = f"ONNX file {name}, opset {self.opset}"
        nodes = tuple(self.nodes.values())
        remarks = ["batch normalisation folded into the weights before it"] if self.folded else []
        return Network(name, self.input_shape, nodes, self.given[self.outputs[0]], source, tuple(remarks))

    def emit(
        self,
        node: onnx.NodeProto,
        operation: str,
        inputs: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        output: int = 0,
    ) -> None:
        names = tuple(self.given[each] for each in inputs)
        base = node.name if node.name and output == 0 else node.output[output]
        made = Node(self._free(base), operation, names, settings or {}, arrays or {})
        taken = [self.probes[each] for each in names]
        probe = OPERATIONS[operation](made, *taken)
        if probe.ndim == 0 or len(probe) != self.batch:
            raise Unsupported("mixes the samples of a batch")
        self.nodes[made.name], self.probes[made.name] = made, probe
        self.given[node.output[output]] = made.name

    def merge(self, node: onnx.NodeProto, value: str, scale: np.ndarray | None, shift: np.ndarray) -> bool:
        """Where nothing else uses the weighted sums."""
        made = self.nodes.get(self.given[value])
        if made is None or made.operation not in WEIGHTED or self.uses[self._root(value)] != 1:
            return False
        weights, bias = made.arrays["weights"], made.arrays.get("bias", np.zeros(len(shift)))
        if len(weights) != len(shift) or (made.operation == "dense" and self.probes[made.name].ndim != 2):
            return False
        if scale is not None:
            weights, bias = weights * scale.reshape(-1, *[1] * (weights.ndim - 1)), bias * scale
        self.nodes[made.name] = replace(made, arrays={"weights": weights, "bias": bias + shift})
        self.given[node.output[0]] = made.name
        return True

    def shape(self, value: str) -> tuple[int, ...]:
        return self.probes[self.given[value]].shape

    def names(self) -> set[str]:
        return set(self.nodes)
