"""Monte Carlo: histograms, mean and spread with their intervals, and the yield with its interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cimspice.campaign.limits import SAMPLE, Limit, Share, Yield, sample_yield
from cimspice.report.colours import LIMIT, colours_of
from cimspice.report.page_curves import axis_of
from cimspice.report.page_document import Chart, View, label, numbers, paragraph, rows
from cimspice.report.page_study import Groups, Study, ordered
from cimspice.report.quantity import PREFIXES, exponent, plain_unit, quantity, words

_MOST_VIEWS = 60
_MOST_ROWS = 200
_MOST_BINS = 120
_NEAR = 1.0  # widths of the histogram that a limit may be away to be drawn
_TAIL = 0.025


def deviation_interval(deviation: float, count: int) -> tuple[float, float]:
    """95 % interval of the standard deviation of ``count`` normal draws (χ²)."""
    scaled = np.sqrt((count - 1) / special.chdtri(count - 1, [_TAIL, 1 - _TAIL]))
    return float(deviation * scaled[0]), float(deviation * scaled[1])


def is_monte_carlo(study: Study) -> bool:
    """Whether the run drew samples."""
    return SAMPLE in study.varied


def yields(study: Study, limits: Sequence[Limit]) -> Yield | None:
    """Yield over all limits together; None without samples or limits."""
    limits = [limit for limit in limits if limit.column in study.quantities]
    if not limits or not is_monte_carlo(study):
        return None
    kept = pd.concat([limit.kept(study.table[limit.column]) for limit in limits], axis=1).all(axis=1)
    return sample_yield(kept, study.table[[*study.varied]])


def yield_table(study: Study, found: Sequence[tuple[dict[str, Any], Share]]) -> str:
    """The yields of some conditions as an HTML table."""
    names = [*found[0][0]]
    body = []
    for where, share in found[:_MOST_ROWS]:
        low, high = share.interval
        conditions = [study.show(*entry) for entry in where.items()]
        body.append(
            [
                _percent(share.fraction),
                f"{_percent(low)} to {_percent(high)}",
                *conditions,
                f"{share.passed} of {share.count}",
            ]
        )
    heads = ["yield", "95 % interval", *map(words, names), "samples that pass"]
    return rows(heads, body, numeric=(0, 1, len(heads) - 1))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


def moments_table(study: Study) -> str:
    """Mean, standard deviation with its interval, and ends, by quantity and conditions, as an HTML table."""
    names = (*study.others(SAMPLE), *study.coordinates)
    groups = study.groups(names)
    chosen = groups.evenly(max(1, _MOST_ROWS // max(len(study.quantities), 1)))
    body = []
    for column in study.quantities:
        for key, part in chosen:
            values = part[column].to_numpy(float)
            values = values[np.isfinite(values)]
            if len(values) < 2:
                continue
            deviation = float(values.std(ddof=1))
            low, high = deviation_interval(deviation, len(values))
            shown = [quantity(number, study.unit(column)) for number in (values.mean(), deviation)]
            ends = [quantity(number, study.unit(column)) for number in (values.min(), values.max())]
            interval = f"{quantity(low, study.unit(column))} to {quantity(high, study.unit(column))}"
            where = [study.show(*entry) for entry in zip(names, key, strict=True)]
            body.append([words(column), *where, len(values), *shown, interval, *ends])
    heads = ["quantity", *map(words, names), "n", "mean", "σ", "95 % interval of σ", "least", "largest"]
    table = rows(heads, body, numeric=range(1 + len(names), len(heads)))
    return (
        table
        if len(chosen) == len(groups)
        else table + paragraph(_thinned(chosen, groups, "are shown"), "note")
    )


def _thinned(chosen: list[Any], groups: Groups, how: str) -> str:
    taken = sum(len(part) for _, part in chosen)
    return (
        f"{len(chosen):,} of {len(groups):,} conditions, evenly chosen, {how}: "
        f"{taken:,} of {len(groups.table):,} rows."
    )


def histograms(study: Study, limits: Sequence[Limit]) -> list[Chart]:
    """One chart per quantity; corners over each other, other conditions by choice."""
    over = ("corner",) if "corner" in study.varied else ()
    names = (*study.others(SAMPLE, *over), *study.coordinates)
    groups = study.groups(names)
    chosen = groups.evenly(_MOST_VIEWS)
    note = "" if len(chosen) == len(groups) else _thinned(chosen, groups, "can be chosen")
    charts = []
    for column in study.quantities:
        own = [limit for limit in limits if limit.column == column]
        shown = [(key, part) for key, part in chosen if part[column].notna().sum() > 1]
        views = [
            _histogram(study, part, column, own, study.named(names, key) or words(column))
            for key, part in shown
        ]
        if views:
            start = max(range(len(shown)), key=lambda index: _interest(shown[index][1][column], own))
            charts.append(Chart(f"Distribution of {words(column)}", views, note, start))
    return charts


def _interest(values: pd.Series, limits: Sequence[Limit]) -> tuple[float, float]:
    """What to show first: the condition that breaks its limits most, else the one of the largest values."""
    broken = max((float((~limit.kept(values)).mean()) for limit in limits), default=0.0)
    return broken, float(values.abs().median())


def _histogram(study: Study, part: pd.DataFrame, column: str, limits: Sequence[Limit], name: str) -> View:
    unit = study.unit(column)
    finite = part[np.isfinite(part[column].to_numpy(float))]
    ends = [end for limit in limits for end in (limit.minimum, limit.maximum) if end is not None]
    axis, factor = axis_of(finite[column], column, unit)
    shown = f"{PREFIXES[exponent(finite[column], unit)]}{plain_unit(unit)}"
    split = ordered(finite["corner"]) if "corner" in study.varied else [None]
    parts = [
        finite[column] if corner is None else finite.loc[finite["corner"] == corner, column]
        for corner in split
    ]
    edges = _edges([values.to_numpy(float) for values in parts])
    width = float(edges[1] - edges[0])
    centres = np.concatenate([edges[:1] - width / 2, edges[:-1] + width / 2, edges[-1:] + width / 2])
    traces = []
    for corner, values, colour in zip(split, parts, colours_of(split, "corner"), strict=True):
        counts, _ = np.histogram(values, edges)
        traces.append(  # outlines: bars of several corners over each other mix to brown
            {
                "type": "scatter",
                "mode": "lines",
                "x": numbers(centres * factor),
                "y": [0, *counts.tolist(), 0],
                "line": {"shape": "hvh", "color": colour, "width": 1.8},
                "fill": "tozeroy",
                "fillcolor": f"{colour}14",
                "name": label(f"{corner or 'samples'}: n = {len(values)}"),
                "showlegend": True,
                "hovertemplate": f"{label(words(column))}: %{{x:.4~g}} {label(shown)}<br>%{{y}} samples"
                f"<extra>{label(corner or '')}</extra>",
            }
        )
    low, high = float(edges[0]), float(edges[-1])
    near = [end for end in ends if low - _NEAR * (high - low) <= end <= high + _NEAR * (high - low)]
    low, high = min([low, *near]), max([high, *near])
    axis["range"] = [(low - 0.04 * (high - low)) * factor, (high + 0.04 * (high - low)) * factor]
    far = [f"limit {quantity(end, unit)} {'→' if end > high else '←'}" for end in ends if end not in near]
    lines = [
        {"type": "line", "x0": end * factor, "x1": end * factor, "y0": 0, "y1": 1, "yref": "paper",
         "line": {"color": LIMIT, "width": 1.5, "dash": "dash"}}
        for end in near
    ]  # fmt: skip
    marks = [
        {"x": end * factor, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False,
         "text": label(quantity(end, unit)), "font": {"color": LIMIT, "size": 11}}
        for end in near
    ]  # fmt: skip
    if far:
        corner_of_plot = {
            "x": 1,
            "xref": "paper",
            "xanchor": "right",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
        }
        words_there = {"text": label(", ".join(far)), "font": {"color": "#5b6675", "size": 11}}
        marks.append({**corner_of_plot, **words_there, "showarrow": False})
    layout = {
        "xaxis": axis,
        "yaxis": {"title": {"text": "samples"}, "rangemode": "tozero"},
        "shapes": lines,
        "annotations": marks,
    }
    return View(name, traces, layout)


def _edges(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Common bin edges, as wide as Freedman and Diaconis' rule says of the narrowest part."""
    low, high = min(float(values.min()) for values in parts), max(float(values.max()) for values in parts)
    if not high > low:
        width = abs(low) * 1e-3 or 1.0
        return np.array([low - width, low + width])
    widths = [
        2 * float(np.subtract(*np.percentile(values, [75, 25]))) / len(values) ** (1 / 3) for values in parts
    ]
    width = min((width for width in widths if width > 0), default=0.0)
    count = int(np.ceil((high - low) / width)) if width > (high - low) / _MOST_BINS else _MOST_BINS
    return np.linspace(low, high, max(count, 5) + 1)
