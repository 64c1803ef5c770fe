"""The page of columns: accuracy against energy of a read, and what each column is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cimspice.files import write_atomically
from cimspice.report.colours import PALETTE
from cimspice.report.page_document import Chart, Section, View, document, label, numbers, paragraph, rows

_KINDS = ("ternary", "binary", "converter", "layers differ")


def write_front_page(facts: Mapping[str, Any], folder: Path) -> Path:
    """``index.html`` in the folder, of what `cimspice train hybrid --front --json` prints: one file that
    needs no network."""
    sections = [
        Section("front", "Which column to build", _front(facts)),
        Section("columns", "Columns", [_table(facts)]),
        Section("blocks", "Energy by block", [_blocks(facts)]),
        Section("layers", "Layers", _layers(facts)),
    ]
    head = paragraph(
        f"{facts['seeds']} splits of {facts['network']}, each trained through each column on chips drawn "
        "with the offset and noise of its simulated comparator and the cells' spread, and run on chips that "
        "training has not drawn. Energies are simulated in transistors, of a read of a column of 64 weights; "
        "the digital part of binary is that of ternary, which sees two strobes. Lines add up exactly, "
        "capacitors of converters have no mismatch."
    )
    page = document(f"Columns of {facts['network']}", head, sections)
    return write_atomically(
        folder / "index.html", lambda path: path.write_text(page, encoding="utf-8", newline="\n")
    )


def _kind(one: Mapping[str, Any]) -> str:
    readout = one["readout"]
    if readout is None:
        return _KINDS[3]
    return next((kind for kind in _KINDS[:2] if readout.startswith(kind)), _KINDS[2])


def _front(facts: Mapping[str, Any]) -> list[str | Chart]:
    columns, best = facts["columns"], facts["front"]
    views = []
    for key, title in (("accuracy", "on chips"), ("accuracy_nominal", "on a nominal chip")):
        traces = [
            _trace(kind, {name: one for name, one in columns.items() if _kind(one) == kind}, key, colour)
            for kind, colour in zip(_KINDS, PALETTE, strict=False)
        ]
        line = [columns[name] for name in best]
        traces.append({
            "type": "scatter", "mode": "lines", "name": "no other is better in both", "hoverinfo": "skip",
            "line": {"shape": "hv", "dash": "dot", "color": PALETTE[-1]},
            "x": numbers([1e15 * one["energy"] for one in line]),
            "y": numbers([100 * one[key]["value"] for one in line]),
        })  # fmt: skip
        ideal = 100 * facts["accuracy_ideal"]["value"]
        axes = {
            "xaxis": {
                "title": {"text": "energy of a column read (fJ)"}, "type": "log",
                "tickvals": [200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000],
            },
            "yaxis": {"title": {"text": f"held-out samples right, {title} (%)"}},
            "shapes": [{
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": ideal, "y1": ideal,
                "line": {"dash": "dash", "width": 1},
            }],
        }  # fmt: skip
        views.append(View(title, [one for one in traces if one["x"]], axes))
    note = "Bars: 95 % interval of the mean over splits. Dashed: ideal sums. Up and left is better."
    cheap = columns[best[0]]
    found = [
        paragraph(
            f"Without a better one in both: {'; '.join(best)}. The cheapest takes "
            f"{1e15 * cheap['energy']:.0f} fJ a read and is right on "
            f"{100 * cheap['accuracy']['value']:.1f} %."
        )
    ]
    return [Chart("Accuracy against energy", views, note, panels=2), *found]


def _trace(kind: str, own: Mapping[str, Mapping[str, Any]], key: str, colour: str) -> dict[str, Any]:
    spans = [
        0.0 if one[key]["interval"] is None else one[key]["interval"][1] - one[key]["value"]
        for one in own.values()
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(kind),
        "marker": {"color": colour, "size": 9},
        "x": numbers([1e15 * one["energy"] for one in own.values()]),
        "y": numbers([100 * one[key]["value"] for one in own.values()]),
        "error_y": {"type": "data", "array": numbers([100 * span for span in spans]), "thickness": 1},
        "customdata": [label(name) for name in own],
        "hovertemplate": "%{customdata}<br>%{x:.0f} fJ, %{y:.2f} %<extra></extra>",
    }


def _interval(one: Mapping[str, Any]) -> str:
    found = one["interval"]
    return "" if found is None else f"{100 * found[0]:.1f} to {100 * found[1]:.1f}"


def _table(facts: Mapping[str, Any]) -> str:
    heads = ["column", "energy (fJ)", "right on chips (%)", "95 %", "nominal (%)", "offset (cells)",
             "scale factors",
             "codes of 0 (%)", "a read takes (ns)", "on the front"]  # fmt: skip
    cells = [
        [
            name,
            f"{1e15 * one['energy']:.0f}",
            f"{100 * one['accuracy']['value']:.2f}",
            _interval(one["accuracy"]),
            f"{100 * one['accuracy_nominal']['value']:.2f}",
            f"{one['offset_sigma_cells']:.2f}",
            f"{one['scale_factors']:,}",
            "" if one["zeros"] is None else f"{100 * one['zeros']:.0f}",
            f"{1e9 * one['time']:.1f}",
            "yes" if name in facts["front"] else "",
        ]
        for name, one in sorted(facts["columns"].items(), key=lambda each: each[1]["energy"])
    ]
    return rows(heads, cells, numeric=range(1, 9))


def _blocks(facts: Mapping[str, Any]) -> Chart:
    ordered = sorted(facts["columns"].items(), key=lambda each: -each[1]["energy"])
    names = dict.fromkeys(block for _, one in ordered for block in one["blocks"])
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(block.replace("_", " ")),
            "y": [label(name) for name, _ in ordered],
            "x": numbers([1e15 * one["blocks"].get(block, 0.0) for _, one in ordered]),
        }
        for block in names
    ]
    axes = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "energy of a column read (fJ)"}},
        "yaxis": {"automargin": True},
    }
    return Chart("What takes it", [View("blocks", traces, axes)], panels=3)


def _layers(facts: Mapping[str, Any]) -> list[str | Chart]:
    cells = [
        [layer, f"{100 * one['value']:.2f}", _interval(one)] for layer, one in facts["sensitivity"].items()
    ]
    return [
        paragraph(
            "What the network loses on chips where only this layer is read by comparators, in the first of "
            "the columns, and trained so."
        ),
        rows(["layer", "points", "95 %"], cells, numeric=(1, 2)),
    ]
