"""The digits network on crossbar tiles: emulator against ngspice, errors by cause, compensation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.versions import provenance
from cimspice.crossbar.emulator.bands import current_band
from cimspice.crossbar.emulator.circuit import CrossbarCircuit
from cimspice.crossbar.emulator.network_layers import tiled_layers
from cimspice.crossbar.validation.budget import (
    CauseRow,
    NetworkLadder,
    budget_of,
    ladder,
    sweep_wires,
    with_nonlinearity,
)
from cimspice.crossbar.validation.tiles import TileComparison, check_tile, compare_tiles
from cimspice.errors import ParameterError
from cimspice.fit.bands import Band
from cimspice.fit.card import MODEL, ModelCard
from cimspice.fit.family_card import Card
from cimspice.network.built_in_networks import BuiltIn, digits_perceptron
from cimspice.network.certificate import flip_bound
from cimspice.network.circuit import relative
from cimspice.network.decisions import share_right, strongest
from cimspice.notebook import shown
from cimspice.progress import OnProgress, Progress, silent
from cimspice.rram.model.read import SinhRead
from cimspice.rram.validation.device import check_device, nonlinearity_of, read_law

RESISTANCES = (1.0, 5.0, 20.0, 50.0, 100.0)
TILES = (16, 32, 64)
DEVICE = "skywater"


@dataclass(frozen=True, eq=False)
class NetworkValidation:
    """The digits network on tiles.

    Attributes
    ----------
    given
        What it is mapped on, with the fitted nonlinearity.
    linear, nonlinear, compensated
        Emulator and ngspice for the same digits: linear cells; cells with the fitted law; compensated, linear
        cells. All with wires, terminals, levels and programming errors.
    band
        Of the tile currents of ``nonlinear``: what the card of the read law leaves open.
    causes
        Errors by cause over held-out digits, then corrected.
    sweep
        Accuracy over segment resistance and tile size; empty if not asked for.
    """

    device: str
    given: CrossbarCircuit
    trained: BuiltIn
    steps: NetworkLadder
    linear: TileComparison
    nonlinear: TileComparison
    compensated: TileComparison
    band: Band
    causes: list[CauseRow]
    sweep: pd.DataFrame

    def _repr_html_(self) -> str:
        from cimspice.crossbar.report.network import draw_causes

        draw = partial(draw_causes, self.causes, len(self.steps.corrections))
        return shown("Digits on tiles", network_report(self), map(vars, self.causes), draw)


def validate_crossbar(
    given: CrossbarCircuit,
    *,
    digits: int = 20,
    nonlinear_digits: int = 4,
    hidden: Sequence[int] = (32,),
    device: str | None = None,
    card: Card | ModelCard | None = None,
    resistances: Sequence[float] = RESISTANCES,
    tiles: Sequence[int] = TILES,
    seed: int = 0,
    progress: OnProgress = silent,
) -> NetworkValidation:
    """Train, map, compare with ngspice, and split the error.

    ``card`` has the read law of the cells: that of a crossbar, of a memory, or the law alone. Without one,
    reads of ``device`` (default: the filament ReRAM of SkyWater) are simulated and fitted.
    ``resistances`` and ``tiles`` are swept; either empty: no sweep.

    Raises
    ------
    ParameterError
        For tiles that ngspice cannot take, no digits, an unknown device, or a card of another one.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    check_tile(given.tile)
    if digits < 1 or nonlinear_digits < 1:
        raise ParameterError(
            f"{min(digits, nonlinear_digits)} digits", place="digits", remedy="compare at least one"
        )
    law, temperature = _law_of(card, device, progress)
    given = replace(given, nonlinearity=nonlinearity_of(law, device, temperature))
    device = str(law.provenance.get("measured_file", law.provenance.get("device", device or DEVICE)))
    with threadpool_limits(1, "blas"):  # products this small only wait for a second thread
        progress(Progress(stage="train: a perceptron on half of the digits"))
        trained = digits_perceptron(hidden, seed)
        progress(Progress(stage="map: tiles, cause after cause; compensate"))
        steps = ladder(trained, given)
        causes = budget_of(steps, trained, given)
        linear, nonlinear, compensated = compare_with_ngspice(
            steps, trained, digits, nonlinear_digits, progress
        )
        band = current_band(steps.complete, trained.x_test[:nonlinear_digits], law, seed=seed)
        sweep = pd.DataFrame()
        if resistances and tiles:
            progress(Progress(stage="sweep: segment resistance and tile size"))
            sweep = sweep_wires(trained, given, resistances, tiles)
    return NetworkValidation(
        device, given, trained, steps, linear, nonlinear, compensated, band, causes, sweep
    )


def _law_of(
    card: Card | ModelCard | None, device: str | None, progress: OnProgress
) -> tuple[ModelCard, float]:
    """The read law of the cells, and its temperature (°C)."""
    if card is None or device is not None:
        check_device(device or DEVICE)
    if card is None:
        progress(Progress(stage="read: currents of the memory in ngspice, and their law"))
        return read_law(device or DEVICE), 27.0
    if isinstance(card, ModelCard):
        return card, 27.0
    law, temperature = ModelCard.of(card, SinhRead), card.conditions.temperature
    return law, 27.0 if card.family == MODEL or temperature is None else temperature


def compare_with_ngspice(
    steps: NetworkLadder, trained: BuiltIn, digits: int, nonlinear_digits: int, progress: OnProgress
) -> tuple[TileComparison, TileComparison, TileComparison]:
    """Linear cells, non-linear cells, and compensated linear cells, each through the whole network."""
    count = sum(len(layer.tiling.places) for layer in tiled_layers(steps.complete))
    runs = (
        ("linear cells", with_nonlinearity(steps.complete, 0.0), digits),
        ("non-linear cells", steps.complete, nonlinear_digits),
        ("compensated cells", with_nonlinearity(steps.compensated, 0.0), digits),
    )
    done = []
    for title, network, samples in runs:
        stage = f"ngspice: tiles of {title}, {samples} digits"
        progress(Progress(stage=stage, done=0, points=count))
        done.append(
            compare_tiles(
                network,
                trained.x_test[:samples],
                lambda state, stage=stage: progress(replace(state, stage=stage, points=count)),
            )
        )
    return done[0], done[1], done[2]


def network_report(result: NetworkValidation) -> dict[str, Any]:
    """Everything as one JSON object."""
    given, trained = result.given, result.trained
    labels = trained.y_test
    by_title = {row.title: row for row in result.causes}
    return {
        "error_vs_ngspice": result.linear.tile_error,
        "error_vs_ngspice_nonlinear": result.nonlinear.tile_error,
        "current_interval": result.band.facts("na", 1e9),
        "accuracy_float": trained.test_accuracy,
        "accuracy_crossbar": by_title["programming error"].accuracy,
        "accuracy_gains": by_title["a gain for each output"].accuracy,
        "accuracy_compensated": by_title["compensated cells"].accuracy,
        "held_out_digits": len(labels),
        "budget": {row.title: row.share for row in result.causes if row.share is not None},
        "causes": [vars(row) for row in result.causes],
        "ngspice": {
            name: _compared(comparison, trained)
            for name, comparison in (
                ("linear", result.linear),
                ("nonlinear", result.nonlinear),
                ("compensated", result.compensated),
            )
        },
        "network": [
            trained.x_test.shape[1],
            *(len(node.arrays["weights"]) for node in trained.network.weight_layers),
        ],
        "tiles": sum(len(layer.tiling.places) for layer in tiled_layers(result.steps.complete)),
        "tile": list(given.tile),
        "cells": {**asdict(given.cells), "device": result.device, "nonlinearity": given.nonlinearity},
        "wires": asdict(given.wires),
        "read_voltage": given.read_voltage,
        "tolerance": given.errors.tolerance,
        "stuck": given.errors.stuck_low + given.errors.stuck_high,
        "sweep": result.sweep,
        "provenance": provenance(),
        **_as_networks(result.linear, trained),
    }


def _as_networks(linear: TileComparison, trained: BuiltIn) -> dict[str, Any]:
    """Keys of ``validate network``, of the linear cells; the held-out digits are in random order."""
    outputs, circuit = linear.outputs, linear.circuit_outputs
    runs, labels = len(outputs), trained.y_test
    ideal = trained.network.outputs(trained.x_test[:runs])
    decided = {
        "ideal": strongest(ideal),
        "emulator": strongest(outputs),
        "circuit": strongest(circuit),
    }
    flips = int(np.count_nonzero(decided["emulator"] != decided["circuit"]))
    return {
        "normalised_rmse": relative(circuit, outputs),
        "decisions_agree": linear.decisions_agree,
        **{
            f"accuracy_{name}": share_right(one, labels[:runs], outputs.shape[1])
            for name, one in decided.items()
        },
        "clipped_inputs": sum(linear.clipped),
        "clipped_weights": 0,
        "certificate": flip_bound(flips, runs, len(labels)).facts(),
    }


def _compared(comparison: TileComparison, trained: BuiltIn) -> dict[str, Any]:
    samples = len(comparison.outputs)
    wanted = trained.network.outputs(trained.x_test[:samples])
    return {
        "digits": samples,
        "tiles": comparison.tiles,
        "error": comparison.tile_error,
        "output_error": comparison.output_error,
        "decisions_agree": comparison.decisions_agree,
        "undecided": comparison.undecided,
        "clipped_inputs": list(comparison.clipped),
        "accuracy": comparison.circuit_accuracy(trained.y_test[:samples]),
        "output_error_to_float": float(
            np.linalg.norm(comparison.circuit_outputs - wanted) / np.linalg.norm(wanted)
        ),
        "spice_seconds": comparison.spice_seconds,
        "solver_seconds": comparison.solver_seconds,
    }
