"""The part of a report on fits: for each model card its numbers, curves with band, and residuals."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.fit.card import ModelCard
from cimspice.report.colours import VIRIDIS, colours_of
from cimspice.report.page_curves import axis_of, hover, legend
from cimspice.report.page_document import Chart, View, folded, label, numbers, paragraph, rows, text
from cimspice.report.page_fit import NoRows, Overlay, cards, overlay
from cimspice.report.page_study import Study
from cimspice.report.quantity import plain_unit, quantity, words

_CURVES = 8
_LONGEST_TABLE = 12
_MOST_POINTS = 5000


def fit_parts(study: Study, folder: Path) -> tuple[list[str | Chart], int]:
    """HTML and charts of the fits whose cards lie in the run folder, and how many cards."""
    parts: list[str | Chart] = []
    count = 0
    for name, card in cards(folder):
        count += 1
        parts.append(f"<h3>{text(words(name))}</h3>")
        if isinstance(card, str):
            parts.append(paragraph(f"{name}.json cannot be used: {card}"))
            continue
        parts.append(_numbers(card))
        try:
            found = overlay(card, study.table)
        except NoRows as reason:
            parts.append(paragraph(f"Not drawn: {reason}.", "note"))
            continue
        except Exception as error:  # a stranger's card may hold numbers that no equation bears
            parts.append(paragraph(f"Not drawn: the model cannot be evaluated ({error}).", "note"))
            continue
        parts += [_curves(study, card, found), _residuals(study, card, found)]
    return parts, count


def _numbers(card: ModelCard) -> str:
    """Parameters with their intervals, residual and ranges."""
    body = []
    for name, record in card.parameters.items():
        low, high = record.interval or (None, None)
        unit = plain_unit(record.unit)
        interval = "" if low is None or high is None else f"{low:.6g} to {high:.6g}"
        doubt = "" if record.identifiable else f"not identifiable: {record.reason}"
        body.append([words(name), f"{record.value:.6g}", interval, unit, doubt])
    table = rows(["parameter", "value", "95 % interval", "unit", ""], body, numeric=(1, 2))
    if len(body) > _LONGEST_TABLE:
        table = folded(f"{len(body)} parameters", table)
    ranges = "; ".join(
        f"{words(name)} {quantity(seen.low, seen.unit)} to {quantity(seen.high, seen.unit)}"
        for name, seen in card.ranges.items()
    )
    facts = [f"Model {card.kind}."]
    if card.residual is not None:
        left = card.residual
        facts.append(
            f"Residual rms {quantity(left.rms, left.unit)}, largest {quantity(left.maximum, left.unit)}: "
            f"{left.percent:.3g} % of the {left.full_scale}, {left.observations} rows."
        )
    if ranges:
        facts.append(f"Fitted on {ranges}.")
    return paragraph(" ".join(facts)) + table


def _shown(found: Overlay) -> list[tuple[Any, np.ndarray]]:
    """Positions of the rows of some curves, evenly chosen, with the value that distinguishes them."""
    if not found.by:
        return [(None, np.arange(len(found.rows))[:_MOST_POINTS])]
    columns = [
        found.by,
        *(name for name in ("corner", "temperature", "order", "sample") if name in found.rows),
    ]
    keys = found.rows.groupby(columns, sort=False).ngroup().to_numpy()
    last = int(keys.max())
    chosen = np.unique(np.linspace(0, last, min(last + 1, _CURVES)).round().astype(int)).tolist()
    values = found.rows[found.by].to_numpy()
    return [(values[np.flatnonzero(keys == key)[0]], np.flatnonzero(keys == key)) for key in chosen]


def _curves(study: Study, card: ModelCard, found: Overlay) -> Chart:
    x, y = found.rows[found.x].to_numpy(float), found.rows[found.y].to_numpy(float)
    positive = y[y > 0]
    log = bool(len(positive) == len(y) and positive.max() > 300 * positive.min())
    x_axis, x_factor = axis_of(x, found.x, study.unit(found.x))
    y_axis, y_factor = axis_of(y, found.y, study.unit(found.y), log=log)
    shown = (
        hover("x", found.x, study.unit(found.x), x, log=False)
        + "<br>"
        + hover("y", found.y, study.unit(found.y), y, log=log)
    )
    traces: list[dict[str, Any]] = []
    curves = _shown(found)
    several = bool(found.by) and found.rows[found.by].nunique() > 1
    for index, (value, positions) in enumerate(curves):
        positions = positions[np.argsort(x[positions], kind="stable")]
        at = numbers(x[positions] * x_factor)
        fitted = found.fitted[positions]
        colour = VIRIDIS[round(index * (len(VIRIDIS) - 1) / max(len(curves) - 1, 1))]
        name = label(study.show(found.by, value)) if found.by else "model"
        if found.band is not None:
            low, high = fitted - found.band[positions], fitted + found.band[positions]
            if log:
                low = np.maximum(low, positive.min() * 1e-3)
            around = {
                "type": "scatter",
                "mode": "lines",
                "line": {"width": 0},
                "hoverinfo": "skip",
                "showlegend": False,
                "x": at,
            }
            traces.append({**around, "y": numbers(low * y_factor)})
            traces.append(
                {
                    **around,
                    "y": numbers(high * y_factor),
                    "fill": "tonexty",
                    "fillcolor": "rgba(31,95,168,0.22)",
                }
            )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": at,
                "y": numbers(fitted * y_factor),
                "line": {"color": colour, "width": 1.6},
                "name": name,
                "hovertemplate": f"{shown}<extra>model, {name}</extra>",
                "showlegend": several,
            }
        )
        few = positions[:: max(len(positions) // 40, 1)]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": numbers(x[few] * x_factor),
                "y": numbers(y[few] * y_factor),
                "marker": {"color": colour, "size": 4.5, "symbol": "circle-open"},
                "hovertemplate": f"{shown}<extra>row, {name}</extra>",
                "showlegend": False,
            }
        )
    title = f"{words(card.kind)}: rows (circles), model (lines)" + (
        " and its 95 % band" if found.band is not None else ""
    )
    note = "The band is what the data leave open of the parameters: of simulated rows often thinner than it."
    return Chart(
        title,
        [View(title, traces, {"xaxis": x_axis, "yaxis": y_axis, **legend([found.by] if found.by else [])})],
        note if found.band is not None else "",
    )


def _residuals(study: Study, card: ModelCard, found: Overlay) -> Chart:
    chosen = np.unique(
        np.linspace(0, len(found.rows) - 1, min(len(found.rows), _MOST_POINTS)).round().astype(int)
    )
    x = found.rows[found.x].to_numpy(float)[chosen]
    left = (found.fitted - found.rows[found.y].to_numpy(float))[chosen]
    percent = 100 * left / found.scale[chosen]
    x_axis, factor = axis_of(x, found.x, study.unit(found.x))
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(x * factor),
        "y": numbers(percent),
        "marker": {"size": 4, "color": "#1f5fa8", "opacity": 0.55},
        "showlegend": False,
        "hovertemplate": hover("x", found.x, study.unit(found.x), x, log=False)
        + "<br>residual: %{y:.3~g} %"
        + ("<br>%{text}" if found.by else "")
        + "<extra></extra>",
    }
    if found.by:
        names: pd.Series = found.rows[found.by].iloc[chosen]
        trace["text"] = [label(study.named([found.by], [value])) for value in names.tolist()]
        known = np.unique(names.to_numpy()).tolist()  # the colours of the curves above
        shades = dict(zip(known, colours_of(known, graded=True), strict=True))
        trace["marker"]["color"] = [shades[value] for value in names.tolist()]
    title = f"{words(card.kind)}: residuals, model − row"
    y_axis = {"title": {"text": label(f"% of the {found.scale_name}")}, "zeroline": True}
    rms = float(
        np.sqrt(np.mean((100 * (found.fitted - found.rows[found.y].to_numpy(float)) / found.scale) ** 2))
    )
    where = f"{len(found.rows)} rows at the card's conditions and in its ranges"
    note = f"rms {rms:.3g} % of the {found.scale_name} over the {where}."
    return Chart(title, [View(title, [trace], {"xaxis": x_axis, "yaxis": y_axis})], note)
