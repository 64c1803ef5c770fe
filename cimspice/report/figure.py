"""Line figures of a result table: one quantity over another, a line per combination of further columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure as Canvas

from cimspice.campaign import Figure
from cimspice.errors import TableError
from cimspice.files import write_atomically
from cimspice.report.quantity import PREFIXES, axis_label, exponent, plain_unit, words

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
    "text.usetex": False,  # whatever a matplotlibrc in the working directory says
    "text.parse_math": False,  # titles and values may hold a dollar sign
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "cimspice",  # names in the SVG do not change from run to run
}
_LINE_STYLES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_LONGEST_LEGEND = 12
_FEW_POINTS = 30  # a line of fewer shows each
_DECADES = 12  # of a log axis: below lies what is zero but for rounding


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
    _check(table, figure)
    with rc_context(STYLE):
        canvas = Canvas(layout="constrained")
        FigureCanvasAgg(canvas)
        axes = canvas.add_subplot()
        _lines(axes, table, figure)
        for axis, column in (("x", figure.x), ("y", figure.y)):
            format_axis(axes, axis, table, column, log=axis in figure.log)
        if figure.title:
            axes.set_title(figure.title, fontsize=10)
        name = figure.name or default_name
        # Without the date the same figure gives the same file.
        return [
            write_atomically(folder / f"{name}.png", canvas.savefig),
            write_atomically(
                folder / f"{name}.svg", lambda path: canvas.savefig(path, metadata={"Date": None})
            ),
        ]


def format_axis(axes: Axes, name: str, table: pd.DataFrame, column: str, *, log: bool = False) -> None:
    """Name axis ``"x"`` or ``"y"`` after a column, with its unit; a linear axis in a unit that suits its
    values (µA, ns).
    """
    axis = axes.xaxis if name == "x" else axes.yaxis
    values = np.abs(table[column].to_numpy(float))
    values = values[np.isfinite(values) & (values > 0)]
    largest = float(values.max()) if len(values) else 1.0
    if log:
        floor = max(float(values.min()), largest * 10.0**-_DECADES)
        axes.set(**{f"{name}scale": "log", f"{name}lim": (floor / 1.5, largest * 1.5)})
        axis.set_major_formatter(lambda value, _: f"{value:g}")  # powers would need math text
        axis.set_label_text(axis_label(column, _unit(table, column)))
        return
    power = exponent([largest], _unit(table, column))
    axis.set_major_formatter(lambda value, _: f"{value * 10.0**-power:g}")
    axis.set_label_text(axis_label(column, _unit(table, column), power))


def _unit(table: pd.DataFrame, column: str) -> str:
    return table.attrs.get("units", {}).get(column, "")


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
    by = list(figure.by)
    table = _nested_as_text(table)
    # What else was swept splits lines too, unnamed: one line through several corners would be a zigzag.
    hidden = [name for name in table.attrs.get("conditions", ()) if name not in (figure.x, figure.y, *by)]
    hidden = [name for name in hidden if name in table.columns and table[name].nunique() > 1]
    # ... but not what goes with x itself, as the values of zipped axes do.
    hidden = [name for name in hidden if table.groupby(figure.x)[name].nunique().max() > 1]
    keys = {name: _ordered(table[name]) for name in by}
    firsts: list[Any] = keys[by[0]] if by else [None]
    others = list(product(*(keys[name] for name in by[1:])))
    colours = colormaps["viridis"](np.linspace(0.0, 0.9, len(firsts)))
    gradual = bool(by) and len(firsts) * len(others) > _LONGEST_LEGEND and isinstance(firsts[0], int | float)
    named: set[tuple[Any, ...]] = set()
    for key, rows in table.groupby([*by, *hidden], sort=False) if by or hidden else [((), table)]:
        shown = tuple(key)[: len(by)]
        ordered = rows.sort_values(figure.x, kind="stable")
        axes.plot(
            ordered[figure.x],
            ordered[figure.y],
            color=colours[firsts.index(shown[0]) if by else 0],
            linestyle=_LINE_STYLES[(others.index(shown[1:]) if by else 0) % len(_LINE_STYLES)],
            label="_" if gradual or shown in named else _words(table, by, shown),
            marker="." if len(ordered) < _FEW_POINTS and not gradual else None,
        )
        named.add(shown)
    if gradual:
        _colour_bar(axes, table, by[0], firsts)
        for style, other in zip(_LINE_STYLES, others if by[1:] else [], strict=False):
            axes.plot([], [], color="0.3", linestyle=style, label=_words(table, by[1:], other))
    if by and (not gradual or by[1:]):
        axes.legend()


def _colour_bar(axes: Axes, table: pd.DataFrame, column: str, values: Sequence[float]) -> None:
    """What the colours of many lines mean. They go by rank: unevenly spaced values are named one by one."""
    steps = np.diff(values)
    if np.allclose(steps, steps[0], rtol=1e-3):
        spread = Normalize(values[0], values[-1])
        axes.figure.colorbar(
            ScalarMappable(spread, _upto_yellow()), ax=axes, label=axis_label(column, _unit(table, column))
        )
        return
    last = len(values) - 1
    bar = axes.figure.colorbar(ScalarMappable(Normalize(0, last), _upto_yellow()), ax=axes)
    ranks = sorted({round(rank) for rank in np.linspace(0, last, min(len(values), 9))})
    bar.set_ticks(ranks, labels=[_text(table, column, values[rank]) for rank in ranks])
    bar.set_label(words(column))


def _nested_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Conditions that are lists or tables (a circuit's parameters) as text, to tell them apart."""
    conditions = [name for name in table.attrs.get("conditions", ()) if name in table.columns]
    nested = [name for name in conditions if isinstance(table[name].iloc[0], list | tuple | dict)]
    return table.assign(**{name: table[name].map(repr) for name in nested})


def _upto_yellow() -> ListedColormap:
    """The colours of the lines: viridis without its palest tenth, which is hard to see on white."""
    return ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.9, 256)))


def _ordered(column: pd.Series) -> list[Any]:
    """Values of a column: numbers rising, words as they come."""
    values = column.drop_duplicates().tolist()
    return sorted(values) if pd.api.types.is_numeric_dtype(column) else values


def _words(table: pd.DataFrame, columns: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(_text(table, name, value) for name, value in zip(columns, values, strict=True))


def _text(table: pd.DataFrame, column: str, value: Any) -> str:
    if isinstance(value, bool | str):
        return str(value)
    unit = _unit(table, column)
    power = exponent(table[column], unit)  # the same for all of a column
    return f"{value * 10.0**-power:.4g} {PREFIXES[power]}{plain_unit(unit)}".rstrip()
