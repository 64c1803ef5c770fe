"""The networks that ``cimspice validate`` knows: Iris, trained and mapped, and random weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.network.decisions import earliest
from cimspice.neuron.characterisation.card import Conditions, Sizes, carded_model, characterised_model
from cimspice.neuron.characterisation.wires import characterised_wiring
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import reversal_potentials
from cimspice.neuron.model.wires import LayerWires
from cimspice.neuron.training.folds import guarded_iris, iris_by_law, weight_limits
from cimspice.neuron.training.random_network import random_network, random_weights
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


_CALIBRATION = 100  # samples on which a random network is guarded and calibrated
CONVENTIONAL_REVERSAL = 100.0
"""|E| with which the conventional network is trained: as good as ideal (the paper's choice)."""


def validate_iris(
    conditions: Conditions,
    *,
    samples: int = 50,
    seed: int = 0,
    mapping: Mapping | None = None,
    network: TrainedNetwork | None = None,
    bias_lines: bool = False,
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> IrisValidation:
    """The closed loop on the 5-5-5 Iris network, compared on ``samples`` held-out flowers (at most 50).

    With a ``card`` nothing is characterised: it has the model. ``mapping`` is ``"calibrated"`` unless asked
    for otherwise, with resistor synapses ``"scale"``. A ``network`` that was trained before, for any corner
    and temperature, is mapped as it is; ``seed`` is then its own. ``bias_lines``: the calibrated circuit has
    one in every layer.
    """
    find_ablation(ablation)
    mapping = checked_mapping(mapping, conditions, bias_lines=bias_lines)
    if network is not None:
        seed = _split_seed(network, mapping)
    if not 1 <= samples <= 50:
        raise ParameterError(f"samples = {samples}", remedy="50 flowers are held out: ask for 1 to 50")
    sizes = Sizes.of((5, 5, 5), bias_lines)
    if bias_lines and network is None:  # the conventional mapping beside it has none
        sizes = Sizes([*sizes.fans, *Sizes.of((5, 5, 5)).fans], sizes.loads)
    model = model_of(card, conditions, sizes, progress)
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
        mapped = calibrated(
            model, trained.network(), trained.weights, split.x_train, progress, bias_lines=bias_lines
        )
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
    bias_lines: bool | None = None,
    ablation: str = "full",
    card: Card | None = None,
    wires: LayerWires | None = None,
    progress: OnProgress = silent,
) -> NeuronValidation:
    """A network that nobody trained or tuned: random weights of both signs, random spikes.

    ``card`` as in :func:`validate_iris`. ``mapping`` ``"scale"`` programs the weights as they are drawn
    (:func:`~cimspice.neuron.training.random_network.random_weights`): most neurons fire inside the phase,
    some are driven past either end of it. ``"calibrated"`` draws the weights of each neuron together until on
    100 other samples its spikes keep off both ends, and calibrates the circuit on these; every layer then has
    a bias line unless ``bias_lines`` is False. With ``wires`` the edges on them are characterised too;
    weights are mapped as without.
    """
    find_ablation(ablation)
    if bias_lines is None:
        bias_lines = mapping == "calibrated"
    checked_mapping(mapping, conditions, "scale", "calibrated", bias_lines=bias_lines)
    if len(layers) < 2 or min(layers) < 1 or samples < 1:
        raise ParameterError(
            f"layers {list(layers)} with {samples} samples",
            remedy="give inputs and at least one layer, all 1 or more",
        )
    rng = np.random.default_rng(seed)
    weights = random_weights(layers, rng)
    spikes, calibration = rng.random((samples, layers[0])), rng.random((40, layers[0]))
    model = model_of(card, conditions, Sizes.of(layers, bias_lines), progress)
    if mapping == "calibrated":
        more = rng.random((_CALIBRATION, layers[0]))
        network = random_network(model, weights, more)
        weights = [layer.weights for layer in network.layers]
        mapped = calibrated(model, network, weights, more, progress, bias_lines=bias_lines)
    else:
        network, mapped = random_network(model, weights), programmed(model, weights)
    if wires is not None:
        sizes = Sizes.of(layers, bias_lines)
        mapped = replace(mapped, wires=characterised_wiring(conditions, model, wires, sizes, progress))
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
    card: Card | None, conditions: Conditions, layers: Sequence[int] | Sizes, progress: OnProgress
) -> NeuronModel:
    """The neuron's model for these layer sizes: a card's, or characterised."""
    if card is None:
        return characterised_model(conditions, layers, progress)
    return carded_model(card, conditions, layers)
