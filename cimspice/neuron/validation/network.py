"""The closed loop on the spiking neuron: characterise, fit, train, map, emulate, and compare with ngspice."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cimspice.arrays import Array
from cimspice.fit.bands import Band
from cimspice.fit.conditions import check_alike
from cimspice.fit.family_card import Card
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.emulator.bands import spike_band
from cimspice.neuron.model.card import neuron_card
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.validation.budget import (
    BudgetRow,
    ErrorBudget,
    error_budget,
    simplified,
)
from cimspice.neuron.validation.circuit import CircuitRun, run_circuit
from cimspice.neuron.validation.compare import Comparison, rmse
from cimspice.neuron.validation.mapped import Mapping, Programmed
from cimspice.notebook import shown
from cimspice.progress import OnProgress, Progress, in_stage, silent


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
    mapping: Mapping | None = None
    """How the network was mapped, where it was."""
    wanted: tuple[Array, ...] | None = None
    """Spike times (s) of the network that was mapped, per layer, (samples, neurons)."""

    @property
    def trained_rmse(self) -> float | None:
        """Root mean square error (s) of the output's spikes, the network that was mapped against ngspice (the
        paper's own measure)."""
        return None if self.wanted is None else rmse(self.wanted[-1], self.circuit.times[-1])

    @property
    def trained_worst(self) -> float | None:
        """Largest such error (s) of any spike of any layer."""
        if self.wanted is None:
            return None
        return max(
            float(np.abs(wanted - found).max())
            for wanted, found in zip(self.wanted, self.circuit.times, strict=True)
        )

    def _repr_html_(self) -> str:
        return validation_html("Spiking network: model against ngspice", self, self)


def validate(
    conditions: Conditions,
    mapped: Programmed,
    spikes: Array,
    calibration: Array,
    *,
    mapping: Mapping | None = None,
    wanted: Sequence[Array] | None = None,
    ablation: str = "full",
    card: Card | None = None,
    progress: OnProgress = silent,
) -> NeuronValidation:
    """Run the samples through ngspice and through the emulator.

    Parameters
    ----------
    mapped
        The network.
    mapping, wanted
        How it was mapped, and the spikes (s) of the network that was, (samples, neurons) of each layer, where
        there is one.
    spikes, calibration
        Input spikes of the samples that are compared, and of others for the scales of simple models.
    ablation
        Which model of the ladder is compared; the budget always has all of them.
    card
        Of the network's model: with the noise of what was measured.
    """
    check_alike({"mapped for": mapped.model, "simulated": conditions}, "validate(conditions)")
    simulating = in_stage("simulate the network in ngspice", progress)
    wires = mapped.wires and mapped.wires.wires
    run = run_circuit(conditions, mapped.programming(), spikes, simulating, wires)
    network = mapped.network()
    network(spikes[:1])  # the tables are prepared once per network, not per batch
    began = time.process_time()
    network(spikes)
    seconds = time.process_time() - began
    progress(Progress(stage="compare, term by term"))
    with warnings.catch_warnings():  # the full model warned above; the others are for comparison
        warnings.simplefilter("ignore", ModelRangeWarning)
        budget = error_budget(network, spikes, run.times, calibration)
        row = budget.row(ablation)
        bands = layer_bands(mapped, card or neuron_card(mapped.model), row, spikes)
    return NeuronValidation(
        conditions,
        mapped.model,
        mapped,
        spikes,
        run,
        row.comparison,
        ablation,
        budget,
        seconds,
        bands,
        mapping,
        None if wanted is None else tuple(wanted),
    )


def layer_bands(mapped: Programmed, card: Card, row: BudgetRow, spikes: Array) -> tuple[Band, ...]:
    """What the card leaves open of the spike times of every layer under a model of the ladder."""

    def times(model: NeuronModel) -> Array:
        layers = simplified(replace(mapped.network(), model=model), row)(spikes)
        return np.concatenate([layer for _, layer in layers], axis=1)

    whole = spike_band(mapped.model, card, times)
    ends = np.cumsum([len(polarity) for polarity in mapped.polarities])[:-1]
    parts = zip(np.split(whole.centre, ends, 1), np.split(whole.deviations, ends, 2), strict=True)
    return tuple(Band(*part, whole.counted, whole.not_counted) for part in parts)


def validation_html(title: str, result: Any, network: NeuronValidation) -> str:
    """A validation, or one that holds it, as a notebook shows it."""
    from cimspice.neuron.report.spikes import draw_spikes
    from cimspice.neuron.validation.report import report_of

    facts = report_of(result)
    return shown(title, facts, facts["budget"]["ladder"], partial(draw_spikes, network))
