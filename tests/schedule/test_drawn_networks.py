"""Drawn networks of all kinds of layers: event-driven reference, replay, bounds; buffers by longest paths."""

from __future__ import annotations

import graphlib
import re

import pytest
from event_reference import pixels_read, run_events, sets_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cimspice.errors import ParameterError
from cimspice.schedule import Builder, Graph, Schedule, Settings, check_reads, load_graph
from cimspice.schedule.buffers import is_stored
from cimspice.schedule.engine import Sets
from cimspice.schedule.latency import latency_bound

KINDS = ("conv", "conv", "pool", "add", "concat", "upsample", "slice", "gather", "whole")
SMALL = st.integers(1, 3)
PAIR = st.tuples(SMALL, SMALL)


def size_of(node) -> tuple[int, int]:
    return node.height, node.width


@st.composite
def graphs(draw) -> Graph:
    builder = Builder("drawn", 2, draw(st.integers(3, 9)), draw(st.integers(3, 9)))
    names = ["input"]
    for number in range(draw(st.integers(1, 7))):
        source = draw(st.sampled_from(names))
        kind = draw(st.sampled_from(KINDS))
        read = builder.nodes[source]
        same = [one for one in names if size_of(builder.nodes[one]) == size_of(read)]
        try:
            if kind in ("conv", "pool"):
                window = draw(PAIR), draw(PAIR), draw(st.tuples(*[st.integers(0, 2)] * 4))
                if kind == "conv":
                    builder.conv(2, *window, source, f"l{number}", dilation=draw(PAIR))
                else:
                    builder.pool(*window, source, f"l{number}", dilation=draw(PAIR))
            elif kind in ("add", "concat"):
                other = draw(st.sampled_from(same))
                builder.join(kind, (source, other), f"l{number}")
            elif kind == "upsample" and read.pixels < 60:
                builder.upsample(2, source, f"l{number}")
            elif kind == "slice":
                builder.slice(1, source, f"l{number}")
            elif kind == "gather":
                places = []
                for length in size_of(read):
                    count, reads = draw(st.integers(1, 6)), draw(st.integers(1, 2))
                    found = draw(arrays(int, (reads, count), elements=st.integers(-1, length - 1)))
                    places.append(found if reads > 1 else found[0])
                builder.gather(f"l{number}", source, *places)
            elif kind == "whole":
                builder.whole(draw(st.sampled_from(("dense", "global_pool"))), 2, source, f"l{number}")
        except ParameterError:  # does not fit
            continue
        names = list(builder.nodes)
    builder.conv(2, 1, source=names[-1], name="last")
    return builder.graph()


@settings(max_examples=80)
@given(
    graphs(), st.integers(0, 12), st.sampled_from(("pixel", "row", "2xW", "2x3", "map")),
    st.sampled_from(("cyclic", "shared", "stripes")), st.sampled_from(("include", "exclude")),
)  # fmt: skip
def test_drawn_networks_run_as_in_the_reference_and_are_proved(graph, extra, sets, split, dense):
    from cimspice.schedule import Elements

    plan = Schedule(graph, Settings(Elements(dense=dense), extra=extra, sets=sets, split=split))
    size = Sets.of(sets)
    copies = {node.name: count for node, count in zip(plan.layers, plan.copies, strict=True)}
    right = run_events(graph, copies, size.rows, size.columns, split)
    for name, ends in right.items():
        found = plan.times[0][name].end
        assert {place: found[place] for place in ends} == ends, name
    replay, early = check_reads(graph, plan.servers(), plan.times[0])
    assert (replay.max_difference, replay.missing_reads) == (0.0, 0)
    assert min(early.values()) > 0
    bound, _ = latency_bound(graph, plan.servers())
    assert plan.bound[0] <= bound <= plan.steps
    assert plan.buffers[0].peak <= sum(node.channels * node.pixels for node in graph.nodes if is_stored(node))


def by_longest_paths(plan: Schedule, rows: dict[str, int]) -> int | None:
    """Steps on limited buffers, as the longest path through a graph of starts and ends of all sets with an
    edge for everything that waits; None where it has a cycle. Copies take sets in turn."""
    graph, copies = plan.graph, dict(zip((node.name for node in plan.layers), plan.copies, strict=True))
    size = Sets.of(plan.settings.sets)
    units, place = {}, {}
    for node in graph.nodes:
        parts = sets_of(node, size.rows, size.columns) if node.name in copies else sets_of(node, 1, 1)
        for number, pixels in enumerate(parts):
            units[node.name, number] = pixels
            place.update({(node.name, *pixel): (node.name, number) for pixel in pixels})
    nodes = graph.by_name
    reads = {
        unit: {
            one for pixel in pixels for one in pixels_read(graph, nodes[unit[0]], *pixel) if one[0] != "input"
        }
        for unit, pixels in units.items()
    }

    def stored_reads(unit):
        """Stored pixels that a set reads, whatever stands between."""
        found = set()
        for one in reads[unit]:
            found |= {one} if is_stored(nodes[one[0]]) else stored_reads(place[one])
        return found

    used = {name for node in graph.nodes for name in node.inputs}
    readers: dict[tuple[str, int], set] = {}
    for unit in units:
        if is_stored(nodes[unit[0]]) or unit[0] not in used:
            for name, y, _ in stored_reads(unit):
                readers.setdefault((name, y), set()).add(unit)
    before = {
        (unit, end): {((unit, "start"), len(pixels) * (unit[0] in copies))} if end == "end" else set()
        for unit, pixels in units.items()
        for end in ("start", "end")
    }
    for unit, pixels in units.items():
        start = before[unit, "start"]
        start |= {((place[one], "end"), 0) for one in reads[unit]}
        if unit[0] in copies and unit[1] >= copies[unit[0]]:
            start.add((((unit[0], unit[1] - copies[unit[0]]), "end"), 0))
        for y in {y for y, _ in pixels} if unit[0] in rows else ():
            start |= {((reader, "end"), 0) for reader in readers.get((unit[0], y - rows[unit[0]]), ())}
    try:
        edges = {key: {one for one, _ in value} for key, value in before.items()}
        order = list(graphlib.TopologicalSorter(edges).static_order())
    except graphlib.CycleError:
        return None
    times: dict = {}
    for key in order:
        times[key] = max((times[one] + length for one, length in before[key]), default=0)
    return max(times.values())


@pytest.mark.parametrize(
    ("name", "sets", "extra"), [("tinyyolov4", "pixel", 7), ("resnet50", "pixel", 0), ("resnet50", "row", 4)]
)
def test_schedules_on_few_rows_are_longest_paths_and_cycles_are_refused(name, sets, extra):
    graph = load_graph(name, "32x40")
    stored = [node.name for node in graph.nodes if is_stored(node)]
    seen = set()
    for count in (2, 3, 4, 9):
        rows = dict.fromkeys(stored, count)
        plan = Schedule(graph, Settings(extra=extra, sets=sets, buffer_rows=rows))
        right = by_longest_paths(plan, rows)
        seen.add(right)
        if right is None:
            with pytest.raises(ParameterError, match="wait for one another") as caught:
                _ = plan.steps
            needed = re.findall(r"(\d+) rows of '([^']+)'", caught.value.remedy)
            enough = {**rows, **{name: int(number) for number, name in needed}}
            assert by_longest_paths(plan, enough) is not None
        else:
            assert plan.steps == right
    assert None in seen
    assert len(seen) > 1


@settings(max_examples=40)
@given(graphs(), st.integers(0, 6), st.sampled_from(("pixel", "row", "2x3")), st.data())
def test_drawn_networks_on_drawn_buffers(graph, extra, sets, data):
    stored = [node.name for node in graph.nodes if is_stored(node)]
    rows = {name: data.draw(st.integers(1, 6)) for name in stored}
    plan = Schedule(graph, Settings(extra=extra, sets=sets, buffer_rows=rows))
    right = by_longest_paths(plan, rows)
    if right is None:
        with pytest.raises(ParameterError, match="wait for one another"):
            _ = plan.steps
    else:
        assert plan.steps == right
