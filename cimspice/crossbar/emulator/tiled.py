"""A network of dense layers on crossbar tiles: weights as cells, inputs as voltages, partial sums added."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from cimspice.arrays import ClippedWarning, checked_array, checked_number, kept_array, real_array
from cimspice.crossbar.emulator.array import Crossbar
from cimspice.crossbar.emulator.cells import SinhCell
from cimspice.crossbar.emulator.nonlinear import NonlinearCrossbar
from cimspice.crossbar.emulator.perceptron import Perceptron
from cimspice.crossbar.emulator.wires import Drive, Sense
from cimspice.crossbar.mapping.conductances import ConductanceRange, MappedWeights, difference, map_weights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import ParameterError
from cimspice.network.decisions import share_right, strongest

TileReader = Callable[["TiledLayer", int, np.ndarray], np.ndarray]
"""Layer, number of the tile, voltages (batch, tile's rows), V, to its column currents (batch, columns), A."""


@dataclass(frozen=True)
class TileWires:
    """Wires of every tile (ohms), as `cimspice.crossbar.Crossbar` takes them."""

    word_line_resistance: float = 1.0
    bit_line_resistance: float = 1.0
    source_resistance: float = 0.0
    sense_resistance: float = 0.0
    drive: Drive = "left"
    sense: Sense = "bottom"


IDEAL_WIRES = TileWires(0.0, 0.0)
"""Segments of 0 Ω."""


@dataclass(frozen=True, eq=False)
class TiledLayer:
    """One layer: what its cells conduct, how they are cut into tiles, and what inputs and currents mean.

    Attributes
    ----------
    mapped
        Conductances (inputs, 2 outputs) as read with ``verify_voltage`` across the cell, S.
    tiling
        Its tiles.
    wires
        Of every tile.
    read_voltage
        Word line voltage of the largest input (V).
    input_scale
        The input that gives ``read_voltage``; larger ones are clipped, as a converter does.
    nonlinearity
        a of cells i = g sinh(a v) / a (1/V); 0 for linear ones.
    verify_voltage
        At which the cells' conductances were set (V): a sinh cell conducts i/v = its conductance there.
    gains
        Digital factors on the difference of each column pair (tiles, outputs of a tile); None for 1.
    """

    mapped: MappedWeights
    tiling: Tiling
    wires: TileWires
    read_voltage: float
    input_scale: float
    nonlinearity: float = 0.0
    verify_voltage: float = 0.1
    gains: tuple[np.ndarray, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("read_voltage", "input_scale", "verify_voltage"):
            checked_number(name, getattr(self, name), above=0, place="TiledLayer")
        checked_number("nonlinearity", self.nonlinearity, low=0, place="TiledLayer")
        inputs, columns = self.mapped.conductances.shape
        if (self.tiling.rows, self.tiling.columns) != (inputs, columns):
            raise ParameterError(
                f"tiles cover {self.tiling.rows} x {self.tiling.columns} cells of {inputs} x {columns}",
                place="TiledLayer.tiling",
                remedy="give Tiling(*mapped.conductances.shape)",
            )
        if self.gains is not None:
            outputs = [(columns.stop - columns.start) // 2 for _, columns in self.tiling.places]
            if len(self.gains) != len(outputs):
                raise ParameterError(
                    f"gains of {len(self.gains)} tiles, there are {len(outputs)}",
                    place="TiledLayer.gains",
                    remedy="give an array of gains for each tile",
                )
            pairs = zip(self.gains, outputs, strict=True)
            object.__setattr__(
                self, "gains", tuple(kept_array("gains", gain, (count,)) for gain, count in pairs)
            )

    @cached_property
    def tile_conductances(self) -> list[np.ndarray]:
        """Conductances (S) of each tile at 0 V; linear cells have them anywhere."""
        bend = self.nonlinearity * self.verify_voltage
        share = bend / np.sinh(bend) if bend > 0 else 1.0
        return self.tiling.cut(self.mapped.conductances * share)

    @cached_property
    def tiles(self) -> list[Crossbar | NonlinearCrossbar]:
        """The arrays."""
        wires = asdict(self.wires)
        if self.nonlinearity > 0:
            return [
                NonlinearCrossbar(SinhCell(g, self.nonlinearity), **wires) for g in self.tile_conductances
            ]
        return [Crossbar(g, **wires) for g in self.tile_conductances]

    def voltages(self, x: np.ndarray) -> np.ndarray:
        """Word line voltages (batch, inputs) of inputs (batch, inputs) ≥ 0; see `clipped`."""
        values = checked_array("inputs", x, ("batch", self.tiling.rows), low=0)
        return self.read_voltage * np.minimum(values / self.input_scale, 1.0)

    def clipped(self, x: np.ndarray) -> int:
        """How many of the inputs (batch, inputs) are larger than ``input_scale``."""
        return int(np.count_nonzero(np.asarray(x) > self.input_scale))

    def __call__(self, x: np.ndarray, read: TileReader | None = None) -> np.ndarray:
        """Weighted sums (batch, outputs) of inputs (batch, inputs) ≥ 0.

        ``read`` takes the place of the exact solver: ngspice, or a measurement.
        """
        reader = read or _solved
        inputs = self.tiling.inputs(self.voltages(x))
        return self.decoded([reader(self, number, voltages) for number, voltages in enumerate(inputs)])

    def decoded(self, currents: Sequence[np.ndarray]) -> np.ndarray:
        """Weighted sums (batch, outputs) of the tiles' column currents (A)."""
        if self.gains is not None:
            currents = [part * np.repeat(gain, 2) for part, gain in zip(currents, self.gains, strict=True)]
        per_ampere = self.mapped.unit * self.input_scale / self.read_voltage
        return per_ampere * difference(self.tiling.summed(currents))

    def with_conductances(
        self, conductances: np.ndarray, gains: tuple[np.ndarray, ...] | None = None
    ) -> TiledLayer:
        """The same layer with other cells (inputs, 2 outputs), S, and the digital gains that go with them."""
        return replace(self, mapped=replace(self.mapped, conductances=conductances), gains=gains)


def _solved(layer: TiledLayer, number: int, voltages: np.ndarray) -> np.ndarray:
    return layer.tiles[number].currents(voltages)


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
