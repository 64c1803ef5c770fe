"""Figures of the demonstration: offsets, decisions, chips, energy by block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from cimspice.arrays import Array
from cimspice.hybrid.model.card import ColumnModel
from cimspice.hybrid.validation.chips import ChipStudy
from cimspice.hybrid.validation.reads import ReadComparison
from cimspice.report.style import CIRCUIT, GREY, MODEL, legend_above, legend_beside, save, sheet


def draw_offsets(offsets: Array, model: ColumnModel, folder: Path, name: str = "offsets") -> list[Path]:
    """Shares of comparators with at most an offset: those simulated here, and the card's distribution."""
    from scipy.stats import norm

    one = model.comparator
    ordered = 1e3 * np.sort(offsets)
    reach = 3.2e3 * one.offset_deviation
    volts = np.linspace(-reach, reach, 200)
    with sheet(6.4, 3.6) as canvas:
        axes = canvas.subplots()
        law = norm.cdf(volts, 1e3 * one.offset_mean, 1e3 * one.offset_deviation)
        axes.plot(volts, 100 * law, color=MODEL, label=f"card: normal, {one.samples:,} comparators")
        share = 100 * (np.arange(len(ordered)) + 0.5) / len(ordered)
        axes.plot(ordered, share, ".", color=CIRCUIT, label=f"{len(ordered)} comparators in ngspice")
        for side in (-0.5e3, 0.5e3):
            axes.axvline(side * model.unit, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_xlabel("offset (mV); dashed: half a unit of the partial sum")
        axes.set_ylabel("comparators with less (%)")
        legend_above(canvas)
        return save(canvas, folder, name)


def draw_decisions(result: ReadComparison, folder: Path, name: str = "decisions") -> list[Path]:
    """Difference of the lines at both strobes over the partial sum, in ngspice and in the emulator."""
    with sheet(7.4, 3.8) as canvas:
        reach = float(np.abs(result.sums).max()) + 1
        pair = canvas.subplots(1, 2, sharey=True)
        for strobe, (axes, threshold) in enumerate(
            zip(pair, (result.threshold, -result.threshold), strict=True)
        ):
            circuit, emulated = (
                1e3 * one[:, strobe] for one in (result.difference, result.emulated.difference)
            )
            axes.plot(result.sums, circuit, "o", color=CIRCUIT, mfc="none", label="ngspice")
            axes.plot(result.sums, emulated, "x", color=MODEL, label="emulator")
            axes.axhline(0, color=GREY, linewidth=0.8)
            axes.axvline(threshold, color=GREY, linewidth=0.8, linestyle="--")
            axes.set_title(
                f"{('first', 'second')[strobe]} strobe: is the sum above {threshold:g}?", fontsize=9
            )
            axes.set_xlabel("partial sum (units)")
            axes.set_xlim(-reach, reach)
        pair[0].set_ylabel("difference of the lines (mV)")
        legend_above(canvas)
        return save(canvas, folder, name)


def draw_hybrid_chips(result: ChipStudy, folder: Path, name: str = "chips") -> list[Path]:
    """Share of chips that reach at least an accuracy, by what their network was trained with."""
    titles = {"plain": "nominal columns", "aware": "chips drawn anew", "calibrated": "and calibrated"}
    with sheet(7.4, 3.6) as canvas:
        axes = canvas.subplots()
        for (key, title), colour in zip(titles.items(), (GREY, CIRCUIT, MODEL), strict=True):
            ordered = 100 * np.sort(getattr(result, key))
            share = 100 * (1 - np.arange(len(ordered)) / len(ordered))
            axes.step(ordered, share, where="pre", color=colour, label=title)
        axes.set_xlabel("held-out samples right, at least (%)")
        axes.set_ylabel("chips (%)")
        axes.set_title("a network trained on ...", fontsize=9)
        legend_beside(axes)
        return save(canvas, folder, name)


def columns_of(energy: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The column and the converters of an energy table, by how they are called on figures and page."""
    converters = {f"converter, {bits} bits": one for bits, one in energy["converters"].items()}
    return {"comparator": energy["column"], **converters}


def colours_of(columns: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """A colour for each block of these columns, no two alike, in the order in which they lie."""
    blocks = dict.fromkeys(block for one in columns.values() for block in one["blocks"])
    return {block: to_hex(colormaps["tab20"](place % 20)) for place, block in enumerate(blocks)}


def draw_energy(energy: Mapping[str, Any], folder: Path, name: str = "energy") -> list[Path]:
    """Energy of one column read by block, beside converters."""
    columns = columns_of(energy)
    with sheet(7.4, 3.8, grid=False) as canvas:
        axes, left = canvas.subplots(), np.zeros(len(columns))
        for block, colour in colours_of(columns).items():
            values = np.array([1e15 * one["blocks"].get(block, 0.0) for one in columns.values()])
            axes.barh(list(columns), values, 0.6, left, color=colour, label=block.replace("_", " "))
            left += values
        for place, total in enumerate(left):
            axes.text(total, place, f" {total:.0f}", va="center")
        axes.invert_yaxis()
        axes.set_xlim(0, 1.12 * left.max())
        axes.set_xlabel("energy of a column read (fJ)")
        legend_beside(axes)
        return save(canvas, folder, name)
