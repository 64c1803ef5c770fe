"""The simulator in the place of a layer's emulator: where a network's own signals go through the circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import prod
from typing import Any, Protocol

import numpy as np

from cimspice.network.circuit import CircuitNetwork, Layer, of_layer
from cimspice.progress import OnProgress

_VECTORS = 1000
"""Of one run of the simulator; patches of a convolution are many."""


@dataclass(frozen=True)
class LineComparison:
    """What converters take in, and their codes: circuit against emulator for the same inputs of a layer.

    Attributes
    ----------
    error, size
        Sums of squares: of the differences, and of what the emulator has (V²).
    codes, differing, unexplained
        Conversions; how many codes differ; and of these how many farther from the threshold in between than
        it is known.
    """

    error: float = 0.0
    size: float = 0.0
    codes: int = 0
    differing: int = 0
    unexplained: int = 0

    def __add__(self, other: LineComparison) -> LineComparison:
        return LineComparison(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def relative(self) -> float:
        """Rms difference over the rms of the emulator's."""
        return float(np.sqrt(self.error / self.size)) if self.size else (0.0 if not self.error else np.inf)


class Simulated(Protocol):
    """Weighted sums by the simulator: ``outputs`` (n, outputs); of each tile its ``places`` among inputs and
    outputs, and the largest error of a column against the emulator, relative to the tile's largest; CPU time.
    """

    @property
    def outputs(self) -> np.ndarray: ...

    @property
    def tile_errors(self) -> np.ndarray: ...

    @property
    def places(self) -> list[tuple[slice, slice]]: ...

    @property
    def cpu_seconds(self) -> float: ...


@dataclass(frozen=True, eq=False)
class SimulatedSums:
    """A layer's weighted sums through ngspice, where they are converted.

    Attributes
    ----------
    outputs
        Weighted sums (n, outputs), from ngspice's codes.
    tile_errors
        Of each tile, the largest difference of what converters take in to the emulator's, relative to the
        largest of the tile or of the layer.
    places
        Inputs and outputs of each.
    lines
        Differences of what converters take in (V) and codes beside the emulator's.
    cpu_seconds
        Of ngspice, now or when it first ran.
    """

    outputs: np.ndarray
    tile_errors: np.ndarray
    places: list[tuple[slice, slice]]
    lines: LineComparison
    cpu_seconds: float


class Simulate(Protocol):
    """A family's ``simulate`` of a layer for inputs (n, inputs). What it gives may have ``lines``, a
    `LineComparison`, where sums are converted."""

    def __call__(self, layer: Any, x: np.ndarray, *, progress: OnProgress) -> Simulated: ...


Seconds = Callable[[Layer, int], float]
"""CPU time that the simulator is expected to take for a layer and a number of inputs."""


@dataclass
class SimulatedLayer:
    """A `Layer` whose sums are the simulator's, for inputs (n, inputs), each different one once."""

    layer: Layer
    simulate: Simulate
    progress: OnProgress
    matrix: None = None
    seconds: float = 0.0
    errors: np.ndarray = field(default_factory=lambda: np.zeros(0))
    places: list[tuple[slice, slice]] = field(default_factory=list)
    lines: LineComparison | None = None

    @property
    def absorbs(self) -> tuple[str, ...]:
        """What the circuit does beside sums."""
        return of_layer(self.layer, "absorbs")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        distinct, place = np.unique(x, axis=0, return_inverse=True)
        parts = []
        for first in range(0, len(distinct), _VECTORS):
            found = self.simulate(self.layer, distinct[first : first + _VECTORS], progress=self.progress)
            parts.append(found.outputs)
            self.seconds += found.cpu_seconds
            self.places = found.places
            if (lines := getattr(found, "lines", None)) is not None:
                self.lines = lines if self.lines is None else self.lines + lines
            self.errors = (
                np.maximum(self.errors, found.tile_errors) if self.errors.size else found.tile_errors
            )
        return np.concatenate(parts)[np.ravel(place)]


def simulated_layers(
    mapped: CircuitNetwork, simulate: Simulate, progress: OnProgress
) -> dict[str, list[SimulatedLayer]]:
    """The simulator for every layer, by node: one for each group of a convolution."""

    def named(name: str) -> OnProgress:
        return lambda state: progress(
            replace(state, stage=": ".join(filter(None, (f"ngspice: tiles of {name}", state.stage))))
        )

    return {
        name: [SimulatedLayer(layer, simulate, named(name)) for layer in layers]
        for name, layers in mapped.layers.items()
    }


def by_node(circuits: Mapping[str, Sequence[SimulatedLayer]]) -> dict[str, Any]:
    """As `Network.values` takes them."""
    return {name: made[0] if len(made) == 1 else tuple(made) for name, made in circuits.items()}


def vectors(mapped: CircuitNetwork, name: str) -> int:
    """Inputs that a layer receives for one sample."""
    shape = mapped.network.shapes[name]
    node = next(node for node in mapped.network.weight_layers if node.name == name)
    return prod(shape[1:]) if node.operation == "conv" else prod(shape[:-1])
