"""A network on circuits, without a simulator: what is programmed, what does not fit, what is left right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cimspice.files import write_atomically
from cimspice.network.certificate import LEAST_CHIPS, chips_bound
from cimspice.network.circuit import CircuitNetwork, relative
from cimspice.network.decisions import share_right, strongest
from cimspice.network.validate import decides, is_cheap, total

_SLOW_INPUTS = 100
"""Drawn where each takes the emulator long: cells that are not linear, under a convolution."""


def mapping_facts(
    mapped: CircuitNetwork, x: np.ndarray, labels: np.ndarray | None = None, *, seed: int = 0
) -> dict[str, Any]:
    """Size, errors and clipping of every layer, and decisions of the emulated network beside software's.

    Parameters
    ----------
    mapped
        On one or several chips.
    x, labels
        Inputs (inputs, ...) and their classes (inputs,), or None.
    seed
        Of the draw, where not all inputs are emulated.
    """
    if len(x) > _SLOW_INPUTS and not all(is_cheap(mapped, name) for name in mapped.layers):
        drawn = np.sort(np.random.default_rng(seed).permutation(len(x))[:_SLOW_INPUTS])
        x, labels = x[drawn], None if labels is None else labels[drawn]
    ideal = mapped.network.outputs(x)
    traces = [mapped.chip(number).trace(x) for number in range(mapped.chips)]
    accuracy, raw, by_chip = None, None, None
    if labels is not None and decides(mapped):
        if mapped.raw is not None:
            raw = share_right(strongest(mapped.raw.outputs(x)), labels, ideal.shape[1])
        accuracy, *by_chip = (
            share_right(strongest(outputs), labels, ideal.shape[1])
            for outputs in (ideal, *(trace.outputs for trace in traces))
        )
    outputs = np.stack([trace.outputs for trace in traces])
    facts = mapped.facts()
    layers = [
        {**layer, "clipped_inputs": sum(trace.clipped[layer["name"]] for trace in traces)}
        for layer in facts["layers"]
    ]
    counts = ("cells", "tiles", "clipped_weights", "clipped_inputs", "saturated", "conversions")
    return {
        "network": mapped.network.name,
        "circuit": mapped.family,
        "effects": facts["effects"],
        "chips": mapped.chips,
        "samples": len(x),
        **{name: total(layers, name) for name in counts},
        "emulated_error": relative(outputs, np.broadcast_to(ideal, outputs.shape)),
        "accuracy_ideal": accuracy,
        "accuracy_raw": raw,
        "accuracy_emulator": by_chip and float(np.mean(by_chip)),
        "chip_accuracy": by_chip,
        "chip_certificate": _proved(by_chip),
        "layers": layers,
    }


def _proved(by_chip: list[float] | None) -> dict[str, Any] | None:
    """What most chips reach; None where too few were drawn to say."""
    if not by_chip or len(by_chip) < LEAST_CHIPS:
        return None
    return chips_bound(by_chip).facts()


def save_mapping(mapped: CircuitNetwork, file: Path) -> Path:
    """What is programmed, as an .npz file; see `CircuitNetwork.arrays`."""

    arrays: dict[str, Any] = {**mapped.arrays()}

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.savez(stream, **arrays)

    return write_atomically(file, write)
