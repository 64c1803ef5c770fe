"""A network that learns in the SRAM array: forward, error, transposed read, update, on many chips at once.

Outputs are converter codes. The error is that of the multi-class hinge (Crammer, Singer, JMLR 2 (2001) 265):
the sample's own class shall be above the strongest other one by a margin. The target, the other's code plus
the margin, is preloaded on the converter, which gives target minus output; what it gives above 0 goes up the
own class and down the other. A hidden neuron is a rectifier whose code is limited to the multiplier's
inputs; it passes an error while it is within these limits, and one that leads away from a limit that it is
stuck at (:mod:`cimspice.sram.emulator.stuck`). Updates are rounded at random
(:func:`cimspice.sram.mapping.format.stochastic_rounding`), since a step of a short word is larger than most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count, checked_number
from cimspice.errors import ParameterError
from cimspice.fit.conditions import check_alike
from cimspice.network.decisions import strongest
from cimspice.sram.emulator.layer import SramLayer
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.stuck import StuckFlags
from cimspice.sram.mapping.format import WordFormat, stochastic_rounding


@dataclass(frozen=True)
class LayerScale:
    """Of one layer, nominal."""

    sum_steps: float
    """Converter steps of an output whose Σ_c w_c x_c is 1, weights from −1 to 1 and inputs from 0 to 1."""
    error_steps: float
    """Converter steps of a transposed read whose Σ_g e_g w_g is 1, errors from −1 to 1 (the largest)."""


def layer_scale(design: LayerDesign, columns: int) -> LayerScale:
    """Read a nominal word of all ones, forwards at the largest input and transposed at the largest error."""
    form, periphery = design.form, design.periphery
    bits = np.ones(form.slice_bits, int)
    positions = (np.arange(form.slice_bits) + 0.5) / design.array_rows
    forward, backward = (
        design.read(codes, bits, positions=positions).discharge
        for codes in (design.pulses[0], design.pulses[-1])
    )
    largest = 2**periphery.multiplier.bits - 1
    product = periphery.multiplier(forward - design.line_rise, np.array(largest))
    shared = -(-columns // -(-columns // periphery.sharing.largest_columns))  # of the first group
    rails = periphery.sharing(np.repeat(product[:, None], shared, axis=1))
    whole = form.weights.sum() / form.weights[-1]  # a word of ones, all its slices
    step = periphery.converter.step
    return LayerScale(
        sum_steps=float(rails[1] - rails[0]) * whole / step / shared,
        error_steps=periphery.line_sampling.attenuation * float(backward[1] - backward[0]) * whole / step,
    )


@dataclass(frozen=True)
class LearningRule:
    """The digital part."""

    margin: float = 0.35
    """Of the own class above the others, as a sum of weights times inputs."""
    rate: float = 0.1
    """Largest change of a weight (of −1 to 1) in the output layer by one sample."""
    hidden_rate: float = 0.15
    """The same of a hidden layer, for a hidden error of 1."""
    hidden_gain: float = 2.0
    """Of a hidden neuron: Σ w x that gives the largest code is 1 over this."""
    stuck_period: int = 20
    """Samples after which a hidden neuron that was at the same limit for all of them takes errors that lead
    away from it; 0: never."""

    def __post_init__(self) -> None:
        for name in ("margin", "rate", "hidden_rate"):
            checked_number(name, getattr(self, name), low=0, place="LearningRule")
        checked_number("hidden_gain", self.hidden_gain, above=0, place="LearningRule")
        checked_count("stuck_period", self.stuck_period, low=0, place="LearningRule")

    def slowed(self, factor: float) -> LearningRule:
        """The same with rates of a later epoch."""
        return replace(self, rate=self.rate * factor, hidden_rate=self.hidden_rate * factor)


@dataclass(frozen=True, eq=False)
class Trace:
    """One forward pass."""

    inputs: tuple[Array, ...]
    """Codes at the columns of each layer, the bias's last, each of shape (chips, samples, columns)."""
    rails: tuple[Array, ...]
    """Difference of the rails of each layer (V), each of shape (chips, samples, neurons, conversions)."""
    codes: tuple[Array, ...]
    """Of the converter, same shapes."""
    outputs: tuple[Array, ...]
    """Slices added, each of shape (chips, samples, neurons)."""


@dataclass(eq=False)
class LearningNetwork:
    """Layers on the same chips."""

    layers: Sequence[SramLayer]
    """First to last; a layer has a column for every neuron before it and one for the bias."""
    rounding: np.random.Generator
    """Where the updates' rounding is drawn from."""
    rule: LearningRule = field(default_factory=LearningRule)
    """The digital part."""
    hidden_gains: Sequence[float] | None = None
    """Of each hidden layer in the place of the rule's one."""

    def __post_init__(self) -> None:
        if self.hidden_gains is not None:
            checked_array("hidden_gains", self.hidden_gains, (len(self.layers) - 1,), low=0)
        if not len(self.layers):
            raise ParameterError("a network without layers", place="layers", remedy="give at least one")
        for before, after in pairwise(self.layers):
            if after.columns != before.words.shape[1] + 1:
                raise ParameterError(
                    f"{before.words.shape[1]} neurons before a layer of {after.columns} columns",
                    place="layers",
                    remedy="a layer has one column per neuron before it, and one for the bias",
                )
        check_alike(
            {f"layer {number}": layer.design.periphery for number, layer in enumerate(self.layers)}, "layers"
        )
        self._scales = [layer_scale(layer.design, layer.columns) for layer in self.layers]
        self._flags = [StuckFlags() for _ in self.layers[1:]]

    @property
    def scales(self) -> list[LayerScale]:
        """Nominal scale of each layer."""
        return self._scales

    def forward(self, inputs: Array) -> Trace:
        """Pass samples through.

        Parameters
        ----------
        inputs
            Codes of features, without the bias, shape (chips, samples, features).

        Raises
        ------
        ParameterError
            If an input is no code of the multiplier.
        """
        columns, rails, codes, outputs = [], [], [], []
        features = self.layers[0].columns - 1
        signal = checked_array("inputs", inputs, ("chips", "samples", features), low=0, whole=True)
        for number, layer in enumerate(self.layers):
            if number:
                signal = self.hidden_codes(number - 1, outputs[-1])
            columns.append(with_bias(signal, largest_input(layer.design)))
            rails.append(layer.rails(columns[-1]))
            codes.append(layer.codes(rails[-1]))
            outputs.append(layer.merge(codes[-1]))
        return Trace(tuple(columns), tuple(rails), tuple(codes), tuple(outputs))

    def hidden_codes(self, number: int, outputs: Array) -> Array:
        """Inputs of the next layer from a hidden layer's outputs."""
        most = largest_input(self.layers[number + 1].design)
        given = self.rule.hidden_gain if self.hidden_gains is None else self.hidden_gains[number]
        gain = most * given / self._scales[number].sum_steps
        return np.clip(np.rint(gain * outputs), 0, most).astype(int)

    def classes(self, inputs: Array) -> Array:
        """The strongest output's number, shape (chips, samples); −1 where all outputs are equal."""
        return strongest(self.forward(inputs).outputs[-1])

    def step(self, inputs: Array, labels: Array) -> None:
        """Learn one sample on every chip.

        Parameters
        ----------
        inputs
            Codes, shape (chips, features).
        labels
            Class numbers from 0, shape (chips,).
        """
        chips, features = len(self.layers[0].words), self.layers[0].columns - 1
        codes = checked_array("inputs", inputs, (chips, features), low=0, whole=True)
        trace = self.forward(codes[:, None, :])
        errors = self.output_errors(trace, labels)
        for number, change in enumerate(self.changes(trace, errors)):
            layer = self.layers[number]
            layer.write(self.updated(layer, change))

    def output_errors(self, trace: Trace, labels: Array) -> Array:
        """Whole errors of the output layer for one sample per chip, shape (chips, neurons)."""
        layer, outputs = self.layers[-1], trace.outputs[-1][:, 0]
        chips = np.arange(len(outputs))
        if outputs.shape[1] < 2:
            raise ParameterError(
                "one output has no rival to learn against", place="layers", remedy="give two outputs or more"
            )
        own = checked_array("labels", labels, chips.shape, low=0, high=outputs.shape[1] - 1, whole=True)
        rivals = outputs.copy()
        rivals[chips, own] = -np.inf
        rival = rivals.argmax(axis=1)
        margin = max(1.0, self.rule.margin * self._scales[-1].sum_steps)
        missing = layer.below_target(
            trace.rails[-1][chips, 0, own, -1],
            trace.codes[-1][chips, 0, own],
            rivals[chips, rival] + margin,
            chips,
        )
        most = layer.design.largest_error
        size = np.clip(np.ceil(missing * most / (2 * margin)), 0, most).astype(int)
        errors = np.zeros(outputs.shape, int)
        errors[chips, own], errors[chips, rival] = size, -size
        return errors

    def changes(self, trace: Trace, errors: Array) -> list[Array]:
        """Wanted change of the weights of each layer, as real numbers, shape (chips, neurons, columns)."""
        layers = self.layers
        relative = errors / layers[-1].design.largest_error
        found = [self._outer(self.rule.rate * relative, trace.inputs[-1], layers[-1].design)]
        for number in range(len(layers) - 2, -1, -1):
            relative = self.hidden_errors(number, trace, errors)
            found.insert(
                0, self._outer(self.rule.hidden_rate * relative, trace.inputs[number], layers[number].design)
            )
            if number:
                errors = self.whole_errors(number, relative)
        return found

    def hidden_errors(self, number: int, trace: Trace, errors: Array) -> Array:
        """Errors of hidden layer ``number`` from the whole ones of the layer after it, (chips, neurons)."""
        layer = self.layers[number + 1]
        # none goes to the bias
        parts = [layer.backward(part, layer.columns - 1) for part in _together(layer.design, errors)]
        codes = np.sum(parts, axis=0)
        signal = trace.inputs[number + 1][:, 0, :-1]
        passes = self._flags[number].passes(
            signal, largest_input(layer.design), codes, self.rule.stuck_period
        )
        return np.where(passes, codes / self._scales[number + 1].error_steps, 0.0)

    def whole_errors(self, number: int, relative: Array) -> Array:
        """Hidden errors as the whole numbers that a transposed read of this layer takes."""
        most = self.layers[number].design.largest_error
        return np.clip(stochastic_rounding(most * relative, self.rounding), -most, most)

    def updated(self, layer: SramLayer, change: Array) -> Array:
        """Words after a change of weights, rounded at random and limited to what a word holds."""
        form = layer.design.form
        steps = stochastic_rounding(change * form.largest / 2, self.rounding)
        return np.clip(layer.words + steps, 0, form.largest)

    @staticmethod
    def _outer(relative: Array, inputs: Array, design: LayerDesign) -> Array:
        return relative[:, :, None] * inputs[:, 0, None, :] / largest_input(design)


def _together(design: LayerDesign, errors: Array) -> list[Array]:
    """Errors (chips, neurons) in parts of as many of either sign as a transposed read opens."""
    most = design.open_groups
    if most is None:
        return [errors]
    rank = np.where(errors > 0, np.cumsum(errors > 0, axis=1), np.cumsum(errors < 0, axis=1)) - 1
    turns = np.where(errors == 0, 0, rank // most)
    return [np.where(turns == turn, errors, 0) for turn in range(int(turns.max(initial=0)) + 1)]


def largest_input(design: LayerDesign) -> int:
    """Largest code that a multiplier takes."""
    return 2**design.periphery.multiplier.bits - 1


def with_bias(codes: Array, largest: int) -> Array:
    """Inputs and a column of the largest code, for the bias."""
    return np.concatenate([codes, np.full((*codes.shape[:-1], 1), largest)], axis=-1)


def random_words(
    form: WordFormat, shape: tuple[int, ...], generator: np.random.Generator, *, spread: float = 0.5
) -> Array:
    """Words of weights drawn evenly from −spread to spread."""
    return form.words(generator.uniform(-spread, spread, shape))
