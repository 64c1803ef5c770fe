"""Tiles read by ngspice: what takes the exact solver's place in a tiled network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.store import Store
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.crossbar.circuit.cells_read import CellsReadParameters
from cimspice.crossbar.circuit.passive import CrossbarReadParameters
from cimspice.crossbar.emulator.mapped_layer import MappedLayer
from cimspice.crossbar.emulator.network_layers import tiled_layers, values_read
from cimspice.crossbar.emulator.tile_layer import TiledLayer, solved
from cimspice.errors import ParameterError
from cimspice.netlist import NetlistParameters
from cimspice.network.circuit import CircuitNetwork
from cimspice.network.decisions import agreement, share_right, strongest, undecided
from cimspice.progress import OnProgress, Progress, silent
from cimspice.rram.circuit.device import RramModel
from cimspice.spice import InProcess

LARGEST_TILE = 64
"""ngspice without KLU takes minutes for one such tile, hours for the next size."""
_START, _ORDERING, _VECTOR, _CELLS, _CELLS_VECTOR = 0.04, 0.34, 0.0135, 2.3, 0.2
"""CPU seconds of a run; with 32 × 32 cells of its ordering and of each vector of inputs, and what 1T1R cells
add to both."""


@dataclass
class NgspiceTiles:
    """A `TileReader`: one run of ngspice for each tile of a layer, all input vectors in it.

    Attributes
    ----------
    progress
        Called after each tile with how many were read.
    store, jobs
        As `run_bench` takes them: where runs are kept, and how many at once.
    errors
        Of each tile that was read, the largest difference of a current between the exact solver and ngspice
        for the voltages that ngspice got, relative to the largest current of the tile.
    seconds
        CPU time of ngspice.
    solver_seconds
        CPU time of the exact solver on the same tiles and voltages.
    """

    progress: OnProgress = silent
    store: Store | Path | str | None = None
    jobs: int | None = 1
    errors: list[float] = field(default_factory=list)
    seconds: float = 0.0
    solver_seconds: float = 0.0
    count: int = 0

    def __call__(self, layer: TiledLayer, voltages: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Column currents (batch, columns), A, of all tiles at their voltages (batch, rows), V."""
        before = self.count
        currents, seconds = read_tiles(
            [(layer, number, volts) for number, volts in enumerate(voltages)],
            lambda state: self.progress(Progress(done=before + (state.done or 0))),
            self.store,
            self.jobs,
        )
        self.seconds += seconds
        self.count += len(currents)
        began = time.process_time()
        exact = solved(layer, voltages)
        self.solver_seconds += time.process_time() - began
        for one, other in zip(exact, currents, strict=True):
            largest = float(np.abs(other).max(initial=0.0)) or 1.0  # a tile whose inputs are all zero
            self.errors.append(float(np.abs(one - other).max(initial=0.0)) / largest)
        return currents


def read_tiles(
    reads: Sequence[tuple[TiledLayer, int, np.ndarray]],
    progress: OnProgress,
    store: Store | Path | str | None,
    jobs: int | None,
) -> tuple[list[np.ndarray], float]:
    """Column currents (batch, columns), A, by ngspice, of tiles: layer, number and voltages (batch, rows) of
    each; layers of one kind of cells. And the CPU time."""
    for layer, number, _ in reads:
        rows, columns = layer.tiling.places[number]
        check_tile((rows.stop - rows.start, columns.stop - columns.start))
    table = run_bench(
        "crossbar_read" if reads[0][0].memory is None else "crossbar_cells_read",
        [_run(*read) for read in reads],
        workers=jobs,
        store=store,
        engine=InProcess() if jobs == 1 else None,
        progress=progress,
    )
    by_run = table["column_current"].groupby(table["run"])
    currents = [
        by_run.get_group(number).to_numpy().reshape(len(volts), -1)
        for number, (_, _, volts) in enumerate(reads)
    ]
    return currents, table.attrs["cpu_seconds"]


def _run(layer: TiledLayer, number: int, voltages: np.ndarray) -> NetlistParameters:
    """Parameters of the bench of one tile."""
    volts, wires = tuple(map(tuple, voltages.tolist())), layer.wires
    if layer.memory is None:
        return CrossbarReadParameters(
            conductances=tuple(map(tuple, layer.tile_conductances[number].tolist())),
            voltages=volts,
            nonlinearity=layer.nonlinearity,
            **asdict(wires),
        )
    if wires.drive == "right" or wires.sense != "bottom":
        raise ParameterError(
            f"1T1R cells driven {wires.drive}, sensed {wires.sense}",
            place="wires",
            remedy="drive them at the left or at both ends, sense them at the bottom",
        )
    device = layer.memory.device
    return CellsReadParameters(
        model=cast(RramModel, device.parameter_set),
        changes=device.parameters(),
        states=tuple(map(tuple, layer.tile_states[number].tolist())),
        voltages=volts,
        read_word_line_voltage=layer.memory.transistor.gate_voltage,
        array=ArrayCircuit(
            bit_line_resistance=wires.word_line_resistance,
            source_line_resistance=wires.bit_line_resistance,
            source_resistance=wires.source_resistance,
            sense_resistance=wires.sense_resistance,
            drive=wires.drive,
        ),
    )


@dataclass(frozen=True, eq=False)
class SimulatedLayer:
    """A layer through ngspice.

    Attributes
    ----------
    outputs
        Weighted sums (n, outputs) of the currents of ngspice's tiles.
    tile_errors
        Of each tile, the largest difference of a column current to the exact solver's, relative to the tile's
        largest current.
    places
        Inputs and outputs of each tile; slices of weights one after another.
    cpu_seconds, solver_seconds
        Time of ngspice, now or when they were first run, and of the exact solver.
    """

    outputs: np.ndarray
    tile_errors: np.ndarray
    places: list[tuple[slice, slice]]
    cpu_seconds: float
    solver_seconds: float

    @property
    def tile_error(self) -> float:
        """The largest of the tiles'."""
        return float(self.tile_errors.max())

    @property
    def tiles(self) -> int:
        """How many."""
        return len(self.tile_errors)


def simulate_layer(
    layer: MappedLayer,
    x: np.ndarray,
    *,
    store: Store | Path | str | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> SimulatedLayer:
    """Weighted sums (n, outputs) of inputs (n, inputs), each tile of the first chip read by ngspice.

    Finished tiles are kept and are not run again.

    Raises
    ------
    ParameterError
        For tiles that ngspice would take hours for.
    SimulationError
        If a tile fails.
    """
    reader = NgspiceTiles(progress, store, jobs)
    one = layer.chip(0)
    outputs = one(x, reader)
    places = [place for part in one.instances[0] for place in part.places]
    return SimulatedLayer(outputs, np.array(reader.errors), places, reader.seconds, reader.solver_seconds)


def expected_seconds(layer: MappedLayer, inputs: int) -> float:
    """CPU time that ngspice-39 takes for a layer's tiles and so many inputs, within a factor of about two.

    Measured from 8 × 8 to 64 × 64 cells: ordering the equations takes most of the time of large tiles, and a
    vector of inputs another factorisation. Of 1T1R cells, each has a transistor and a memory to evaluate.
    """
    parts = layer.chip(0).instances[0]
    return sum(
        tile_seconds(part, number, inputs) for part in parts for number in range(len(part.tiling.places))
    )


def tile_seconds(layer: TiledLayer, number: int, inputs: int) -> float:
    """The same of one tile."""
    rows, columns = layer.tiling.places[number]
    size = (rows.stop - rows.start) * (columns.stop - columns.start) / 1024
    setup, vector = _ORDERING * size**3.2, _VECTOR * size**1.65
    if layer.memory is not None:
        setup, vector = setup + _CELLS * size, vector + _CELLS_VECTOR * size
    return _START + setup + inputs * len(layer.passes) * vector


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


def compare_tiles(mapped: CircuitNetwork, x: np.ndarray, progress: OnProgress = silent) -> TileComparison:
    """Send samples (samples, inputs) through the whole network in ngspice and in the exact solver."""
    reader, network = NgspiceTiles(progress), mapped.network
    circuit = values_read(mapped, x, reader)
    pairs = zip(tiled_layers(mapped), network.weight_layers, strict=True)
    return TileComparison(
        mapped.outputs(x),
        circuit[network.output],
        max(reader.errors),
        reader.count,
        reader.seconds,
        reader.solver_seconds,
        tuple(layer.clipped(circuit[node.inputs[0]]) for layer, node in pairs),
    )
