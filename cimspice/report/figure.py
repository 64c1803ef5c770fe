"""Line figures of a result table: quantities over another, a line per combination of further columns."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.lines import Line2D

from cimspice.campaign import Figure
from cimspice.campaign.limits import Limit
from cimspice.errors import TableError
from cimspice.report.colours import colours_of
from cimspice.report.panels import common_words, is_log, limit_ends, panels_of, stacked
from cimspice.report.quantity import PREFIXES, exponent, plain_unit, words
from cimspice.report.style import draw_limits, format_axis, heading, legend_above, legend_beside, save, sheet

_LINE_STYLES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_MARKERS = (".", "s", "^", "v", "D")  # of the second five line styles and further
_LONGEST_LEGEND = 12
_MOST_PAIRS = 6  # of colour and line style in a legend; of more, colours and styles are named apart
_FEW_VALUES = 3  # of a number: distinct colours, not shades
_FEW_POINTS = 30  # a line of fewer shows each


def draw(
    table: pd.DataFrame,
    figure: Figure,
    folder: Path,
    *,
    limits: Sequence[Limit] = (),
    default_name: str = "figure",
) -> list[Path]:
    """Draw one figure as PNG and SVG.

    Quantities of one unit share a panel, those of others stand in panels below over the same abscissa. Colour
    follows the first column of ``by``, the style of the line the others; a numeric first column of many
    values gets a colour bar instead of a legend.

    TableError if the table lacks a column, or has no number to draw.

    Parameters
    ----------
    table
        Any frame; units of its columns in ``attrs["units"]``.
    figure
        What to draw.
    folder
        Where to; made if absent.
    limits
        Drawn as dashed lines where they are on what is drawn; in the columns' units.
    default_name
        File name, without ending, of a figure that has none.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    _check(table, figure)
    table = _nested_as_text(table)
    panels = panels_of(figure.y, table.attrs.get("units", {}))
    with sheet(7.4, 1.6 + 2.6 * len(panels)) as canvas:
        grid = canvas.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, columns in zip(grid, panels, strict=True):
            frame, y, by = stacked(table, columns, figure.by)
            _lines(axes, frame, figure.x, y, by)
            unit = _unit(table, columns[0])
            log = is_log(figure.log, "y", unit, frame[y])
            format_axis(axes.yaxis, common_words(columns), unit, frame[y], log=log)
            ends = limit_ends(limits, columns, unit, *axes.get_ylim(), log=log)
            if ends:
                draw_limits(axes, ends)
            if axes is grid[0] or len(columns) > 1:
                _legend(axes, list(grid), frame, figure.x, by)
        unit = _unit(table, figure.x)
        log = is_log(figure.log, "x", unit, table[figure.x])
        format_axis(grid[-1].xaxis, figure.x, unit, table[figure.x], log=log)
        if figure.title:
            grid[0].set_title(figure.title)
        return save(canvas, folder, figure.name or default_name)


def _unit(table: pd.DataFrame, column: str) -> str:
    return table.attrs.get("units", {}).get(column, "")


def _check(table: pd.DataFrame, figure: Figure) -> None:
    place = f"figure {figure.name or figure.title}"
    for column in (figure.x, *figure.y, *figure.by):
        if column not in table.columns:
            raise TableError(
                f"the table has no column {column!r}",
                place=place,
                remedy=f"it has {', '.join(map(str, table.columns))}",
            )
    for axis, column in (("x", figure.x), *(("y", name) for name in figure.y)):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise TableError(f"column {column!r} holds no numbers", place=place)
        good = np.isfinite(table[column].to_numpy(float))
        log = is_log(figure.log, axis, _unit(table, column), table[column])
        if log:
            good &= table[column].to_numpy(float) > 0
        if not good.any():
            raise TableError(
                f"column {column!r} has no value to draw" + (" on a log axis" if log else ""),
                place=place,
                remedy="look at the failures of the run, or take the axis off log",
            )


def _hidden(table: pd.DataFrame, x: str, y: str, by: Sequence[str]) -> list[str]:
    """What else was swept: it splits lines too, unnamed, as one line through several corners would be a
    zigzag; but not what goes with x itself, as the values of zipped axes do.
    """
    names = [name for name in table.attrs.get("conditions", ()) if name not in (x, y, *by)]
    names = [name for name in names if name in table.columns and table[name].nunique() > 1]
    return [name for name in names if table.groupby(x)[name].nunique().max() > 1]


class _Keys:
    """Colours by the values of the first column, line styles by those of the others."""

    def __init__(self, table: pd.DataFrame, by: Sequence[str]) -> None:
        values = {name: _ordered(table[name]) for name in by}
        self.by = list(by)
        self.firsts: list[Any] = values[by[0]] if by else [None]
        self.others = list(product(*(values[name] for name in by[1:])))
        numeric = (
            bool(by) and isinstance(self.firsts[0], int | float) and not isinstance(self.firsts[0], bool)
        )
        self.gradual = numeric and len(self.firsts) * len(self.others) > _LONGEST_LEGEND
        graded = numeric and (self.gradual or len(self.firsts) > _FEW_VALUES)
        self.colours = colours_of(self.firsts, by[0] if by else "", graded=graded)

    def style(self, shown: tuple[Any, ...], points: int) -> dict[str, Any]:
        """Of the line of these values of ``by``."""
        other = self.others.index(shown[1:]) if self.by else 0
        marker = _MARKERS[other // len(_LINE_STYLES) % len(_MARKERS)]
        return {
            "color": self.colours[self.firsts.index(shown[0]) if self.by else 0],
            "linestyle": _LINE_STYLES[other % len(_LINE_STYLES)],
            "marker": marker if marker != "." or (points < _FEW_POINTS and not self.gradual) else None,
            "markersize": 3 if marker != "." else None,
        }


def _lines(axes: Axes, table: pd.DataFrame, x: str, y: str, by: Sequence[str]) -> None:
    keys = _Keys(table, by)
    split = [*by, *_hidden(table, x, y, by)]
    for key, rows in table.groupby(split, sort=False) if split else [((), table)]:
        line = (
            rows
            if _one_point(rows, table.attrs.get("conditions", ()))
            else rows.sort_values(x, kind="stable")
        )
        axes.plot(line[x], line[y], **keys.style(tuple(key)[: len(by)], len(line)))


def _one_point(rows: pd.DataFrame, conditions: Sequence[str]) -> bool:
    """Whether a line's rows are of one point, in the order that they were measured: a loop goes back in x."""
    names = [name for name in conditions if name in rows.columns]
    return bool(names) and all(rows[name].nunique(dropna=False) <= 1 for name in names)


def _legend(axes: Axes, panels: Sequence[Axes], table: pd.DataFrame, x: str, by: Sequence[str]) -> None:
    keys, points = _Keys(table, by), int(table[x].nunique())
    hidden = ", ".join(map(words, _hidden(table, x, "", by)))
    entries: list[Line2D] = []
    title = ", ".join(map(words, by))
    styles = [
        Line2D([], [], **{**keys.style((keys.firsts[0], *other), points), "color": "0.3"},
               label=_words(table, by[1:], other))
        for other in keys.others
    ] if by[1:] else []  # fmt: skip
    if keys.gradual:
        _colour_bar(panels, table, by[0], keys)
        entries, title = styles, ""
    elif by[1:] and len(keys.firsts) * len(keys.others) > _MOST_PAIRS:
        title = words(by[0])
        entries = [
            *(Line2D([], [], color=colour, label=_text(table, by[0], value))
              for value, colour in zip(keys.firsts, keys.colours, strict=True)),
            heading(", ".join(map(words, by[1:]))),
            *styles,
        ]  # fmt: skip
    elif by:
        drawn = set(table[list(by)].itertuples(index=False, name=None))
        entries = [
            Line2D([], [], **keys.style(shown, points), label=_words(table, by, shown))
            for shown in ((first, *other) for first in keys.firsts for other in keys.others)
            if shown in drawn
        ]
    if hidden:
        entries.append(heading(f"a line for each {hidden}"))
    if keys.gradual and entries:
        legend_above(axes.figure, entries)  # pyright: ignore[reportArgumentType] (a canvas, no part of one)
    elif entries:
        legend_beside(axes, entries, title)


def _colour_bar(panels: Sequence[Axes], table: pd.DataFrame, column: str, keys: _Keys) -> None:
    """What the colours of many lines mean. They go by rank: unevenly spaced values are named one by one."""
    values = keys.firsts
    steps = np.diff(values)
    even = np.allclose(steps, steps[0], rtol=1e-3)
    spread = Normalize(values[0], values[-1]) if even else Normalize(0, len(values) - 1)
    bar = panels[0].figure.colorbar(ScalarMappable(spread, _shades(keys)), ax=list(panels))
    if even:
        format_axis(bar.ax.yaxis, column, _unit(table, column), values)
        return
    last = len(values) - 1
    ranks = sorted({round(rank) for rank in np.linspace(0, last, min(len(values), 9))})
    bar.set_ticks(ranks, labels=[_text(table, column, values[rank]) for rank in ranks])
    bar.set_label(words(column))


def _shades(keys: _Keys) -> Colormap:
    """The colours of the lines, between them too."""
    return ListedColormap(colours_of(range(256), graded=True))


def _nested_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Conditions that are lists or tables (a circuit's parameters) as text, to distinguish them."""
    conditions = [name for name in table.attrs.get("conditions", ()) if name in table.columns]
    nested = [name for name in conditions if isinstance(table[name].iloc[0], list | tuple | dict)]
    return table.assign(**{name: table[name].map(repr) for name in nested})


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
    return f"{value * 10.0**-power:.4g} {PREFIXES[power]}{plain_unit(unit)}".rstrip().replace("-", "−")
