"""Networks on fewer crossbars than they need: cuts of least time, and what each run takes."""

from __future__ import annotations

import itertools
import json

import pytest
from worked_example import toml_file

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.fit.card import ModelCard
from cimspice.rram.model.write_cost import WriteCost
from cimspice.schedule import Elements, Schedule, Settings, load_graph
from cimspice.schedule.engine import Sets
from cimspice.schedule.runs import Write, cut

WRITE = Write(1e-6, 250e-12)
TIME = 1.4e-6


def runs_of(graph, elements, pes, images=1, write=WRITE):
    return cut(
        graph, elements, pes, images=images, sets=Sets.of("row"), split="cyclic", mvm_time=TIME, write=write
    )


def total(runs) -> float:
    return sum(one.program_seconds + one.steps * TIME for one in runs)


@pytest.mark.parametrize(("pes", "images"), [(2, 1), (3, 4), (5, 1), (7, 9)])
@pytest.mark.parametrize("write", [WRITE, Write(1e-9, 1e-12)])
def test_dynamic_programming_finds_the_best_of_all_cuts(pes, images, write):
    graph = load_graph("tinyyolov4", "32x32")
    elements = Elements(2048, 2048)  # one to three crossbars a layer
    small = cut_short(graph, 10)
    found = runs_of(small, elements, pes, images, write)
    costs = [elements.count(small, node) for node in small.base]
    names = [node.name for node in small.base]
    cells = [small.matrix(node)[0] * small.matrix(node)[1] for node in small.base]
    whole = {}
    for first, last in itertools.combinations(range(len(names) + 1), 2):
        if sum(costs[first:last]) <= pes:
            time = (
                0.0 if sum(costs) <= pes else write.time * max(min(c, 2048 * 2048) for c in cells[first:last])
            )
            whole[first, last] = time + TIME * steps_of(small, first, last, images)
    best = min(
        sum(whole[pair] for pair in itertools.pairwise((0, *places, len(names))))
        for count in range(len(names))
        for places in itertools.combinations(range(1, len(names)), count)
        if all(pair in whole for pair in itertools.pairwise((0, *places, len(names))))
        and (sum(costs) > pes or not places)
    )
    assert total(found) == pytest.approx(best, rel=1e-12)
    assert [name for one in found for name in one.layers] == names
    assert all(one.pes <= pes for one in found)


def cut_short(graph, count):
    """The graph up to its layer with this number."""
    last = list(graph.nodes).index(graph.base[count - 1])
    return type(graph)(graph.name, graph.channels, graph.height, graph.width, graph.nodes[: last + 1])


def steps_of(graph, first, last, images) -> float:
    """Of layers first to last, by a schedule in which all others take no time."""
    from cimspice.schedule.engine import Servers, makespan, run

    used = graph.base[first:last]
    servers = {node.name: Servers(node, 1, Sets.of("row"), "cyclic") for node in used}
    return makespan(run(graph, servers, images))


def test_a_chip_that_is_large_enough_holds_all_and_is_never_written_again():
    graph = load_graph("digits-cnn")
    (one,) = runs_of(graph, Elements(), 2, images=5)
    assert one.program_seconds == 0.0
    assert one.steps == Schedule(graph, Settings(images=5)).steps


def test_a_layer_larger_than_the_chip_is_refused():
    with pytest.raises(ParameterError, match="35 crossbars, of which layer 'conv15' alone needs 36"):
        runs_of(load_graph("tinyyolov4"), Elements(), 35)


def test_the_worked_example_on_one_crossbar_of_three(capsys, tmp_path):
    path = str(toml_file(tmp_path))
    assert run(["schedule", path, "--pes", "2", "--json"]) == 2
    assert "--reprogram" in json.loads(capsys.readouterr().out)["error"]["remedy"]
    assert run(["schedule", path, "--pes", "1", "--reprogram", "--images", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["layers"] for one in found["runs"]] == [["a"], ["b"], ["c"]]
    assert [one["steps"] for one in found["runs"]] == [360, 90, 360]
    assert [one["cells"] for one in found["runs"]] == [9 * 4, 36 * 4, 8 * 2]
    seconds = 1e-6 * (36 + 144 + 16)
    assert found["program"]["seconds"] == pytest.approx(seconds, rel=1e-12)
    assert found["program"]["joule"] == pytest.approx(250e-12 * (36 + 144 + 16), rel=1e-12)
    work = 810 * found["mvm_time_second"]
    assert found["total_second"] == pytest.approx(seconds + work, rel=1e-12)
    assert found["image_second"] == pytest.approx((seconds + work) / 10, rel=1e-12)


def test_programming_takes_time_and_energy_of_the_write_cost_card(capsys, tmp_path):
    """A cell takes the mean of SET and RESET: 4 us, 3 nJ; of two layers that fit together the largest tile is
    written while the other is."""
    cost = WriteCost(set_time=2e-6, reset_time=6e-6, set_energy=2e-9, reset_energy=4e-9)
    card = ModelCard.from_model(cost).save(tmp_path / "card.json")
    words = [str(toml_file(tmp_path)), "--pes", "2", "--reprogram", "--write-cost", str(card), "--json"]
    assert run(["schedule", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["layers"] for one in found["runs"]] in ([["a"], ["b", "c"]], [["a", "b"], ["c"]])
    cells = {"a": 9 * 4, "b": 36 * 4, "c": 8 * 2}
    largest = [max(cells[name] for name in one["layers"]) for one in found["runs"]]
    assert found["program"]["cells"] == sum(cells.values())
    assert found["program"]["seconds"] == pytest.approx(4e-6 * sum(largest), rel=1e-12)
    assert found["program"]["joule"] == pytest.approx(3e-9 * sum(cells.values()), rel=1e-12)
