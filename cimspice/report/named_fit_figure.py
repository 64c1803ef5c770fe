"""A fit of a model to a table as a figure: rows and model above, residuals below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cimspice.models import Fit, ModelCard
from cimspice.report.figure import STYLE, format_axis
from cimspice.report.page_fit import NoRows, Overlay, overlay
from cimspice.report.quantity import words

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
    with rc_context(STYLE):
        try:
            found = overlay(card, table)
        except NoRows:
            figure = _residuals_alone(fit)
        else:
            figure = _two_panels(card, found, table)
        figure.suptitle(
            f"{words(card.kind)}, residual {fit.residual.percent:.3g} % of the {fit.residual.full_scale}"
        )
        FigureCanvasAgg(figure).print_png(path)


def _units(card: ModelCard) -> dict[str, str]:
    known = {name: seen.unit for name, seen in card.ranges.items()}
    return known | ({"current": "A"} if card.residual and card.residual.unit in ("A", "1") else {})


def _residuals_alone(fit: Fit[Any]) -> Figure:
    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    axes.plot(np.arange(len(fit.residuals)), fit.residuals, ".")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set(xlabel="observation", ylabel=f"model - row ({fit.residual.unit})")
    return figure


def _two_panels(card: ModelCard, found: Overlay, table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(6.4, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(2, 1), sharex=True)
    measured = found.rows[found.y].to_numpy(float)
    log = bool(measured.min() > 0 and measured.max() > 300 * measured.min())
    for colour, rows in _curves(found):
        order = rows[np.argsort(found.rows[found.x].to_numpy(float)[rows], kind="stable")]
        x = found.rows[found.x].to_numpy(float)[order]
        above.plot(x, measured[order], "o", color=colour, markersize=3, markerfacecolor="none")
        above.plot(x, found.fitted[order], "-", color=colour)
        left = 100 * (found.fitted - measured)[order] / found.scale[order]
        below.plot(x, left, ".-", color=colour, linewidth=0.8)
    rows = found.rows.copy()
    rows.attrs["units"] = table.attrs["units"]
    format_axis(above, "y", rows, found.y, log=log)
    format_axis(below, "x", rows, found.x)
    below.axhline(0, color="0.5", linewidth=0.8)
    below.set_ylabel(f"% of the {found.scale_name}")
    _legend(above)
    return figure


def _curves(found: Overlay) -> list[tuple[tuple[float, ...], np.ndarray]]:
    """Positions of the rows of some curves, evenly chosen, each with its colour."""
    from matplotlib import colormaps

    if not found.by:
        return [((0.12, 0.37, 0.66), np.arange(len(found.rows)))]
    keys = found.rows.groupby(found.by, sort=True).ngroup().to_numpy()
    last = int(keys.max())
    chosen = np.unique(np.linspace(0, last, min(last + 1, _MOST_CURVES)).round().astype(int)).tolist()
    colours = colormaps["viridis"](np.linspace(0.0, 0.9, len(chosen)))
    return [(tuple(colour), np.flatnonzero(keys == key)) for colour, key in zip(colours, chosen, strict=True)]


def _legend(axes: Axes) -> None:
    axes.plot([], [], "o", color="0.3", markersize=3, markerfacecolor="none", label="rows")
    axes.plot([], [], "-", color="0.3", label="model")
    axes.legend()
