"""The page of a network on circuits: where its error comes from, what the circuit decides, what is proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.files import write_atomically
from cimspice.network.decisions import NO_DECISION
from cimspice.network.validate import LayerComparison, NetworkValidation
from cimspice.report.page_document import Chart, Section, View, document, label, numbers, paragraph, rows

_WORST = 4
_TILE_AXES = {
    "xaxis": {"title": {"text": "tile, along the outputs"}, "dtick": 1},
    "yaxis": {"title": {"text": "tile, along the inputs"}, "dtick": 1, "autorange": "reversed"},
}
_TITLES = {"ideal": "software", "raw": "not fine-tuned", "emulator": "emulator", "circuit": "ngspice"}


def write_network_page(result: NetworkValidation, facts: Mapping[str, Any], folder: Path) -> Path:
    """``index.html`` in the folder: one file that needs no network."""
    sections = [
        Section("proven", "What is proven", _proven(result, facts)),
        Section("layers", "Layer by layer", _layers(facts["layers"])),
        Section("budget", "Error by effect", _budget(facts)),
        Section("tiles", "Worst tiles", _worst_tiles(result)),
        Section("decisions", "Decisions", _decisions(result)),
    ]
    title = f"{facts['network']} on {facts['circuit']} circuits"
    page = document(title, paragraph(result.mapped.network.source), sections)
    return write_atomically(
        folder / "index.html", lambda path: path.write_text(page, encoding="utf-8", newline="\n")
    )


def _proven(result: NetworkValidation, facts: Mapping[str, Any]) -> list[str | Chart]:
    population = result.plan.population
    ran = f"{facts['samples']} of {population} inputs ran through ngspice. Its outputs differ"
    if "circuit" not in result.outputs:
        ran = (
            f"{result.plan.runs} tiles were read by ngspice, for {facts['samples']} of {population} inputs. "
            f"By these its {'outputs differ' if 'codes' not in facts else 'sums before conversion differ'}"
        )
    shown: list[str | Chart] = [
        paragraph(
            f"{ran} from the emulator's by {facts['normalised_rmse']:.2g} of their rms, the emulator's from "
            f"the software's by {facts['emulated_error']:.2g}."
        )
    ]
    certificates = [result.certificate, result.output_certificate]
    shown += [paragraph(one.sentence) for one in dict.fromkeys(certificates) if one is not None]
    if result.accuracy is not None:
        found = result.accuracy
        shown.append(
            paragraph(
                f"With {100 * found.confidence:g} % confidence the circuit is right on "
                f"{100 * found.low:.2f} to {100 * found.high:.2f} % of all {population} inputs."
            )
        )
    return shown


def _layers(layers: Sequence[Mapping[str, Any]]) -> list[str | Chart]:
    heads = ["layer", "cells", "tiles", "utilisation", "weights clipped", "conversions saturated",
             "inputs clipped", "weight error", "emulator to software", "ngspice to emulator"]  # fmt: skip
    table = [
        [
            one["name"],
            *(f"{one[key]:,}" if one.get(key) is not None else "" for key in ("cells", "tiles")),
            *(f"{one[key]:.3g}" if one.get(key) is not None else "" for key in ("utilisation",)),
            *(
                f"{one[key]:,}" if one.get(key) is not None else ""
                for key in ("clipped_weights", "saturated", "clipped_inputs")
            ),
            *(
                f"{one[key]:.2g}" if one.get(key) is not None else ""
                for key in ("weight_error", "emulated_error", "error")
            ),
        ]
        for one in layers
    ]
    names = [label(one["name"]) for one in layers]
    bars = [
        {"type": "bar", "name": title, "x": names, "y": numbers([one[key] or np.nan for one in layers])}
        for key, title in (("emulated_error", "emulator to software"), ("error", "ngspice to emulator"))
    ]
    axes = {
        "yaxis": {
            "type": "log",
            "exponentformat": "power",
            "title": {"text": "rms error relative to the output's rms"},
        }
    }
    chart = Chart("Error at each layer's output", [View("errors", bars, axes)])
    return [rows(heads, table, numeric=range(1, len(heads))), chart]


def _budget(facts: Mapping[str, Any]) -> list[str | Chart]:
    whole = {"output": facts["budget"], **facts["budget_by_layer"]}
    bars = [
        {
            "type": "bar",
            "name": label(effect),
            "x": [label(place) for place in whole],
            "y": numbers([100 * shares[effect] for shares in whole.values()]),
        }
        for effect in facts["budget"]
    ]
    layout = {"barmode": "relative", "yaxis": {"title": {"text": "share of the mean square error (%)"}}}
    note = (
        "Shapley values: what an effect adds to the mean square difference of emulator and software, "
        "averaged over all orders in which effects can be switched on; of the network's output, then of each "
        "layer's." + (f" {facts['budget_note']}" if facts["budget_note"] else "")
    )
    return [Chart("Shares of the mean square error", [View("shares", bars, layout)], note)]


def _worst_tiles(result: NetworkValidation) -> list[str | Chart]:
    found = [
        (float(error), layer, group, tile)
        for layer in result.layers
        for group, one in enumerate(layer.tiles)
        for tile, error in enumerate(one.errors)
        if np.isfinite(error)
    ]
    worst = sorted(found, key=lambda one: -one[0])[:_WORST]
    if not worst:
        return []
    table = rows(
        ["layer", "tile", "largest error of a column, relative to the tile's largest (neurons: full scale)"],
        [[_tile_name(layer, group), tile, f"{error:.2g}"] for error, layer, group, tile in worst],
        numeric=(1, 2),
    )
    views = []
    for _, layer, group, tile in worst:
        inputs, outputs = layer.tiles[group].places[tile]
        node = next(one for one in result.mapped.network.weight_layers if one.name == layer.name)
        weights = node.arrays["weights"]
        groups = len(layer.tiles)
        matrix = weights.reshape(groups, len(weights) // groups, -1)[group][outputs, inputs]
        heat = {
            "type": "heatmap",
            "z": [numbers(row) for row in matrix],
            "colorscale": "RdBu",
            "zmid": 0,
            "x0": inputs.start,
            "y0": outputs.start,
        }
        layout = {"xaxis": {"title": {"text": "input"}}, "yaxis": {"title": {"text": "output"}}}
        views.append(View(f"{_tile_name(layer, group)}, tile {tile}", [heat], layout))
    maps = [
        View(_tile_name(layer, group), [_error_map(layer, group)], _TILE_AXES)
        for layer in result.layers
        for group in range(len(layer.tiles))
    ]
    return [
        table,
        Chart("Weights of the worst tiles", views),
        Chart("Largest column error of each tile", maps, "Tiles as they lie in the matrix."),
    ]


def _tile_name(layer: LayerComparison, group: int) -> str:
    return layer.name if len(layer.tiles) == 1 else f"{layer.name}, group {group}"


def _error_map(layer: LayerComparison, group: int) -> dict[str, Any]:
    one = layer.tiles[group]
    tops = sorted({inputs.start for inputs, _ in one.places})
    lefts = sorted({outputs.start for _, outputs in one.places})
    grid = np.full((len(tops), len(lefts)), np.nan)
    for (inputs, outputs), error in zip(one.places, one.errors, strict=True):
        place = tops.index(inputs.start), lefts.index(outputs.start)
        grid[place] = np.fmax(grid[place], error)  # tiles of several slices of the weights lie there
    return {"type": "heatmap", "z": [numbers(row) for row in grid], "colorscale": "Viridis",
            "colorbar": {"exponentformat": "power"}}  # fmt: skip


def _decisions(result: NetworkValidation) -> list[str | Chart]:
    decided = result.decisions
    if decided is None:
        return []
    classes = result.outputs["ideal"].shape[1]
    reference = decided["ideal"] if result.labels is None else result.labels
    views = []
    for name, found in decided.items():
        counts = np.zeros((classes, classes), dtype=int)
        both = (reference != NO_DECISION) & (found != NO_DECISION)
        np.add.at(counts, (reference[both], found[both]), 1)
        heat = {
            "type": "heatmap",
            "z": counts.tolist(),
            "texttemplate": "%{z}",
            "colorscale": "Blues",
            "reversescale": True,
            "showscale": False,
        }
        layout = {
            "xaxis": {"title": {"text": "decided"}, "dtick": 1},
            "yaxis": {
                "title": {"text": "software's decision" if result.labels is None else "label"},
                "autorange": "reversed",
                "dtick": 1,
            },
        }
        views.append(View(_TITLES[name], [heat], layout))
    return [Chart("Confusion", views, start=len(views) - 1)]
