"""Figures of the crossbar demonstration: the device, one array's wires, and how a tile was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from cimspice.models.rram import WriteRecord
from cimspice.report.figure import STYLE
from cimspice.report.save import save
from cimspice.validation.crossbar_array import ArrayStudy
from cimspice.validation.crossbar_device import DeviceStudy


def draw_device(study: DeviceStudy, folder: Path) -> list[Path]:
    """SET and RESET loop, reads with the fitted law, pulses: ngspice as lines, models as dots."""
    with rc_context(STYLE):
        canvas = Canvas(figsize=(9.0, 3.0), layout="constrained")
        FigureCanvasAgg(canvas)
        loop, reads, pulses = canvas.subplots(1, 3)
        size = np.maximum(np.abs(study.loop["current"]), 1e-12)
        loop.semilogy(study.loop["voltage"], 1e6 * size, color="#00798c")
        loop.set(xlabel="source voltage (V)", ylabel="|current| (µA)", title="SET and RESET")
        loop.yaxis.set_major_formatter(lambda value, _: f"{value:g}")  # powers would need math text
        loop.set_ylim(1e-3, None)
        states = sorted(study.fits)
        for state, colour in zip(states, colormaps["viridis"](np.linspace(0, 0.9, len(states))), strict=True):
            rows = study.reads[study.reads["state"] == state]
            reads.plot(rows["voltage"], 1e6 * rows["current"], color=colour, label=f"state {state:g}")
            law = study.fits[state].model.current(rows["voltage"].to_numpy())
            reads.plot(rows["voltage"], 1e6 * law, ".", color=colour, markersize=3)
        reads.set(xlabel="voltage (V)", ylabel="current (µA)", title="reads, sinh law (dots)")
        reads.legend()
        for start, rows in _by_start(study):
            ordered = rows.sort_values("pulse_voltage")
            (line,) = pulses.plot(
                ordered["pulse_voltage"], ordered["state_after"], label=f"from state {start:g}"
            )
            pulses.plot(ordered["pulse_voltage"], ordered["model_state"], "o", color=line.get_color(), ms=3)
        pulses.set(xlabel="pulse (V), 1 µs", ylabel="state after", title="pulses, numpy (dots)")
        pulses.legend()
        return save(canvas, folder, "crossbar_device")


def _by_start(study: DeviceStudy):
    return [(float(str(start)), rows) for start, rows in study.pulses.groupby("initial_state")]


def draw_array(study: ArrayStudy, folder: Path) -> list[Path]:
    """Voltage across every cell of the array, as a share of the read voltage."""
    with rc_context({**STYLE, "axes.grid": False}):
        canvas = Canvas(figsize=(4.2, 3.4), layout="constrained")
        FigureCanvasAgg(canvas)
        axes = canvas.add_subplot()
        shown = axes.imshow(100 * study.cell_voltage, cmap="viridis", interpolation="nearest")
        canvas.colorbar(shown, ax=axes, label="across the cell (% of the read voltage)")
        axes.set(xlabel="bit line, sensed below", ylabel="word line, driven at the left")
        return save(canvas, folder, "crossbar_array")


def draw_writing(record: WriteRecord, folder: Path) -> list[Path]:
    """Error of every cell after write-verify, and pulses each took."""
    with rc_context(STYLE):
        canvas = Canvas(figsize=(7.4, 3.0), layout="constrained")
        FigureCanvasAgg(canvas)
        left, right = canvas.subplots(1, 2)
        left.plot(1e6 * record.target.ravel(), 100 * record.error.ravel(), ".", color="#00798c", ms=3)
        left.set(xlabel="target (µS)", ylabel="error after write-verify (%)")
        pulses = (record.set_pulses + record.reset_pulses).ravel()
        right.hist(pulses, bins=np.arange(0.5, pulses.max() + 1.5), color="#00798c")
        right.set(xlabel="SET and RESET pulses of a cell", ylabel="cells")
        return save(canvas, folder, "crossbar_writing")
