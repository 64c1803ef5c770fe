"""Emulators that run MVMs in the order of a schedule, on buffers that hold NaN until they are written."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.network import built_in
from cimspice.schedule import Elements, Emulation, Schedule, Settings, check_reads, load_graph
from cimspice.schedule.replay import random_sums
from cimspice.schedule.shapes import from_network

SIZES = {"tinyyolov3": 32, "tinyyolov4": 64, "resnet50": 32, "mobilenetv2": 32, "vgg16": 32}


def emulation(schedule: Schedule) -> Emulation:
    graph = schedule.graph
    x = np.random.default_rng(1).standard_normal((graph.channels, graph.height, graph.width))
    return Emulation(graph, schedule.servers(), random_sums(graph), x.astype(np.float32))


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(("sets", "split"), [("pixel", "cyclic"), ("3x4", "shared"), ("row", "stripes")])
def test_the_order_of_the_schedule_gives_the_plain_result_bit_by_bit(name, sets, split):
    size = f"{SIZES[name]}x{SIZES[name]}"
    schedule = Schedule(load_graph(name, size), Settings(extra=9, sets=sets, split=split))
    if sets == "pixel" and name == "vgg16":
        schedule = Schedule(schedule.graph, Settings(extra=9, sets="2xW", split=split))  # fewer calls
    found = emulation(schedule).replay(schedule.times[0])
    assert (found.max_difference, found.missing_reads) == (0.0, 0)
    assert found.mvms == sum(schedule.pixels)
    replay, early = check_reads(schedule.graph, schedule.servers(), schedule.times[0])
    assert (replay.max_difference, replay.missing_reads, replay.mvms) == (0.0, 0, found.mvms)
    assert min(early.values()) > 0


@pytest.mark.parametrize("sets", ["pixel", "row"])
def test_any_layer_one_step_earlier_reads_what_is_not_written_yet(sets):
    schedule = Schedule(load_graph("tinyyolov4", "32x32"), Settings(extra=5, sets=sets))
    run = emulation(schedule)
    for node in schedule.layers[1:]:  # the input of the first is there from the start
        maps = run.in_order(schedule.times[0], earlier=node.name)
        assert run.missing > 0, node.name
        assert np.isnan(maps[node.name]).any()


def test_a_schedule_of_wrong_padding_is_found_out():
    right = Schedule(load_graph("tinyyolov4", "32x32"), Settings(sets="pixel"))
    times = dict(right.times[0])
    conv = right.layers[1].name
    moved = times[conv].end - 2
    times[conv] = type(times[conv])(moved, moved, times[conv].copy)
    assert check_reads(right.graph, right.servers(), times)[0].missing_reads > 0


def test_the_trained_digits_network_in_schedule_order_decides_as_it_does_in_plain_order():
    made = built_in("digits-cnn")
    schedule = Schedule(
        from_network(made.network),
        Settings(elements=Elements(64, 64, 2, dense="include"), extra=6, sets="pixel"),
    )
    matrices = {
        node.name: node.arrays["weights"].reshape(len(node.arrays["weights"]), -1).T
        for node in made.network.weight_layers
    }
    sums = {
        name: [lambda x, name=name, m=matrix: x @ m + node_bias(made, name)]
        for name, matrix in matrices.items()
    }
    for x in made.x_test[:2]:
        run = Emulation(schedule.graph, schedule.servers(), sums, x, made.network)
        found = run.replay(schedule.times[0])
        assert (found.max_difference, found.missing_reads) == (0.0, 0)
        np.testing.assert_allclose(run.maps["dense"].ravel(), made.network.outputs(x[None])[0], rtol=1e-12)


def node_bias(made, name):
    return next(node for node in made.network.weight_layers if node.name == name).arrays["bias"]
