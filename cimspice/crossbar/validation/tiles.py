"""Tiles read by ngspice: what takes the exact solver's place in a tiled network."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

import numpy as np

from cimspice.campaign.bench_run import run_bench
from cimspice.crossbar.circuit.passive import CrossbarReadParameters
from cimspice.crossbar.emulator.tiled import TiledLayer, TiledNetwork
from cimspice.errors import ParameterError
from cimspice.network.decisions import agreement, share_right, strongest, undecided
from cimspice.progress import OnProgress, Progress, silent
from cimspice.spice import InProcess

LARGEST_TILE = 64
"""ngspice without KLU takes minutes for one such tile, hours for the next size."""


@dataclass
class NgspiceTiles:
    """A `TileReader`: one run of ngspice for each tile, all input vectors in it.

    Attributes
    ----------
    progress
        Called after each tile with how many were read.
    worst
        Largest difference so far between the exact solver and ngspice for the voltages that ngspice got,
        relative to the largest current of the tile.
    seconds
        CPU time of ngspice.
    solver_seconds
        CPU time of the exact solver on the same tiles and voltages.
    """

    progress: OnProgress = silent
    worst: float = 0.0
    seconds: float = 0.0
    solver_seconds: float = 0.0
    count: int = 0
    engine: InProcess = field(default_factory=InProcess)

    def __call__(self, layer: TiledLayer, number: int, voltages: np.ndarray) -> np.ndarray:
        """Column currents (batch, columns), A, of one tile at voltages (batch, rows), V."""
        check_tile(layer.tile_conductances[number].shape)
        given = CrossbarReadParameters(
            conductances=tuple(map(tuple, layer.tile_conductances[number].tolist())),
            voltages=tuple(map(tuple, voltages.tolist())),
            nonlinearity=layer.nonlinearity,
            **asdict(layer.wires),
        )
        table = run_bench("crossbar_read", given, engine=self.engine)
        self.seconds += table.attrs["cpu_seconds"]
        currents = table["column_current"].to_numpy().reshape(len(voltages), -1)
        began = time.process_time()
        solved = layer.tiles[number].currents(voltages)
        self.solver_seconds += time.process_time() - began
        largest = float(np.abs(currents).max()) or 1.0  # a tile whose inputs are all zero
        self.worst = max(self.worst, float(np.abs(solved - currents).max()) / largest)
        self.count += 1
        self.progress(Progress(done=self.count))
        return currents


def check_tile(shape: tuple[int, ...]) -> None:
    """Raises ParameterError for a tile that ngspice would take hours for."""
    if max(shape) > LARGEST_TILE:
        raise ParameterError(
            f"a tile of {' x '.join(map(str, shape))} takes ngspice hours",
            place="tile",
            remedy=f"compare on tiles of at most {LARGEST_TILE} x {LARGEST_TILE}",
        )


@dataclass(frozen=True, eq=False)
class TileComparison:
    """A network through exact solver and ngspice.

    Attributes
    ----------
    outputs, circuit_outputs
        (samples, classes) of solver and of ngspice, each layer with its own inputs.
    tile_error
        Largest difference of a column current at equal voltages, relative to the tile's largest current.
    clipped
        Of each layer, how many of its inputs in ngspice were beyond its input scale.
    """

    outputs: np.ndarray
    circuit_outputs: np.ndarray
    tile_error: float
    tiles: int
    spice_seconds: float
    solver_seconds: float
    clipped: tuple[int, ...]

    @property
    def output_error(self) -> float:
        """Largest difference of an output, relative to the largest output."""
        return float(np.abs(self.outputs - self.circuit_outputs).max() / np.abs(self.circuit_outputs).max())

    @property
    def decisions_agree(self) -> float:
        """Share of samples with the same decision; outputs that are all equal decide nothing."""
        return agreement(strongest(self.outputs), strongest(self.circuit_outputs))

    @property
    def undecided(self) -> float:
        """Share of samples in which all outputs of solver or circuit are equal."""
        return undecided(strongest(self.outputs), strongest(self.circuit_outputs))

    def circuit_accuracy(self, labels: np.ndarray) -> float:
        """Share of samples that ngspice gets right."""
        return share_right(strongest(self.circuit_outputs), labels, self.circuit_outputs.shape[1])


def compare_tiles(network: TiledNetwork, x: np.ndarray, progress: OnProgress = silent) -> TileComparison:
    """Send samples (samples, inputs) through the whole network in ngspice and in the exact solver."""
    reader = NgspiceTiles(progress)
    circuit, solved = network.trace(x, reader), network.trace(x)
    return TileComparison(
        solved.outputs,
        circuit.outputs,
        reader.worst,
        reader.count,
        reader.seconds,
        reader.solver_seconds,
        circuit.clipped,
    )
