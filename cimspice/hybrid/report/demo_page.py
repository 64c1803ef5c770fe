"""The page of the demonstration: comparator, decisions, chips, and the energy table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from cimspice.arrays import Array
from cimspice.files import write_atomically
from cimspice.hybrid.model.card import ColumnModel
from cimspice.hybrid.report.demo import colours_of, columns_of
from cimspice.hybrid.validation.chips import ChipStudy
from cimspice.hybrid.validation.reads import ReadComparison
from cimspice.report.page_document import Chart, Section, View, document, numbers, paragraph, rows

_STUDIED = {
    "plain": "trained on nominal columns",
    "aware": "on chips drawn anew",
    "calibrated": "and calibrated on the chip",
}


def write_demo_page(
    facts: Mapping[str, Any],
    offsets: Array,
    model: ColumnModel,
    compared: ReadComparison,
    study: ChipStudy,
    folder: Path,
) -> Path:
    """``index.html`` in the folder: one file that needs no network.

    Parameters
    ----------
    facts
        What ``cimspice demo hybrid --json`` prints.
    offsets, model, compared, study
        What was simulated: offsets (V) of comparators, the card's column, reads in ngspice, chips.
    folder
        Where it goes.
    """
    energy = facts["energy"]
    sections = [
        Section("energy", "Energy of a column read", _energy(energy)),
        Section("reads", "Reads in ngspice", _reads(compared, facts["reads"])),
        Section("chips", "Chips", _chips(study, facts["chips"])),
        Section("comparator", "Comparator", [_offsets(offsets, model)]),
    ]
    head = paragraph(
        "Columns of 6T cells, each read by a comparator that is strobed twice, with scale factors added "
        f"digitally. A read takes {1e15 * energy['column']['per_read']:.0f} fJ, all blocks simulated in "
        f"transistors; {facts['corner']}, {facts['temperature']:g} °C. Few reads and chips: the "
        "documentation has the figures of many."
    )
    page = document("Columns read by comparators", head, sections)
    return write_atomically(
        folder / "index.html", lambda path: path.write_text(page, encoding="utf-8", newline="\n")
    )


def _energy(energy: Mapping[str, Any]) -> list[str | Chart]:
    columns = columns_of(energy)
    colours = colours_of(columns)
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": block.replace("_", " "),
            "marker": {"color": colour},
            "y": list(columns),
            "x": numbers([1e15 * one["blocks"].get(block, 0.0) for one in columns.values()]),
        }
        for block, colour in colours.items()
    ]
    axes = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "energy of a column read (fJ)"}},
        "yaxis": {"automargin": True, "autorange": "reversed"},
    }
    cells = [
        [block.replace("_", " ")]
        + [f"{1e15 * one['blocks'][block]:.0f}" if block in one["blocks"] else "" for one in columns.values()]
        for block in colours
    ]
    first, *others = columns.values()
    cells += [
        ["a column read", *(f"{1e15 * one['per_read']:.0f}" for one in columns.values())],
        ["a MAC of 3 by 3 bits", *(f"{1e15 * one['per_mac']:.0f}" for one in columns.values())],
        ["over the column's", "1", *(f"{one['ratio']:.2f}" for one in others)],
        [
            "held-out samples right (%)",
            *(f"{100 * one['accuracy']['value']:.1f}" for one in columns.values()),
        ],
        ["a read takes (ns)", *(f"{1e9 * one['time']:.1f}" for one in (first, *others))],
    ]
    note = (
        f"A converter of {energy['equal_accuracy']} bits is as often right. Out on both sides: decoders, "
        "controller, clock tree, wires between blocks, the reference's generator, leakage."
    )
    heads = ["fJ", *columns]
    return [
        Chart("What takes it", [View("blocks", traces, axes)], note),
        rows(heads, cells, numeric=range(1, len(heads))),
    ]


def _reads(compared: ReadComparison, facts: Mapping[str, Any]) -> list[str | Chart]:
    views = []
    for strobe, threshold in enumerate((compared.threshold, -compared.threshold)):
        traces = [
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "marker": {"symbol": symbol, "size": 9},
                "x": numbers(compared.sums),
                "y": numbers(1e3 * difference[:, strobe]),
            }
            for name, symbol, difference in (
                ("ngspice", "circle-open", compared.difference),
                ("emulator", "x-thin-open", compared.emulated.difference),
            )
        ]
        axes = {
            "xaxis": {"title": {"text": "partial sum (units)"}},
            "yaxis": {"title": {"text": "difference of the lines (mV)"}},
            "shapes": [{
                "type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": threshold, "x1": threshold,
                "line": {"dash": "dash", "width": 1},
            }],
        }  # fmt: skip
        views.append(View(f"{('first', 'second')[strobe]} strobe: above {threshold:g}?", traces, axes))
    said = (
        f"{facts['reads']} reads of the network's own columns: {100 * facts['decisions_equal']:g} % of the "
        f"decisions equal, {facts['near_threshold']} nearer than 0.5 mV to a threshold; lines within "
        f"{facts['line_rmse_percent_full_scale']:.4f} % rms of {facts['full_scale_mv']:.0f} mV."
    )
    return [Chart("Decisions", views, "Dashed: the threshold that dummy cells make."), paragraph(said)]


def _chips(study: ChipStudy, facts: Mapping[str, Any]) -> list[str | Chart]:
    traces = []
    for key, title in _STUDIED.items():
        ordered = 100 * np.sort(getattr(study, key))
        share = 100 * (1 - np.arange(len(ordered)) / len(ordered))
        traces.append({
            "type": "scatter", "mode": "lines", "name": title, "line": {"shape": "vh"},
            "x": numbers(ordered), "y": numbers(share),
        })  # fmt: skip
    axes = {
        "xaxis": {"title": {"text": "held-out samples right, at least (%)"}},
        "yaxis": {"title": {"text": "chips (%)"}},
    }
    said = (
        f"{facts['chips']} chips, offsets of {facts['offset_sigma_cells']:.2f} cells, noise of "
        f"{facts['noise_sigma_cells']:.3f} cells in each decision, currents of cells "
        f"{100 * facts['cell_sigma']:.1f} %."
    )
    return [Chart("Accuracy on chips", [View("chips", traces, axes)]), paragraph(said)]


def _offsets(offsets: Array, model: ColumnModel) -> Chart:
    one, ordered = model.comparator, 1e3 * np.sort(offsets)
    volts = 3.2e3 * one.offset_deviation * np.linspace(-1, 1, 101)
    law = norm.cdf(volts, 1e3 * one.offset_mean, 1e3 * one.offset_deviation)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"card: normal, {one.samples:,} comparators",
            "x": numbers(volts),
            "y": numbers(100 * law),
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{len(ordered)} comparators in ngspice",
            "x": numbers(ordered),
            "y": numbers(100 * (np.arange(len(ordered)) + 0.5) / len(ordered)),
        },
    ]
    axes = {
        "xaxis": {"title": {"text": "offset (mV)"}},
        "yaxis": {"title": {"text": "comparators with less (%)"}},
    }
    return Chart("Offset of the comparator", [View("offset", traces, axes)])
