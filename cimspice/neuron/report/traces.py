"""Figure of membranes: model and circuit through the phases for one sample."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.report.colours import PALETTE
from cimspice.report.style import GREY, legend_above, legend_beside, save, sheet

_KEYS = (
    Line2D([], [], color="0.3", marker=".", linestyle="none", label="ngspice"),
    Line2D([], [], color="0.3", label="model, until the output spike"),
    Line2D([], [], color="0.4", linestyle="--", linewidth=0.8, label="voltage at which the output spikes"),
)
_ACCUMULATES, _FIRES = "#1f5fa8", "#e0a100"  # ground of the phases, pale


def draw_traces(
    network: NeuronNetwork, spikes: np.ndarray, circuit: pd.DataFrame, folder: Path, name: str = "membranes"
) -> list[Path]:
    """Draw one sample as PNG and SVG into ``folder``: membranes of each layer, then model minus circuit.

    Parameters
    ----------
    network
        The emulated circuit.
    spikes
        The sample's input spikes as fractions of a phase, shape (inputs,).
    circuit
        Table of ``trace_circuit``: layer, neuron, time (s), membrane_voltage (V).
    """
    model = model_traces(network, spikes)
    layers = len(model)
    with sheet(8.2, 3.0 * layers + 0.6) as canvas:
        grid = np.atleast_1d(canvas.subplots(2 * layers, 1, sharex=True, height_ratios=[3, 1] * layers))
        for layer, (time, voltage) in enumerate(model):
            rows = circuit[circuit["layer"] == layer + 1]
            upper, lower = grid[2 * layer], grid[2 * layer + 1]
            _phases(upper, lower, layer, network)
            _membranes(upper, lower, time, voltage, rows)
            words = "output layer" if layer == layers - 1 else "hidden layer"
            upper.set_ylabel(f"{words}\nmembrane (V)")
            lower.set_ylabel("model −\ncircuit (mV)")
        grid[-1].set_xlabel("time (µs)")
        legend_above(canvas, _KEYS)
        legend_beside(grid[0], _neurons(max(len(voltage) for _, voltage in model)))
        return save(canvas, folder, name)


def model_traces(network: NeuronNetwork, spikes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per layer, times (s) after the first phase's start, (points,), and membranes (V), (neurons, points).

    From the start of accumulation until each neuron's output spike; nan after it, and while a neuron fires
    that gives none.
    """
    phase = network.model.phase
    times, traces = network.line_times(np.atleast_2d(spikes)), []
    for index, layer in enumerate(network.layers):
        times = network.with_bias(layer, times)
        outputs = layer(times)[1]
        points = layer.accumulate(times, trace=True)[1]
        moments = np.array([float(time[0, 0]) for time, _ in points])
        voltages = np.array([voltage[0] for _, voltage in points])
        firing = np.linspace(0.0, phase, 201)[1:]
        starts = _ramp_starts(layer.readout, outputs[0])
        ramps = np.array([layer.readout.voltage_after(starts, float(delay)) for delay in firing])
        ramps[(firing[:, None] > outputs) | (outputs >= phase)] = np.nan
        traces.append(
            (
                np.concatenate([moments, phase + firing]) + index * phase,
                np.concatenate([voltages, ramps]).T,
            )
        )
        times = outputs
    return traces


def _ramp_starts(readout: ReadoutModel, outputs: np.ndarray) -> np.ndarray:
    """Voltages (V) that ramps with these output spikes (s) start from, both (neurons,).

    They are the membranes' at the end of accumulation, and what turning synapses off adds to them.
    """
    voltage = np.linspace(readout.start_voltage[0], readout.start_voltage[-1], 4001)
    return np.interp(outputs, readout.time(voltage), voltage)


def _membranes(upper: Axes, lower: Axes, time: np.ndarray, voltage: np.ndarray, rows: pd.DataFrame) -> None:
    for neuron, trace in enumerate(voltage):
        colour = PALETTE[neuron % len(PALETTE)]
        measured = rows[rows["neuron"] == neuron]
        moments, membrane = measured["time"].to_numpy(), measured["membrane_voltage"].to_numpy()
        few = slice(None, None, 8)
        upper.plot(1e6 * moments[few], membrane[few], ".", color=colour, markersize=4, alpha=0.8)
        upper.plot(1e6 * time, trace, color=colour, linewidth=1.0)
        inside = (moments > time[0]) & (moments < time[-1])
        error = np.interp(moments[inside], time, trace) - membrane[inside]
        lower.plot(1e6 * moments[inside], 1e3 * error, color=colour, linewidth=0.9)
    lower.axhline(0.0, color=GREY, linewidth=0.6)


def _phases(upper: Axes, lower: Axes, layer: int, network: NeuronNetwork) -> None:
    phase = 1e6 * network.model.phase
    for axes in (upper, lower):
        axes.axvspan(layer * phase, (layer + 1) * phase, color=_ACCUMULATES, alpha=0.06, linewidth=0)
        axes.axvspan((layer + 1) * phase, (layer + 2) * phase, color=_FIRES, alpha=0.10, linewidth=0)
        axes.set_xlim(0, (len(network.layers) + 1) * phase)
    upper.axhline(network.layers[layer].readout.switch_voltage, color="0.4", linewidth=0.8, linestyle="--")
    for start, word in ((layer, "accumulates"), (layer + 1, "fires")):
        upper.annotate(
            word, ((start + 0.5) * phase, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", ha="center", fontsize=8, color="0.35",
        )  # fmt: skip


def _neurons(count: int) -> list[Line2D]:
    return [
        Line2D([], [], color=PALETTE[neuron % len(PALETTE)], label=f"neuron {neuron + 1}")
        for neuron in range(count)
    ]
