"""Figure of what chips reach before and after each is calibrated."""

from pathlib import Path

import numpy as np

from cimspice.neuron.validation.chip_yield import ChipYield
from cimspice.report.style import CIRCUIT, MODEL, legend_above, save, sheet


def draw_chip_yield(found: ChipYield, folder: Path, name: str = "chip_yield") -> list[Path]:
    """Draw the share of chips (%) that reach an accuracy (%) over it, as PNG and SVG into ``folder``."""
    with sheet(6.0, 3.2) as canvas:
        axes = canvas.subplots()
        for colour, title, accuracy in (
            (CIRCUIT, "programmed alike", found.accuracy),
            (MODEL, "each calibrated from its own spikes", found.calibrated),
        ):
            reached = 100 * np.sort(accuracy)
            share = 100 * np.arange(len(accuracy), -1, -1) / len(accuracy)
            reached, share = np.concatenate([[0.0], reached, reached[-1:]]), np.insert(share, 0, 100.0)
            axes.step(reached, share, where="pre", color=colour, label=title)
        axes.axvline(100 * found.nominal[0], color="0.5", linestyle="--", label="nominal chip")
        axes.set_xlim(min(50.0, 100 * found.accuracy.min() - 2), 101)
        axes.set_xlabel("held-out flowers right (%)")
        axes.set_ylabel("chips that reach it (%)")
        axes.set_title(f"Iris, {len(found.accuracy)} chips", fontsize=9, loc="left")
        legend_above(canvas, axes.get_legend_handles_labels()[0])
        return save(canvas, folder, name)
