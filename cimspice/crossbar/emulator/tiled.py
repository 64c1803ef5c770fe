"""A network of dense layers on crossbar tiles: weights as cells, inputs as voltages, partial sums added."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from cimspice.arrays import ClippedWarning, checked_array, kept_array, real_array
from cimspice.crossbar.emulator.perceptron import Perceptron
from cimspice.crossbar.emulator.tile_layer import TiledLayer, TileReader, TileWires
from cimspice.crossbar.mapping.conductances import ConductanceRange, map_weights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import ParameterError
from cimspice.network.decisions import share_right, strongest


@dataclass(frozen=True, eq=False)
class TiledTrace:
    """What a network made of a batch.

    Attributes
    ----------
    outputs
        (samples, classes).
    clipped
        Of each layer, how many of its inputs (samples · inputs) were larger than its ``input_scale`` and
        were read as that.
    """

    outputs: np.ndarray
    clipped: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TiledNetwork:
    """Layers on tiles, rectified in between; ``biases`` (outputs,) are added digitally."""

    layers: tuple[TiledLayer, ...]
    biases: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        if not len(self.layers) or len(self.layers) != len(self.biases):
            raise ParameterError(
                f"{len(self.layers)} layers and {len(self.biases)} vectors of biases",
                place="TiledNetwork",
                remedy="give one of each, and at least one layer",
            )
        for number, (before, after) in enumerate(pairwise(self.layers)):
            if before.tiling.columns != 2 * after.tiling.rows:
                raise ParameterError(
                    f"layer {number} has {before.tiling.columns // 2} outputs, the next "
                    f"{after.tiling.rows} inputs",
                    place=f"TiledNetwork.layers[{number + 1}]",
                    remedy="make the layers fit",
                )
        biases = (
            kept_array(f"biases[{number}]", bias, (layer.tiling.columns // 2,))
            for number, (layer, bias) in enumerate(zip(self.layers, self.biases, strict=True))
        )
        object.__setattr__(self, "biases", tuple(biases))

    def trace(self, x: np.ndarray, read: TileReader | None = None) -> TiledTrace:
        """Outputs of inputs (samples, inputs) ≥ 0, and what was clipped on the way.

        Warns
        -----
        ClippedWarning
            If the network's own inputs are clipped.
        """
        values, clipped = np.asarray(real_array("inputs", x), dtype=float), []
        for number, (layer, bias) in enumerate(zip(self.layers, self.biases, strict=True)):
            summed = layer(values, read) + bias
            clipped.append(layer.clipped(values))
            values = summed if number == len(self.layers) - 1 else np.maximum(summed, 0.0)
        if clipped[0]:
            warnings.warn(
                f"{clipped[0]} inputs are larger than {self.layers[0].input_scale:g} and are read as that; "
                "map the network with calibration inputs as large as those it will get",
                ClippedWarning,
                stacklevel=2,
            )
        return TiledTrace(values, tuple(clipped))

    def outputs(self, x: np.ndarray, read: TileReader | None = None) -> np.ndarray:
        """Outputs (samples, classes) of inputs (samples, inputs) ≥ 0; see `trace`."""
        return self.trace(x, read).outputs

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of samples (samples, inputs) whose largest output is their label's (samples,)."""
        outputs = self.outputs(x)
        return share_right(strongest(outputs), labels, outputs.shape[1])

    def with_layers(self, change: Callable[[TiledLayer], TiledLayer]) -> TiledNetwork:
        """The same network with every layer changed."""
        return replace(self, layers=tuple(change(layer) for layer in self.layers))


def map_network(
    network: Perceptron,
    calibration: np.ndarray,
    cells: ConductanceRange,
    *,
    tile: tuple[int, int] = (64, 64),
    wires: TileWires | None = None,
    read_voltage: float = 0.2,
) -> TiledNetwork:
    """Map a trained network on tiles.

    Parameters
    ----------
    network
        Weights (outputs, inputs) and biases.
    calibration
        Inputs (samples, inputs) ≥ 0 whose largest values set the input scale of each layer.
    cells
        What a cell can conduct.
    tile
        Rows and columns of a tile; two columns hold one output.
    wires
        Of every tile; 1 ohm per segment by default.
    read_voltage
        Of the largest input (V).

    Raises
    ------
    MappingError
        For weights, ranges and tiles that cannot be mapped.
    ParameterError
        For inputs that are negative or not finite: a word line voltage has one sign here.
    """
    x = checked_array("calibration", calibration, ("samples", network.weights[0].shape[1]), low=0)
    if not x.any():
        raise ParameterError(
            "calibration inputs are all zero", place="calibration", remedy="give inputs above 0"
        )
    tile_rows, tile_columns = checked_array("tile", tile, (2,), low=1, whole=True).tolist()
    layers = []
    for weights, values in zip(network.weights, network.layer_inputs(x), strict=False):
        mapped = map_weights(weights, cells)
        rows, columns = mapped.conductances.shape
        tiling = Tiling(rows, columns, tile_rows, tile_columns)
        layers.append(TiledLayer(mapped, tiling, wires or TileWires(), read_voltage, float(values.max())))
    return TiledNetwork(tuple(layers), network.biases)
