"""Curves of a run: one quantity over another, a line per combination of conditions."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign import Figure
from cimspice.campaign.limits import Limit
from cimspice.report.colours import LIMIT, PALETTE, VIRIDIS, colours_of
from cimspice.report.page_document import Chart, View, label, numbers
from cimspice.report.page_study import SAMPLE, Study, ordered
from cimspice.report.panels import (
    QUANTITY,
    common_words,
    is_log,
    limit_ends,
    log_ends,
    panels_of,
    spans,
    stacked,
)
from cimspice.report.quantity import PREFIXES, axis_label, exponent, plain_unit, takes_prefix, words

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_LONGEST_LEGEND = 12
_MOST_LINES = 120
_MOST_POINTS = 40_000
_POINTS_OF_A_LINE = 600
_FEW_VALUES = 3  # of a number: distinct colours, not shades
_FEW_POINTS = 30  # a line of fewer shows each
_DEFAULT_FIGURES = 4
_ANGLES = (90, 45, 15)
_STEPS = {"dB": (20, 10), "°": _ANGLES, "deg": _ANGLES}  # of the axes of a Bode plot, the widest first
_GAP = 0.06  # between panels, of the chart's height


def curve_charts(
    study: Study, figures: Sequence[Figure], limits: Sequence[Limit] = ()
) -> tuple[list[Chart], list[str]]:
    """Charts of the figures asked for, or of likely ones, and a sentence for each that cannot be drawn."""
    charts, problems = [], []
    for figure in figures or list(likely_figures(study)):
        problem = _problem(study, figure)
        if problem:
            problems.append(f"{figure.title or figure.name or words(figure.y[0])}: {problem}")
        else:
            charts.append(_chart(study, figure, limits))
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
        yield Figure(x=x, y=(y,), by=by, log=("y",) if spans(table[y], 1000) else ())


def _problem(study: Study, figure: Figure) -> str:
    for column in (figure.x, *figure.y, *figure.by):
        if column not in study.table.columns:
            return f"the table has no column {column!r}"
    for axis, column in (("x", figure.x), *(("y", name) for name in figure.y)):
        if not pd.api.types.is_numeric_dtype(study.table[column]):
            return f"column {column!r} holds no numbers"
        values = study.table[column].to_numpy(float)
        log = is_log(figure.log, axis, study.unit(column), values)
        if not (np.isfinite(values) & ((values > 0) | (not log))).any():
            return f"column {column!r} has no value to draw"
    return ""


def axis_of(values: Any, column: str, unit: str, *, log: bool = False) -> tuple[dict[str, Any], float]:
    """Plotly's description of an axis, and the factor of its values (a linear one is in µA)."""
    power = 0 if log else exponent(values, unit)
    axis: dict[str, Any] = {"title": {"text": label(axis_label(column, unit, power))}}
    if log:
        ends = [math.log10(end) for end in log_ends(values)]
        axis |= {
            "type": "log",
            "exponentformat": "SI" if takes_prefix(unit) else "power",
            "minexponent": 2,
            "dtick": 1 if ends[1] - ends[0] > 1 else None,
            "range": ends,
        }
    elif unit in _STEPS:
        span = float(np.nanmax(values) - np.nanmin(values))
        axis["dtick"] = next((step for step in _STEPS[unit] if span >= 3 * step), None)
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


def _chart(study: Study, figure: Figure, limits: Sequence[Limit]) -> Chart:
    panels = panels_of(figure.y, study.units)
    x, unit = study.table[figure.x].to_numpy(float), study.unit(figure.x)
    x_log = is_log(figure.log, "x", unit, x)
    x_axis, x_factor = axis_of(x, figure.x, unit, log=x_log)
    x_hover = hover("x", figure.x, unit, x, log=x_log)
    height = (1 - _GAP * (len(panels) - 1)) / len(panels)
    data: list[dict[str, Any]] = []
    several = [QUANTITY] if len(panels[0]) > 1 else []
    layout: dict[str, Any] = {**legend([*figure.by, *several]), "shapes": [], "annotations": []}
    notes: list[str] = []
    for place, columns in enumerate(panels):
        frame, y, by = stacked(study.table, columns, figure.by)
        part = replace(
            study,
            table=frame,
            units={**study.units, y: study.unit(columns[0])},
            coordinates=tuple(name for name in study.coordinates if name in frame),
        )
        values, log = frame[y].to_numpy(float), is_log(figure.log, "y", part.unit(y), frame[y])
        axis, factor = axis_of(values, common_words(columns), part.unit(y), log=log)
        key = str(place + 1) if place else ""
        template = "<br>".join((x_hover, hover("y", common_words(columns), part.unit(y), values, log=log)))
        traces, note = _traces(part, figure.x, y, by, (x_factor, factor), template)
        for trace in traces:
            trace |= {"yaxis": f"y{key}", "legendgroup": trace.get("name", "")}
            trace["showlegend"] = bool(trace.get("showlegend")) and (not place or len(columns) > 1)
        data += traces
        _add_limits(layout, axis, limits, columns, part.unit(y), values * factor, factor, f"y{key}")
        top = 1 - place * (height + _GAP)
        layout[f"yaxis{key}"] = {**axis, "domain": [top - height, top]}
        notes += [note] if note not in notes else []
    layout["xaxis"] = {**x_axis, "anchor": f"y{len(panels)}" if len(panels) > 1 else "y"}
    title = figure.title or f"{', '.join(map(words, figure.y))} over {words(figure.x)}"
    return Chart(title, [View(title, data, layout)], " ".join(notes).strip(), panels=len(panels))


def _add_limits(
    layout: dict[str, Any], axis: dict[str, Any], limits: Sequence[Limit], columns: Sequence[str], unit: str,
    drawn: np.ndarray, factor: float, name: str,
) -> None:  # fmt: skip
    """Dashed lines with their names for limits near what is drawn, names alone for those far away."""
    log = axis.get("type") == "log"
    low, high = (10.0**end for end in axis["range"]) if log else (np.nanmin(drawn), np.nanmax(drawn))
    ends = limit_ends(limits, columns, unit, low / factor, high / factor, log=log)
    near = [value * factor for value, _, where in ends if where == 0]
    note = {"xref": "paper", "x": 1, "xanchor": "right", "showarrow": False}
    note["font"] = {"color": LIMIT, "size": 11}
    for value, words_, where in ends:
        at = {"yref": f"{name} domain", "y": int(where > 0), "yanchor": "top" if where > 0 else "bottom"}
        if where == 0:  # a note on a log axis is placed by the logarithm, a line by the value
            at |= {"yref": name, "y": math.log10(value * factor) if log else value * factor}
            layout["shapes"].append(
                {"type": "line", "xref": "paper", "yref": name, "x0": 0, "x1": 1, "y0": value * factor,
                 "y1": value * factor, "line": {"color": LIMIT, "width": 1.5, "dash": "dash"}}
            )  # fmt: skip
        arrow = {1: " ↑", 0: "", -1: " ↓"}[where]
        layout["annotations"].append({**note, **at, "text": label(words_ + arrow)})
    if near and not log:  # the library does not count lines when it chooses an axis' ends
        low, high = min(low, *near), max(high, *near)
        axis["range"] = [low - 0.05 * (high - low), high + 0.08 * (high - low)]
    elif near:
        axis["range"] = [
            min(axis["range"][0], *(math.log10(value / 1.5) for value in near)),
            max(axis["range"][1], *(math.log10(value * 1.5) for value in near)),
        ]


def _traces(
    study: Study, x: str, y: str, by: Sequence[str], factors: tuple[float, float], template: str
) -> tuple[list[dict[str, Any]], str]:
    """The lines of one panel, and what is to be said of them."""
    table = study.table
    # What else was varied splits lines too, unnamed: one line through several corners would be a zigzag.
    hidden = [name for name in (*study.varied, *study.coordinates) if name not in (x, y, *by)]
    if x in study.coordinates:  # a further number swept along with it, as time with a voltage
        hidden = [name for name in hidden if not (name in study.coordinates and _numeric(table, name))]
    keys = {name: ordered(table[name]) for name in by}
    firsts: list[Any] = keys[by[0]] if by else [None]
    others = list(product(*(keys[name] for name in by[1:])))
    gradual = bool(by) and len(firsts) * len(others) > _LONGEST_LEGEND and _numeric(table, by[0])
    styles = _styles(study, by, firsts, others, gradual, bool(hidden))
    lines = study.groups([*by, *hidden])
    kept = lines.evenly(_MOST_LINES * (3 if len(study.groups(by)) <= _LONGEST_LEGEND else 1))
    limit = max(8, min(_POINTS_OF_A_LINE, _MOST_POINTS // max(len(kept), 1)))
    traces: dict[tuple[Any, ...], dict[str, Any]] = {}
    drawn = 0
    for key, rows in kept:
        shown = key[: len(by)]
        line = (
            rows.sort_values(x, kind="stable") if x in study.varied else rows
        )  # of one point, a loop perhaps
        line = line.iloc[np.unique(np.linspace(0, len(line) - 1, min(len(line), limit)).round().astype(int))]
        drawn += len(line)
        colour, dash = (
            styles[firsts.index(shown[0]), others.index(shown[1:])] if by else (PALETTE[0], DASHES[0])
        )
        points: dict[str, list[Any]] = {
            "x": numbers(line[x].to_numpy(float) * factors[0]),
            "y": numbers(line[y].to_numpy(float) * factors[1]),
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
    return data, _note(study, hidden, len(kept), len(lines), drawn)


def _note(study: Study, hidden: Sequence[str], kept: int, lines: int, drawn: int) -> str:
    notes = []
    if hidden:
        names = ", ".join(words(name) for name in hidden)
        notes.append(f"A line for each value of {names} too; point at a line to see which.")
    if kept < lines:
        notes.append(f"{kept:,} of {lines:,} lines are drawn, evenly chosen; the table has them all.")
    if drawn < len(study.table):
        notes.append(f"{drawn:,} of {len(study.table):,} rows are shown.")
    return " ".join(notes)


def _numeric(table: pd.DataFrame, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(table[name])


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
    if crowded and len(pairs) <= len(PALETTE):  # dashes of many lines upon each other cannot be distinguished
        colours = colours_of(firsts, by[0]) if by and len(others) == 1 else PALETTE
        return {pair: (colour, DASHES[0]) for pair, colour in zip(pairs, colours, strict=False)}
    graded = bool(by) and _numeric(study.table, by[0]) and (gradual or len(firsts) > _FEW_VALUES)
    colours = colours_of(firsts, by[0] if by else "", graded=graded)
    return {(first, other): (colours[first], DASHES[other % len(DASHES)]) for first, other in pairs}


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
