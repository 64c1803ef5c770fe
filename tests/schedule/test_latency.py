"""The bound with filling and draining holds for every schedule, and says what no order of rows can reach."""

from __future__ import annotations

import pytest

from cimspice.schedule import Schedule, Settings, load_graph
from cimspice.schedule.latency import latency_bound


@pytest.mark.parametrize("name", ["tinyyolov3", "tinyyolov4", "resnet50", "mobilenetv2", "vgg16"])
@pytest.mark.parametrize("split", ["cyclic", "shared", "stripes"])
def test_no_schedule_is_shorter_than_its_bound(name, split):
    graph = load_graph(name, "64x96")
    for sets in ("pixel", "row", "3x4", "map"):
        for extra in (0, 12, 40):
            plan = Schedule(graph, Settings(extra=extra, sets=sets, split=split))
            bound, _ = latency_bound(graph, plan.servers())
            assert plan.bound[0] <= bound <= plan.steps


def test_a_chain_of_whole_maps_takes_exactly_the_bound():
    plan = Schedule(load_graph("vgg16", "64x64"), Settings(sets="map"))
    assert latency_bound(plan.graph, plan.servers())[0] == plan.steps == plan.layer_by_layer()


def test_no_copies_of_32_crossbars_let_rows_of_tinyyolov4_come_within_5_percent_of_the_slowest_layer():
    """Within 5 % of 3,606 every layer needs enough copies; one crossbar is left, wherever it goes."""
    graph = load_graph("tinyyolov4")
    plain = Schedule(graph)
    aim = int(1.05 * Schedule(graph, Settings(extra=32)).bound[0])
    assert aim == 3786
    least = {node.name: -(-node.pixels // aim) for node in plain.layers}
    spare = 32 - sum(
        cost * (least[node.name] - 1) for node, cost in zip(plain.layers, plain.costs, strict=True)
    )
    assert spare == 1
    choices = [least] + [
        {**least, node.name: least[node.name] + 1}
        for node, cost in zip(plain.layers, plain.costs, strict=True)
        if cost <= spare
    ]
    assert len(choices) == 7
    for copies in choices:
        for split in ("cyclic", "shared", "stripes"):
            plan = Schedule(graph, Settings(extra=32, sets="row", split=split, copies=copies))
            assert latency_bound(graph, plan.servers())[0] > aim


def test_images_one_after_another_come_within_5_percent_of_it_at_rows():
    graph = load_graph("tinyyolov4")
    settings = Settings(extra=32, sets="row", split="shared", images=8)
    plan = Schedule(graph, settings)
    assert plan.bound[0] == 3606
    assert plan.steps / 8 < 1.05 * 3606
    assert plan.interval == 3640
