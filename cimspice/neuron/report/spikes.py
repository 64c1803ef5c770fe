"""Figure of spike times: model over circuit, and what is left between them."""

from pathlib import Path

from matplotlib.axes import Axes

from cimspice.neuron.validation.budget import find_ablation
from cimspice.neuron.validation.compare import Comparison
from cimspice.neuron.validation.network import NeuronValidation
from cimspice.report.colours import PALETTE
from cimspice.report.style import GREY, legend_above, save, sheet

_PAPER = "constant"


def draw_spikes(result: NeuronValidation, folder: Path, name: str = "spike_times") -> list[Path]:
    """Draw all samples' spikes as PNG and SVG into ``folder``.

    Above the model's spike times over the circuit's, with the card's 95 % intervals, below model minus
    circuit, of the paper's model and of the model that was compared. Spikes that do not come stand at the end
    of the phase.
    """
    ablations = list(dict.fromkeys([_PAPER, result.ablation]))
    with sheet(6.4, 4.8 + 1.3 * len(ablations)) as canvas:
        axes = canvas.subplots(1 + len(ablations), 1, sharex=True, height_ratios=[3, *[1.2] * len(ablations)])
        _times(axes[0], result)
        for below, ablation in zip(axes[1:], ablations, strict=True):
            comparison = result.budget.row(ablation).comparison
            _errors(below, comparison)
            words = "full model" if ablation == "full" else find_ablation(ablation).title.removeprefix("+ ")
            error = f"{1e9 * comparison.output_rmse:.2g} ns rms in the output layer"
            below.set_title(f"{words}: {error}", fontsize=8.5, loc="left")
        axes[0].set_title(
            f"{len(result.spikes)} samples, {result.conditions.corner}, {result.conditions.temperature:g} °C",
        )
        legend_above(canvas)
        axes[0].set_ylabel(f"model '{result.ablation}' (ns)")
        axes[-1].set_xlabel("spike in ngspice, after the start of its layer's firing phase (ns)")
        return save(canvas, folder, name)


def _times(axes: Axes, result: NeuronValidation) -> None:
    comparison, end = result.comparison, 1e9 * result.comparison.phase
    axes.plot([0, end], [0, end], color=GREY, linewidth=0.8)
    for layer, (band, circuit) in enumerate(zip(result.bands, comparison.circuit, strict=True)):
        low, high = (1e9 * side.ravel() for side in band.interval)
        axes.vlines(
            1e9 * circuit.ravel(), low, high, linewidth=0.8, color=PALETTE[layer % len(PALETTE)]
        )  # fmt: skip
    for layer, (model, circuit) in enumerate(zip(comparison.model, comparison.circuit, strict=True)):
        axes.plot(
            1e9 * circuit.ravel(), 1e9 * model.ravel(), "o", markersize=4, alpha=0.7, markeredgewidth=0,
            color=PALETTE[layer % len(PALETTE)], label=_label(layer, len(comparison.circuit)),
        )  # fmt: skip


def _errors(axes: Axes, comparison: Comparison) -> None:
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    for layer, circuit in enumerate(comparison.circuit):
        axes.plot(
            1e9 * circuit.ravel(), 1e9 * comparison.errors(layer).ravel(), "o", markersize=3, alpha=0.7,
            markeredgewidth=0, color=PALETTE[layer % len(PALETTE)],
        )  # fmt: skip
    low, high = axes.get_ylim()
    largest = max(-low, high)
    axes.set_ylim(-largest, largest)
    axes.set_ylabel("model −\ncircuit (ns)")


def _label(layer: int, layers: int) -> str:
    return "output layer" if layer == layers - 1 else "hidden layer" if layers == 2 else f"layer {layer + 1}"
