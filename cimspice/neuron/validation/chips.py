"""Chips whose transistors differ, in ngspice and in the emulator: with their mismatch known, and not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.campaign.bench_run import run_bench
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.characterisation.mismatch import characterised_mismatch
from cimspice.neuron.circuit.network import LayerProgramming, NetworkParameters, network_netlist
from cimspice.neuron.emulator.chips import chip_layers, chip_spikes
from cimspice.neuron.model.mismatch import RAMP, MismatchModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.validation.compare import rmse
from cimspice.neuron.validation.mapped import Programmed
from cimspice.pdk import draw_mismatch, threshold_sigmas
from cimspice.progress import OnProgress, in_stage, silent


@dataclass(frozen=True, eq=False)
class ChipValidation:
    """One programmed network on several chips; spike times (s) of each layer, (chips, samples, neurons)."""

    conditions: Conditions
    circuit: tuple[Array, ...]
    known: tuple[Array, ...]
    """Of the emulator that knows every chip's threshold shifts."""
    unknown: tuple[Array, ...]
    """Of the one that emulates the nominal chip."""
    sigma: Mapping[str, float]
    """Standard deviation (V) of the threshold of some transistors."""
    by_sigma: Mapping[str, Any]
    """What one does: to the unit current (%), to the time of the ramp (%), to the spike (ns)."""
    seconds: float
    """CPU seconds that ngspice spent."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice validate random --chips --json`` prints of it."""
        output = np.sqrt(np.mean((self.known[-1] - self.circuit[-1]) ** 2, axis=(1, 2)))
        worst = max(
            float(np.abs(model - circuit).max())
            for model, circuit in zip(self.known, self.circuit, strict=True)
        )
        pairs = (("rmse", self.known), ("unknown_rmse", self.unknown))
        layers = {
            f"layer_{name}_ns": [
                1e9 * rmse(model, circuit) for model, circuit in zip(found, self.circuit, strict=True)
            ]
            for name, found in pairs
        }
        chips, samples, _ = self.circuit[-1].shape
        return {
            "output_rmse_ns": 1e9 * rmse(self.known[-1], self.circuit[-1]),
            "unknown_rmse_ns": 1e9 * rmse(self.unknown[-1], self.circuit[-1]),
            **layers,
            "chip_rmse_ns": (1e9 * output).tolist(),
            "worst_ns": 1e9 * worst,
            "chips": chips,
            "samples": samples,
            "threshold_sigma_mv": {name: 1e3 * value for name, value in self.sigma.items()},
            "by_sigma": dict(self.by_sigma),
            "spice_seconds": self.seconds,
            "corner": self.conditions.corner,
            "temperature": self.conditions.temperature,
        }


def validate_chips(
    conditions: Conditions,
    mapped: Programmed,
    spikes: Array,
    chips: int,
    seed: int = 0,
    progress: OnProgress = silent,
) -> ChipValidation:
    """Run samples, (samples, inputs), on ``chips`` chips that are programmed alike.

    Chip number k is Monte Carlo sample k of the network's netlist: every transistor of it has its own
    threshold shift, in ngspice and, from the same draw, in the emulator.
    """
    checked_count("chips", chips, low=1)
    mismatch = characterised_mismatch(conditions, mapped.model, progress)
    programming = mapped.programming()
    circuit, seconds = run_chips(conditions, programming, spikes, chips, seed, progress)
    sigmas, shifts = drawn_shifts(conditions, programming, chips, seed)
    network = mapped.network()
    known = chip_spikes(network, mismatch, chip_layers(mismatch, shifts, network), spikes)
    nominal = [times for _, times in network(spikes)]
    unknown = tuple(np.broadcast_to(times, found.shape) for times, found in zip(nominal, known, strict=True))
    named = {
        "memory_n": sigmas["xn1_0_0.xmemory"],
        "memory_p": sigmas["xp1_0_0.xmemory"],
        **{name: sigmas[f"xneuron1_0.x{name}"] for name in (RAMP, *mismatch.delay, *mismatch.reset)},
    }
    by_sigma = _by_sigma(mapped.model, mismatch, named)
    return ChipValidation(conditions, circuit, known, unknown, named, by_sigma, seconds)


def _by_sigma(model: NeuronModel, mismatch: MismatchModel, sigma: Mapping[str, float]) -> dict[str, Any]:
    current = {}
    for half, synapse in model.synapses.items():
        bias = synapse.program_for(np.array(model.unit_current(next(iter(model.readouts))[0])))
        share = synapse.current.size(bias - sigma[f"memory_{half}"]) / synapse.current.size(bias)
        current[half] = 100 * abs(float(share) - 1)
    stretch = mismatch.stretch(np.array(mismatch.anchor), np.array(sigma[RAMP]))
    delay = {name: 1e9 * (a + b * sigma[name]) * sigma[name] for name, (a, b) in mismatch.delay.items()}
    return {"current_percent": current, "ramp_percent": 100 * (float(stretch) - 1), "delay_ns": delay}


def run_chips(
    conditions: Conditions,
    programming: Sequence[LayerProgramming],
    spikes: Array,
    chips: int,
    seed: int = 0,
    progress: OnProgress = silent,
) -> tuple[tuple[Array, ...], float]:
    """Spike times (s) of every layer in ngspice, (chips, samples, neurons), and CPU seconds."""
    table = run_bench(
        "neuron_network",
        [_network(conditions, programming, sample) for sample in spikes],
        conditions,
        monte_carlo={"samples": chips, "seed": seed},
        workers=conditions.workers,
        store=conditions.store,
        progress=in_stage("simulate the chips in ngspice", progress),
    )
    ordered = table.sort_values(["layer", "sample", "run", "neuron"])
    layers = [frame["spike_time"].to_numpy() for _, frame in ordered.groupby("layer")]
    times = tuple(layer.reshape(chips, len(spikes), -1) for layer in layers)
    return times, table.attrs["cpu_seconds"]


def drawn_shifts(
    conditions: Conditions, programming: Sequence[LayerProgramming], chips: int, seed: int = 0
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Standard deviation (V) of every transistor's threshold, and the shifts (V) of each chip, by path."""
    inputs = len(programming[0].polarity[0]) - programming[0].bias_line
    netlist = network_netlist(_network(conditions, programming, np.ones(inputs)))
    sigmas = threshold_sigmas(netlist.text)
    return sigmas, [draw_mismatch(sigmas, seed, chip) for chip in range(chips)]


def _network(
    conditions: Conditions, programming: Sequence[LayerProgramming], sample: Array
) -> NetworkParameters:
    return NetworkParameters(
        circuit=conditions.circuit, programming=tuple(programming), spikes=tuple(sample.tolist())
    )
