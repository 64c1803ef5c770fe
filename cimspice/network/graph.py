"""A trained network as a graph of operations, and its reference execution in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from cimspice.arrays import checked_array, kept_array
from cimspice.errors import ParameterError
from cimspice.network.operations import OPERATIONS, WEIGHTED, weighted_sums

INPUT = "input"
"""Name of the network's input among its values."""
_MEMORY = 2**25  # byte, of the values of one chunk of samples
Layers = Mapping[str, Any]
"""Circuit layers by the name of the dense or conv node whose weighted sums they form; for a convolution of
several groups a sequence of one per group."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation; its name is also that of the value it gives.

    Parameters
    ----------
    name
        Unique in its network.
    operation
        One of :data:`cimspice.network.operations.OPERATIONS`.
    inputs
        Names of the values it takes; ``"input"`` is the network's own.
    settings
        What the operation needs beside arrays. conv: ``stride``, ``padding`` (begin..., end...),
        ``dilation``, ``groups``, each of which may be left out.
    arrays
        dense: ``weights`` (outputs, inputs), conv: ``weights`` (outputs, inputs / groups, *kernel), both with
        a ``bias`` (outputs,) or none. Kept as they are now, in double precision.
    """

    name: str
    operation: str
    inputs: tuple[str, ...] = (INPUT,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ParameterError(
                f"no operation {self.operation!r}",
                place=f"layer {self.name!r}",
                remedy=f"choose from {', '.join(OPERATIONS)}",
            )
        arrays = {
            key: kept_array(f"{key} of layer {self.name!r}", array, (...,))
            for key, array in self.arrays.items()
        }
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "settings", dict(self.settings))
        object.__setattr__(self, "arrays", arrays)

    @property
    def parameters(self) -> int:
        """Numbers in its arrays."""
        return sum(array.size for array in self.arrays.values())


@dataclass(frozen=True, eq=False)
class Network:
    """Operations in an order in which each one's inputs are known.

    Parameters
    ----------
    name
        For tables and messages.
    input_shape
        Of one sample.
    nodes
        In topological order.
    output
        Name of the node whose value is the network's.
    source
        In words, where the weights come from.
    remarks
        What was supposed or changed when it was read, in words.
    """

    name: str
    input_shape: tuple[int, ...]
    nodes: tuple[Node, ...]
    output: str
    source: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(int(size) for size in self.input_shape))
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "remarks", tuple(self.remarks))
        known = {INPUT}
        for node in self.nodes:
            missing = [name for name in node.inputs if name not in known]
            if missing or node.name in known:
                what = f"takes {missing[0]!r}, which nothing before it gives" if missing else "is there twice"
                raise ParameterError(
                    f"layer {node.name!r} {what}", place=self.name, remedy="order and name the layers so"
                )
            known.add(node.name)
        if self.output not in known:
            raise ParameterError(
                f"no layer {self.output!r}", place=f"output of {self.name}", remedy="name one of the layers"
            )
        _ = self.shapes  # refuses layers that do not fit one another

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each value for one sample, by name; the input's among them."""
        zeros = np.zeros((1, *self.input_shape))
        with np.errstate(all="ignore"):
            return {name: value.shape[1:] for name, value in self._run(zeros, {}).items()}

    @property
    def weight_layers(self) -> tuple[Node, ...]:
        """The dense and conv nodes."""
        return tuple(node for node in self.nodes if node.operation in WEIGHTED)

    @property
    def macs(self) -> int:
        """Multiplications by a weight, for one sample."""
        return sum(self._macs(node) for node in self.weight_layers)

    def outputs(self, x: np.ndarray, layers: Layers | None = None) -> np.ndarray:
        """Output (samples, ...) for ``x`` (samples, *input_shape), with circuit layers in place of weights.

        Raises
        ------
        ParameterError
            For inputs of another shape or that are not finite, and layers whose name no dense or conv has.
        """
        given, layers = self._checked(x, layers)
        each = 8 * sum(prod(shape) for shape in self.shapes.values())
        step = max(1, _MEMORY // max(each, 1))
        parts = [
            self._run(given[first : first + step], layers, only=self.output)[self.output]
            for first in range(0, max(len(given), 1), step)
        ]
        return np.concatenate(parts)

    def values(self, x: np.ndarray, layers: Layers | None = None) -> dict[str, np.ndarray]:
        """Every value (samples, ...) by name, that of the input among them."""
        return self._run(*self._checked(x, layers))

    def with_weights(
        self, weights: Mapping[str, np.ndarray], biases: Mapping[str, np.ndarray] | None = None
    ) -> Network:
        """The same network with other weights in the layers named, as they are or as (outputs, inputs), and
        with other biases (outputs,)."""
        new: dict[str, dict[str, np.ndarray]] = {}
        for key, given in (("weights", weights), ("bias", biases or {})):
            self._check_names(given)
            for name, array in given.items():
                new.setdefault(name, {})[key] = array
        nodes = [
            replace(node, arrays={**node.arrays, **_fitting(node, new[node.name])})
            if node.name in new
            else node
            for node in self.nodes
        ]
        return replace(self, nodes=tuple(nodes))

    def facts(self) -> dict[str, Any]:
        """What ``cimspice network show --json`` prints; ``shape`` is of a layer's value for one sample."""
        return {
            "name": self.name,
            "source": self.source,
            "input_shape": list(self.input_shape),
            "output_shape": list(self.shapes[self.output]),
            "layers": [
                {
                    "name": node.name,
                    "kind": node.operation,
                    "inputs": list(node.inputs),
                    "shape": list(self.shapes[node.name]),
                    "weights": list(node.arrays["weights"].shape) if node in self.weight_layers else None,
                    "parameters": node.parameters,
                    "macs": self._macs(node),
                }
                for node in self.nodes
            ],
            "weights": sum(node.arrays["weights"].size for node in self.weight_layers),
            "parameters": sum(node.parameters for node in self.nodes),
            "macs": self.macs,
            "remarks": list(self.remarks),
        }

    def _macs(self, node: Node) -> int:
        if node.operation not in WEIGHTED:
            return 0
        weights = node.arrays["weights"]
        return prod(self.shapes[node.name]) * (weights.size // len(weights))

    def _checked(self, x: np.ndarray, layers: Layers | None) -> tuple[np.ndarray, Layers]:
        self._check_names(layers or {})
        return checked_array("inputs", x, ("samples", *self.input_shape)), layers or {}

    def _check_names(self, named: Mapping[str, Any]) -> None:
        names = [node.name for node in self.weight_layers]
        for name in named:
            if name not in names:
                raise ParameterError(
                    f"no dense or conv layer {name!r}",
                    place=self.name,
                    remedy=f"choose from {', '.join(names) or 'none: it has no weights'}",
                )

    def _run(self, x: np.ndarray, layers: Layers, only: str = "") -> dict[str, np.ndarray]:
        """Values by name; with ``only``, those that nothing needs any more are let go."""
        values = {INPUT: x}
        last = {name: node.name for node in self.nodes for name in node.inputs} if only else {}
        for node in self.nodes:
            taken = [values[name] for name in node.inputs]
            try:
                if node.operation in WEIGHTED:
                    values[node.name] = weighted_sums(node, *taken, layer=layers.get(node.name))
                else:
                    values[node.name] = OPERATIONS[node.operation](node, *taken)
            except (ValueError, IndexError, TypeError, KeyError, MemoryError) as error:
                if isinstance(error, ParameterError):
                    raise
                shapes = " and ".join(str(value.shape[1:]) for value in taken)
                own = "".join(f", {key} {array.shape}" for key, array in node.arrays.items())
                raise ParameterError(
                    f"layer {node.name!r} ({node.operation}{own}) cannot take {shapes}: {error}",
                    place=self.name,
                    remedy="give layers whose shapes follow from one another",
                ) from error
            for name in node.inputs:
                if last.get(name) == node.name and name != only:
                    values.pop(name, None)
        return values


def _fitting(node: Node, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays in the place of a node's own, in their shapes."""
    found = {}
    for key, array in given.items():
        own, array = node.arrays.get(key, np.zeros(len(node.arrays["weights"]))), np.asarray(array)
        flat = own.reshape(len(own), -1).shape if key == "weights" else own.shape
        if array.shape not in (own.shape, flat):
            raise ParameterError(
                f"{key} of layer {node.name!r} have shape {array.shape}",
                place=node.name,
                remedy=f"give {own.shape}",
            )
        found[key] = array.reshape(own.shape)
    return found
