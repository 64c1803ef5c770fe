"""Copies: greedy, bisection and dynamic programming give the optimum that integer programming finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from cimspice.errors import ParameterError
from cimspice.schedule import (
    Elements,
    Schedule,
    Settings,
    least_slowest,
    least_sum,
    load_graph,
    slowest_first,
)


def by_integers(pixels, costs, spare, *, slowest: bool) -> int:
    """The optimum over choices of one ceil(pixels / copies) of each layer."""
    choices = [
        (layer, copies, -(-count // copies))
        for layer, count in enumerate(pixels)
        for copies in range(1, min(count, spare // costs[layer] + 1) + 1)
    ]
    loads = np.array([load for *_, load in choices])
    one = np.array([[layer == row for layer, *_ in choices] for row in range(len(pixels))], dtype=float)
    price = np.array([costs[layer] * (copies - 1) for layer, copies, _ in choices], dtype=float)
    limits = [
        LinearConstraint(np.c_[one, np.zeros(len(one))], 1, 1),
        LinearConstraint(np.append(price, 0), 0, spare),
    ]
    if slowest:
        limits.append(LinearConstraint(np.c_[one * loads, -np.ones(len(one))], -np.inf, 0))
        aim = np.append(np.zeros(len(choices)), 1.0)
    else:
        aim = np.append(loads.astype(float), 0.0)
    found = milp(
        aim, constraints=limits, integrality=np.append(np.ones(len(choices)), 0),
        bounds=Bounds(0, np.append(np.ones(len(choices)), np.inf)), options={"mip_rel_gap": 0},
    )  # fmt: skip
    return round(found.fun)


def used(costs, copies) -> int:
    return int(np.dot(costs, np.array(copies) - 1))


@pytest.mark.parametrize("network", ["tinyyolov4", "resnet50"])
def test_bisection_and_greedy_agree_for_every_number_of_spare_crossbars(network):
    layers = Schedule(load_graph(network))
    for spare in range(129):
        copies = slowest_first(layers.pixels, layers.costs, spare)
        assert used(layers.costs, copies) <= spare
        loads = [-(-p // d) for p, d in zip(layers.pixels, copies, strict=True)]
        assert max(loads) == least_slowest(layers.pixels, layers.costs, spare)


@pytest.mark.parametrize("spare", [1, 7, 32])
def test_slowest_and_sum_are_those_of_integer_programming_on_a_published_network(spare):
    layers = Schedule(load_graph("tinyyolov4"))
    given = layers.pixels, layers.costs, spare
    assert least_slowest(*given) == by_integers(*given, slowest=True)
    copies = least_sum(*given)
    assert used(layers.costs, copies) <= spare
    assert layers.layer_by_layer(copies) == by_integers(*given, slowest=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5)), min_size=1, max_size=5), st.integers(0, 12))
def test_drawn_layers_get_the_optimum_of_integer_programming(layers, spare):
    pixels, costs = map(list, zip(*layers, strict=True))
    assert least_slowest(pixels, costs, spare) == by_integers(pixels, costs, spare, slowest=True)
    copies = least_sum(pixels, costs, spare)
    assert used(costs, copies) <= spare
    total = sum(-(-p // d) for p, d in zip(pixels, copies, strict=True))
    assert total == by_integers(pixels, costs, spare, slowest=False)


def test_ties_go_to_the_cheaper_layer_then_to_the_earlier_and_the_first_misfit_ends_it():
    assert slowest_first([36, 36, 36], [2, 1, 1], 1) == [1, 2, 1]
    assert slowest_first([36, 36, 36], [1, 1, 1], 2) == [2, 2, 1]
    assert slowest_first([50, 36], [3, 1], 2) == [1, 1]
    assert slowest_first([50, 36], [3, 1], 2, leftover=True) == [1, 3]
    assert slowest_first([2, 1], [1, 1], 9) == [2, 1]


@pytest.mark.parametrize(
    ("depthwise", "columns_per_weight", "pes"),
    [("dense", 1, 2), ("dense", 2, 2), ("diagonal", 1, 2), ("diagonal", 2, 2), ("digital", 1, 0)],
)
def test_three_mappings_of_a_depthwise_convolution(depthwise, columns_per_weight, pes):
    from cimspice.schedule import Builder

    builder = Builder("one", 32, 8, 8)
    builder.conv(32, 3, groups=32)
    graph = builder.graph()
    elements = Elements(256, 256, columns_per_weight, depthwise)
    assert (
        elements.count(graph, graph.base[0]) == pes
    )  # dense 288 x 32; diagonal floor(256 / 9) = 28 channels


def test_crossbars_of_vgg16_and_resnet50_are_those_that_a_mapping_of_whole_kernels_takes():
    """Rows of weights in tiles of 256 x 256 with one cell a weight; windows are the pixels of each output."""
    vgg = Schedule(load_graph("vgg16"))
    assert vgg.costs == [1, 3, 3, 5, 5, 9, 9, 18, 36, 36, 36, 36, 36]
    assert vgg.pixels == [50176, 50176, 12544, 12544, 3136, 3136, 3136, 784, 784, 784, 196, 196, 196]
    assert sum(Schedule(load_graph("resnet50")).costs) == 390


def test_more_copies_than_pixels_are_refused():
    with pytest.raises(ParameterError, match="65 copies of layer 'conv1', which has 64 pixels"):
        _ = Schedule(load_graph("digits-cnn"), Settings(extra=99, copies={"conv1": 65})).copies


@pytest.mark.parametrize(("network", "split"), [("resnet50", "cyclic"), ("tinyyolov4", "stripes")])
def test_copies_for_the_schedule_itself_are_never_worse_and_fit(network, split):
    graph = load_graph(network, "96x96")
    slowest, own = (
        Schedule(graph, Settings(extra=16, split=split, objective=objective))
        for objective in ("slowest", "makespan")
    )
    assert own.steps <= slowest.steps
    assert own.used <= own.present
    for number in range(len(own.layers)):  # no single copy moved or added is better
        more = [count + (place == number) for place, count in enumerate(own.copies)]
        if int(np.dot(own.costs, more)) <= own.present and more[number] <= own.pixels[number]:
            names = [node.name for node in own.layers]
            trial = Settings(extra=16, split=split, copies=dict(zip(names, more, strict=True)))
            assert Schedule(graph, trial).steps >= own.steps
