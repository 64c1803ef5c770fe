"""The neuron as a family: its card from ngspice or with measured curves, and networks from a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from cimspice.errors import ParameterError
from cimspice.families import read_card
from cimspice.fit.family_card import Card
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from cimspice.campaign import Store
    from cimspice.fit.table_fit import FitOptions
    from cimspice.neuron.characterisation.card import Conditions as NeuronConditions
    from cimspice.neuron.characterisation.card import SynapseKind
    from cimspice.neuron.emulator.activation_layer import ActivationLayer
    from cimspice.neuron.emulator.network import NeuronNetwork
    from cimspice.neuron.model.neuron import NeuronModel
    from cimspice.neuron.model.synapse_currents import Polarity
    from cimspice.neuron.training.circuits import NeuronCircuits
    from cimspice.neuron.validation.circuit import CircuitRun
    from cimspice.neuron.validation.layers import NeuronReads, SimulatedNeurons
    from cimspice.neuron.validation.mapped import Programmed
    from cimspice.neuron.validation.network import NeuronValidation

_DIGEST = "measured_file_digest"


def characterise(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    layers: Sequence[int] | str = (5, 5, 5),
    network: str | None = None,
    bias_lines: bool = False,
    synapse: SynapseKind = "mosfet",
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> Card:
    """The neuron's card from ngspice; what was simulated before is taken from the store.

    Parameters
    ----------
    conditions
        Corner, temperature (°C).
    layers
        Inputs, then neurons of each layer: what networks of these sizes need is in the card.
    network
        In the place of sizes, the name or file of a trained network that `circuit` is to take.
    bias_lines
        Whether every layer has a bias line beside these inputs.
    synapse
        ``"mosfet"`` or ``"resistor"``.
    jobs, store, progress
        Worker processes (default: one for each processor); where points are kept; what is called as they
        finish.

    Raises
    ------
    ParameterError
        For sizes that are no network, and an unknown synapse.
    SimulationError
        If a point fails.
    """
    from cimspice.neuron.characterisation.card import Conditions as NeuronConditions
    from cimspice.neuron.characterisation.card import Sizes, characterised_card
    from cimspice.neuron.commands.validate import layer_sizes

    several = isinstance(layers, Iterable) and not isinstance(layers, str)
    sizes = Sizes.of(layer_sizes([str(size) for size in (layers if several else [layers])]), bias_lines)
    if network is not None:
        from cimspice.network.load import load_network
        from cimspice.neuron.training.conversion import neuron_sizes

        sizes = Sizes(*neuron_sizes(load_network(network)))
    where = NeuronConditions(conditions.corner, conditions.temperature, synapse, jobs, store)
    return characterised_card(where, sizes, progress)


def card(file: str | Path) -> Card:
    """The neuron's card in a file, whose figures are those of its data.

    Raises
    ------
    CimspiceError
        If it is no card of a neuron, naming the file.
    """
    return read_card(file, "neuron")


def model_of(card: Card) -> NeuronModel:
    """The model that a card holds: all that its emulator computes with.

    Raises
    ------
    CimspiceError
        If it holds none.
    """
    from cimspice.neuron.model.card import neuron_of

    return neuron_of(card)


def map(weights: Sequence[np.ndarray], card: Card, *, scales: Sequence[float] = (1.0,)) -> Programmed:
    """Program a network: a synapse of either polarity and its gate bias (V) for every weight.

    Parameters
    ----------
    weights
        Per layer, shape (neurons, inputs); 1 moves the membrane by its whole range in one phase.
    card
        The neuron's, with these sizes.
    scales
        A factor for all weights, or one for the positive and one for the negative.

    Raises
    ------
    MappingError, ParameterError
        For weights that are none, and sizes that the card lacks.
    """
    from cimspice.neuron.validation.mapped import programmed

    return programmed(model_of(card), weights, scales)


def network(programmed: Programmed) -> NeuronNetwork:
    """The emulated circuit of a programmed network: spikes (batch, inputs), as fractions of a phase, to
    membrane voltages (V) and spike times (s) of each layer, (batch, neurons)."""
    return programmed.network()


@overload
def simulate(
    programmed: ActivationLayer,
    spikes: np.ndarray,
    *,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> SimulatedNeurons: ...


@overload
def simulate(
    programmed: Programmed,
    spikes: np.ndarray,
    *,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> CircuitRun: ...


def simulate(
    programmed: Programmed | ActivationLayer,
    spikes: np.ndarray,
    *,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> CircuitRun | SimulatedNeurons:
    """The same through ngspice: of a network a transient of the whole for each sample; of a layer of a
    `circuit`, whose inputs and outputs are activations, a few neurons at a time.

    Parameters
    ----------
    programmed
        The network, or the layer; the corner and temperature are those of its card.
    spikes
        Fractions of a phase, shape (samples, inputs); 1 is no spike. Of a layer activations.
    jobs, store, progress
        As for :func:`characterise`.

    Raises
    ------
    SimulationError
        If a sample fails.
    """
    from cimspice.neuron.emulator.activation_layer import ActivationLayer

    if isinstance(programmed, ActivationLayer):
        from cimspice.neuron.validation.layers import simulate_layer

        return simulate_layer(programmed, spikes, store=store, jobs=jobs, progress=progress)
    from cimspice.neuron.validation.circuit import run_circuit

    where = _conditions(programmed, jobs, store)
    wires = programmed.wires and programmed.wires.wires
    return run_circuit(where, programmed.programming(), spikes, progress, wires)


def circuit(
    card: Card | None = None, *, corner: str | None = None, temperature: float | None = None, **config: Any
) -> NeuronCircuits:
    """Neurons for the layers of a trained ReLU network, which is converted and fine-tuned for them.

    Parameters
    ----------
    card
        The neuron's, with the network's sizes; by default it is characterised for them with ngspice, and what
        was simulated before is taken from the store.
    corner, temperature
        Of that; default: tt, 27 °C. Not with a card, which says its own.
    config
        ``fine_tuning`` (false: weights as converted, with a warning), ``epochs``, ``seed`` of it; see
        `cimspice.neuron.training.circuits.NeuronCircuits`.

    Raises
    ------
    ParameterError
        For an unknown key, and a condition beside a card.
    """
    from cimspice.neuron.characterisation.card import Conditions as NeuronConditions
    from cimspice.neuron.characterisation.card import Sizes, characterised_model, check_sizes
    from cimspice.neuron.training.circuits import NeuronCircuits

    known = {"fine_tuning", "epochs", "seed"}
    if unknown := config.keys() - known:
        raise ParameterError(
            f"no setting {min(unknown)!r}",
            place="neuron circuit",
            remedy=f"choose from {', '.join(sorted(known | {'corner', 'temperature'}))}",
        )
    if card is not None and (corner is not None or temperature is not None):
        raise ParameterError(
            "corner or temperature beside a card",
            place="neuron circuit",
            remedy="leave them out: the card says them",
        )
    own = None if card is None else model_of(card)
    where = NeuronConditions(corner or "tt", 27.0 if temperature is None else temperature)

    def model_for(fans: Sequence[tuple[int, int]], loads: Sequence[int], progress: OnProgress) -> NeuronModel:
        sizes = Sizes(fans, loads)
        if own is None:
            return characterised_model(where, sizes, progress)
        check_sizes(own, sizes)
        return own

    return NeuronCircuits(model_for, **config)


def simulation_seconds(layer: ActivationLayer, inputs: int) -> float:
    """CPU time that `simulate` is expected to take for so many inputs, within a factor of about two."""
    from cimspice.neuron.validation.layers import expected_seconds

    return expected_seconds(layer, inputs)


def layer_tiles(
    layer: ActivationLayer, *, store: Store | Path | str | None = None, jobs: int | None = None
) -> NeuronReads:
    """The neurons of a circuit's layer one by one; ``store``, ``jobs`` as of `simulate`."""
    from cimspice.neuron.validation.layers import NeuronReads

    return NeuronReads(layer, store, jobs)


def validate(
    programmed: Programmed,
    spikes: np.ndarray,
    calibration: np.ndarray,
    *,
    model: str = "full",
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> NeuronValidation:
    """Samples through the emulator and through ngspice: errors, and what each term of the model removes.

    Parameters
    ----------
    programmed
        The network; the corner and temperature are those of its card.
    spikes, calibration
        Fractions of a phase, (samples, inputs): samples that are compared, and others for the scales of
        simple models.
    model
        Which of the models is compared; the error budget has all of them.
    jobs, store, progress
        As for :func:`characterise`.

    Raises
    ------
    ParameterError
        For a model that there is none of.
    SimulationError
        If a sample fails.
    """
    from cimspice.neuron.validation.network import validate as compare

    where = _conditions(programmed, jobs, store)
    return compare(where, programmed, spikes, calibration, ablation=model, progress=progress)


def _conditions(
    programmed: Programmed, jobs: int | None, store: Store | Path | str | None
) -> NeuronConditions:
    from cimspice.neuron.characterisation.card import Conditions as NeuronConditions

    own = programmed.model
    kind: SynapseKind = "mosfet" if own.synapses["n"].internal_node is None else "resistor"
    temperature = 27.0 if own.temperature is None else own.temperature
    return NeuronConditions(own.corner or "tt", temperature, kind, jobs, store)


def check(card: Card) -> None:
    """CimspiceError if the card does not make a neuron."""
    model_of(card)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with measured curves in the place of ``synapse_n``, ``synapse_p``, ``capacitance`` or ``ramp``
    (of the part ``readout``)."""
    from cimspice.fit.table import CAPACITANCE, SYNAPSE, TRACE
    from cimspice.neuron.model.measured import with_measured_capacitance, with_measured_ramp
    from cimspice.screen.card import shown

    polarities: dict[str, Polarity] = {"synapse_n": "n", "synapse_p": "p"}
    curves = {"capacitance": (CAPACITANCE, with_measured_capacitance), "ramp": (TRACE, with_measured_ramp)}
    name = {"ramp": "readout"}.get(part, part)
    if part in polarities:
        table = given.read_unfitted(source, SYNAPSE, {"polarity": polarities[part]})
        changed = with_curves(card, polarities[part], table, _source(table))
    elif part in curves:
        schema, replaced = curves[part]
        table = given.read_unfitted(source, schema)
        _check_conditions(card, table, "CSV")
        table.attrs["provenance"] = _source(table)
        changed = replaced(card, table)
    else:
        raise ParameterError(
            f"no measured curve makes the part {part!r}"[:200],
            place="--model",
            remedy="use --model synapse_n or synapse_p (current over gate bias and membrane voltage), "
            "capacitance (over membrane voltage) or ramp (membrane voltage over time)",
        )
    return changed, name, [f"{key} {shown(record)}" for key, record in changed.part(name).parameters.items()]


def _source(table: pd.DataFrame) -> dict[str, Any]:
    known = table.attrs["provenance"]
    return {"file": known["measured_file"], "sha256": known[_DIGEST]}


def _check_conditions(card: Card, table: pd.DataFrame, place: str) -> None:
    for name, value in card.conditions.model_dump(exclude_none=True).items():
        if name in table and (others := set(table[name]) - {value}):
            raise ParameterError(
                f"the curves are of {name} {sorted(others)[0]}, the card of {value}",
                place=place,
                remedy="give curves of the card's own condition",
            )


def with_curves(
    card: Card, polarity: Polarity, table: pd.DataFrame, source: Mapping[str, Any], order: str | None = None
) -> Card:
    from cimspice.fit.table import SYNAPSE
    from cimspice.neuron.model.card import with_measured_current

    _check_conditions(card, table, "--csv")
    rows = SYNAPSE.rows(table, polarity=polarity, order=order)
    rows.attrs["provenance"] = source
    return with_measured_current(card, polarity, rows)
