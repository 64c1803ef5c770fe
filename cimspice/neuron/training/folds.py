"""Iris on the neuron's circuit, and what each way of training it costs in accuracy: over seeds and folds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.network.decisions import earliest, share_right
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import ramp_beta, reversal_potentials
from cimspice.neuron.training.calibration import calibrate
from cimspice.neuron.training.random_network import GUARD
from cimspice.neuron.training.tasks import train_iris
from cimspice.neuron.training.trained import TrainedNetwork
from cimspice.progress import OnProgress, Progress, silent
from cimspice.training.datasets import iris
from cimspice.training.means import mean_with_interval

FOLDS = 3
_EPOCHS, _CIRCUIT_EPOCHS = 500, 150
"""Of the guarded training by the law of E±, and through the circuit."""


def iris_by_law(model: NeuronModel, seed: int = 0, fold: int | None = None) -> TrainedNetwork:
    """The Iris network, trained by the law of E± of the circuit's unit current."""
    e_plus, e_minus = reversal_potentials(model, model.unit_current(5))
    limits = weight_limits(model)
    return train_iris(seed, e_plus, e_minus, ramp_beta=ramp_beta(model), weight_limit=limits, fold=fold)


def guarded_iris(
    model: NeuronModel, seed: int = 0, fold: int | None = None, *, through: bool = False
) -> TrainedNetwork:
    """The Iris network, trained so that spikes keep off both ends of the firing phase, where a circuit's
    spike comes or does not and the step between the two is in no trained network; and with weights of at
    most 1: of larger currents the law of one E is off by more. ``through`` the emulated circuit, or by that
    law."""
    e_plus, e_minus = reversal_potentials(model, model.unit_current(5))
    negative, positive = weight_limits(model)
    return train_iris(
        seed,
        e_plus,
        e_minus,
        ramp_beta=0.0 if through else ramp_beta(model),
        excursion_weight=100.0,
        temporal_weight=0.02,
        final_range=GUARD,
        weight_limit=(min(1.0, negative), min(1.0, positive)),
        epochs=_CIRCUIT_EPOCHS if through else _EPOCHS,
        circuit=model if through else None,
        fold=fold,
    )


def weight_limits(model: NeuronModel) -> tuple[float, float]:
    """Largest negative and positive weights: 1.5, or what the synapses can give if that is less."""
    unit = model.unit_current(5)
    largest = {
        name: 0.95 * float(synapse.rest_current.max()) / unit for name, synapse in model.synapses.items()
    }
    return min(1.5, largest["p"]), min(1.5, largest["n"])


@dataclass(frozen=True, eq=False)
class FoldStudy:
    """Shares of held-out flowers right, each (seeds,): over the folds, which hold out every flower once."""

    by_law: Array
    """Trained by the law of E±, decided by it."""
    guarded: Array
    """Likewise, with the guard at the phase's ends."""
    calibrated: Array
    """That network's circuit, emulated, after calibration."""
    through: Array
    """Trained through the emulated circuit, decided by it."""
    calibrated_rmse: Array
    """Root mean square distance (s) of the calibrated circuit's output spikes from its network's."""

    def facts(self) -> dict[str, Any]:
        """What ``cimspice train neuron --json`` prints."""
        return {
            "accuracy_by_law": mean_with_interval(self.by_law),
            "accuracy_guarded": mean_with_interval(self.guarded),
            "accuracy_calibrated": mean_with_interval(self.calibrated),
            "accuracy_through_circuit": mean_with_interval(self.through),
            "through_circuit_minus_by_law": mean_with_interval(self.through - self.by_law),
            "calibrated_output_rmse_ns": mean_with_interval(1e9 * self.calibrated_rmse),
            "seeds": len(self.by_law),
            "folds": FOLDS,
        }


def study_folds(
    model: NeuronModel, seeds: Sequence[int], *, jobs: int = 1, progress: OnProgress = silent
) -> FoldStudy:
    """Train Iris in each way, for every seed and fold."""
    checked_count("seeds", len(seeds), place="seeds")
    cases = list(product(seeds, range(FOLDS)))
    stage = "train by the law of E±, calibrate, train through the circuit"
    progress(Progress(stage=stage, points=len(cases)))
    found = []
    with ProcessPoolExecutor(min(jobs, len(cases))) as pool:
        for one in pool.map(partial(_of_fold, model), cases):
            found.append(one)
            progress(Progress(stage=stage, done=len(found), points=len(cases)))
    table = np.array(found).reshape(len(seeds), FOLDS, -1)
    law, guarded, calibrated, through, _ = np.moveaxis(table.mean(axis=1), -1, 0)
    distance = np.sqrt(np.mean(table[..., -1] ** 2, axis=1))
    return FoldStudy(law, guarded, calibrated, through, distance)


def _of_fold(model: NeuronModel, case: tuple[int, int]) -> tuple[float, ...]:
    seed, fold = case
    split = iris(seed, fold=fold)
    law, guarded = iris_by_law(model, seed, fold), guarded_iris(model, seed, fold)
    wanted = guarded.network()
    layers = calibrate(model, guarded.weights, split.x_train, wanted.trace(split.x_train).spike_times)
    mappings = [layer.mapping for layer in layers]
    circuit = NeuronNetwork(model, [each.polarity for each in mappings], [each.program for each in mappings])
    spikes = circuit(split.x_test)[-1][1]
    through = guarded_iris(model, seed, fold, through=True)
    return (
        law.test_accuracy,
        guarded.test_accuracy,
        share_right(earliest(spikes, model.phase), split.y_test, spikes.shape[1]),
        through.test_accuracy,
        float(np.sqrt(np.mean((spikes - wanted(split.x_test) * model.phase) ** 2))),
    )
