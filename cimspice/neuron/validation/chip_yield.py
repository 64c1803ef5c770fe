"""Iris on emulated chips whose transistors differ: before and after calibration of each, and the yield."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.campaign.limits import wilson_interval
from cimspice.network.certificate import chips_bound
from cimspice.network.decisions import earliest, share_right
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.characterisation.mismatch import characterised_mismatch
from cimspice.neuron.emulator.chips import chip_layers
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.mapping import LayerMapping
from cimspice.neuron.model.mismatch import LayerMismatch
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.training.calibration import ChipCalibration, calibrate
from cimspice.neuron.training.circuit_pass import STEP
from cimspice.neuron.training.folds import guarded_iris
from cimspice.neuron.validation.chips import drawn_shifts
from cimspice.neuron.validation.compare import rmse
from cimspice.neuron.validation.mapped import Programmed
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.datasets import iris
from cimspice.training.means import mean_with_interval

MEASURED = 40
"""Flowers whose spikes are measured on a chip."""
LIMIT = 0.9
"""Share of held-out flowers right that a chip needs to pass."""


@dataclass(frozen=True, eq=False)
class ChipYield:
    """What chips decide and how far their output spikes are from the trained network's; each (chips,)."""

    accuracy: Array
    """Share of held-out flowers right, programmed as the nominal chip is."""
    calibrated: Array
    """The same, each chip calibrated from its own spikes."""
    rmse: Array
    calibrated_rmse: Array
    """``rmse``, ``calibrated_rmse``: root mean square distance (s) of the output's spikes."""
    nominal: tuple[float, float]
    """Accuracy and distance (s) of the nominal chip."""
    limit: float = LIMIT
    """Accuracy with which a chip passes."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice train neuron --chips --json`` prints of it; times in ns."""
        accuracy, distance = self.nominal
        return {
            "chips": len(self.accuracy),
            "accuracy_nominal": accuracy,
            "nominal_output_rmse_ns": 1e9 * distance,
            "measured_flowers": MEASURED,
            "limit": self.limit,
            "before": self._facts(self.accuracy, self.rmse),
            "calibrated": self._facts(self.calibrated, self.calibrated_rmse),
        }

    def _facts(self, accuracy: Array, distance: Array) -> dict[str, Any]:
        passed = int(np.count_nonzero(accuracy >= self.limit - 1e-9))
        enough = len(accuracy) >= 29  # fewer prove nothing about 90 % of all chips
        return {
            "accuracy": {**mean_with_interval(accuracy), "worst": float(accuracy.min())},
            "yield": {"value": passed / len(accuracy), "interval": wilson_interval(passed, len(accuracy))},
            "most_chips": chips_bound(accuracy).facts() if enough else None,
            "output_rmse_ns": 1e9 * float(np.sqrt(np.mean(distance**2))),
        }


def iris_on_chips(
    conditions: Conditions,
    model: NeuronModel,
    chips: int = 200,
    seed: int = 0,
    progress: OnProgress = silent,
) -> ChipYield:
    """Train the guarded Iris network, calibrate its nominal circuit, and run that on drawn chips.

    Chip number k is Monte Carlo sample k of the network's netlist with this seed. Each is then calibrated
    from the spikes that all its neurons make for ``MEASURED`` training flowers.
    """
    checked_count("chips", chips, low=1)
    progress(Progress(stage="train by the law of E±, calibrate the nominal chip"))
    split, trained = iris(seed), guarded_iris(model, seed)
    network = trained.network()
    flowers = split.x_train[:MEASURED]
    wanted = network.trace(split.x_train).spike_times
    nominal = [layer.mapping for layer in calibrate(model, trained.weights, split.x_train, wanted)]
    mapped = Programmed(model, tuple(nominal))
    mismatch = characterised_mismatch(conditions, model, progress)
    _, shifts = drawn_shifts(conditions, mapped.programming(), chips, seed)
    layers = chip_layers(mismatch, shifts, mapped.network())
    calibration = ChipCalibration.of(model, nominal, flowers, [layer[:MEASURED] for layer in wanted])
    outputs = network(split.x_test) * model.phase

    def judged(
        programmed: Sequence[LayerMapping], chip: Sequence[LayerMismatch] | None
    ) -> tuple[float, float]:
        circuit = NeuronNetwork(
            model,
            [layer.polarity for layer in programmed],
            [layer.program for layer in programmed],
            STEP,
            mismatch=chip,
        )
        spikes = circuit(split.x_test)[-1][1]
        right = share_right(earliest(spikes, model.phase), split.y_test, spikes.shape[1])
        return right, rmse(spikes, outputs)

    found = []
    for number in range(chips):
        progress(Progress(stage="calibrate chips", points=chips, done=number))
        own = [layer.of_chip(mismatch, number) for layer in layers]
        after = [layer.mapping for layer in calibration(own)]
        found.append((*judged(nominal, own), *judged(after, own)))
    before, distance, after, closer = np.array(found).T
    return ChipYield(before, after, distance, closer, judged(nominal, None))
