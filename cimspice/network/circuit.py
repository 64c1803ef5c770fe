"""A network on circuits: what a family offers for one layer, and a network whose weighted sums it forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from cimspice.network.convolution import patches
from cimspice.progress import OnProgress, silent

if TYPE_CHECKING:
    from cimspice.network.graph import Network, Node

_SAMPLES, _PATCHES = 64, 4096
"""Samples, and patches of each chunk of them, that calibrate a convolution's circuit; spread evenly, and
those with the largest and the least value."""


class Layer(Protocol):
    """Weighted sums of one matrix by a circuit. Stateless.

    A layer may have more, which `of_layer` reads: ``fast`` (thousands of inputs take seconds without a
    matrix); of neurons ``absorbs`` (names among ``"bias"``, ``"relu"`` of what its circuit does
    itself), ``full_scale`` (of its outputs, which errors are relative to), and ``smooth`` (a quicker layer
    near it with derivatives, for one whose emulator takes long).
    """

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


def of_layer(layer: object, name: str) -> Any:
    """What only some layers have, see `Layer`: () or None for others."""
    return getattr(layer, name, () if name == "absorbs" else None)


class Converter(Protocol):
    """A family's way to make circuits of a network that are no circuits of single matrices."""

    @property
    def family(self) -> str:
        """Its name."""
        ...

    def layers(
        self, network: Network, calibration: np.ndarray, progress: OnProgress = ...
    ) -> tuple[Mapping[str, Layer], Mapping[str, Layer] | None]:
        """Circuit of each dense or conv node, calibrated with inputs (samples, ...); and where weights were
        trained further, the circuits without that.

        Raises
        ------
        MappingError, ParameterError
            For what cannot be mapped, naming the layer.
        """
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

    def drawn(self, seed: int) -> Circuit:
        """One chip, whose deviations are drawn with this seed; what `fine_tune` puts each batch on."""
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
    """A network with a circuit in the place of every weighted sum; biases are added digitally where a circuit
    does not absorb them.

    Parameters
    ----------
    layers
        The circuits by node: one for each group of a convolution.
    raw
        Of a network whose weights were trained further for the circuit, the same without that.
    """

    network: Network
    family: str
    layers: Mapping[str, tuple[Layer, ...]]
    raw: CircuitNetwork | None = None

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

    def software(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Every value in software (samples, ...) by name, with a ReLU where the layer's circuit has it."""
        values = self.network.values(x)
        for name, layers in self.layers.items():
            if "relu" in of_layer(layers[0], "absorbs"):
                values[name] = np.maximum(values[name], 0.0)
        return values

    def error(self, name: str, found: np.ndarray, reference: np.ndarray) -> float:
        """Rms difference of a layer's values, relative to the reference's rms or, of circuits that have one,
        to their full scale."""
        scale = of_layer(self.layers[name][0], "full_scale")
        if scale is None:
            return relative(found, reference)
        return float(np.sqrt(np.mean((found - reference) ** 2))) / scale

    @property
    def last(self) -> str:
        """Name of the last layer."""
        return self.network.weight_layers[-1].name

    @property
    def smooth(self) -> CircuitNetwork:
        """The network of quicker layers near those whose emulator takes long."""
        return self._changed(lambda layer: of_layer(layer, "smooth") or layer)

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
        """What is programmed, ``LAYER.ARRAY`` to (groups, ...): one except of a grouped convolution; and each
        ``LAYER.bias`` (outputs,), which is added digitally."""
        found = {name: [layer.arrays() for layer in layers] for name, layers in self.layers.items()}
        programmed = {
            f"{name}.{key}": np.stack([one[key] for one in groups])
            for name, groups in found.items()
            for key in groups[0]
        }
        biases = {
            f"{node.name}.bias": node.arrays["bias"]
            for node in self.network.weight_layers
            if "bias" in node.arrays and "bias" not in of_layer(self.layers[node.name][0], "absorbs")
        }
        return programmed | biases

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


def map_network(
    network: Network,
    calibration: np.ndarray,
    circuit: Circuit | Converter,
    progress: OnProgress = silent,
) -> CircuitNetwork:
    """Put a trained network on circuits of one family.

    Parameters
    ----------
    network
        As imported.
    calibration
        Inputs (samples, ...) from whose values the ranges of each layer are taken.
    circuit
        Of the family.
    progress
        Of a family that first characterises and trains for the network's sizes.

    Raises
    ------
    MappingError, ParameterError
        For a layer that cannot be mapped.
    """
    if not hasattr(circuit, "layer"):
        made, raw = (
            given and CircuitNetwork(network, circuit.family, {name: (one,) for name, one in given.items()})
            for given in cast(Converter, circuit).layers(network, calibration, progress)
        )
        return replace(cast(CircuitNetwork, made), raw=raw)
    circuit = cast(Circuit, circuit)
    inputs = layer_inputs(network, calibration)
    layers = {
        node.name: tuple(
            circuit.layer(matrix, seen, node.name)
            for matrix, seen in zip(layer_matrices(node), inputs[node.name], strict=True)
        )
        for node in network.weight_layers
    }
    return CircuitNetwork(network, circuit.family, layers)


def relative(found: np.ndarray, reference: np.ndarray) -> float:
    """Rms difference over all samples and outputs, relative to the reference's rms."""
    size = float(np.linalg.norm(reference))
    difference = float(np.linalg.norm(found - reference))
    return difference / size if size else (0.0 if not difference else float("inf"))


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
