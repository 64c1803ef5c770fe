"""Cells chosen so that an array with wires computes what it would without them.

The error is that of the column pairs' differences for the inputs that are met, each pair with the digital
gain that suits it best. The gain is eliminated (variable projection: G. H. Golub, V. Pereyra, SIAM J.
Numer. Anal. 10 (1973) 413), and the gradient with respect to all cells is one adjoint solution.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy import optimize

from cimspice.arrays import checked_array, checked_count
from cimspice.crossbar.emulator.array import Crossbar
from cimspice.crossbar.emulator.network_layers import tiled_layers, with_tiled_layers
from cimspice.crossbar.emulator.tile_layer import TiledLayer, TileWires
from cimspice.crossbar.mapping.conductances import ConductanceRange, difference, spread
from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork

_RIDGE = 1e-3
"""Of the mean square input, added for directions that no input takes."""


@dataclass(frozen=True, eq=False)
class CompensatedTile:
    """Cells (rows, columns), S, the gains (outputs,) of their column pairs, and what is left of the error.

    ``error_before`` and ``error`` are rms errors of the differences, relative to the ideal ones, both with
    their best gains.
    """

    conductances: np.ndarray
    gains: np.ndarray
    error_before: float
    error: float


def input_root(voltages: np.ndarray) -> np.ndarray:
    """R (rows, rows), RᵀR the second moment of voltages (samples, rows): all a squared error needs."""
    moment = voltages.T @ voltages / len(voltages)
    moment += _RIDGE * np.trace(moment) / len(moment) * np.eye(len(moment))
    return np.linalg.cholesky(moment).T


def compensate_tile(
    wanted: np.ndarray,
    wires: TileWires,
    cells: ConductanceRange,
    inputs: np.ndarray,
    *,
    steps: int = 40,
) -> CompensatedTile:
    """Cells of one linear tile, within ``cells``, whose effective conductances come nearest to ``wanted``.

    Parameters
    ----------
    wanted
        Conductances (rows, columns), S, as ideal wires would need them; pairs of columns are an output.
    wires, cells
        Of the tile; with ``levels``, the result is rounded to them.
    inputs
        Voltages (samples, rows), V, that weight the error.
    steps
        Most iterations of L-BFGS-B.

    Raises
    ------
    ParameterError
        For steps below 1, and inputs that are all zero or do not match.
    """
    checked_count("steps", steps, place="compensate_tile")
    wanted = checked_array("wanted", wanted, ("rows", "columns"), low=0)
    volts = checked_array("inputs", inputs, ("samples", len(wanted)))
    if not volts.any():
        raise ParameterError(
            f"inputs of shape {volts.shape} are all zero",
            place="inputs",
            remedy=f"give voltages (samples, {len(wanted)})",
        )
    root, lines = input_root(volts), asdict(wires)
    target = root @ difference(wanted)
    size = float((target**2).sum())

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        array = Crossbar(cells.high * flat.reshape(wanted.shape), **lines)
        found = difference(array.currents(root))
        gains = _gains(found, target)
        left = gains * found - target
        slope = array.gradient(root, spread(2 * gains * left / size))
        return float((left**2).sum()) / size, cells.high * slope.ravel()

    start = (cells.nearest(wanted) / cells.high).ravel()
    bounds = [(cells.low / cells.high, 1.0)] * wanted.size
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps, "maxcor": 20}
    )
    best = cells.nearest(cells.high * np.reshape(found.x, wanted.shape))
    (_, before), (gains, after) = (_matched(g, lines, root, target) for g in (cells.nearest(wanted), best))
    return CompensatedTile(best, gains, before, after)


def _gains(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The factor for each column of ``found`` that brings it nearest to ``target``; 1 for empty columns."""
    power = (found**2).sum(axis=0)
    return np.divide((found * target).sum(axis=0), power, out=np.ones_like(power), where=power > 0)


def _matched(conductances: np.ndarray, lines: dict, root: np.ndarray, target: np.ndarray):
    """Best gains, and the relative rms error with them."""
    found = difference(Crossbar(conductances, **lines).currents(root))
    gains = _gains(found, target)
    return gains, float(np.linalg.norm(gains * found - target) / np.linalg.norm(target))


@dataclass(frozen=True, eq=False)
class CompensatedNetwork:
    """A network after compensation, with every tile's result, layer by layer."""

    network: CircuitNetwork
    tiles: tuple[tuple[CompensatedTile, ...], ...]


def compensate(
    network: CircuitNetwork, cells: ConductanceRange, calibration: np.ndarray, *, steps: int = 40
) -> CompensatedNetwork:
    """Cells and gains of every tile of a network of dense layers with ReLU in between, in pairs of columns,
    for the inputs that ``calibration`` (samples, inputs) brings to it.

    The layers' inputs are those of the network on ideal wires. Cells are taken as linear.
    """
    layers, done = [], []
    for layer, values in zip(tiled_layers(network), _ideal_inputs(network, calibration), strict=True):
        tiles = [
            compensate_tile(wanted, layer.wires, cells, volts, steps=steps)
            for wanted, volts in _tile_inputs(layer, values)
        ]
        joined = layer.tiling.joined([tile.conductances for tile in tiles])
        layers.append(layer.with_conductances(joined, tuple(tile.gains for tile in tiles)))
        done.append(tuple(tiles))
    return CompensatedNetwork(with_tiled_layers(network, layers), tuple(done))


def calibrate_gains(
    network: CircuitNetwork, reference: CircuitNetwork, calibration: np.ndarray
) -> CircuitNetwork:
    """The digital gain that suits each column pair of each tile, as read from the tiles; cells stay.

    Parameters
    ----------
    network
        As programmed: with wires, non-linear cells, errors.
    reference
        The same tiles, with the conductances that ideal wires would need.
    calibration
        Inputs (samples, inputs) that are read.
    """
    layers, wanted_layers = [], tiled_layers(reference)
    inputs = _ideal_inputs(reference, calibration)
    for layer, wanted, values in zip(tiled_layers(network), wanted_layers, inputs, strict=True):
        gains = []
        for tile, (ideal, volts) in zip(layer.tiles, _tile_inputs(wanted, values), strict=True):
            found = difference(tile.currents(volts))
            gains.append(_gains(found, volts @ difference(ideal)))
        layers.append(replace(layer, gains=tuple(gains)))
    return with_tiled_layers(network, layers)


def _tile_inputs(layer: TiledLayer, values: np.ndarray):
    conductances = layer.tiling.cut(layer.mapped.conductances)
    return zip(conductances, layer.tiling.inputs(layer.voltages(values)), strict=True)


def _ideal_inputs(network: CircuitNetwork, x: np.ndarray) -> list[np.ndarray]:
    """What each layer receives where wires take nothing (samples, inputs)."""
    layers = tiled_layers(network)
    values, found = checked_array("calibration", x, ("samples", layers[0].tiling.rows), low=0), []
    for layer, node in zip(layers, network.network.weight_layers, strict=True):
        found.append(values)
        sums = np.minimum(values, layer.input_scale) @ layer.mapped.weights.T
        values = np.maximum(sums + node.arrays.get("bias", 0.0), 0.0)
    return found
