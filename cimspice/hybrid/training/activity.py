"""What the columns of a trained network see: sums, codes, scale factors, open weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.hybrid.emulator.columns import codes_of, open_weights, pulses, quantised_scale
from cimspice.hybrid.model.readout import Ideal
from cimspice.hybrid.training.network import ColumnNetwork


@dataclass(frozen=True, eq=False)
class Sequences:
    """What columns see of single samples, input bit by input bit: all (sequences, bits)."""

    sums: Array
    codes: Array
    scales: Array
    """Stored integers."""


def read_layers(network: ColumnNetwork, x: Array) -> dict[str, Array]:
    """What enters each layer that is read out, (samples · positions, inputs)."""
    return {
        name: rows
        for name, rows in network.column_reads(x).items()
        if not isinstance(network.layers[name].design.readout, Ideal)
    }


def reads_of_layers(network: ColumnNetwork, x: Array) -> dict[str, int]:
    """Column reads of each of these layers for a sample."""
    return {
        name: len(rows) // len(x) * network.layers[name].sums_of(rows[:1]).size
        for name, rows in read_layers(network, x).items()
    }


def layer_codes(network: ColumnNetwork, name: str, rows: Array) -> tuple[Array, Array, Array]:
    """Sums, codes and stored scale factors of a layer's reads; one for the layer is stored as 1."""
    layer, design = network.layers[name], network.layers[name].design
    scale = quantised_scale(layer.scale, design.scale_bits)
    sums = layer.sums_of(rows)
    codes = codes_of(sums, design.readout, scale / layer.unit)
    if design.shared == "layer" or not design.readout.scaled:
        stored = np.ones(scale.shape, int)
    else:
        step = float(np.max(scale)) / np.rint(_largest(layer.scale, design.scale_bits))
        stored = np.rint(scale / step).astype(int)
    return sums, codes, np.broadcast_to(stored, (len(sums), *sums.shape[1:2], 1, *sums.shape[3:]))


def _largest(scale: Array, bits: int | None) -> float:
    """The integer that stores a layer's largest scale factor."""
    assert bits is not None
    span = (scale.max() - scale.min()) / (2**bits - 2)
    return float(scale.max() / max(span, scale.max() / (2**bits - 1)))


def activity(network: ColumnNetwork, x: Array) -> dict[str, float]:
    """Shares of the codes of all reads of these samples, and how many weights are open on average."""
    codes, active = [], []
    for name, rows in read_layers(network, x).items():
        layer = network.layers[name]
        codes.append(layer_codes(network, name, rows)[1].ravel())
        opened = open_weights(pulses(layer.input_codes(rows), layer.design), layer.design)
        active.append(np.broadcast_to(opened, (*opened.shape[:-1], codes[-1].size // opened.size)).ravel())
    every = np.concatenate(codes)
    shares = {f"codes_of_{code}": float(np.mean(every == code)) for code in (1, -1, 0)}
    return {**shares, "open_weights": float(np.mean(np.concatenate(active)))}


def drawn_sequences(network: ColumnNetwork, x: Array, count: int) -> Sequences:
    """Of layers in proportion to their columns."""
    rng = np.random.default_rng(0)
    entered = read_layers(network, x)
    sizes = np.array([len(network.layers[name].weights) * network.layers[name].design.weights.slices
                      for name in entered], float)  # fmt: skip
    found: list[tuple[Array, ...]] = []
    for name in rng.choice(list(entered), count, p=sizes / sizes.sum()):
        rows = entered[name]
        values = layer_codes(network, name, rows[rng.integers(len(rows))][None])
        crossbar, place, column = (rng.integers(values[0].shape[axis]) for axis in (0, 3, 4))
        found.append(tuple(each[crossbar, :, 0, place, column] for each in values))
    return Sequences(*(np.array(each).astype(int) for each in zip(*found, strict=True)))
