"""The page of a schedule: which crossbars compute when, what waits, what holds it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.files import write_atomically
from cimspice.report.page_document import Chart, Section, View, document, label, numbers, paragraph, rows
from cimspice.schedule.buffers import Buffered
from cimspice.schedule.plan import Schedule

_MOST_BARS = 20_000
_MOST_POINTS = 2_000
_MAPS = 6
_STEPS = {"xaxis": {"title": {"text": "time (MVMs)"}}}


def write_schedule_page(
    found: Schedule, facts: Mapping[str, Any], folder: Path, front: Sequence[Mapping[str, Any]] = ()
) -> Path:
    """``index.html`` in the folder: one file that needs no network; ``front`` has schedules with other
    numbers of crossbars."""
    sections = [
        Section("result", "Result", _result(facts)),
        Section("gantt", "Crossbars over time", [_gantt(found)]),
        Section("layers", "Layers", _layers(facts)),
        Section("buffers", "Buffers", [_buffers(found)]),
        Section("front", "More crossbars", _front(front)),
    ]
    title = f"Schedule of {facts['network']}"
    page = document(title, paragraph(_settings(facts)), sections)
    return write_atomically(
        folder / "index.html", lambda path: path.write_text(page, encoding="utf-8", newline="\n")
    )


def _settings(facts: Mapping[str, Any]) -> str:
    pe, given = facts["pe"], facts["settings"]
    size = " x ".join(str(facts["input"][key]) for key in ("channels", "height", "width"))
    return (
        f"Input {size}; {pe['present']:,} crossbars of {pe['rows']} x {pe['columns']} with "
        f"{pe['columns_per_weight']} column(s) a weight; sets {given['sets']}, split {given['split']}, "
        f"objective {given['objective']}, dense layers {given['dense']}d, depthwise {given['depthwise']}, "
        f"images {facts['images']}. Spare crossbars go one copy after another to the layer with most "
        "ceil(pixels / copies), among equals to the cheaper, then the earlier. An MVM takes "
        f"{facts['mvm_time_second']:.4g} s ({facts['card']['origin']}"
        f"{', extrapolated' * facts['card']['extrapolated']})."
    )


def _result(facts: Mapping[str, Any]) -> list[str | Chart]:
    serial, crossed, bound = facts["layer_by_layer"], facts["cross_layer"], facts["bound"]
    images = facts["images"]
    table = [
        ["one layer at a time, no copies", serial["steps"] * images, serial["utilisation"]],
        ["one layer at a time, the copies best for it", serial["best_steps"] * images, None],
        ["across layers", crossed["steps"], crossed["utilisation"]],
        [f"bound of the slowest layer, {bound['layer']}", bound["steps"] * images, None],
        ["bound of an image, filling and draining counted", bound["latency_steps"], None],
    ]
    cells = [
        [
            name,
            f"{steps:,.6g}" if isinstance(steps, float) else f"{steps:,}",
            f"{steps * facts['mvm_time_second']:.4g}",
            f"{steps / crossed['steps']:.3g}",
            "" if used is None else f"{100 * used:.3g} %",
        ]
        for name, steps, used in table
    ]
    energy, replay = facts["energy"], facts["replay"]
    more = [
        f"one copy more of {one['layer']} ({one['pes']} crossbars) saves {one['saved']:,.6g}"
        for one in facts["one_more"]
    ]
    return [
        *(paragraph(f"Note: {remark}.") for remark in facts["remarks"]),
        rows(["", "MVMs", "seconds", "of the schedule", "utilisation"], cells, numeric=range(1, 5)),
        paragraph(
            f"An image every {facts['interval_second']:.4g} s. Energy {energy['total_joule']:.3g} J, of it "
            f"{energy['idle_joule']:.3g} J of idle crossbars; one layer at a time "
            f"{energy['layer_by_layer_total_joule']:.3g} J."
        ),
        paragraph(f"What holds it back: the slowest layer is {bound['layer']}. Of MVMs, {'; '.join(more)}.")
        if more
        else "",
        paragraph(
            f"Replayed in this order: {replay['mvms']:,} MVMs, {replay['missing_reads']} read what was not "
            f"written; {replay['layers_that_cannot_be_earlier']} of {len(facts['layers'])} layers would, one "
            "step earlier."
        ),
    ]


def _gantt(found: Schedule) -> Chart:
    """A bar wherever a copy computes without a pause; pauses too short to see are left out where there are
    too many."""
    pause = 0.0
    while True:
        bars = _bars(found, pause)
        if sum(len(one["x"]) for one in bars) <= _MOST_BARS:
            break
        pause = max(2 * pause, found.steps / 10_000)
    axes = {
        **_STEPS,
        "yaxis": {"title": {"text": "crossbar"}, "autorange": "reversed"},
        "showlegend": False,
        "bargap": 0,
    }
    note = "Each layer's copies one below the other, as tall as the crossbars of a copy. Drag to zoom."
    if pause:
        note += f" Pauses of up to {pause:.3g} MVMs are not shown."
    return Chart("Which crossbars compute", [View("schedule", bars, axes)], note, panels=2)


def _bars(found: Schedule, pause: float) -> list[dict[str, Any]]:
    traces, top = [], 0
    for node, cost, copies in zip(found.layers, found.costs, found.copies, strict=True):
        begin, length, middle, names = [], [], [], []
        for copy in range(copies):
            ends = np.sort(np.concatenate([t[node.name].end[t[node.name].copy == copy] for t in found.times]))
            if not len(ends):
                continue
            breaks = np.flatnonzero(np.diff(ends) > 1 + pause + 1e-9)
            first = ends[np.append(0, breaks + 1)] - 1
            last = ends[np.append(breaks, len(ends) - 1)]
            begin += first.tolist()
            length += (last - first).tolist()
            middle += [top + cost * (copy + 0.5)] * len(first)
            names += [copy + 1] * len(first)
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": label(node.name),
                "base": numbers(begin),
                "x": numbers(length),
                "y": numbers(middle),
                "width": cost,
                "customdata": names,
                "marker": {"line": {"width": 0}},
                "hovertemplate": f"{label(node.name)}, copy %{{customdata}}<br>%{{base}} + %{{x}}"
                "<extra></extra>",
            }
        )
        top += cost * copies
    return traces


def _layers(facts: Mapping[str, Any]) -> list[str | Chart]:
    heads = ["layer", "kind", "matrix", "crossbars", "copies", "MVMs", "start", "finish", "busy"]
    table = [
        [
            one["name"],
            one["kind"],
            f"{one['rows']:,} x {one['columns']:,}",
            f"{one['pes']:,}",
            f"{one['copies']:,}",
            f"{one['pixels']:,}",
            f"{one['start']:,.6g}",
            f"{one['finish']:,.6g}",
            f"{100 * one['busy']:.3g} %",
        ]
        for one in facts["layers"]
    ]
    bars = {
        "type": "bar",
        "x": [label(one["name"]) for one in facts["layers"]],
        "y": numbers([100 * one["busy"] for one in facts["layers"]]),
    }
    axes = {"yaxis": {"title": {"text": "time in which its crossbars compute (%)"}}}
    return [
        Chart("Utilisation of each layer", [View("utilisation", [bars], axes)]),
        rows(heads, table, numeric=range(3, len(heads))),
    ]


def _buffers(found: Schedule) -> Chart:
    whole, each = found.buffers
    largest = sorted(each, key=lambda name: -each[name].peak)[:_MAPS]
    lines = [_line("all maps", whole), *(_line(name, each[name]) for name in largest)]
    axes = {**_STEPS, "yaxis": {"title": {"text": "bytes that wait"}}}
    most = f"At most {whole.peak:,} bytes, first at {whole.peak_time:,.6g}"
    note = f"{most}; the {len(largest)} maps with most of them."
    return Chart("Bytes that wait between layers", [View("buffers", lines, axes)], note)


def _line(name: str, found: Buffered) -> dict[str, Any]:
    """As a step line; of more points than can be seen, the largest of each stretch."""
    times, values = found.times, found.bytes
    if len(times) > _MOST_POINTS:
        edges = np.linspace(0, len(times), _MOST_POINTS + 1).astype(int)[:-1]
        times, values = times[edges], np.maximum.reduceat(values, edges)
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hv"},
        "name": label(name),
        "x": numbers(times),
        "y": numbers(values),
    }


def _front(front: Sequence[Mapping[str, Any]]) -> list[str | Chart]:
    if not front:
        return []
    heads = ["crossbars", "split", "MVMs", "seconds", "images per second", "energy (J)",
             "over one layer at a time", "over the best of that", "bound"]  # fmt: skip
    table = [
        [
            f"{one['present']:,}",
            one["split"],
            f"{one['steps']:,.6g}",
            f"{one['seconds']:.4g}",
            f"{one['images_per_second']:.4g}",
            f"{one['energy_joule']:.3g}",
            f"{one['over_layer_by_layer']:.2f}",
            f"{one['over_best_layer_by_layer']:.2f}",
            f"{one['bound_steps']:,}",
        ]
        for one in front
    ]
    views = []
    for key, title in (
        ("seconds", "latency (s)"),
        ("images_per_second", "images per second"),
        ("energy_joule", "energy of an image (J)"),
    ):
        traces = []
        for split in dict.fromkeys(one["split"] for one in front):
            own = [one for one in front if one["split"] == split]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": label(split),
                    "x": numbers([one["present"] for one in own]),
                    "y": numbers([one[key] for one in own]),
                }
            )
        axes = {
            "xaxis": {"title": {"text": "crossbars"}},
            "yaxis": {"title": {"text": title}, "type": "log", "exponentformat": "power"},
        }
        views.append(View(title, traces, axes))
    return [Chart("What more crossbars bring", views), rows(heads, table, numeric=(0, *range(2, len(heads))))]
