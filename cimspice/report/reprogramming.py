"""Figures of reprogramming: writes by method, wear of cells, the front of writes against error, life."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from cimspice.report.figure import STYLE
from cimspice.report.save import save
from cimspice.reprogramming.life import Life
from cimspice.reprogramming.program import Programmed
from cimspice.reprogramming.sweep import SETTING, front

COLOURS = {
    "unsorted, exact": "0.45", "sorted, exact": "#8d6a9f", "sorted, random": "#d1495b",
    "sorted, largest": "#edae49", "sorted, nearest": "#c97b4a", "gray, exact": "#66a182",
    "gray, nearest": "#66a182", "hamming, exact": "#00798c", "hamming, nearest": "#00798c",
}  # fmt: skip
_NO_ERROR = 1e-4
"""Where points without error stand on the logarithmic axis."""


def _plain(value: float, _: float) -> str:
    """A tick without a power of ten in mathematical type, which the style leaves as it is written."""
    return f"{value:g}"


def draw_methods(
    methods: Sequence[Mapping[str, Any]], done: Mapping[str, Programmed], folder: Path, name: str = "methods"
) -> list[Path]:
    """Writes of each method, and the share of cells written more often than a number of times."""

    def content(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2)
        place = np.arange(len(methods))
        left.barh(place, [entry["sets"] for entry in methods], color="#00798c", label="SET")
        left.barh(
            place, [entry["resets"] for entry in methods], left=[entry["sets"] for entry in methods],
            color="#9fc9d0", label="RESET",
        )  # fmt: skip
        left.set_yticks(place, [f"{entry['method']}\n{entry['reduction']:.3g}× fewer" for entry in methods])
        left.invert_yaxis()
        left.set_xlabel("cell writes of one pass")
        left.grid(visible=False, axis="y")
        left.legend(loc="lower right")
        for (method, one), colour in zip(
            done.items(), ("0.45", "#8d6a9f", "#d1495b", "#00798c"), strict=True
        ):
            writes = np.sort((one.sets + one.resets).ravel())[::-1]
            right.plot(writes, np.arange(1, len(writes) + 1) / len(writes), color=colour, label=method)
        right.set_xlabel("writes per cell and pass")
        right.set_ylabel("share of cells written at least so often")
        right.set_yscale("log")
        right.yaxis.set_major_formatter(_plain)
        right.legend(loc="best")

    return _draw(content, folder, name, (8.6, 3.6))


def draw_front(table: pd.DataFrame, folder: Path, name: str = "front") -> list[Path]:
    """Output error against writes relative to the baseline: every plan, and the front of each method.

    One panel per scope; points without error stand at the left edge.
    """
    scopes = list(dict.fromkeys(table["scope"]))

    def content(canvas: Canvas) -> None:
        panels = canvas.subplots(1, len(scopes), sharey=True, squeeze=False)[0]
        for axes, scope in zip(panels, scopes, strict=True):
            _fronts(axes, table[table["scope"] == scope])
            kind = "one output" if scope == "output" else "all outputs of the layer"
            reads = table.loc[(table["scope"] == scope) & (table["order"] != "unsorted"), "reads_per_section"]
            axes.set_title(f"sections of {kind} ({reads.median():.3g} reads each)", fontsize=9, loc="left")
            axes.set_xlabel("relative output error of what was not written")
        panels[0].set_ylabel("writes / baseline")
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    return _draw(content, folder, name, (4.4 * len(scopes) + 1.4, 4.2))


def _fronts(axes: Axes, table: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: "none" if value <= _NO_ERROR else f"{value:g}")
    axes.yaxis.set_major_formatter(_plain)
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

    def content(canvas: Canvas) -> None:
        upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        for (method, one), colour in zip(
            lives.items(), ("0.45", "#8d6a9f", "#d1495b", "#00798c"), strict=False
        ):
            upper.plot(
                one.table["switches"], 100 * one.table["accuracy"], marker="o", markersize=3, color=colour,
                label=method,
            )  # fmt: skip
            lower.plot(one.table["switches"], one.table["worn_cells"], color=colour)
            if one.lifetime is not None:
                upper.axvline(one.lifetime, color=colour, linestyle=":")
        upper.set_xscale("log")
        lower.set_yscale("log")
        lower.xaxis.set_major_formatter(_plain)
        lower.yaxis.set_major_formatter(_plain)
        upper.set_ylabel("accuracy (%)")
        lower.set_ylabel("worn cells")
        lower.set_xlabel("model switches")
        upper.legend(loc="best")

    return _draw(content, folder, name, (6.4, 4.8))


def _draw(
    content: Callable[[Canvas], None], folder: Path, name: str, size: tuple[float, float]
) -> list[Path]:
    with rc_context(STYLE):
        canvas = Canvas(figsize=size, layout="constrained")
        FigureCanvasAgg(canvas)
        content(canvas)
        return save(canvas, folder, name)
