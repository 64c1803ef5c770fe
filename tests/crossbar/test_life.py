"""Wear of an array that switches between networks."""

import numpy as np
import pytest

from cimspice.crossbar.programming import (
    Layer,
    Network,
    Plan,
    life,
    resnet50,
    shaped_network,
    trained_network,
)
from cimspice.errors import ParameterError
from cimspice.rram.model.write_cost import WriteCost

BASE = Plan(bits=5, order="unsorted", choice="exact")


@pytest.fixture(scope="module")
def networks():
    return [trained_network(seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def base(networks):
    return life(networks, BASE, WriteCost())


def test_cells_wear_out_and_the_accuracy_follows(base):
    table = base.table
    assert table["worn_cells"].iloc[0] == 0
    assert np.all(np.diff(table["worn_cells"]) > 0)
    assert np.all(np.diff(table["switches"]) > 0)
    assert table["accuracy"].iloc[0] > 0.95
    assert table["accuracy"].iloc[-1] < 0.5
    assert base.first_failure < base.lifetime < table["switches"].iloc[-1]


def test_life_scales_with_the_endurance_of_a_cell(networks, base):
    longer = life(networks, BASE, WriteCost(endurance_cycles=3e6))
    assert longer.first_failure == pytest.approx(3 * base.first_failure)
    assert longer.lifetime == pytest.approx(3 * base.lifetime)


def test_fewer_writes_give_a_longer_life(networks, base):
    spared = life(networks, Plan(bits=5), WriteCost())
    assert spared.writes_per_switch < base.writes_per_switch / 3
    assert spared.lifetime is None or spared.lifetime > 3 * base.lifetime


def test_networks_that_write_nothing_are_refused():
    layer = Layer("zero", 3, 4, lambda: np.zeros((3, 4)), lambda: np.ones((1, 4)))
    nothing = Network("zero", (layer,), "zeros", "ones", lambda weights: 1.0)
    with pytest.raises(ParameterError, match="no cell is ever rewritten"):
        life([nothing], BASE, WriteCost())


def test_networks_of_unknown_accuracy_are_refused():
    with pytest.raises(ParameterError, match="accuracy"):
        life([shaped_network(resnet50())], BASE, WriteCost())
