"""Convolutions through ngspice patch by patch, in the network's own signal flow."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from cimspice.crossbar import family
from cimspice.network import Network, Node
from cimspice.network.circuit import map_network
from cimspice.network.validate import plan, validate

pytestmark = pytest.mark.spice


def test_groups_and_patches_equal_ngspice_and_every_layer_is_compared(tmp_path):
    rng = np.random.default_rng(0)
    nodes = (
        Node("conv", "conv", settings={"groups": 2, "padding": (1, 0, 0, 1)},
             arrays={"weights": rng.normal(size=(4, 1, 2, 2)), "bias": rng.normal(size=4)}),
        Node("relu", "relu", ("conv",)),
        Node("flat", "flatten", ("relu",)),
        Node("dense", "dense", ("flat",), arrays={"weights": rng.normal(size=(3, 36))}),
    )  # fmt: skip
    network = Network("two groups", (2, 3, 3), nodes, "dense")
    x = rng.uniform(0, 1, (8, 2, 3, 3))
    circuit = family.circuit(tile=8, word_line_resistance=50.0, bit_line_resistance=50.0)
    mapped = map_network(network, x, circuit)
    given = plan(mapped, 3, len(x), family.simulation_seconds)
    result = validate(
        mapped, x, None, given,
        partial(family.simulate, store=tmp_path / "store.sqlite", jobs=1),
    )  # fmt: skip
    facts = result.facts()
    assert facts["normalised_rmse"] <= 1e-9
    assert facts["emulated_error"] > 1e-3
    assert facts["accuracy_circuit"] is None
    assert [layer["name"] for layer in facts["layers"]] == ["conv", "dense"]
    assert [len(layer.tiles) for layer in result.layers] == [2, 1]
    ran = result.drawn
    np.testing.assert_allclose(result.outputs["circuit"], mapped.outputs(x[ran]), rtol=1e-9)
    np.testing.assert_allclose(result.outputs["ideal"], network.outputs(x[ran]))
    for shares in (facts["budget"], *facts["budget_by_layer"].values()):
        assert sum(shares.values()) == pytest.approx(1.0)
