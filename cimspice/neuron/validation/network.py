"""The closed loop on the spiking neuron: characterise, fit, train, map, emulate, and compare with ngspice."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.fit.bands import Band
from cimspice.fit.conditions import check_alike
from cimspice.fit.family_card import Card
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.network.decisions import earliest
from cimspice.neuron.characterisation.card import Conditions, carded_model, characterised_model
from cimspice.neuron.circuit.network import LayerProgramming
from cimspice.neuron.emulator.bands import spike_band
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.mapping import LayerMapping, map_layer
from cimspice.neuron.model.card import neuron_card
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import ramp_beta, reversal_potentials
from cimspice.neuron.training.tasks import train_iris
from cimspice.neuron.training.trained import TrainedNetwork
from cimspice.neuron.validation.budget import (
    BudgetRow,
    ErrorBudget,
    error_budget,
    find_ablation,
    search,
    simplified,
)
from cimspice.neuron.validation.circuit import CircuitRun, run_circuit
from cimspice.neuron.validation.compare import Comparison, rmse
from cimspice.notebook import shown
from cimspice.progress import OnProgress, Progress, in_stage, silent
from cimspice.training.datasets import iris


@dataclass(frozen=True, eq=False)
class Programmed:
    """A network as it is programmed."""

    model: NeuronModel
    mappings: tuple[LayerMapping, ...]
    """Per layer."""
    scales: dict[str, float] = field(default_factory=dict)
    """The factors that were searched, by name."""

    @property
    def polarities(self) -> list[Array]:
        return [mapping.polarity for mapping in self.mappings]

    @property
    def programs(self) -> list[Array]:
        return [mapping.program for mapping in self.mappings]

    @property
    def clipped(self) -> int:
        """How many weights were beyond the largest current."""
        return int(sum(mapping.clipped.sum() for mapping in self.mappings))

    def network(self) -> NeuronNetwork:
        """The emulated circuit."""
        return NeuronNetwork(self.model, self.polarities, self.programs)

    def programming(self) -> list[LayerProgramming]:
        """What a netlist is made from."""
        sizes = [mapping.polarity.shape[0] for mapping in self.mappings] + [0]
        return [
            LayerProgramming(
                ramp_bias=self.model.readouts[mapping.polarity.shape[1], sizes[layer + 1]].ramp_bias,
                polarity=mapping.polarity.tolist(),
                program=mapping.program.tolist(),
            )
            for layer, mapping in enumerate(self.mappings)
        ]


@dataclass(frozen=True, eq=False)
class NeuronValidation:
    """One network through model and circuit; ``ablation`` is the model of the ladder that is compared.

    ``bands`` say of each layer what the card leaves open of its spike times.
    """

    conditions: Conditions
    model: NeuronModel
    programmed: Programmed
    spikes: Array
    circuit: CircuitRun
    comparison: Comparison
    ablation: str
    budget: ErrorBudget
    emulator_seconds: float
    bands: tuple[Band, ...]

    def _repr_html_(self) -> str:
        return _html("Spiking network: model against ngspice", self, self)


def programmed(
    model: NeuronModel, weights: Sequence[Array], scales: Sequence[float] | Array = (1.0,)
) -> Programmed:
    """Program every layer, all with the same factors: one for both signs, or (positive, negative)."""
    plus, minus = float(scales[0]), float(scales[-1])
    mappings = tuple(map_layer(model, layer, scale_plus=plus, scale_minus=minus) for layer in weights)
    return Programmed(model, mappings, {"scale_plus": plus, "scale_minus": minus})


def searched(model: NeuronModel, trained: TrainedNetwork, spikes: Array, count: int) -> Programmed:
    """Map a trained network with the scales (1: physical mapping, 2: conventional) that bring the
    circuit's outputs nearest to the trained network's own on ``spikes``.

    The full model stands for the circuit in the search.
    """
    wanted = trained.network()(spikes) * model.phase

    def error(logarithms: Array) -> float:
        network = programmed(model, trained.weights, np.exp(logarithms)).network()
        return rmse(network(spikes)[-1][1], wanted) / model.phase

    with warnings.catch_warnings():  # scales that are only tried may lead anywhere
        warnings.simplefilter("ignore", ModelRangeWarning)
        found = search(error, count)
    return programmed(model, trained.weights, np.exp(found))


def validate(
    conditions: Conditions,
    mapped: Programmed,
    spikes: Array,
    calibration: Array,
    *,
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> NeuronValidation:
    """Run the samples through ngspice and through the emulator.

    Parameters
    ----------
    mapped
        The network.
    spikes, calibration
        Input spikes of the samples that are compared, and of others for the scales of simple models.
    ablation
        Which model of the ladder is compared; the budget always has all of them.
    card
        Of the network's model: with the noise of what was measured.
    """
    check_alike({"mapped for": mapped.model, "simulated": conditions}, "validate(conditions)")
    simulating = in_stage("simulate the network in ngspice", progress)
    run = run_circuit(conditions, mapped.programming(), spikes, simulating)
    network = mapped.network()
    network(spikes[:1])  # the tables are prepared once per network, not per batch
    began = time.process_time()
    network(spikes)
    seconds = time.process_time() - began
    progress(Progress(stage="compare, term by term"))
    with warnings.catch_warnings():  # the full model warned above; the others are for comparison
        warnings.simplefilter("ignore", ModelRangeWarning)
        budget = error_budget(
            mapped.model, mapped.polarities, mapped.programs, spikes, run.times, calibration
        )
        row = budget.row(ablation)
        bands = layer_bands(mapped, card or neuron_card(mapped.model), row, spikes)
    return NeuronValidation(
        conditions, mapped.model, mapped, spikes, run, row.comparison, ablation, budget, seconds, bands
    )


def layer_bands(mapped: Programmed, card: Card, row: BudgetRow, spikes: Array) -> tuple[Band, ...]:
    """What the card leaves open of the spike times of every layer under a model of the ladder."""

    def times(model: NeuronModel) -> Array:
        simpler = simplified(model, row)
        layers = NeuronNetwork(simpler, mapped.polarities, mapped.programs)(spikes)
        return np.concatenate([layer for _, layer in layers], axis=1)

    whole = spike_band(mapped.model, card, times)
    ends = np.cumsum([len(polarity) for polarity in mapped.polarities])[:-1]
    parts = zip(np.split(whole.centre, ends, 1), np.split(whole.deviations, ends, 2), strict=True)
    return tuple(Band(*part, whole.counted, whole.not_counted) for part in parts)


@dataclass(frozen=True, eq=False)
class IrisValidation:
    """The closed loop on Iris."""

    physical: NeuronValidation
    """The network trained with the circuit's E±, mapped with one scale."""
    trained: TrainedNetwork
    """Its training result."""
    conventional: TrainedNetwork
    conventional_circuit: CircuitRun
    """``conventional``, ``conventional_circuit``: the network trained with |E| = 100, mapped with two scales,
    and its run in ngspice."""
    conventional_rmse: float
    trained_rmse: float
    """``conventional_rmse``, ``trained_rmse``: root mean square error (s) of the output's spikes, trained
    network against ngspice: conventional, and physical (the paper's own measure)."""
    labels: Array
    """Classes of the samples, (samples,)."""

    @property
    def accuracy(self) -> dict[str, float]:
        """Share of right decisions: circuit and emulator (physical), and circuit (conventional)."""
        run, phase = self.physical, self.physical.model.phase
        times = {
            "circuit": run.circuit.times[-1],
            "emulator": run.comparison.model[-1],
            "conventional_circuit": self.conventional_circuit.times[-1],
        }
        return {name: float(np.mean(earliest(last, phase) == self.labels)) for name, last in times.items()}

    def _repr_html_(self) -> str:
        return _html("Iris: model against ngspice", self, self.physical)


def _html(title: str, result: NeuronValidation | IrisValidation, network: NeuronValidation) -> str:
    from cimspice.neuron.report.spikes import draw_spikes
    from cimspice.neuron.validation.report import report_of

    facts = report_of(result)
    return shown(title, facts, facts["budget"]["ladder"], partial(draw_spikes, network))


CONVENTIONAL_REVERSAL = 100.0
"""|E| with which the conventional network is trained: as good as ideal (the paper's choice)."""


def validate_iris(
    conditions: Conditions,
    *,
    samples: int = 50,
    seed: int = 0,
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> IrisValidation:
    """The closed loop on the 5-5-5 Iris network, compared on ``samples`` held-out flowers (at most 50).

    With a ``card`` nothing is characterised: it has the model.
    """
    find_ablation(ablation)
    if not 1 <= samples <= 50:
        raise ParameterError(f"samples = {samples}", remedy="50 flowers are held out: ask for 1 to 50")
    model = _model(card, conditions, (5, 5, 5), progress)
    e_plus, e_minus = reversal_potentials(model, model.unit_current(5))
    progress(Progress(stage=f"train with E+ = {e_plus:.3f}, E- = {e_minus:.3f}, and conventionally"))
    limits = _weight_limits(model)
    trained = train_iris(seed, e_plus, e_minus, ramp_beta=ramp_beta(model), weight_limit=limits)
    ideal = train_iris(seed, CONVENTIONAL_REVERSAL, -CONVENTIONAL_REVERSAL, weight_limit=limits)
    split = iris(seed)
    spikes, calibration = split.x_test[:samples], split.x_train[:40]
    progress(Progress(stage="map: search the scales"))
    mapped = searched(model, trained, calibration, 1)
    naive = searched(model, ideal, calibration, 2)
    physical = validate(
        conditions, mapped, spikes, calibration, ablation=ablation, card=card, progress=progress
    )
    simulating = in_stage("simulate the conventional mapping", progress)
    conventional = run_circuit(conditions, naive.programming(), spikes, simulating)
    phase = model.phase
    return IrisValidation(
        physical,
        trained,
        ideal,
        conventional,
        rmse(ideal.network()(spikes) * phase, conventional.times[-1]),
        rmse(trained.network()(spikes) * phase, physical.circuit.times[-1]),
        split.y_test[:samples],
    )


def validate_random(
    conditions: Conditions,
    layers: Sequence[int],
    *,
    samples: int = 20,
    seed: int = 0,
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> NeuronValidation:
    """A network that nobody trained or tuned: random weights of both signs, random spikes.

    Weights are normal with mean 1/inputs and standard deviation 0.6/√inputs, so that v(1) of a neuron with
    uniform input spikes has mean 0.5 and standard deviation about 0.35: most neurons fire inside the
    phase, some
    are driven past either end of it. ``card`` as in :func:`validate_iris`.
    """
    find_ablation(ablation)
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
    model = _model(card, conditions, layers, progress)
    mapped = programmed(model, weights)
    return validate(conditions, mapped, spikes, calibration, ablation=ablation, card=card, progress=progress)


def _model(
    card: Card | None, conditions: Conditions, layers: Sequence[int], progress: OnProgress
) -> NeuronModel:
    if card is None:
        return characterised_model(conditions, layers, progress)
    return carded_model(card, conditions, layers)


def _weight_limits(model: NeuronModel) -> tuple[float, float]:
    """Largest negative and positive weights: 1.5, or what the synapses can give if that is less."""
    unit = model.unit_current(5)
    largest = {
        name: 0.95 * float(synapse.rest_current.max()) / unit for name, synapse in model.synapses.items()
    }
    return min(1.5, largest["p"]), min(1.5, largest["n"])
