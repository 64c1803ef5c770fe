"""The networks that ``cimspice validate`` knows: Iris, trained and mapped, and random weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.network.decisions import earliest
from cimspice.neuron.characterisation.card import Conditions, carded_model, characterised_model
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import ramp_beta, reversal_potentials
from cimspice.neuron.training.folds import guarded_iris, iris_by_law, weight_limits
from cimspice.neuron.training.tasks import train_iris
from cimspice.neuron.training.trained import TrainedNetwork
from cimspice.neuron.validation.budget import find_ablation
from cimspice.neuron.validation.circuit import CircuitRun, run_circuit
from cimspice.neuron.validation.compare import rmse
from cimspice.neuron.validation.mapped import Mapping, calibrated, checked_mapping, programmed, searched
from cimspice.neuron.validation.network import NeuronValidation, validate, validation_html
from cimspice.progress import OnProgress, Progress, in_stage, silent
from cimspice.training.datasets import iris


@dataclass(frozen=True, eq=False)
class Conventional:
    """The network trained with |E| = 100, mapped with two scales."""

    trained: TrainedNetwork
    circuit: CircuitRun
    """Its run in ngspice."""
    rmse: float
    """Root mean square error (s) of the output's spikes, network against ngspice."""


@dataclass(frozen=True, eq=False)
class IrisValidation:
    """The closed loop on Iris."""

    physical: NeuronValidation
    """The network trained for the circuit and mapped onto it."""
    trained: TrainedNetwork
    """Its training result."""
    labels: Array
    """Classes of the samples, (samples,)."""
    conventional: Conventional | None = None
    """The usual way beside it; none of a network that was trained before."""

    @property
    def accuracy(self) -> dict[str, float]:
        """Share of right decisions: circuit and emulator (physical), and circuit (conventional)."""
        run, phase = self.physical, self.physical.model.phase
        times = {
            "circuit": run.circuit.times[-1],
            "emulator": run.comparison.model[-1],
        }
        if self.conventional is not None:
            times["conventional_circuit"] = self.conventional.circuit.times[-1]
        return {name: float(np.mean(earliest(last, phase) == self.labels)) for name, last in times.items()}

    def _repr_html_(self) -> str:
        return validation_html("Iris: model against ngspice", self, self.physical)


_CALIBRATION = 100  # samples on which a random network is calibrated
CONVENTIONAL_REVERSAL = 100.0
"""|E| with which the conventional network is trained: as good as ideal (the paper's choice)."""


def validate_iris(
    conditions: Conditions,
    *,
    samples: int = 50,
    seed: int = 0,
    mapping: Mapping | None = None,
    network: TrainedNetwork | None = None,
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> IrisValidation:
    """The closed loop on the 5-5-5 Iris network, compared on ``samples`` held-out flowers (at most 50).

    With a ``card`` nothing is characterised: it has the model. ``mapping`` is ``"calibrated"`` unless asked
    for otherwise, with resistor synapses ``"scale"``. A ``network`` that was trained before, for any corner
    and temperature, is mapped as it is; ``seed`` is then its own.
    """
    find_ablation(ablation)
    mapping = checked_mapping(mapping, conditions)
    if network is not None:
        seed = _split_seed(network, mapping)
    if not 1 <= samples <= 50:
        raise ParameterError(f"samples = {samples}", remedy="50 flowers are held out: ask for 1 to 50")
    model = model_of(card, conditions, (5, 5, 5), progress)
    limits = weight_limits(model)
    if network is not None:
        trained = network
    elif mapping == "trained":
        progress(Progress(stage="train through the emulated circuit, and conventionally"))
        trained = guarded_iris(model, seed, through=True)
    else:
        e_plus, e_minus = reversal_potentials(model, model.unit_current(5))
        progress(Progress(stage=f"train with E+ = {e_plus:.3f}, E- = {e_minus:.3f}, and conventionally"))
        trained = guarded_iris(model, seed) if mapping == "calibrated" else iris_by_law(model, seed)
    split = iris(seed)
    spikes, calibration, phase = split.x_test[:samples], split.x_train[:40], model.phase
    wanted = [layer * phase for layer in trained.network().trace(spikes).spike_times]
    if mapping == "trained":
        mapped = programmed(model, trained.weights)
        wanted = [times for _, times in mapped.network()(spikes)]
    elif mapping == "calibrated":
        mapped = calibrated(model, trained.network(), trained.weights, split.x_train, progress)
    else:
        progress(Progress(stage="map: search the scale"))
        mapped = searched(model, trained, calibration, 1)
    physical = validate(
        conditions,
        mapped,
        spikes,
        calibration,
        mapping=mapping,
        wanted=wanted,
        ablation=ablation,
        card=card,
        progress=progress,
    )
    beside = None
    if network is None:
        ideal = train_iris(seed, CONVENTIONAL_REVERSAL, -CONVENTIONAL_REVERSAL, weight_limit=limits)
        progress(Progress(stage="map conventionally: search the scales"))
        naive = searched(model, ideal, calibration, 2)
        simulating = in_stage("simulate the conventional mapping", progress)
        run = run_circuit(conditions, naive.programming(), spikes, simulating)
        beside = Conventional(ideal, run, rmse(ideal.network()(spikes) * phase, run.times[-1]))
    return IrisValidation(physical, trained, split.y_test[:samples], beside)


def _split_seed(network: TrainedNetwork, mapping: Mapping) -> int:
    """The seed of the flowers that a trained network has not seen.

    ParameterError for a network of another task or shape, or one whose spikes are not those of a law.
    """
    origin, place = network.provenance, "network"
    seed = origin.get("seed")
    if origin.get("task") != "iris" or origin.get("sizes") != [5, 5, 5] or not isinstance(seed, int):
        raise ParameterError(
            f"a network trained for {origin.get('task')!r} with layers {origin.get('sizes')}",
            place=place,
            remedy="give the network.json of a validation of Iris",
        )
    if not np.array_equal(network.test_index, iris(seed).test_index):
        raise ParameterError(
            f"its held-out flowers are not those of seed {seed}",
            place=place,
            remedy="give the file as it was written",
        )
    if mapping == "trained" or origin.get("through") == "emulated circuit":
        raise ParameterError(
            "trained through an emulated circuit, a network is what that circuit does",
            place=place,
            remedy="give one trained by the law of E±, and --mapping calibrated or scale",
        )
    return seed


def validate_random(
    conditions: Conditions,
    layers: Sequence[int],
    *,
    samples: int = 20,
    seed: int = 0,
    mapping: Mapping = "scale",
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> NeuronValidation:
    """A network that nobody trained or tuned: random weights of both signs, random spikes.

    Weights are normal with mean 1/inputs and standard deviation 0.6/√inputs, so that v(1) of a neuron with
    uniform input spikes has mean 0.5 and standard deviation about 0.35: most neurons fire inside the
    phase, some are driven past either end of it. ``card`` as in :func:`validate_iris`; ``mapping``:
    ``"scale"`` programs the weights as they are, ``"calibrated"`` on 100 other samples.
    """
    find_ablation(ablation)
    checked_mapping(mapping, conditions, "scale", "calibrated")
    if len(layers) < 2 or min(layers) < 1 or samples < 1:
        raise ParameterError(
            f"layers {list(layers)} with {samples} samples",
            remedy="give inputs and at least one layer, all 1 or more",
        )
    rng = np.random.default_rng(seed)
    weights = [
        rng.normal(1 / inputs, 0.6 / np.sqrt(inputs), (neurons, inputs))
        for inputs, neurons in pairwise(layers)
    ]
    spikes, calibration = rng.random((samples, layers[0])), rng.random((40, layers[0]))
    model = model_of(card, conditions, layers, progress)
    e_plus, e_minus = reversal_potentials(model, model.unit_current(layers[0]))
    law = [SpikingLayer(matrix, e_plus, e_minus, Ramp(ramp_beta(model))) for matrix in weights]
    network = SpikingNetwork(law)
    if mapping == "calibrated":
        more = rng.random((_CALIBRATION, layers[0]))
        mapped = calibrated(model, network, weights, more, progress)
    else:
        mapped = programmed(model, weights)
    return validate(
        conditions,
        mapped,
        spikes,
        calibration,
        mapping=mapping,
        wanted=[layer * model.phase for layer in network.trace(spikes).spike_times],
        ablation=ablation,
        card=card,
        progress=progress,
    )


def model_of(
    card: Card | None, conditions: Conditions, layers: Sequence[int], progress: OnProgress
) -> NeuronModel:
    """The neuron's model for these layer sizes: a card's, or characterised."""
    if card is None:
        return characterised_model(conditions, layers, progress)
    return carded_model(card, conditions, layers)
