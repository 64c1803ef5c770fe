"""Spread over corners and temperatures: each point against the same point at the nominal condition."""

from typing import Any

import numpy as np
import pandas as pd

from cimspice.report.colours import PALETTE
from cimspice.report.page_document import Chart, View, folded, label, rows
from cimspice.report.page_study import Study, ordered
from cimspice.report.quantity import words

_AXES = ("corner", "temperature")
_NOMINAL = {"corner": "tt", "temperature": 27.0}
_NEGLIGIBLE = 1e-3  # of the largest nominal value: a ratio to less than this says nothing
_MOST_ROWS = 200
_LONGEST_TABLE = 12


def spread_parts(study: Study) -> list[str | Chart]:
    """Table and chart of the spread; nothing for a run at one corner and temperature."""
    axes = [name for name in _AXES if name in study.varied]
    if not axes or not study.quantities:
        return []
    nominal = {name: _nominal(study, name) for name in axes}
    changes = {column: _changes(study, column, axes, nominal) for column in study.quantities}
    changes = {column: found for column, found in changes.items() if len(found)}
    if not changes:
        return []
    body = []
    views = []
    for column, found in changes.items():
        views.append(View(words(column), _boxes(study, found, axes), _layout(column)))
        for key, part in found.groupby(axes, sort=False):
            values = part["change"].to_numpy()
            shown = [f"{number:+.2f} %" for number in (np.median(values), values.min(), values.max())]
            body.append(
                [
                    words(column),
                    *(study.show(*pair) for pair in zip(axes, key, strict=True)),
                    *shown,
                    len(values),
                ]
            )
    at = study.named(axes, [nominal[name] for name in axes])
    note = (
        f"Change of each point against the same point at {at}: box from the first to the third quartile, "
        f"whiskers to the ends. Nominal values below {_NEGLIGIBLE:.1%} of the largest are left out."
    )
    heads = ["quantity", *map(words, axes), "median change", "least", "largest", "points"]
    table = rows(heads, body[:_MOST_ROWS], numeric=range(1 + len(axes), len(heads)))
    if len(body) > _LONGEST_TABLE:
        table = folded("Changes as a table", table)
    return [Chart("Change against nominal", views, note), table]


def _nominal(study: Study, name: str) -> Any:
    """The usual nominal value where it was run, else the first."""
    values = study.table[name].tolist()
    return _NOMINAL[name] if _NOMINAL[name] in values else values[0]


def _changes(study: Study, column: str, axes: list[str], nominal: dict[str, Any]) -> pd.DataFrame:
    """Change in percent of each row against the row with the same other conditions at nominal."""
    table = study.table
    key = [name for name in (*study.varied, *study.coordinates) if name not in axes]
    at_nominal = np.logical_and.reduce([table[name] == value for name, value in nominal.items()])
    reference = table.loc[at_nominal, [*key, column]].rename(columns={column: "_nominal"})
    if key:
        if reference.duplicated(key).any():
            return pd.DataFrame()
        paired = table[[*key, *axes, column]].merge(reference, on=key)
    elif len(reference) == 1:
        paired = table[[*axes, column]].assign(_nominal=reference["_nominal"].iloc[0])
    else:
        return pd.DataFrame()
    size = paired["_nominal"].abs()
    paired = paired[(size > _NEGLIGIBLE * size.max()) & np.isfinite(paired[column])]
    change = 100 * (paired[column] - paired["_nominal"]) / paired["_nominal"].abs()
    return paired.assign(change=change)[np.isfinite(change)]


def _boxes(study: Study, found: pd.DataFrame, axes: list[str]) -> list[dict[str, Any]]:
    """Boxes from five numbers each: the page need not carry every point."""
    first = axes[0]
    traces = []
    split = ordered(study.table[axes[1]]) if len(axes) > 1 else [None]
    for index, second in enumerate(split):
        part = found if second is None else found[found[axes[1]] == second]
        keys, five = [], []
        for value in ordered(study.table[first]):
            changes = part.loc[part[first] == value, "change"].to_numpy()
            if len(changes):
                keys.append(label(study.show(first, value)))
                five.append([float(f"{q:.6g}") for q in np.percentile(changes, [0, 25, 50, 75, 100])])
        low, q1, median, q3, high = zip(*five, strict=True) if five else [()] * 5
        traces.append(
            {
                "type": "box",
                "x": keys,
                "lowerfence": list(low),
                "q1": list(q1),
                "median": list(median),
                "q3": list(q3),
                "upperfence": list(high),
                "name": "" if second is None else label(study.show(axes[1], second)),
                "marker": {"color": PALETTE[index % len(PALETTE)]},
                "line": {"width": 1.4},
                "showlegend": second is not None,
            }
        )
    return traces


def _layout(column: str) -> dict[str, Any]:
    axis = {"title": {"text": label(f"change of {words(column)} (%)")}, "zeroline": True}
    return {"xaxis": {"type": "category"}, "yaxis": axis, "boxmode": "group"}
