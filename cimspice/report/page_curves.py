"""Curves of a run: one quantity over another, a line per combination of conditions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign import Figure
from cimspice.report.page_document import Chart, View, label, numbers
from cimspice.report.page_study import SAMPLE, Study, ordered
from cimspice.report.quantity import PREFIXES, axis_label, exponent, plain_unit, words

PALETTE = ("#1f5fa8", "#c8553d", "#2a9d6f", "#8a4fbe", "#d99a1c", "#3aa6b9", "#b23a77", "#6b7683")
VIRIDIS = ("#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b")
"""Viridis without its palest tenth, which is hard to see on white."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_LONGEST_LEGEND = 12
_MOST_LINES = 120
_MOST_POINTS = 40_000
_POINTS_OF_A_LINE = 600
_FEW_VALUES = 3  # of a number: distinct colours, not shades
_FEW_POINTS = 30  # a line of fewer shows each
_DECADES = 12  # of a log axis: below lies what is zero but for rounding
_DEFAULT_FIGURES = 4


def curve_charts(study: Study, figures: Sequence[Figure]) -> tuple[list[Chart], list[str]]:
    """Charts of the figures asked for, or of likely ones, and a sentence for each that cannot be drawn."""
    charts, problems = [], []
    for figure in figures or list(likely_figures(study)):
        problem = _problem(study, figure)
        if problem:
            problems.append(f"{figure.title or figure.name or words(figure.y)}: {problem}")
        else:
            charts.append(_chart(study, figure))
    return charts, problems


def likely_figures(study: Study) -> Iterator[Figure]:
    """Figures for a run that asks for none: the quantities over what was swept finest."""
    table = study.table
    numeric = [name for name in study.coordinates if pd.api.types.is_numeric_dtype(table[name])]
    swept = [name for name in study.others(SAMPLE) if pd.api.types.is_numeric_dtype(table[name])]
    swept = [name for name in swept if table[name].nunique() > 2]
    candidates = numeric or swept
    if not candidates:
        return
    x = max(candidates, key=lambda name: table[name].nunique())
    split = [name for name in study.coordinates if name not in numeric]
    by = tuple(sorted((*split, *study.others(SAMPLE, x)), key=lambda name: -table[name].nunique())[:2])
    for y in study.quantities[:_DEFAULT_FIGURES]:
        values = table[y].to_numpy(float)
        values = values[np.isfinite(values)]
        decades = np.log10(values.max() / values.min()) if len(values) and values.min() > 0 else 0
        yield Figure(x=x, y=y, by=by, log=("y",) if decades > 3 else ())


def _problem(study: Study, figure: Figure) -> str:
    for column in (figure.x, figure.y, *figure.by):
        if column not in study.table.columns:
            return f"the table has no column {column!r}"
    for column, axis in ((figure.x, "x"), (figure.y, "y")):
        if not pd.api.types.is_numeric_dtype(study.table[column]):
            return f"column {column!r} holds no numbers"
        values = study.table[column].to_numpy(float)
        if not (np.isfinite(values) & ((values > 0) | (axis not in figure.log))).any():
            return f"column {column!r} has no value to draw"
    return ""


def axis_of(values: Any, column: str, unit: str, *, log: bool = False) -> tuple[dict[str, Any], float]:
    """Plotly's description of an axis, and the factor of its values (a linear one is in µA)."""
    power = 0 if log else exponent(values, unit)
    axis: dict[str, Any] = {"title": {"text": label(axis_label(column, unit, power))}}
    if log:
        array = np.asarray(values, dtype=float)
        array = array[np.isfinite(array) & (array > 0)]
        # A few currents of 1e-20 A must not press the curves into the upper edge.
        low = max(
            float(array.min()), float(np.percentile(array, 4)) / 10, float(array.max()) * 10.0**-_DECADES
        )
        ends = [math.log10(low / 1.5), math.log10(float(array.max()) * 1.5)]
        axis |= {
            "type": "log",
            "exponentformat": "SI",
            "dtick": 1 if ends[1] - ends[0] > 1 else None,
            "range": ends,
        }
    return {key: entry for key, entry in axis.items() if entry is not None}, 10.0**-power


def legend(by: Sequence[str]) -> dict[str, Any]:
    """The part of a layout that says what the legend's values are values of."""
    return {"legend": {"title": {"text": label(", ".join(map(words, by)))}}} if by else {}


def hover(axis: str, name: str, unit: str, values: Any, *, log: bool) -> str:
    """Line of a hover text: name, value and unit."""
    shown = label(plain_unit(unit))
    if log:
        return f"{label(words(name))}: %{{{axis}:.4~s}}{shown}"
    return f"{label(words(name))}: %{{{axis}:.5~g}} {PREFIXES[exponent(values, unit)]}{shown}"


def _chart(study: Study, figure: Figure) -> Chart:
    table, by = study.table, list(figure.by)
    # What else was varied splits lines too, unnamed: one line through several corners would be a zigzag.
    hidden = [name for name in (*study.varied, *study.coordinates) if name not in (figure.x, figure.y, *by)]
    if figure.x in study.coordinates:  # a further number swept along with it, as time with a voltage
        hidden = [name for name in hidden if not (name in study.coordinates and _numeric(table, name))]
    keys = {name: ordered(table[name]) for name in by}
    firsts: list[Any] = keys[by[0]] if by else [None]
    others = list(product(*(keys[name] for name in by[1:])))
    gradual = bool(by) and len(firsts) * len(others) > _LONGEST_LEGEND and _numeric(table, by[0])
    styles = _styles(study, by, firsts, others, gradual, bool(hidden))
    x, y = (table[name].to_numpy(float) for name in (figure.x, figure.y))
    x_axis, x_factor = axis_of(x, figure.x, study.unit(figure.x), log="x" in figure.log)
    y_axis, y_factor = axis_of(y, figure.y, study.unit(figure.y), log="y" in figure.log)
    template = "<br>".join(
        (
            hover("x", figure.x, study.unit(figure.x), x, log="x" in figure.log),
            hover("y", figure.y, study.unit(figure.y), y, log="y" in figure.log),
        )
    )
    lines = list(study.groups([*by, *hidden]))
    kept = _thinned(lines, by)
    limit = max(8, min(_POINTS_OF_A_LINE, _MOST_POINTS // max(len(kept), 1)))
    traces: dict[tuple[Any, ...], dict[str, Any]] = {}
    for key, rows in kept:
        shown = key[: len(by)]
        line = rows.sort_values(figure.x, kind="stable")
        line = line.iloc[np.unique(np.linspace(0, len(line) - 1, min(len(line), limit)).round().astype(int))]
        colour, dash = (
            styles[firsts.index(shown[0]), others.index(shown[1:])] if by else (PALETTE[0], DASHES[0])
        )
        points: dict[str, list[Any]] = {
            "x": numbers(line[figure.x].to_numpy(float) * x_factor),
            "y": numbers(line[figure.y].to_numpy(float) * y_factor),
        }
        if hidden:
            points["text"] = [label(study.named(hidden, key[len(by) :]))] * len(line)
        if shown in traces:  # as one trace with gaps: hundreds of traces are slow to draw
            for name, values in points.items():
                traces[shown][name] += [None, *values]
            continue
        name = label(", ".join(study.show(*entry) for entry in zip(by, shown, strict=True)))
        traces[shown] = {
            "type": "scatter",
            "mode": "lines+markers"
            if len(line) < _FEW_POINTS and not (gradual or SAMPLE in hidden)
            else "lines",
            "line": {"color": colour, "dash": dash, "width": 1 if SAMPLE in hidden else 1.6},
            "marker": {"size": 4, "color": colour},
            "opacity": 0.7 if SAMPLE in hidden else 1,
            "name": name,
            "showlegend": bool(by) and not gradual,
            "hovertemplate": template + ("<br>%{text}" if hidden else "") + f"<extra>{name}</extra>",
            **points,
        }
    data = list(traces.values())
    if gradual:
        data += _key(study, by, firsts, others)
    title = figure.title or f"{words(figure.y)} over {words(figure.x)}"
    layout = {"xaxis": x_axis, "yaxis": y_axis, **legend(by)}
    return Chart(title, [View(title, data, layout)], _note(study, hidden, len(kept), len(lines)))


def _note(study: Study, hidden: Sequence[str], kept: int, lines: int) -> str:
    notes = []
    if hidden:
        names = ", ".join(words(name) for name in hidden)
        notes.append(f"A line for each value of {names} too; point at a line to see which.")
    if kept < lines:
        notes.append(f"{kept} of {lines} lines are drawn, evenly chosen; the table has them all.")
    return " ".join(notes)


def _numeric(table: pd.DataFrame, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(table[name])


def _thinned(lines: list[Any], by: Sequence[str]) -> list[Any]:
    """At most so many lines as can be told apart or drawn at once."""
    most = _MOST_LINES * (3 if len({key[: len(by)] for key, _ in lines}) <= _LONGEST_LEGEND else 1)
    if len(lines) <= most:
        return lines
    return [lines[index] for index in np.linspace(0, len(lines) - 1, most).round().astype(int)]


def _styles(
    study: Study,
    by: Sequence[str],
    firsts: Sequence[Any],
    others: Sequence[Any],
    gradual: bool,
    crowded: bool,
) -> dict[tuple[int, int], tuple[str, str]]:
    """Colour and dash by positions among the first column's values and the others' combinations."""
    pairs = list(product(range(len(firsts)), range(len(others))))
    if crowded and len(pairs) <= len(PALETTE):  # dashes of many lines upon each other cannot be told apart
        return {pair: (colour, DASHES[0]) for pair, colour in zip(pairs, PALETTE, strict=False)}
    graded = bool(by) and _numeric(study.table, by[0]) and (gradual or len(firsts) > _FEW_VALUES)
    colours = _colours(len(firsts), graded)
    return {(first, other): (colours[first], DASHES[other % len(DASHES)]) for first, other in pairs}


def _colours(count: int, graded: bool) -> list[str]:
    if not graded:
        return [PALETTE[index % len(PALETTE)] for index in range(count)]
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in VIRIDIS], dtype=float)
    at = np.linspace(0, len(VIRIDIS) - 1, count) if count > 1 else np.array([3.0])
    mixed = np.stack([np.interp(at, np.arange(len(VIRIDIS)), stops[:, i]) for i in range(3)], axis=1)
    return ["#" + "".join(f"{round(part):02x}" for part in colour) for colour in mixed.tolist()]


def _key(
    study: Study, by: Sequence[str], values: Sequence[float], others: Sequence[Any]
) -> list[dict[str, Any]]:
    """Traces without points that bring the colour bar, by rank of the values, and the dashes' legend."""
    last = len(values) - 1
    ranks = sorted({round(rank) for rank in np.linspace(0, last, min(len(values), 7))})
    scale = [[index / (len(VIRIDIS) - 1), colour] for index, colour in enumerate(VIRIDIS)]
    bar = {
        "title": {"text": label(words(by[0])), "side": "right"},
        "tickvals": ranks,
        "ticktext": [label(study.show(by[0], values[rank])) for rank in ranks],
        "thickness": 11,
        "outlinewidth": 0,
    }
    marker = {
        "color": [0, last],
        "colorscale": scale,
        "cmin": 0,
        "cmax": last,
        "showscale": True,
        "colorbar": bar,
    }
    empty = {"type": "scatter", "x": [None], "y": [None], "hoverinfo": "skip"}
    traces = [{**empty, "mode": "markers", "marker": marker, "showlegend": False}]
    for dash, other in zip(DASHES, others if by[1:] else [], strict=False):
        name = label(", ".join(study.show(*entry) for entry in zip(by[1:], other, strict=True)))
        traces.append(
            {
                **empty,
                "mode": "lines",
                "line": {"color": "#444", "dash": dash},
                "name": name,
                "showlegend": True,
            }
        )
    return traces
