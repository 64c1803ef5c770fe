"""A network of dense layers on crossbar tiles: weights as cells, inputs as voltages, partial sums added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np

from cimspice.emulator.crossbar import Crossbar, NonlinearCrossbar, SinhCell
from cimspice.emulator.crossbar.wires import Drive, Sense
from cimspice.emulator.perceptron import Perceptron
from cimspice.errors import ParameterError
from cimspice.mapping.conductances import ConductanceRange, MappedWeights, difference, map_weights
from cimspice.mapping.tiles import Tiling

TileReader = Callable[["TiledLayer", int, np.ndarray], np.ndarray]
"""Layer, number of the tile, voltages (batch, tile's rows), V, to its column currents (batch, columns), A."""


@dataclass(frozen=True)
class TileWires:
    """Wires of every tile (ohms), as `cimspice.emulator.crossbar.Crossbar` takes them."""

    word_line_resistance: float = 1.0
    bit_line_resistance: float = 1.0
    source_resistance: float = 0.0
    sense_resistance: float = 0.0
    drive: Drive = "left"
    sense: Sense = "bottom"


IDEAL_WIRES = TileWires(0.0, 0.0)


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
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ParameterError(
                    f"{name} is {getattr(self, name)}", place="TiledLayer", remedy="give a positive number"
                )
        if not (np.isfinite(self.nonlinearity) and self.nonlinearity >= 0):
            raise ParameterError(
                f"nonlinearity is {self.nonlinearity}", place="TiledLayer", remedy="give 0 or more, in 1/V"
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
        """Word line voltages (batch, inputs) of inputs (batch, inputs)."""
        return self.read_voltage * np.clip(np.asarray(x) / self.input_scale, 0.0, 1.0)

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
class TiledNetwork:
    """Layers on tiles, rectified in between; ``biases`` (outputs,) are added digitally."""

    layers: tuple[TiledLayer, ...]
    biases: tuple[np.ndarray, ...]

    def outputs(self, x: np.ndarray, read: TileReader | None = None) -> np.ndarray:
        """Outputs (samples, classes) of inputs (samples, inputs) ≥ 0."""
        values = np.asarray(x, dtype=float)
        for number, (layer, bias) in enumerate(zip(self.layers, self.biases, strict=True)):
            summed = layer(values, read) + bias
            values = summed if number == len(self.layers) - 1 else np.maximum(summed, 0.0)
        return values

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of samples (samples, inputs) whose largest output is their label's (samples,)."""
        return float(np.mean(self.outputs(x).argmax(axis=1) == labels))

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
    x = np.asarray(calibration, dtype=float)
    if not (np.isfinite(x).all() and (x >= 0).all() and x.any()):
        raise ParameterError(
            "calibration inputs are negative, all zero or not finite",
            place="calibration",
            remedy="give inputs of 0 or more",
        )
    layers = []
    for weights, values in zip(network.weights, network.layer_inputs(x), strict=False):
        mapped = map_weights(weights, cells)
        rows, columns = mapped.conductances.shape
        tiling = Tiling(rows, columns, *tile)
        layers.append(TiledLayer(mapped, tiling, wires or TileWires(), read_voltage, float(values.max())))
    return TiledNetwork(tuple(layers), network.biases)
