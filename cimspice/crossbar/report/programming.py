"""Figures of reprogramming: writes by method, wear of cells, the front of writes against error, life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cimspice.crossbar.programming.life import Life
from cimspice.crossbar.programming.program import Programmed
from cimspice.crossbar.programming.sweep import SETTING, front
from cimspice.report.colours import PALETTE
from cimspice.report.style import (
    GREY,
    MODEL,
    PALE,
    engineering_number,
    legend_below,
    legend_beside,
    plain_number,
    save,
    sheet,
)

COLOURS = {
    "unsorted, exact": GREY, "sorted, exact": PALETTE[3], "sorted, random": PALETTE[1],
    "sorted, largest": PALETTE[4], "sorted, nearest": PALETTE[3], "gray, exact": PALETTE[2],
    "gray, nearest": PALETTE[2], "hamming, exact": PALETTE[0], "hamming, nearest": PALETTE[0],
}  # fmt: skip
_FOUR = (GREY, PALETTE[3], PALETTE[1], PALETTE[0])
"""Baseline, sorted, sorted with bits stuck, the plan that was chosen."""
_NO_ERROR = 1e-4
"""Where points without error stand on the logarithmic axis."""


def draw_methods(
    methods: Sequence[Mapping[str, Any]], done: Mapping[str, Programmed], folder: Path, name: str = "methods"
) -> list[Path]:
    """Writes of each method, and the share of cells written more often than a number of times."""
    with sheet(9.0, 4.0) as canvas:
        left, right = canvas.subplots(1, 2)
        place = np.arange(len(methods))
        left.barh(place, [entry["sets"] for entry in methods], color=MODEL, label="SET")
        left.barh(
            place, [entry["resets"] for entry in methods], left=[entry["sets"] for entry in methods],
            color=PALE, label="RESET",
        )  # fmt: skip
        left.set_yticks(place, [f"{entry['method']}\n{entry['reduction']:.3g}× fewer" for entry in methods])
        left.invert_yaxis()
        left.set_xlabel("cell writes of one pass")
        left.xaxis.set_major_formatter(engineering_number)
        left.grid(visible=False, axis="y")
        legend_below(left)
        for (method, one), colour in zip(done.items(), _FOUR, strict=True):
            writes = np.sort((one.sets + one.resets).ravel())[::-1]
            right.plot(writes, np.arange(1, len(writes) + 1) / len(writes), color=colour, label=method)
        right.set_xlabel("writes per cell and pass")
        right.set_ylabel("share of cells written at least so often")
        right.set_yscale("log")
        legend_below(right)
        return save(canvas, folder, name)


def draw_front(table: pd.DataFrame, folder: Path, name: str = "front") -> list[Path]:
    """Output error against writes relative to the baseline: every plan, and the front of each method.

    One panel per scope; points without error stand at the left edge.
    """
    scopes = list(dict.fromkeys(table["scope"]))
    with sheet(4.4 * len(scopes) + 1.4, 4.2) as canvas:
        panels = canvas.subplots(1, len(scopes), sharey=True, squeeze=False)[0]
        for axes, scope in zip(panels, scopes, strict=True):
            _fronts(axes, table[table["scope"] == scope])
            kind = "one output" if scope == "output" else "all outputs of the layer"
            reads = table.loc[(table["scope"] == scope) & (table["order"] != "unsorted"), "reads_per_section"]
            axes.set_title(f"sections of {kind} ({reads.median():.3g} reads each)", fontsize=9, loc="left")
            axes.set_xlabel("relative output error of what was not written")
        panels[0].set_ylabel("writes / baseline")
        legend_beside(panels[-1], title="order, choice")
        return save(canvas, folder, name)


def _fronts(axes: Axes, table: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: "none" if value <= _NO_ERROR else plain_number(value))
    for method, points in table.groupby("method", sort=False):
        error = np.maximum(points["output_error"].to_numpy(), _NO_ERROR)
        filled = COLOURS[str(method)] if "exact" not in str(method) else "none"
        axes.scatter(
            error, points["relative_writes"], s=9, edgecolors=COLOURS[str(method)], facecolors=filled,
            alpha=0.6, linewidths=0.7, label=str(method),
        )  # fmt: skip
        for _, setting in points.groupby(list(SETTING)):
            best = setting.iloc[front(setting["writes"].tolist(), setting["output_error"].tolist())]
            axes.plot(
                np.maximum(best["output_error"], _NO_ERROR), best["relative_writes"],
                color=COLOURS[str(method)], linewidth=0.5, alpha=0.5,
            )  # fmt: skip


def draw_life(lives: Mapping[str, Life], folder: Path, name: str = "life") -> list[Path]:
    """Mean accuracy, and the share of worn cells, over the number of model switches."""
    with sheet(7.4, 4.8) as canvas:
        upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        for (method, one), colour in zip(lives.items(), _FOUR, strict=False):
            upper.plot(
                one.table["switches"], 100 * one.table["accuracy"], marker="o", markersize=3, color=colour,
                label=method,
            )  # fmt: skip
            lower.plot(one.table["switches"], one.table["worn_cells"], color=colour)
            if one.lifetime is not None:
                upper.axvline(one.lifetime, color=colour, linestyle=":")
        upper.set_xscale("log")
        lower.set_yscale("log")
        upper.set_ylabel("accuracy (%)")
        lower.set_ylabel("share of worn cells")
        lower.set_xlabel("model switches")
        loss = max(one.loss for one in lives.values())
        ends = Line2D([], [], color="0.3", linestyle=":", label=f"accuracy {100 * loss:g} % lower")
        legend_beside(upper, [*upper.get_legend_handles_labels()[0], ends])
        return save(canvas, folder, name)
