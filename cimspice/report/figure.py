"""Line figures of a result table: one quantity over another, a line per combination of further columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cimspice.campaign import Figure
from cimspice.campaign.export import write_atomically
from cimspice.errors import TableError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE: dict[Any, Any] = {
    "figure.figsize": (6.4, 4.2),
    "figure.dpi": 150,
    "font.size": 9,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "cimspice",  # names in the SVG do not change from run to run
}
_LINE_STYLES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_LONGEST_LEGEND = 12


def draw(table: pd.DataFrame, figure: Figure, folder: Path, *, default_name: str = "figure") -> list[Path]:
    """Draw one figure as PNG and SVG.

    Colour follows the first column of ``by``, the style of the line the others; a numeric first column of
    many values gets a colour bar instead of a legend.

    Parameters
    ----------
    table
        Any frame; units of its columns in ``attrs["units"]``.
    figure
        What to draw.
    folder
        Where to; made if absent.
    default_name
        File name, without ending, of a figure that has none.

    Returns
    -------
    list of Path
        The PNG and the SVG.

    Raises
    ------
    TableError
        If the table lacks a column, or has no number to draw.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    _check(table, figure)
    with rc_context(STYLE):
        canvas = Canvas(layout="constrained")
        FigureCanvasAgg(canvas)
        axes = canvas.add_subplot()
        _lines(axes, table, figure)
        axes.set_xlabel(label(table, figure.x))
        axes.set_ylabel(label(table, figure.y))
        if figure.title:
            axes.set_title(figure.title, fontsize=10)
        if "x" in figure.log:
            axes.set_xscale("log")
        if "y" in figure.log:
            axes.set_yscale("log")
        name = figure.name or default_name
        # Without the date the same figure gives the same file.
        return [
            write_atomically(folder / f"{name}.png", canvas.savefig),
            write_atomically(
                folder / f"{name}.svg", lambda path: canvas.savefig(path, metadata={"Date": None})
            ),
        ]


def label(table: pd.DataFrame, column: str) -> str:
    """A column's name in words, with its unit: ``drain current (A)``."""
    unit = table.attrs.get("units", {}).get(column, "")
    words = re.sub(r"_+", " ", column)
    return f"{words} ({unit})" if unit and unit != "1" else words


def _check(table: pd.DataFrame, figure: Figure) -> None:
    for column in (figure.x, figure.y, *figure.by):
        if column not in table.columns:
            raise TableError(
                f"the table has no column {column!r}",
                place=f"figure {figure.name or figure.title}",
                remedy=f"it has {', '.join(map(str, table.columns))}",
            )
    drawn = table[[figure.x, figure.y]]
    for column, axis in ((figure.x, "x"), (figure.y, "y")):
        if not pd.api.types.is_numeric_dtype(drawn[column]):
            raise TableError(
                f"column {column!r} holds no numbers", place=f"figure {figure.name or figure.title}"
            )
        good = np.isfinite(drawn[column].to_numpy(float))
        if axis in figure.log:
            good &= drawn[column].to_numpy(float) > 0
        if not good.any():
            raise TableError(
                f"column {column!r} has no value to draw" + (" on a log axis" if axis in figure.log else ""),
                place=f"figure {figure.name or figure.title}",
                remedy="look at the failures of the run, or take the axis off log",
            )


def _lines(axes: Axes, table: pd.DataFrame, figure: Figure) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    by = list(figure.by)
    groups: Sequence[tuple[Any, pd.DataFrame]] = list(table.groupby(by, sort=True)) if by else [((), table)]
    firsts = sorted({key[0] for key, _ in groups}) if by else []
    others = sorted({key[1:] for key, _ in groups}) if by else [()]
    colours = colormaps["viridis"](np.linspace(0.0, 0.9, max(len(firsts), 1)))
    gradual = len(groups) > _LONGEST_LEGEND and pd.api.types.is_numeric_dtype(table[by[0]])
    for key, rows in groups:
        ordered = rows.sort_values(figure.x, kind="stable")
        axes.plot(
            ordered[figure.x],
            ordered[figure.y],
            color=colours[firsts.index(key[0])] if by else colours[0],
            linestyle=_LINE_STYLES[others.index(key[1:]) % len(_LINE_STYLES)],
            label=", ".join(_text(table, name, value) for name, value in zip(by, key, strict=True)),
            marker="." if len(ordered) < 30 else None,
        )
    if gradual:
        spread = Normalize(float(firsts[0]), float(firsts[-1]))
        bar = ScalarMappable(spread, colormaps["viridis"].resampled(256))
        axes.figure.colorbar(bar, ax=axes, label=label(table, by[0]))
        for style, other in zip(_LINE_STYLES, others, strict=False):
            if other:
                words = ", ".join(
                    _text(table, name, value) for name, value in zip(by[1:], other, strict=True)
                )
                axes.plot([], [], color="0.3", linestyle=style, label=words)
        for line in axes.lines[: len(groups)]:
            line.set_label("_" + str(line.get_label()))
    if by and (not gradual or len(by) > 1):
        axes.legend()


def _text(table: pd.DataFrame, column: str, value: Any) -> str:
    shown = f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
    unit = table.attrs.get("units", {}).get(column, "")
    return f"{shown} {unit}" if unit and unit != "1" else shown
