"""Figure of the error budget: what each term of the neuron's model takes off the error."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from cimspice.neuron.validation.budget import BudgetRow, ErrorBudget
from cimspice.report.style import MODEL, PALE, legend_above, save, sheet


def draw_budget(budget: ErrorBudget, folder: Path, name: str = "error_budget") -> list[Path]:
    """Draw the ladder, and the full model without one term at a time, as PNG and SVG into ``folder``.

    Bars: root mean square error of spike times against ngspice (ns, logarithmic), output and hidden layers.
    """
    counts = len(budget.ladder), len(budget.without)
    with sheet(7.4, 0.33 * sum(counts) + 1.7, grid=False) as canvas:
        upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=counts)
        _bars(upper, budget.ladder, "each model adds a term to the one above")
        _bars(lower, budget.without, "the full model without one term")
        rows = (*budget.ladder, *budget.without)
        errors = [1e9 * error for row in rows for error in (row.output_rmse, row.hidden_rmse)]
        # from a whole decade below the shortest bar to where the number beside the longest has room
        lower.set_xlim(10.0 ** np.floor(np.log10(max(min(errors), 1e-6) / 2)), 4 * max(errors))
        lower.set_xlabel("spike times against ngspice, rms error (ns)")
        legend_above(canvas, upper.get_legend_handles_labels()[0])
        return save(canvas, folder, name)


def _bars(axes: Axes, rows: Sequence[BudgetRow], title: str) -> None:
    place = np.arange(len(rows))
    shown = [(MODEL, "output layer", -0.2, [row.output_rmse for row in rows])]
    if any(len(row.comparison.circuit) > 1 for row in rows):
        shown.append((PALE, "hidden layers", 0.2, [row.hidden_rmse for row in rows]))
    for colour, label, offset, values in shown:
        nanoseconds = 1e9 * np.array(values)
        axes.barh(place + offset, nanoseconds, height=0.36, color=colour, label=label)
        for row, value in zip(place, nanoseconds, strict=True):
            words = f"{value:#.3g}" if value < 10 else f"{value:.1f}"
            axes.annotate(
                words, (value, row + offset), xytext=(3, 0), textcoords="offset points",
                va="center", fontsize=6.5, color="0.25",
            )  # fmt: skip
    axes.set_yticks(place, [row.title for row in rows])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_xscale("log")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_title(title, fontsize=9, loc="left")
