"""The same network in software: real weights, exact sums, the same rule, to hold on-chip learning against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count, checked_number, kept_array
from cimspice.errors import ParameterError
from cimspice.network.decisions import strongest
from cimspice.sram.emulator.learning import LearningRule, with_bias
from cimspice.sram.emulator.stuck import StuckFlags


@dataclass(eq=False)
class SoftwareNetwork:
    """Real weights from −1 to 1 of many learners at once."""

    weights: list[Array]
    """Of each layer, shape (learners, neurons, columns), the bias's column last; changed by :meth:`step`."""
    rule: LearningRule = field(default_factory=LearningRule)
    """As on the chip."""
    largest_input: int = 15
    """Input code that stands for 1."""

    def __post_init__(self) -> None:
        if not len(self.weights):
            raise ParameterError(
                "a network without layers", place="weights", remedy="give at least one matrix"
            )
        learners, columns, kept = "learners", "columns", []
        for number, one in enumerate(self.weights):
            kept.append(kept_array(f"weights[{number}]", one, (learners, "neurons", columns)))
            learners, columns = len(kept[-1]), kept[-1].shape[1] + 1
        self.weights = kept
        checked_count("largest_input", self.largest_input)
        self._flags = [StuckFlags() for _ in self.weights[1:]]

    @classmethod
    def drawn(
        cls, learners: int, sizes: Sequence[int], generator: np.random.Generator, *, spread: float = 0.5
    ) -> SoftwareNetwork:
        """Weights drawn evenly from −spread to spread for inputs and neurons of each layer."""
        for number in (learners, *sizes):
            checked_count("learners and sizes", number)
        checked_number("spread", spread, low=0, high=1)
        shapes = [(learners, after, before + 1) for before, after in pairwise(sizes)]
        return cls([generator.uniform(-spread, spread, shape) for shape in shapes])

    def forward(self, inputs: Array) -> list[tuple[Array, Array]]:
        """Inputs with bias and sums of each layer for codes of shape (learners, samples, features)."""
        learners, _, columns = self.weights[0].shape
        shape = learners, "samples", columns - 1
        codes = checked_array("inputs", inputs, shape, low=0, high=self.largest_input, whole=True)
        signal, found = codes / self.largest_input, []
        for number, weights in enumerate(self.weights):
            if number:
                signal = np.clip(self.rule.hidden_gain * found[-1][1], 0, 1)
            columns = with_bias(signal, 1)
            found.append((columns, np.einsum("lgc,lsc->lsg", weights, columns)))
        return found

    def classes(self, inputs: Array) -> Array:
        """The strongest output's number, shape (learners, samples); −1 where all outputs are equal."""
        return strongest(self.forward(inputs)[-1][1])

    def step(self, inputs: Array, labels: Array) -> None:
        """Learn one sample each, of shape (learners, features)."""
        samples = np.asarray(inputs)[:, None]
        layers = [(columns[:, 0], sums[:, 0]) for columns, sums in self.forward(samples)]
        learners, classes = layers[-1][1].shape
        own = checked_array("labels", labels, (learners,), low=0, high=classes - 1, whole=True)
        errors = self._output_errors(layers[-1][1], own)
        rate = self.rule.rate
        for number in range(len(self.weights) - 1, -1, -1):
            columns, weights = layers[number][0], self.weights[number]
            change = rate * errors[:, :, None] * columns[:, None, :]
            if number:
                signal = columns[:, :-1]
                back = np.einsum("lgc,lg->lc", weights[:, :, :-1], errors)
                passes = self._flags[number - 1].passes(signal, 1, back, self.rule.stuck_period)
                errors = np.where(passes, back, 0.0)
                rate = self.rule.hidden_rate
            self.weights[number] = np.clip(weights + change, -1, 1)

    def _output_errors(self, sums: Array, own: Array) -> Array:
        learners, margin = np.arange(len(sums)), self.rule.margin
        rivals = sums.copy()
        rivals[learners, own] = -np.inf
        rival = rivals.argmax(axis=1)
        size = np.clip((rivals[learners, rival] + margin - sums[learners, own]) / (2 * margin), 0, 1)
        errors = np.zeros_like(sums)
        errors[learners, own], errors[learners, rival] = size, -size
        return errors
