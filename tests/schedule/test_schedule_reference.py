"""The vectorised schedule is that of an event-driven reference with explicit dependencies, exactly."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from event_reference import run_events

from cimspice.schedule import Schedule, Settings, load_graph
from cimspice.schedule.engine import Sets
from cimspice.schedule.facts import schedule_facts
from cimspice.schedule.networks import published

SIZES = {"tinyyolov3": 32, "tinyyolov4": 32, "vgg16": 32, "resnet50": 32, "mobilenetv2": 32, "digits-cnn": 8}
SETS = ("pixel", "row", "2xW", "3x4", "map")
SPLITS = ("cyclic", "shared", "stripes")


@cache
def graph_of(name: str):
    return published(name, (SIZES[name], SIZES[name] + 8 * (name != "digits-cnn")))


def assert_same(schedule: Schedule) -> None:
    sets = Sets.of(schedule.settings.sets)
    copies = {node.name: count for node, count in zip(schedule.layers, schedule.copies, strict=True)}
    right = run_events(schedule.graph, copies, sets.rows, sets.columns, schedule.settings.split)
    for name, ends in right.items():
        found = schedule.times[0][name].end
        expected = np.array([[ends[y, x] for x in range(found.shape[1])] for y in range(found.shape[0])])
        np.testing.assert_array_equal(found, expected, err_msg=name)
    assert schedule.steps == max(max(ends.values()) for ends in right.values())


@pytest.mark.parametrize("extra", [0, 4, 16])
@pytest.mark.parametrize("sets", SETS)
@pytest.mark.parametrize("name", SIZES)
def test_every_pixel_of_every_network_as_in_the_reference(name, sets, extra):
    for split in SPLITS if extra else SPLITS[:1]:
        assert_same(Schedule(graph_of(name), Settings(extra=extra, sets=sets, split=split)))


def test_a_whole_network_at_full_size_as_in_the_reference():
    assert_same(Schedule(load_graph("mobilenetv2", "112x112"), Settings(extra=20, sets="pixel")))


@pytest.mark.parametrize(
    ("network", "extra", "used", "serial", "pixel", "row", "stripes"),
    [
        ("tinyyolov4", 0, 117, 113061, 43945, 44837, 2.57),
        ("tinyyolov4", 16, 133, 113061, 6749, 7709, 7.09),
        ("tinyyolov4", 32, 149, 113061, 4125, 5109, 8.20),
        ("resnet50", 0, 390, 58310, 12892, 13986, 4.52),
        ("resnet50", 16, 404, 58310, 3483, 4634, 10.89),
        ("resnet50", 32, 421, 58310, 1868, 3010, 12.91),
    ],
)
def test_steps_of_published_networks_as_a_second_program_found_them(
    network, extra, used, serial, pixel, row, stripes
):
    graph = load_graph(network)
    found = Schedule(graph, Settings(extra=extra, sets="pixel"))
    assert int(np.dot(found.costs, found.copies)) == used
    assert found.layer_by_layer() == serial
    assert found.steps == pixel
    assert Schedule(graph, Settings(extra=extra, sets="row")).steps == row
    striped = Schedule(graph, Settings(extra=extra, sets="pixel", split="stripes"))
    assert round(serial / striped.steps, 2) == stripes


@pytest.mark.parametrize("network", ["tinyyolov4", "resnet50", "mobilenetv2"])
def test_images_of_large_networks_follow_at_the_pace_of_the_slowest_layer(network):
    graph = load_graph(network, "96x96")
    found = [Schedule(graph, Settings(extra=9, sets="pixel", images=images)) for images in (3, 4)]
    assert found[1].steps - found[0].steps == found[0].bound[0]


@pytest.mark.parametrize("network", ["tinyyolov4", "resnet50"])
def test_no_limit_is_the_limit_of_wide_links_and_many_rows(network):
    graph = load_graph(network, "64x64")
    plain = Schedule(graph, Settings(extra=8, sets="pixel")).steps
    links = [
        Schedule(graph, Settings(extra=8, sets="pixel", link=link)).steps for link in (1e7, 1e8, 1e9, 1e15)
    ]
    assert sorted(links, reverse=True) == links
    assert links[-1] == pytest.approx(plain, rel=1e-6)
    rows = [Schedule(graph, Settings(extra=8, sets="pixel", buffer_rows=n)).steps for n in (8, 16, 64)]
    assert sorted(rows, reverse=True) == rows
    assert rows[-1] == plain


@pytest.mark.parametrize("network", ["tinyyolov4", "resnet50", "mobilenetv2"])
def test_finer_nested_sets_never_take_longer_without_copies(network):
    graph = load_graph(network, "64x96")
    steps = [Schedule(graph, Settings(sets=sets)).steps for sets in ("pixel", "row", "2xW", "4xW", "map")]
    assert sorted(steps) == steps


def test_the_bound_never_rises_with_spare_crossbars_and_speed_follows_utilisation():
    graph = load_graph("tinyyolov4", "64x64")
    found = [Schedule(graph, Settings(extra=extra, sets="pixel")) for extra in range(0, 40, 3)]
    bounds = [one.bound[0] for one in found]
    assert sorted(bounds, reverse=True) == bounds
    for one in found:
        facts = schedule_facts(one)
        serial, crossed = facts["layer_by_layer"], facts["cross_layer"]
        ratio = (
            crossed["utilisation"] / serial["utilisation"] * facts["pe"]["present"] / facts["pe"]["minimum"]
        )
        assert facts["speedup"]["over_layer_by_layer"] == pytest.approx(ratio, rel=1e-12)
