"""The error budget, with the full model in the circuit's place: its error is then known to be zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.mapping import map_layer
from cimspice.neuron.model.simplify import scaled
from cimspice.neuron.validation import LADDER, find_ablation
from cimspice.neuron.validation.budget import best_scales, error_budget, search


@pytest.fixture(scope="module")
def case(neuron):
    """The emulated network, and input spikes of the samples and of the calibration, for a network 3-2-2."""
    rng = np.random.default_rng(3)
    weights = [rng.normal(1 / inputs, 0.6 / np.sqrt(inputs), (2, inputs)) for inputs in (3, 2)]
    mappings = [map_layer(neuron, layer) for layer in weights]
    network = NeuronNetwork(neuron, [each.polarity for each in mappings], [each.program for each in mappings])
    return network, rng.random((4, 3)), rng.random((6, 3))


@pytest.fixture(scope="module")
def budget(case):
    network, spikes, calibration = case
    return error_budget(network, spikes, tuple(times for _, times in network(spikes)), calibration)


def test_the_full_model_has_no_error_against_itself_and_every_other_has(budget):
    assert budget.ladder[-1].output_rmse == 0
    assert all(row.output_rmse > 1e-12 for row in (*budget.ladder[:-1], *budget.without))


def test_reductions_of_the_terms_add_up(budget):
    first, last = budget.ladder[0].output_rmse, budget.ladder[-1].output_rmse
    assert sum(budget.reduction.values()) == pytest.approx(first**2 - last**2)
    assert list(budget.reduction) == [ablation.name for ablation in LADDER[1:]]


def test_the_papers_model_is_among_the_rows_and_better_than_the_ideal_sum(budget):
    assert budget.row("constant").output_rmse < budget.row("ideal").output_rmse


def test_only_the_first_ablations_are_granted_scales(budget):
    granted = {row.name: row.scales for row in budget.ladder if row.scales}
    assert list(granted) == ["ideal", "constant"]
    assert granted["constant"]["scale_n"] == granted["constant"]["scale_p"]
    assert granted["ideal"]["scale_n"] != granted["ideal"]["scale_p"]


def test_scales_that_were_taken_away_are_found_again(neuron, case):
    network, spikes, _ = case
    wrong = replace(network, model=scaled(neuron, {"n": 1 / 1.04, "p": 1 / 0.93}))
    _, found = best_scales(wrong, spikes, network(spikes)[-1][1], 2)
    assert found["scale_n"] == pytest.approx(1.04, rel=2e-3)
    assert found["scale_p"] == pytest.approx(0.93, rel=2e-3)


def test_search_finds_a_minimum_away_from_its_start():
    assert search(lambda x: (x[0] - 0.3) ** 2 + (x[1] + 0.2) ** 2, 2) == pytest.approx([0.3, -0.2], abs=1e-3)


def test_an_unknown_model_names_those_there_are():
    with pytest.raises(ParameterError, match="unknown model 'best'") as caught:
        find_ablation("best")
    assert "constant" in caught.value.remedy
    assert find_ablation("full") is LADDER[-1]
