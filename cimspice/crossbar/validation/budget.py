"""What takes accuracy off a network on tiles: one cause after another, and what corrections bring back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.circuit import CrossbarCircuit
from cimspice.crossbar.emulator.network_layers import changed
from cimspice.crossbar.emulator.tile_layer import TileWires
from cimspice.crossbar.mapping.compensation import calibrate_gains, compensate
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.network.budget import REST, shapley
from cimspice.network.built_in_networks import BuiltIn
from cimspice.network.circuit import CircuitNetwork, map_network
from cimspice.network.decisions import share_right, strongest

IDEAL, LEVELS, WIRES = "ideal cells and wires", "levels of conductance", "wires"
TERMINALS, NONLINEARITY = "source and sense resistance", "non-linear cells"
PROGRAMMING = "programming error"
_SHARE_SAMPLES = 50
"""Held-out inputs whose mean square error is split."""
_GAIN_SAMPLES = 200
"""Inputs that are read to find the digital gains."""


STARTING = CrossbarCircuit(
    cells=ConductanceRange(levels=64),
    tile=(32, 32),
    wires=TileWires(5.0, 5.0, 100.0, 100.0),
    errors=CellErrors(),
)
"""What is split by default: wires and programming errors that matter."""


@dataclass(frozen=True)
class CauseRow:
    """A network with this cause and all above it: rms error of its outputs, relative to theirs; accuracy.

    ``alone`` is the error with this cause only, ``share`` the cause's share of the mean square error whatever
    the order (`cimspice.network.budget`); None for corrections.
    """

    title: str
    output_error: float
    accuracy: float
    alone: float | None = None
    share: float | None = None


@dataclass(frozen=True, eq=False)
class NetworkLadder:
    """Networks on tiles, each with one more cause of error, then corrected. Title -> network.

    ``alone`` has ideal cells and wires but for one cause; ``targets`` is the compensated network
    before it is programmed.
    """

    causes: dict[str, CircuitNetwork]
    alone: dict[str, CircuitNetwork]
    corrections: dict[str, CircuitNetwork]
    targets: CircuitNetwork

    @property
    def complete(self) -> CircuitNetwork:
        """With every cause, not corrected."""
        return self.causes[PROGRAMMING]

    @property
    def compensated(self) -> CircuitNetwork:
        """With every cause, its cells compensated before they were programmed, and a gain for each output."""
        return self.corrections["compensated cells"]


def causes_of(given: CrossbarCircuit) -> tuple[str, ...]:
    """What is there to take accuracy off."""
    return (LEVELS, WIRES, TERMINALS, *([NONLINEARITY] if given.nonlinearity else ()), PROGRAMMING)


def network_with(trained: BuiltIn, given: CrossbarCircuit, causes: Collection[str]) -> CircuitNetwork:
    """The network on tiles with these causes of error and no other."""
    wires = given.wires
    if WIRES not in causes:
        wires = replace(wires, word_line_resistance=0.0, bit_line_resistance=0.0)
    if TERMINALS not in causes:
        wires = replace(wires, source_resistance=0.0, sense_resistance=0.0)
    tiles = replace(
        given,
        cells=given.cells if LEVELS in causes else replace(given.cells, levels=None),
        wires=wires,
        errors=CellErrors(tolerance=0.0),
        nonlinearity=given.nonlinearity if NONLINEARITY in causes else 0.0,
    )
    made = map_network(trained.network, trained.x_train, tiles)
    return with_errors(made, given) if PROGRAMMING in causes else made


def ladder(trained: BuiltIn, given: CrossbarCircuit, steps: int = 40) -> NetworkLadder:
    """Networks with one cause of error after another, then compensated in so many ``steps``."""
    calibration, cells = trained.x_train, given.cells
    names = causes_of(given)
    ideal, linear = (network_with(trained, given, one) for one in ((), (LEVELS, WIRES, TERMINALS)))
    causes, alone = {IDEAL: ideal}, {IDEAL: ideal}
    for place, name in enumerate(names):
        causes[name] = network_with(trained, given, names[: place + 1])
        alone[name] = network_with(trained, given, (name,))
    better = compensate(linear, cells, calibration, steps=steps).network
    targets = with_nonlinearity(better, given.nonlinearity)
    programmed = with_errors(targets, given)
    few = calibration[:_GAIN_SAMPLES]
    corrections = {
        "a gain for each output": calibrate_gains(causes[PROGRAMMING], ideal, few),
        "compensated cells": calibrate_gains(programmed, ideal, few),
    }
    return NetworkLadder(causes, alone, corrections, targets)


def with_nonlinearity(network: CircuitNetwork, nonlinearity: float) -> CircuitNetwork:
    """The same cells with i = g sinh(a v) / a; a in 1/V, 0 for linear ones."""
    return changed(network, lambda layer: replace(layer, nonlinearity=nonlinearity))


def with_errors(network: CircuitNetwork, given: CrossbarCircuit) -> CircuitNetwork:
    """The network as it is programmed: errors drawn with ``given.seed``, the same for equal shapes."""
    rng = np.random.default_rng(given.seed)
    return changed(
        network,
        lambda layer: layer.with_conductances(
            given.errors.programmed(layer.mapped.conductances, given.cells, rng), layer.gains
        ),
    )


def rows_of(
    networks: dict[str, CircuitNetwork], trained: BuiltIn, samples: int | None = None
) -> list[CauseRow]:
    """Output error and accuracy of each network over held-out samples, against the trained network."""
    x, labels = trained.x_test[:samples], trained.y_test[:samples]
    wanted = trained.network.outputs(x)
    found = []
    for title, network in networks.items():
        outputs = network.outputs(x)
        error = float(np.linalg.norm(outputs - wanted) / np.linalg.norm(wanted))
        found.append(CauseRow(title, error, share_right(strongest(outputs), labels, outputs.shape[1])))
    return found


def budget_of(steps: NetworkLadder, trained: BuiltIn, given: CrossbarCircuit) -> list[CauseRow]:
    """All causes, with what each does alone and its share, then the corrections."""
    alone = {row.title: row.output_error for row in rows_of(steps.alone, trained)}
    rows = rows_of({**steps.causes, **steps.corrections}, trained)
    x = trained.x_test[:_SHARE_SAMPLES]
    wanted = trained.network.outputs(x)

    def squares(on: frozenset[str]) -> float:
        return float(np.mean((network_with(trained, given, on).outputs(x) - wanted) ** 2))

    found = shapley(squares, causes_of(given)).shares
    shares = {name: float(share) for name, share in found.items()}
    shares[IDEAL] = shares.pop(REST, 0.0)
    return [replace(row, alone=alone.get(row.title), share=shares.get(row.title)) for row in rows]


def sweep_wires(
    trained: BuiltIn,
    given: CrossbarCircuit,
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
            frame = frame.drop(columns=["alone", "share"]).rename(columns={"title": "correction"})
            parts.append(frame.assign(segment_resistance=float(resistance), tile=tile))
    table = pd.concat(parts, ignore_index=True)
    table.attrs["units"] = {"segment_resistance": "ohm"}
    return table
