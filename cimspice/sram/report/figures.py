"""Figures of the SRAM demonstration: butterfly, discharge against its ideal, what learning costs, chips."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cimspice.arrays import Array
from cimspice.report.style import CIRCUIT, GREY, MODEL, legend_above, legend_beside, save, sheet
from cimspice.sram.validation.budget import ideal_sum
from cimspice.sram.validation.butterfly import Butterfly
from cimspice.sram.validation.read import SramValidation


def draw_butterfly(curves: Mapping[str, Butterfly], folder: Path, name: str = "butterfly") -> list[Path]:
    """Butterflies side by side, one per title."""
    with sheet(3.3 * len(curves) + 0.4, 4.2) as canvas:
        for axes, (title, curve) in zip(
            np.ravel(canvas.subplots(1, len(curves), sharey=True)), curves.items(), strict=True
        ):
            axes.plot(curve.input_voltage, curve.left, color=MODEL, label="left node over right")
            axes.plot(curve.right, curve.input_voltage, color=CIRCUIT, label="right node over left")
            axes.set_title(f"{title}: {1e3 * curve.noise_margin:.0f} mV")
            axes.set_xlabel("right node (V)")
            axes.set_box_aspect(1)
        canvas.axes[0].set_ylabel("left node (V)")
        legend_above(canvas)
        return save(canvas, folder, name)


def draw_discharge(result: SramValidation, folder: Path, name: str = "discharge") -> list[Path]:
    """Error of the ideal weighted sum (two best scales), and of the model with its card's 95 % intervals,
    over the discharge in ngspice."""
    measured = 1e3 * result.measured.ravel()
    ideal = 1e3 * ideal_sum(result.words.sums, result.measured, both=True).ravel()
    with sheet(6.4, 3.8) as canvas:
        axes = canvas.subplots()
        axes.plot(measured, ideal - measured, ".", color=GREY, label="ideal weighted sum, two best scales")
        error, ends = 1e3 * result.predicted.ravel() - measured, result.band.interval
        span = [1e3 * np.abs(end - result.band.centre).ravel() for end in ends]
        style = {"fmt": ".", "color": MODEL, "elinewidth": 0.8}
        axes.errorbar(measured, error, yerr=span, label="model, 95 % interval", **style)
        axes.set_xlabel("discharge in ngspice (mV)")
        axes.set_ylabel("error (mV)")
        legend_above(canvas)
        return save(canvas, folder, name)


def draw_learning_budget(rows: Sequence[Mapping[str, Any]], folder: Path, name: str = "learning_budget"):
    """Held-out accuracy with each effect alone and without it, with 95 % intervals of the difference."""
    alone = [row for row in rows if row["name"].startswith("with_")]
    without = [row for row in rows if row["name"].startswith("without_")]
    with sheet(7.4, 4.4, grid=False) as canvas:
        upper, lower = canvas.subplots(2, 1, sharex=True)
        _differences(upper, alone, "one effect alone, against words only")
        _differences(lower, without, "all effects but one, against all")
        lower.set_xlabel("difference of held-out accuracy (percentage points)")
        return save(canvas, folder, name)


def _differences(axes: Axes, rows: Sequence[Mapping[str, Any]], title: str) -> None:
    place = np.arange(len(rows))
    mean = np.array([row["difference_percent"] for row in rows])
    span = np.array([row["interval_percent"] for row in rows])
    error = np.abs(span.T - mean)
    axes.errorbar(mean, place, xerr=error, fmt="o", color=MODEL, capsize=2, markersize=4)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(place, [row["title"] for row in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(title, fontsize=9)
    axes.grid(visible=True, axis="x")


def draw_chips(values: Mapping[str, Array], folder: Path, name: str = "chips") -> list[Path]:
    """Share of chips that reach at least an accuracy, for each way to fill them."""
    titles = {"software": "software", "transferred": "software, transferred", "on_chip": "learnt on the chip"}
    with sheet(7.4, 3.6) as canvas:
        axes = canvas.subplots()
        for (key, title), colour in zip(titles.items(), (GREY, CIRCUIT, MODEL), strict=True):
            ordered = 100 * np.sort(np.asarray(values[key]))
            share = 100 * (1 - np.arange(len(ordered)) / len(ordered))
            axes.step(ordered, share, where="pre", color=colour, label=title)
        axes.set_xlabel("held-out flowers right, at least (%)")
        axes.set_ylabel("chips (%)")
        legend_beside(axes)
        return save(canvas, folder, name)
