"""Figures of the crossbar demonstration: the device, one array's wires, and how a tile was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cimspice.crossbar.validation.array import ArrayStudy
from cimspice.report.colours import colours_of
from cimspice.report.style import MODEL, legend_below, save, sheet
from cimspice.rram.model.programming import WriteRecord
from cimspice.rram.validation.device import DeviceStudy


def draw_device(study: DeviceStudy, folder: Path) -> list[Path]:
    """SET and RESET loop, reads with the fitted law, pulses: ngspice as lines, models as dots."""
    with sheet(9.0, 3.6) as canvas:
        loop, reads, pulses = canvas.subplots(1, 3)
        size = np.maximum(np.abs(study.loop["current"]), 1e-12)
        loop.semilogy(study.loop["voltage"], 1e6 * size, color=MODEL)
        loop.set(xlabel="source voltage (V)", ylabel="|current| (µA)", title="SET and RESET")
        loop.set_ylim(1e-3, None)
        states = sorted(study.fits)
        for state, colour in zip(states, colours_of(states, graded=True), strict=True):
            rows = study.reads[study.reads["state"] == state]
            reads.plot(rows["voltage"], 1e6 * rows["current"], color=colour, label=f"state {state:g}")
            law = study.fits[state].model.current(rows["voltage"].to_numpy())
            reads.plot(rows["voltage"], 1e6 * law, ".", color=colour, markersize=3)
        reads.set(xlabel="voltage (V)", ylabel="current (µA)", title="reads, sinh law (dots)")
        legend_below(reads)
        starts = _by_start(study)
        for (start, rows), colour in zip(starts, colours_of(starts), strict=True):
            ordered = rows.sort_values("pulse_voltage")
            pulses.plot(
                ordered["pulse_voltage"], ordered["state_after"], color=colour, label=f"from state {start:g}"
            )
            pulses.plot(ordered["pulse_voltage"], ordered["model_state"], "o", color=colour, ms=3)
        pulses.set(xlabel="pulse (V), 1 µs", ylabel="state after", title="pulses, numpy (dots)")
        legend_below(pulses)
        return save(canvas, folder, "crossbar_device")


def _by_start(study: DeviceStudy):
    return [(float(str(start)), rows) for start, rows in study.pulses.groupby("initial_state")]


def draw_array(study: ArrayStudy, folder: Path) -> list[Path]:
    """Voltage across every cell of the array, as a share of the read voltage."""
    with sheet(4.2, 3.4, grid=False) as canvas:
        axes = canvas.add_subplot()
        shown = axes.imshow(100 * study.cell_voltage, cmap="viridis", interpolation="nearest")
        canvas.colorbar(shown, ax=axes, label="across the cell (% of the read voltage)")
        axes.set(xlabel="bit line, sensed below", ylabel="word line, driven at the left")
        return save(canvas, folder, "crossbar_array")


def draw_writing(record: WriteRecord, folder: Path) -> list[Path]:
    """Error of every cell after write-verify, and pulses each took."""
    with sheet(7.4, 3.0) as canvas:
        left, right = canvas.subplots(1, 2)
        left.plot(1e6 * record.target.ravel(), 100 * record.error.ravel(), ".", color=MODEL, ms=3)
        left.set(xlabel="target (µS)", ylabel="error after write-verify (%)")
        pulses = (record.set_pulses + record.reset_pulses).ravel()
        right.hist(pulses, bins=np.arange(0.5, pulses.max() + 1.5), color=MODEL)
        right.set(xlabel="SET and RESET pulses of a cell", ylabel="cells")
        return save(canvas, folder, "crossbar_writing")
