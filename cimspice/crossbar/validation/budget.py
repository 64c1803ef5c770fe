"""What takes accuracy off a network on tiles: one cause after another, and what corrections bring back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TileWires
from cimspice.crossbar.emulator.tiled import TiledNetwork, map_network
from cimspice.crossbar.mapping.compensation import calibrate_gains, compensate
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.crossbar.training.perceptron import TrainedPerceptron
from cimspice.network.decisions import share_right, strongest

_GAIN_SAMPLES = 200
"""Inputs that are read to find the digital gains."""


@dataclass(frozen=True, kw_only=True)
class TileConditions:
    """What a network is mapped on.

    Attributes
    ----------
    cells
        Range and levels of the conductances.
    tile
        Rows and columns.
    wires
        Segments, sources and sense terminals (ohms).
    nonlinearity
        Of sinh cells, 1/V.
    errors
        Of programming.
    read_voltage
        Of the largest input (V).
    steps
        Of the compensation.
    seed
        Of the programming errors.
    """

    cells: ConductanceRange = ConductanceRange(levels=64)  # noqa: RUF009 - it is frozen
    tile: tuple[int, int] = (32, 32)
    wires: TileWires = TileWires(5.0, 5.0, 100.0, 100.0)  # noqa: RUF009 - it is frozen
    nonlinearity: float = 0.0
    errors: CellErrors = CellErrors()  # noqa: RUF009 - it is frozen
    read_voltage: float = 0.2
    steps: int = 40
    seed: int = 0


@dataclass(frozen=True)
class CauseRow:
    """A network with this cause and all above it: rms error of its outputs, relative to theirs; accuracy.

    ``alone`` is the error with this cause only; None for corrections.
    """

    title: str
    output_error: float
    accuracy: float
    alone: float | None = None


@dataclass(frozen=True, eq=False)
class NetworkLadder:
    """Networks on tiles, each with one more cause of error, then corrected. Title -> network.

    ``alone`` has ideal cells and wires but for one cause; ``targets`` is the compensated network
    before it is programmed.
    """

    causes: dict[str, TiledNetwork]
    alone: dict[str, TiledNetwork]
    corrections: dict[str, TiledNetwork]
    targets: TiledNetwork

    @property
    def complete(self) -> TiledNetwork:
        """With every cause, not corrected."""
        return self.causes["programming error"]

    @property
    def compensated(self) -> TiledNetwork:
        """With every cause, its cells compensated before they were programmed, and a gain for each output."""
        return self.corrections["compensated cells"]


def ladder(trained: TrainedPerceptron, given: TileConditions) -> NetworkLadder:
    """Networks with one cause of error after another."""
    calibration, cells, wires = trained.x_train, given.cells, given.wires

    def mapped(range_: ConductanceRange, lines: TileWires) -> TiledNetwork:
        return map_network(
            trained.network,
            calibration,
            range_,
            tile=given.tile,
            wires=lines,
            read_voltage=given.read_voltage,
        )

    segments = replace(wires, source_resistance=0.0, sense_resistance=0.0)
    terminals = replace(wires, word_line_resistance=0.0, bit_line_resistance=0.0)
    ideal = mapped(replace(cells, levels=None), IDEAL_WIRES)
    linear = mapped(cells, wires)
    bent = with_nonlinearity(linear, given.nonlinearity)
    causes = {
        "ideal cells and wires": ideal,
        "levels of conductance": mapped(cells, IDEAL_WIRES),
        "wires": mapped(cells, segments),
        "source and sense resistance": linear,
        "non-linear cells": bent,
        "programming error": with_errors(bent, given),
    }
    alone = {
        "ideal cells and wires": ideal,
        "levels of conductance": causes["levels of conductance"],
        "wires": mapped(replace(cells, levels=None), segments),
        "source and sense resistance": mapped(replace(cells, levels=None), terminals),
        "non-linear cells": with_nonlinearity(ideal, given.nonlinearity),
        "programming error": with_errors(ideal, given),
    }
    if not given.nonlinearity:
        del causes["non-linear cells"], alone["non-linear cells"]
    better = compensate(linear, cells, calibration, steps=given.steps).network
    targets = with_nonlinearity(better, given.nonlinearity)
    programmed = with_errors(targets, given)
    few = calibration[:_GAIN_SAMPLES]
    corrections = {
        "a gain for each output": calibrate_gains(causes["programming error"], ideal, few),
        "compensated cells": calibrate_gains(programmed, ideal, few),
    }
    return NetworkLadder(causes, alone, corrections, targets)


def with_nonlinearity(network: TiledNetwork, nonlinearity: float) -> TiledNetwork:
    """The same cells with i = g sinh(a v) / a; a in 1/V, 0 for linear ones."""
    return network.with_layers(lambda layer: replace(layer, nonlinearity=nonlinearity))


def with_errors(network: TiledNetwork, given: TileConditions) -> TiledNetwork:
    """The network as it is programmed: errors drawn with ``given.seed``, the same for equal shapes."""
    rng = np.random.default_rng(given.seed)
    return network.with_layers(
        lambda layer: layer.with_conductances(
            given.errors.programmed(layer.mapped.conductances, given.cells, rng), layer.gains
        )
    )


def rows_of(
    networks: dict[str, TiledNetwork], trained: TrainedPerceptron, samples: int | None = None
) -> list[CauseRow]:
    """Output error and accuracy of each network over held-out samples, against the trained network."""
    x, labels = trained.x_test[:samples], trained.y_test[:samples]
    wanted = trained.network.layer_inputs(x)[-1]
    found = []
    for title, network in networks.items():
        outputs = network.outputs(x)
        error = float(np.linalg.norm(outputs - wanted) / np.linalg.norm(wanted))
        found.append(CauseRow(title, error, share_right(strongest(outputs), labels, outputs.shape[1])))
    return found


def budget_of(steps: NetworkLadder, trained: TrainedPerceptron) -> list[CauseRow]:
    """All causes, with what each does alone, then the corrections."""
    alone = {row.title: row.output_error for row in rows_of(steps.alone, trained)}
    rows = rows_of({**steps.causes, **steps.corrections}, trained)
    return [replace(row, alone=alone.get(row.title)) for row in rows]


def sweep_wires(
    trained: TrainedPerceptron,
    given: TileConditions,
    resistances: Sequence[float],
    tiles: Sequence[int],
) -> pd.DataFrame:
    """Accuracy and output error over segment resistance (ohm) and tile size, as mapped and corrected.

    Cells are linear; levels and programming errors are those of ``given``.
    """
    parts = []
    for tile in tiles:
        for resistance in resistances:
            wires = replace(given.wires, word_line_resistance=resistance, bit_line_resistance=resistance)
            point = replace(given, tile=(tile, tile), wires=wires, nonlinearity=0.0)
            steps = ladder(trained, point)
            shown = {"as mapped": steps.complete, **steps.corrections}
            frame = pd.DataFrame([vars(row) for row in rows_of(shown, trained)])
            frame = frame.drop(columns="alone").rename(columns={"title": "correction"})
            parts.append(frame.assign(segment_resistance=float(resistance), tile=tile))
    table = pd.concat(parts, ignore_index=True)
    table.attrs["units"] = {"segment_resistance": "ohm"}
    return table
