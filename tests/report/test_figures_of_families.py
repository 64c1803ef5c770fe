"""Figures of SRAM, crossbars and reprogramming: every curve is named (each figure of any test is checked)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cimspice.crossbar.report import network as crossbar_network
from cimspice.crossbar.report import programming as reprogramming
from cimspice.sram.report import figures as sram_figures


def names(canvas):
    legends = [*canvas.legends, *(axes.get_legend() for axes in canvas.axes if axes.get_legend())]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def test_both_curves_of_a_butterfly_are_named(figures, tmp_path):
    voltage = np.linspace(0, 1.8, 50)
    curve = SimpleNamespace(
        input_voltage=voltage,
        left=1.8 / (1 + np.exp((voltage - 0.9) / 0.05)),
        right=1.8 / (1 + np.exp((voltage - 0.8) / 0.05)),
        noise_margin=0.4,
    )
    sram_figures.draw_butterfly({"hold": curve, "read": curve}, tmp_path)  # pyright: ignore[reportArgumentType]
    assert names(figures[-1]) == ["left node over right", "right node over left"]


def test_chips_and_learning_have_their_legends_beside_the_axes(figures, tmp_path):
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(0.7, 1, 40) for name in ("software", "transferred", "on_chip")}
    sram_figures.draw_chips(values, tmp_path)
    assert names(figures[-1]) == ["software", "software, transferred", "learnt on the chip"]
    row = {"title": "mismatch", "difference_percent": -1.0, "interval_percent": (-2.0, 0.5)}
    sram_figures.draw_learning_budget([{**row, "name": "with_a"}, {**row, "name": "without_a"}], tmp_path)


def test_accuracy_over_wires_names_corrections_by_colour_and_tiles_by_line(figures, tmp_path):
    rows = [
        {"segment_resistance": r, "correction": c, "tile": t, "accuracy": 0.9, "output_error": 0.01 * r}
        for r in (1.0, 5.0, 20.0, 100.0)
        for c in ("as mapped", "a gain for each output", "compensated cells")
        for t in (16, 32, 64)
    ]
    table = pd.DataFrame(rows)
    table.attrs["units"] = {"segment_resistance": "ohm"}
    crossbar_network.draw_sweep(table, tmp_path)
    assert names(figures[-1]) == [
        "as mapped", "a gain for each output", "compensated cells", "tile", "16", "32", "64",
    ]  # fmt: skip
    assert figures[-1].axes[0].get_xscale() == "log"


def test_life_names_its_methods_and_its_end(figures, tmp_path):
    switches = np.geomspace(1e3, 3e6, 12)
    table = pd.DataFrame(
        {"switches": switches, "accuracy": np.linspace(0.97, 0.1, 12), "worn_cells": switches / 1e7}
    )
    lives = {name: SimpleNamespace(table=table, lifetime=2e5, loss=0.01) for name in ("baseline", "chosen")}
    reprogramming.draw_life(lives, tmp_path)  # pyright: ignore[reportArgumentType]
    assert names(figures[-1]) == ["baseline", "chosen", "accuracy 1 % lower"]
    ticks = [text.get_text() for text in figures[-1].axes[1].get_xticklabels()]
    assert {"10⁴", "10⁵", "10⁶"} <= set(ticks)


@pytest.mark.parametrize("scopes", [("output",), ("output", "layer")])
def test_the_front_of_writes_names_every_method(scopes, figures, tmp_path):
    table = pd.DataFrame(
        [
            {
                "scope": scope, "order": method.split(",")[0], "method": method, "reads_per_section": 1.0,
                "output_error": error, "relative_writes": writes, "writes": 1e5 * writes,
                **dict.fromkeys(reprogramming.SETTING, 1),
            }
            for scope in scopes
            for method in reprogramming.COLOURS
            for error, writes in ((0.0, 0.5), (0.01, 0.3), (0.2, 0.05))
        ]
    )  # fmt: skip
    reprogramming.draw_front(table, tmp_path)
    assert names(figures[-1]) == list(reprogramming.COLOURS)
