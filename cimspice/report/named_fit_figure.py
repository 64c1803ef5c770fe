"""A fit of a model to a table as a figure: rows and model above, residuals below."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from cimspice.fit.card import ModelCard
from cimspice.fit.fit import Fit
from cimspice.report.colours import colours_of
from cimspice.report.page_fit import NoRows, Overlay, overlay
from cimspice.report.panels import spans
from cimspice.report.quantity import quantity, words
from cimspice.report.style import GREY, MODEL, format_axis, heading, legend_beside, plain_log_axes, sheet

_MOST_CURVES = 8


def draw_named_fit(card: ModelCard, table: pd.DataFrame, fit: Fit[Any], path: Path) -> None:
    """Draw a PNG. A model that predicts no column of the table is shown by its residuals alone.

    Parameters
    ----------
    card, fit
        The fit, and its card.
    table
        What it was fitted to.
    path
        The file.
    """
    table = table.copy()
    table.attrs["units"] = {**_units(card), **table.attrs.get("units", {})}
    try:
        found = overlay(card, table)
    except NoRows:
        found = None
    with sheet(7.4, 6.0 if found else 4.2) as canvas:
        if found is None:
            _residuals_alone(canvas, fit)
        else:
            _two_panels(canvas, found, table.attrs["units"])
        canvas.axes[0].set_title(
            f"{words(card.kind)}, residual {fit.residual.percent:.3g} % of the {fit.residual.full_scale}"
        )
        plain_log_axes(canvas)
        canvas.savefig(path, format="png")


def _units(card: ModelCard) -> dict[str, str]:
    known = {name: seen.unit for name, seen in card.ranges.items()}
    return known | ({"current": "A"} if card.residual and card.residual.unit in ("A", "1") else {})


def _residuals_alone(canvas: Canvas, fit: Fit[Any]) -> None:
    axes = canvas.add_subplot()
    axes.plot(np.arange(len(fit.residuals)), fit.residuals, ".", color=MODEL)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="observation", ylabel=f"model − row ({fit.residual.unit})")


def _two_panels(canvas: Canvas, found: Overlay, units: dict[str, str]) -> None:
    above, below = canvas.subplots(2, 1, height_ratios=(2, 1), sharex=True)
    every_x, measured = (found.rows[name].to_numpy(float) for name in (found.x, found.y))
    entries = [
        Line2D([], [], linestyle="none", marker="o", color="0.3", markersize=3, markerfacecolor="none",
               label="rows"),
        Line2D([], [], color="0.3", label="model"),
    ]  # fmt: skip
    curves = _curves(found)
    for (value, rows), colour in zip(curves, colours_of(curves, graded=len(curves) > 1), strict=True):
        order = rows[np.argsort(every_x[rows], kind="stable")]
        x = every_x[order]
        above.plot(x, measured[order], "o", color=colour, markersize=3, markerfacecolor="none")
        above.plot(x, found.fitted[order], "-", color=colour)
        left = 100 * (found.fitted - measured)[order] / found.scale[order]
        below.plot(x, left, ".-", color=colour, linewidth=0.8)
        if found.by:
            entries.append(Line2D([], [], color=colour, label=quantity(value, units.get(found.by, ""))))
    if found.by:
        entries.insert(2, heading(words(found.by)))
    y_unit, x_unit = units.get(found.y, ""), units.get(found.x, "")
    format_axis(above.yaxis, found.y, y_unit, measured, log=spans(measured, 300))
    format_axis(below.xaxis, found.x, x_unit, every_x, log=spans(every_x, 300))
    below.axhline(0, color=GREY, linewidth=0.8)
    below.set_ylabel(f"model − row\n(% of the {found.scale_name})")
    legend_beside(above, entries)


def _curves(found: Overlay) -> list[tuple[Any, np.ndarray]]:
    """Values that distinguish some curves, evenly chosen, each with the positions of its rows."""
    if not found.by:
        return [(None, np.arange(len(found.rows)))]
    values = found.rows[found.by].to_numpy()
    known = np.unique(values)
    last = len(known) - 1
    chosen = np.unique(np.linspace(0, last, min(last + 1, _MOST_CURVES)).round().astype(int))
    return [(known[place].item(), np.flatnonzero(values == known[place])) for place in chosen]
