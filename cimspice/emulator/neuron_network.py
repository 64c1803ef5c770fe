"""A network of circuit neurons, as it is programmed: layers after one another, phase after phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cimspice.emulator.neuron_layer import NeuronLayer
from cimspice.errors import ParameterError
from cimspice.models.neuron.neuron import NeuronModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class NeuronNetwork:
    """The emulated circuit.

    Parameters
    ----------
    model
        The neuron's model.
    polarities, programs
        Per layer, shape (neurons, inputs): see :class:`NeuronLayer`.
    """

    model: NeuronModel
    polarities: Sequence[Array]
    programs: Sequence[Array]

    @cached_property
    def layers(self) -> tuple[NeuronLayer, ...]:
        """The layers, each knowing how many neurons its outputs drive."""
        sizes = [np.asarray(polarity).shape[0] for polarity in self.polarities]
        return tuple(
            NeuronLayer(self.model, np.asarray(polarity), np.asarray(program, float), fan_out)
            for polarity, program, fan_out in zip(
                self.polarities, self.programs, [*sizes[1:], 0], strict=True
            )
        )

    def line_times(self, spikes: Array) -> Array:
        """Seconds at which the input lines cross half the supply, from spikes as fractions of a phase.

        Both (batch, inputs); 1 means no spike.

        Raises
        ------
        ParameterError
            If a spike is not finite or not in [0, 1].
        """
        spikes = np.atleast_2d(np.asarray(spikes, float))
        if not np.all((spikes >= 0) & (spikes <= 1)):
            bad = spikes[~((spikes >= 0) & (spikes <= 1))].flat[0]
            raise ParameterError(
                f"input spike {bad!r} is not in [0, 1]", remedy="give fractions of a phase; 1: none"
            )
        phase = self.model.phase
        delay = self.model.driver_delay[self.layers[0].polarity.shape[0]]
        return np.where(spikes < 1, np.minimum(spikes * phase + delay, phase), phase)

    def __call__(self, spikes: Array) -> list[tuple[Array, Array]]:
        """Per layer, membrane voltage at the end of accumulation (V) and output spikes (s after the start
        of the
        firing phase; the phase's length where there is none), both (batch, neurons).
        """
        times, results = self.line_times(spikes), []
        for layer in self.layers:
            voltage, times = layer(times)
            results.append((voltage, times))
        return results
