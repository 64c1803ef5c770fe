"""A layer of circuit neurons that takes and gives activations: what a network on circuits computes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from cimspice.errors import ParameterError
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.mapping import LayerMapping
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import Terms, ramp_beta, reversal_slopes, simplify

REVERSAL, VOLTAGE, CAPACITANCE = "reversal potential", "current over voltage", "capacitance over voltage"
READOUT, CHARGE = "read-out", "charge injection and leakage"
EFFECTS = (REVERSAL, VOLTAGE, CAPACITANCE, READOUT, CHARGE)
"""Without the reversal potential, currents are constant and weights are those before fine-tuning. Without the
next, each current has its own E. The read-out is the measured ramp and comparator, or a straight ramp."""
_ROWS, _STEP = 512, 40e-9
"""Inputs emulated at once; largest step (s): against 2.5 ns, spikes move by 4 ps (65 to 257 inputs)."""


@dataclass(frozen=True)
class Scales:
    """Activations of the earliest input and output spike, and what is added to outputs before."""

    inputs: float
    outputs: float
    offset: float
    rectifies: bool


@dataclass(frozen=True, eq=False)
class ActivationLayer:
    """The protocol of `cimspice.network.circuit.Layer`; a spike at time t of a phase T stands for the
    activation ``scale · (1 − t/T)``, and the last input of every neuron is the bias, at the phase's start.

    Parameters
    ----------
    mapping, raw
        What is programmed, and what would be without fine-tuning; (neurons, inputs + 1).
    loads
        Neurons that a line of its inputs drives, and that a line of its outputs drives.
    spiking
        Share of the calibration's inputs that spike.
    on
        Effects that are on.
    """

    model: NeuronModel
    mapping: LayerMapping
    raw: LayerMapping
    scales: Scales
    loads: tuple[int, int]
    spiking: float
    on: frozenset[str] = frozenset(EFFECTS)
    matrix: None = None

    @property
    def effects(self) -> tuple[str, ...]:
        """Constant currents have no dependence on voltage to switch off."""
        none = {VOLTAGE} if REVERSAL not in self.on else set()
        return tuple(name for name in EFFECTS if name in self.on - none)

    @property
    def absorbs(self) -> tuple[str, ...]:
        """The bias, and except of outputs the ReLU."""
        return ("bias", "relu") if self.scales.rectifies else ("bias",)

    @property
    def full_scale(self) -> float:
        """Activation of a whole phase."""
        return self.scales.outputs

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.activations(self._emulated(self.line_times(x)))

    def line_times(self, x: np.ndarray) -> np.ndarray:
        """Seconds at which lines of inputs (n, inputs) and bias cross half the supply, (n, inputs + 1)."""
        share = np.clip(np.asarray(x) / self.scales.inputs, 0.0, 1.0)
        return self.model.phase * (1.0 - np.column_stack([share, np.ones(len(share))]))

    def activations(self, times: np.ndarray) -> np.ndarray:
        """What output spikes (s) stand for, same shape."""
        return self.scales.outputs * (1.0 - times / self.model.phase) - self.scales.offset

    def _emulated(self, times: np.ndarray) -> np.ndarray:
        parts = [self.neurons(times[first : first + _ROWS])[1] for first in range(0, len(times), _ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.mapping.polarity)))

    @cached_property
    def neurons(self) -> NeuronLayer:
        """The emulated circuit, with the effects that are on."""
        current = "ideal" if REVERSAL not in self.on else "table" if VOLTAGE in self.on else "program"
        model = _simplified(
            self.model,
            Terms(
                current,
                "table" if READOUT in self.on else "straight",
                CAPACITANCE in self.on,
                CHARGE in self.on,
                CHARGE in self.on,
            ),
        )
        mapping = self.mapping if REVERSAL in self.on else self.raw
        return NeuronLayer(model, mapping.polarity, mapping.program, self.loads[1], _STEP, self.loads[0])

    @cached_property
    def smooth(self) -> ReversalLayer:
        """The same neurons with one E for each weight and a ramp with one β, by DSTD."""
        return ReversalLayer(self)

    def row(self, neuron: int) -> ActivationLayer:
        """One of the neurons, with the loads of all."""

        def only(mapping: LayerMapping) -> LayerMapping:
            keep = slice(neuron, neuron + 1)
            return LayerMapping(**{name: array[keep] for name, array in vars(mapping).items()})

        return replace(self, mapping=only(self.mapping), raw=only(self.raw))

    def clip(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0.0, self.scales.inputs)

    def clipped(self, x: np.ndarray) -> int:
        return int(np.count_nonzero((x < 0) | (x > self.scales.inputs * (1 + 1e-9))))

    def without(self, *effects: str) -> ActivationLayer:
        for name in effects:
            if name not in self.on:
                raise ParameterError(
                    f"no effect {name!r}",
                    place="neuron layer",
                    remedy=f"choose from {', '.join(self.effects)}",
                )
        return replace(self, on=self.on - set(effects))

    def facts(self) -> dict[str, Any]:
        mapping = self.mapping
        size = float(np.linalg.norm(mapping.wanted)) or 1.0
        return {
            "cells": int(mapping.polarity.size),
            "tiles": len(mapping.polarity),
            "utilisation": float(np.mean(mapping.polarity != 0)),
            "clipped_weights": int(mapping.clipped.sum()),
            "saturated": None,
            "weight_error": float(np.linalg.norm(mapping.realised - mapping.wanted)) / size,
            "input_scale": self.scales.inputs,
            "output_scale": self.scales.outputs,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        realised = self.mapping.realised * self.scales.outputs
        return {
            "polarity": self.mapping.polarity[None],
            "program": self.mapping.program[None],
            "weights": realised[None, :, :-1] / self.scales.inputs,
            "bias": realised[None, :, -1] - self.scales.offset,
        }


@dataclass(frozen=True, eq=False)
class ReversalLayer:
    """An `ActivationLayer` by the law of its reversal potentials: a hundredth of the time."""

    layer: ActivationLayer
    matrix: None = None
    effects: tuple[str, ...] = ()

    @property
    def absorbs(self) -> tuple[str, ...]:
        return self.layer.absorbs

    @cached_property
    def _law(self) -> SpikingLayer:
        model, weights = self.layer.model, self.layer.mapping.realised
        inverse = inverse_potentials_of(model, weights.shape[1])(weights)
        safe = np.where(inverse == 0, 1e-9, inverse)
        plus, minus = np.where(weights >= 0, 1 / safe, 1.0), np.where(weights < 0, 1 / safe, -1.0)
        return SpikingLayer(
            weights, np.abs(plus), -np.abs(minus), Ramp(_beta(model)), method="dstd",
            discretisation=Discretisation(20),
        )  # fmt: skip

    def __call__(self, x: np.ndarray) -> np.ndarray:
        times = self.layer.line_times(x) / self.layer.model.phase
        return self.layer.activations(self._law(times) * self.layer.model.phase)

    def clip(self, x: np.ndarray) -> np.ndarray:
        return self.layer.clip(x)

    def clipped(self, x: np.ndarray) -> int:
        return self.layer.clipped(x)


def inverse_potentials_of(model: NeuronModel, fan_in: int) -> Callable[[np.ndarray], np.ndarray]:
    """Normalised weights to 1/E of each, at the current that carries it; same shape."""
    unit, tables = model.unit_current(fan_in), []
    for name in ("n", "p"):
        synapse = model.synapses[name]
        order = np.argsort(synapse.rest_current)
        slopes = reversal_slopes(synapse)[order] * model.threshold_voltage
        tables.append((np.log(synapse.rest_current[order] / unit), slopes))

    def inverse(weights: np.ndarray) -> np.ndarray:
        size = np.log(np.maximum(np.abs(weights), 1e-12))
        return np.where(weights >= 0, np.interp(size, *tables[0]), -np.interp(size, *tables[1]))

    return inverse


@lru_cache(maxsize=64)
def _simplified(model: NeuronModel, terms: Terms) -> NeuronModel:
    return simplify(model, terms)


@lru_cache(maxsize=8)
def _beta(model: NeuronModel) -> float:
    return ramp_beta(model)
