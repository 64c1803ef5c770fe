"""A network on circuits: what a family offers for one layer, and a network whose weighted sums it forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cimspice.network.convolution import patches

if TYPE_CHECKING:
    from cimspice.network.graph import Network, Node

_SAMPLES, _PATCHES = 64, 4096
"""Samples, and patches of each chunk of them, that calibrate a convolution's circuit; spread evenly, and
those with the largest and the least value."""


class Layer(Protocol):
    """Weighted sums of one matrix by a circuit. Stateless."""

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of what takes it off the exact sums and can be switched off, such as ``"wires"``."""
        ...

    @property
    def matrix(self) -> np.ndarray | None:
        """Realised weights (outputs, inputs) where the sums are those of ``clip(x)`` by them, else None."""
        ...

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Weighted sums (n, outputs) of inputs (n, inputs)."""
        ...

    def clip(self, x: np.ndarray) -> np.ndarray:
        """Inputs of any shape as the circuit's lines carry them: limited, and rounded by a DAC."""
        ...

    def clipped(self, x: np.ndarray) -> int:
        """How many of the inputs, of any shape, are beyond the range and limited to it."""
        ...

    def without(self, *effects: str) -> Layer:
        """The layer with these effects switched off.

        Raises
        ------
        ParameterError
            For a name that is not among ``effects``.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """``cells``, ``tiles``, ``utilisation``, ``clipped_weights``, ``saturated``, ``weight_error`` (rms of
        the realised weights' deviations, relative to the weights' rms); null where a family has none."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """What is programmed into the circuit, by name; ``weights`` (chips, outputs, inputs) that it realises
        among it."""
        ...


class Circuit(Protocol):
    """A family's way to make the circuit of a layer."""

    @property
    def family(self) -> str:
        """Its name."""
        ...

    def layer(self, weights: np.ndarray, calibration: np.ndarray, name: str) -> Layer:
        """The circuit of weights (outputs, inputs), its ranges calibrated with inputs (n, inputs).

        Raises
        ------
        MappingError, ParameterError
            For what cannot be mapped, naming the layer.
        """
        ...


@dataclass(frozen=True, eq=False)
class CircuitTrace:
    """What a network on circuits made of a batch.

    Attributes
    ----------
    values
        Of every node by its name, (batch, ...).
    clipped
        Of each layer, by its node's name: how many of its inputs were limited to the circuit's range. Each
        value counts once, however many positions of a kernel see it.
    """

    values: Mapping[str, np.ndarray]
    outputs: np.ndarray
    clipped: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class CircuitNetwork:
    """A network with a circuit in the place of every weighted sum; biases are added digitally.

    ``layers`` has the circuits by node: one for each group of a convolution.
    """

    network: Network
    family: str
    layers: Mapping[str, tuple[Layer, ...]]

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the effects that some layer has, in the layers' order."""
        return tuple(dict.fromkeys(name for layer in self._all for name in layer.effects))

    @property
    def chips(self) -> int:
        """Instances of the circuit; see `chip`."""
        return max(getattr(layer, "chips", 1) for layer in self._all)

    def chip(self, number: int) -> CircuitNetwork:
        """The network on one of the chips, from 0."""
        return self._changed(lambda layer: layer.chip(number) if getattr(layer, "chips", 1) > 1 else layer)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Outputs (batch, ...) of inputs (batch, ...); of several chips (chips, batch, ...)."""
        if self.chips > 1:
            return np.stack([self.chip(number).outputs(x) for number in range(self.chips)])
        return self.network.outputs(x, self._given)

    def trace(self, x: np.ndarray) -> CircuitTrace:
        """Values of all nodes for inputs (batch, ...) of one chip, and how many were clipped."""
        values = self.network.values(x, self._given)
        clipped = {
            node.name: sum(
                layer.clipped(part)
                for layer, part in zip(
                    self.layers[node.name], _grouped(values[node.inputs[0]], node), strict=True
                )
            )
            for node in self.network.weight_layers
        }
        return CircuitTrace(values, values[self.network.output], clipped)

    def output_from(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Output (samples, ...) of one chip, see `Network.output_from`."""
        return self.network.output_from(values, self._given)

    def without(self, *effects: str, layer: str | None = None) -> CircuitNetwork:
        """The network with effects switched off, in all layers that have them or in one node's."""
        return self._changed(
            lambda one: one.without(*(name for name in effects if name in one.effects)), only=layer
        )

    def facts(self) -> dict[str, Any]:
        """Of each layer by its name, summed or averaged over the groups of a convolution."""
        return {
            "family": self.family,
            "effects": list(self.effects),
            "layers": [
                {"name": name, **_together([layer.facts() for layer in layers])}
                for name, layers in self.layers.items()
            ],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """What is programmed, ``LAYER.ARRAY`` to (groups, ...): one group except of a grouped convolution."""
        found = {name: [layer.arrays() for layer in layers] for name, layers in self.layers.items()}
        return {
            f"{name}.{key}": np.stack([one[key] for one in groups])
            for name, groups in found.items()
            for key in groups[0]
        }

    @property
    def _all(self) -> list[Layer]:
        return [layer for layers in self.layers.values() for layer in layers]

    @property
    def _given(self) -> dict[str, Any]:
        return {name: one[0] if len(one) == 1 else one for name, one in self.layers.items()}

    def _changed(self, change, only: str | None = None) -> CircuitNetwork:
        return replace(
            self,
            layers={
                name: tuple(map(change, layers)) if only in (None, name) else layers
                for name, layers in self.layers.items()
            },
        )


def map_network(network: Network, calibration: np.ndarray, circuit: Circuit) -> CircuitNetwork:
    """Put a trained network on circuits of one family.

    Parameters
    ----------
    network
        As imported.
    calibration
        Inputs (samples, ...) from whose values the ranges of each layer are taken.
    circuit
        Of the family.

    Raises
    ------
    MappingError, ParameterError
        For a layer that cannot be mapped.
    """
    inputs = layer_inputs(network, calibration)
    layers = {
        node.name: tuple(
            circuit.layer(matrix, seen, node.name)
            for matrix, seen in zip(layer_matrices(node), inputs[node.name], strict=True)
        )
        for node in network.weight_layers
    }
    return CircuitNetwork(network, circuit.family, layers)


def layer_matrices(node: Node) -> list[np.ndarray]:
    """Weights (outputs, inputs) of a dense node, or of each group of a convolution."""
    weights = node.arrays["weights"]
    return np.split(weights.reshape(len(weights), -1), node.settings.get("groups", 1))


def layer_inputs(network: Network, x: np.ndarray) -> dict[str, tuple[np.ndarray, ...]]:
    """What the matrices of each layer receive for ``x`` (samples, ...), each (n, inputs), by the node's name;
    of a convolution some of the patches, with the extremes among them."""
    values = network.values(x)
    return {
        node.name: tuple(
            _inputs(node, part, node.arrays["weights"].shape[2:])
            for part in _grouped(values[node.inputs[0]], node)
        )
        for node in network.weight_layers
    }


def _grouped(x: np.ndarray, node: Node) -> Sequence[np.ndarray]:
    """Inputs of the node's groups."""
    return np.split(x, node.settings.get("groups", 1), axis=1)


def _inputs(node: Node, x: np.ndarray, kernel: Sequence[int]) -> np.ndarray:
    """Inputs (n, inputs) of a matrix."""
    if node.operation != "conv":
        return x.reshape(-1, x.shape[-1])
    ones = (1,) * len(kernel)
    defaults = {"stride": ones, "padding": (0,) * 2 * len(kernel), "dilation": ones}
    geometry = [node.settings.get(name, default) for name, default in defaults.items()]
    spread = np.arange(0, len(x), -(-len(x) // _SAMPLES))
    shown = x[np.union1d(spread, _extremes(x))]
    kept = []
    for chunk in patches(shown, kernel, *geometry):
        spread = np.arange(0, len(chunk), -(-len(chunk) // _PATCHES))
        kept.append(chunk[np.union1d(spread, _extremes(chunk))])
    return np.concatenate(kept)


def _extremes(x: np.ndarray) -> list[int]:
    """Places along the first axis of the largest and of the least value."""
    return [int(found) * len(x) // x.size for found in (x.argmax(), x.argmin())]


def _together(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts summed, shares averaged, over the groups of one layer."""
    joined = {}
    for name, first in facts[0].items():
        found = [one[name] for one in facts if one[name] is not None]
        if not found or isinstance(first, str):
            joined[name] = first
        else:
            joined[name] = sum(found) if isinstance(first, int) else float(np.mean(found))
    return joined
