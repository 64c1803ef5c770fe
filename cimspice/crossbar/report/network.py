"""Figures of a network on crossbar tiles: errors by cause, accuracy over wires and tiles, cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cimspice.campaign import Figure
from cimspice.crossbar.emulator.network_layers import tiled_layers
from cimspice.crossbar.validation.budget import CauseRow, NetworkLadder
from cimspice.report.figure import draw
from cimspice.report.style import CIRCUIT, MODEL, legend_above, save, sheet


def draw_causes(
    rows: Sequence[CauseRow], corrected: int, folder: Path, name: str = "crossbar_budget"
) -> list[Path]:
    """Output error of each row as bars, of a cause alone as dots; the last ``corrected`` are corrections."""
    with sheet(7.4, 0.36 * len(rows) + 1.3, grid=False) as canvas:
        axes = canvas.add_subplot()
        place, percent = np.arange(len(rows)), 100 * np.array([row.output_error for row in rows])
        first = len(rows) - corrected
        axes.barh(place[:first], percent[:first], height=0.6, color=MODEL, label="with the causes above")
        axes.barh(place[first:], percent[first:], height=0.6, color=CIRCUIT, label="corrected")
        for row, at, value in zip(rows, place, percent, strict=True):
            words = f"{value:.3g} %, {100 * row.accuracy:.1f} % right"
            end = 100 * max(row.output_error, row.alone or 0.0)
            axes.annotate(words, (end, at), xytext=(4, 0), textcoords="offset points", va="center")
        alone = [(100 * row.alone, at) for row, at in zip(rows, place, strict=True) if row.alone is not None]
        axes.plot(*zip(*alone, strict=True), "o", color="0.15", markersize=4, label="this cause alone")
        legend_above(canvas)
        axes.set_yticks(place, [row.title for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, 1.45 * max(percent))
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("rms error of the outputs (% of their rms); each cause with those above")
        return save(canvas, folder, name)


def draw_sweep(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Accuracy and output error over segment resistance, a colour per correction, a line per tile size."""
    by = ("correction", "tile")
    accuracy = Figure(
        x="segment_resistance",
        y=("accuracy",),
        by=by,
        log=("x",),
        title="Digits on tiles",
        name="crossbar_accuracy",
    )
    error = Figure(
        x="segment_resistance",
        y=("output_error",),
        by=by,
        log=("x", "y"),
        title="Rms error of the outputs, relative to theirs",
        name="crossbar_output_error",
    )
    return [path for figure in (accuracy, error) for path in draw(table, figure, folder)]


def draw_compensation(steps: NetworkLadder, folder: Path) -> list[Path]:
    """Cells of the first tile as mapped and as compensated (µS), and what each cell was given more."""
    wanted, better = (
        1e6 * tiled_layers(network)[0].tile_conductances[0] for network in (steps.complete, steps.compensated)
    )
    largest = float(np.abs(better - wanted).max())
    with sheet(8.4, 2.9, grid=False) as canvas:
        panels = canvas.subplots(1, 3)
        for axes, values, title, colours, low in (
            (panels[0], wanted, "as mapped", "viridis", 0.0),
            (panels[1], better, "compensated", "viridis", 0.0),
            (panels[2], better - wanted, "difference", "RdBu_r", -largest),
        ):
            high = largest if low else float(max(wanted.max(), better.max()))
            shown = axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
            canvas.colorbar(shown, ax=axes, shrink=0.8)
            axes.set_title(f"{title} (µS)", fontsize=9)
            axes.set(xlabel="bit line", ylabel="word line")
        return save(canvas, folder, "crossbar_compensation")
