"""Figure of accuracy over the reversal potential."""

from pathlib import Path

from cimspice.neuron.training.reversal_sweep import ReversalSweep
from cimspice.report.style import CIRCUIT, MODEL, legend_above, save, sheet


def draw_reversal_sweep(found: ReversalSweep, folder: Path, name: str = "reversal_sweep") -> list[Path]:
    """Draw shares of held-out samples right (%) over |E| as PNG and SVG into ``folder``: means, and points of
    all seeds."""
    with sheet(6.0, 3.4) as canvas:
        axes = canvas.subplots()
        for colour, marker, title, shares in (
            (MODEL, "o", "trained at |E|", found.physical),
            (CIRCUIT, "s", "trained ideally, used at |E|", found.conventional),
        ):
            axes.plot(found.reversals, 100 * shares.mean(axis=1), color=colour, marker=marker, label=title)
            for seed in shares.T:
                axes.plot(found.reversals, 100 * seed, ".", color=colour, alpha=0.5, markersize=3)
        axes.axhline(100 * found.ideal.mean(), color="0.5", linestyle="--", label="ideal synapses")
        axes.set_xscale("log")
        axes.set_xlabel("|E| (thresholds)")
        axes.set_ylabel("held-out samples right (%)")
        axes.set_title(found.network, fontsize=9, loc="left")
        legend_above(canvas, axes.get_legend_handles_labels()[0])
        return save(canvas, folder, name)
