"""The two tasks that come with cimspice: Iris on a 5-5-5 network, digits on 64-50-10."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import numpy as np

import cimspice
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.training.objective import Objective
from cimspice.neuron.training.trained import TrainedNetwork
from cimspice.neuron.training.trainer import Schedule, accuracy, initial_weights, train
from cimspice.training.datasets import SpikeSplit, digits, iris


def train_iris(
    seed: int = 0,
    e_plus: float = 2.8,
    e_minus: float = -1.5,
    *,
    ramp_beta: float = 0.0,
    weight_limit: float | tuple[float, float] = 1.5,
    epochs: int = 200,
    spike_noise: float = 0.02,
    temporal_weight: float = 0.1,
    excursion_weight: float = 10.0,
    excursion_range: tuple[float, float] = (-0.05, 0.95),
    final_range: tuple[float, float] | None = None,
    dstd_steps: int | None = None,
    window: tuple[float, float] = (0.05, 0.95),
    circuit: NeuronModel | None = None,
    fold: int | None = None,
) -> TrainedNetwork:
    """Train the 5-5-5 Iris network of Sakemi et al. (arXiv 2412.09010); about a second.

    Inputs are the four features and a bias spike. All five outputs compete and the three classes are the
    first three: the other two learn to stay late, and a decision for one of them is wrong.

    Parameters
    ----------
    seed
        Of the split (100 to train, 50 held out), the initial weights, mini-batches and noise: equal seeds
        give equal networks.
    e_plus, e_minus
        Reversal potentials of the circuit, normalised; ±100 or infinite is the conventional training.
    ramp_beta
        β of the firing ramp, 0 ideal.
    weight_limit
        Largest |w|, or (of the negative, of the positive range), in units of the circuit's unit weight.
    epochs, spike_noise
        See :class:`~cimspice.neuron.training.trainer.Schedule`.
    temporal_weight, excursion_weight, excursion_range, final_range
        See :class:`~cimspice.neuron.training.objective.Objective`. The excursion penalty
        keeps membranes where the circuit's law holds.
    dstd_steps
        M of DSTD; None trains with the exact solution, which for five inputs is also the quicker one.
    window
        Spike window of the inputs.
    circuit
        Train through the emulated circuit itself, in place of the law of E±; the accuracies reported are then
        those of the emulated circuit.
    fold
        See :func:`~cimspice.training.datasets.iris`.
    """
    objective = Objective(
        e_plus=e_plus,
        e_minus=e_minus,
        ramp=Ramp(ramp_beta),
        temporal_weight=temporal_weight,
        excursion_weight=excursion_weight,
        excursion_range=excursion_range,
        final_range=final_range,
        circuit=circuit,
        leak=0.1,
        discretisation=None if dstd_steps is None else Discretisation(dstd_steps),
    )
    schedule = Schedule(
        epochs=epochs, batch_size=25, learning_rate=0.03, spike_noise=spike_noise, weight_limit=weight_limit
    )
    split = iris(seed, window=window, fold=fold)
    return _train_task("iris", split, (5, 5, 5), objective, schedule, seed, {"fold": fold})


def train_digits(
    seed: int = 0,
    e_plus: float = 2.8,
    e_minus: float = -1.5,
    *,
    hidden: Sequence[int] = (50,),
    ramp_beta: float = 0.0,
    weight_limit: float | tuple[float, float] = np.inf,
    epochs: int = 30,
    spike_noise: float = 0.0,
    temporal_weight: float = 0.01,
    dstd_steps: int | None = 10,
) -> TrainedNetwork:
    """Train 64-50-10 on the 8 × 8 digits with DSTD, M = 10 (``dstd_steps=None``: exactly); parameters as
    :func:`train_iris`. The accuracies reported are those of the exact solution."""
    objective = Objective(
        e_plus=e_plus,
        e_minus=e_minus,
        ramp=Ramp(ramp_beta),
        temporal_weight=temporal_weight,
        leak=0.1,
        discretisation=None if dstd_steps is None else Discretisation(dstd_steps),
    )
    schedule = Schedule(
        epochs=epochs, batch_size=32, learning_rate=0.01, spike_noise=spike_noise, weight_limit=weight_limit
    )
    return _train_task("digits", digits(seed), (64, *hidden, 10), objective, schedule, seed)


def _train_task(
    name: str,
    split: SpikeSplit,
    sizes: tuple[int, ...],
    objective: Objective,
    schedule: Schedule,
    seed: int,
    origin: Mapping[str, Any] = MappingProxyType({}),
) -> TrainedNetwork:
    rng = np.random.default_rng(seed)
    weights = initial_weights(sizes, rng)
    history = train(weights, split.x_train, split.y_train, objective, schedule, rng)
    exact = Objective(objective.e_plus, objective.e_minus, objective.ramp, circuit=objective.circuit)
    return TrainedNetwork(
        weights=weights,
        e_plus=objective.e_plus,
        e_minus=objective.e_minus,
        ramp_beta=objective.ramp.beta,
        train_accuracy=accuracy(weights, split.x_train, split.y_train, exact),
        test_accuracy=accuracy(weights, split.x_test, split.y_test, exact),
        train_index=split.train_index,
        test_index=split.test_index,
        history=history,
        provenance={
            "task": name,
            "seed": seed,
            **origin,
            "sizes": list(sizes),
            "window": list(split.window),
            "objective": _plain(asdict(replace(objective, circuit=None))),
            "through": "law of reversal potentials" if objective.circuit is None else "emulated circuit",
            "schedule": _plain(asdict(schedule)),
            "versions": {
                "cimspice": cimspice.__version__,
                "numpy": np.__version__,
                "scikit-learn": version("scikit-learn"),
            },
        },
    )


def _plain(content: dict) -> dict:
    """Options as JSON holds them: no infinities, no tuples."""
    plain = {}
    for key, value in content.items():
        if isinstance(value, dict):
            plain[key] = _plain(value)
        elif isinstance(value, tuple):
            plain[key] = list(value)
        elif isinstance(value, float) and not np.isfinite(value):
            plain[key] = "inf" if value > 0 else "-inf"
        else:
            plain[key] = value
    return plain
