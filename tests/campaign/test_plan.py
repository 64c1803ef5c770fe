from __future__ import annotations

import dataclasses
import tracemalloc
from itertools import islice

import pytest
from campaign_fakes import ENVIRONMENT, Divider

from cimspice.campaign import parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.provenance import code_digest
from cimspice.errors import CimspiceError, ParameterError


def plan(parameters=None, environment=ENVIRONMENT, code="", **sweep):
    raw = {"campaign": {"bench": "test_divider"}, "parameters": parameters or {}, "sweep": sweep}
    return Plan(parse_specification(raw), environment, code)


def test_points_that_share_a_circuit_are_neighbours_and_alter_fastest():
    points = list(
        plan(supply=[1.0, 2.0], lower_resistance=[10.0, 20.0], corners=["tt", "ss"], temperatures=[0, 27])
    )
    assert [point.index for point in points] == list(range(16))
    order = [(p.given["lower_resistance"], p.corner, p.temperature, p.given["supply"]) for p in points]
    assert order == [
        (resistance, corner, temperature, supply)
        for resistance in (10.0, 20.0)
        for corner in ("tt", "ss")
        for temperature in (0.0, 27.0)
        for supply in (1.0, 2.0)
    ]
    assert len({id(point.circuit) for point in points}) == 2
    assert [point.altered for point in points[:2]] == [(("vin", 1.0),), (("vin", 2.0),)]


def test_digests_are_all_different_and_the_same_each_time():
    wide = plan(supply=[1.0, 2.0], lower_resistance=[10.0, 20.0], threshold=[0.1, 0.2], corners=["tt", "ss"])
    digests = [point.digest for point in wide]
    assert len(set(digests)) == len(wide) == 16
    assert digests == [point.digest for point in wide]


def test_a_point_has_one_digest_however_it_is_asked_for():
    swept = {
        (p.given["supply"], p.given["threshold"]): p.digest for p in plan(supply=[0.5, 1.0], threshold=[0.5])
    }
    assert [p.digest for p in plan({"supply": 0.5, "threshold": 0.5})] == [swept[0.5, 0.5]]
    assert [p.digest for p in plan()] == [swept[1.0, 0.5]]  # the bench's defaults
    assert [p.digest for p in plan({"supply": 1})] == [swept[1.0, 0.5]]  # 1 V is 1.0 V


@pytest.mark.parametrize(
    "changed",
    [
        {"parameters": {"supply": 1.1}},
        {"parameters": {"lower_resistance": 1000.1}},
        {"parameters": {"threshold": 0.6}},  # only the measurement knows it
        {"parameters": {"reltol": 1e-4}},  # only the solver knows it
        {"corners": ["ff"]},
        {"temperatures": [27.5]},
        {"environment": Environment("another ngspice")},
        {"code": "another measurement"},
    ],
)
def test_whatever_decides_the_result_changes_the_digest(changed):
    (before,) = plan()
    (after,) = plan(**changed)
    assert before.digest != after.digest


def test_device_models_change_the_digest():
    class OtherModels(Environment):
        def models_digest(self, netlist_text):
            return "other models"

    (before,), (after,) = plan(), plan(environment=OtherModels(ENVIRONMENT.ngspice))
    assert before.digest != after.digest


def test_combination_that_the_bench_refuses_is_a_point_with_its_error():
    points = list(plan(supply=[1.0, 6.0], threshold=[0.5, 6.0]))
    refused = [point for point in points if point.error is not None]
    assert [point.given for point in refused] == [{"supply": 6.0, "threshold": 6.0}]
    assert isinstance(refused[0].error, ParameterError)
    assert "cannot both be above 5 V" in str(refused[0].error)


def test_a_large_plan_is_made_point_by_point():
    large = plan(
        supply={"start": 0.0, "stop": 10.0, "num": 1000},
        threshold={"start": 0.0, "stop": 4.0, "num": 1000},
        temperatures={"start": 0, "stop": 99, "step": 1},
    )
    assert len(large) == 10**8
    tracemalloc.start()
    try:
        assert sum(1 for _ in islice(large, 2000)) == 2000
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


def write_module(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)


def test_code_digest_follows_what_the_bench_imports_from_its_folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    write_module(tmp_path, "digest_limits", "LIMIT = 1.0\n")
    write_module(tmp_path, "digest_unused", "OTHER = 1.0\n")
    write_module(
        tmp_path,
        "digest_bench",
        "from campaign_fakes import Divider\n"
        "from digest_limits import LIMIT\n"
        "class Mine(Divider):\n    name = 'mine'\n",
    )
    from digest_bench import Mine

    before = code_digest(Mine)
    assert before != code_digest(Divider)
    write_module(tmp_path, "digest_unused", "OTHER = 2.0\n")
    assert code_digest(Mine) == before
    write_module(tmp_path, "digest_limits", "LIMIT = 2.0\n")
    assert code_digest(Mine) != before


def test_bench_without_a_source_is_refused():
    nowhere = type("Nowhere", (Divider,), {"__module__": "typed_at_a_prompt"})
    with pytest.raises(CimspiceError, match="cannot be read"):
        code_digest(nowhere)


def test_points_are_frozen():
    (point,) = plan()
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.digest = "x"  # pyright: ignore[reportAttributeAccessIssue] -- that is the test


@pytest.mark.parametrize("temperature", [-56.0, 151.0])
def test_temperatures_that_the_device_models_are_not_for_are_refused_before_a_point_is_run(temperature):
    raw = {"campaign": {"bench": "neuron_discharger"}, "sweep": {"temperatures": [27.0, temperature]}}
    with pytest.raises(ParameterError, match=rf"temperature {temperature:g} °C .*\n.*\n.*-55 to 150"):
        next(iter(Plan(parse_specification(raw), Environment.detect())))
    without_devices = plan(temperatures=[27.0, temperature])
    assert [point.error for point in without_devices] == [None, None]
