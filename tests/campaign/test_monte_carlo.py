"""Monte Carlo samples are functions of seed, sample and device alone, and what a loaded circuit gives for
them is what a fresh netlist gives.
"""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
from campaign_fakes import ENVIRONMENT, FakePool

from cimspice.bench import bench
from cimspice.campaign import Store, parse_specification, run_bench, run_campaign
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.work import Chunk, run_chunk
from cimspice.errors import ParameterError
from cimspice.pdk import draw_mismatch, draw_process, slice_models, threshold_sigmas, with_mismatch
from cimspice.spice import InProcess, Session

pytestmark = pytest.mark.spice

CONDITIONS = {"corners": ["tt", "ss"], "temperatures": [27, 85]}
BOTH = {"samples": 3, "seed": 5, "process": True}


def plan(monte_carlo, name="transistor", environment=None, **sweep):
    parameters = {"drain_step": 0.6} if name == "transistor" else {}
    raw = {"campaign": {"bench": name}, "parameters": parameters, "sweep": sweep}
    raw |= {"monte_carlo": monte_carlo} if monte_carlo else {}
    return Plan(parse_specification(raw), environment or Environment.detect())


def digests(monte_carlo, **sweep):
    return [point.digest for point in plan(monte_carlo, gate_voltage=[0.6, 1.2], **sweep)]


def test_samples_are_the_fastest_axis_and_points_of_their_own():
    points = list(plan({"samples": 3}, gate_voltage=[0.6, 1.2], corners=["tt", "ss"]))
    assert [point.sample for point in points] == [0, 1, 2] * 4
    assert len({point.digest for point in points}) == 12
    assert len({id(point.circuit) for point in points}) == 1


def test_more_samples_keep_those_there_are_and_all_else_makes_new_ones():
    before = digests({"samples": 2})
    assert set(before) < set(digests({"samples": 5}))
    others = [
        {"samples": 2, "seed": 2},
        {"samples": 2, "process": True},
        {"samples": 2, "process": True, "mismatch": False},
        {"samples": 2, "constants": "library"},
    ]
    for other in others:
        assert not set(before) & set(digests(other))
    assert not set(before) & set(digests(None))
    assert not set(digests(others[1])) & set(digests(others[2]))


@pytest.mark.parametrize("settings", [BOTH, {"samples": 3, "seed": 5}, {**BOTH, "mismatch": False}])
def test_a_sample_gives_the_same_bits_whatever_was_run_before_it(settings):
    points = list(plan(settings, gate_voltage=[0.6, 1.2], **CONDITIONS))
    circuit = points[0].circuit
    assert circuit is not None
    shuffled = random.Random(0).sample(points, len(points))
    with Session() as session:
        together = run_chunk(session, Chunk(circuit, tuple(points)))
        mixed = dict(
            zip((p.index for p in shuffled), run_chunk(session, Chunk(circuit, tuple(shuffled))), strict=True)
        )
        alone = [run_chunk(session, Chunk(circuit, (point,)))[0] for point in points[::5]]
    for point, outcome in zip(points, together, strict=True):
        assert outcome.rows is not None, outcome.error
        assert outcome.rows == mixed[point.index].rows
    assert [outcome.rows for outcome in alone] == [outcome.rows for outcome in together[::5]]


@pytest.mark.parametrize("settings", [BOTH, {"samples": 3, "seed": 5, "constants": "library"}])
@pytest.mark.parametrize("corner", ["tt", "ff"])
def test_a_sample_equals_a_netlist_with_its_shifts_written_in(settings, corner):
    points = list(plan(settings, gate_voltage=[0.7], corners=[corner]))
    circuit = points[0].circuit
    assert circuit is not None
    asked = bench("transistor")
    constants = settings.get("constants", "matching")
    currents = []
    with Session() as session:
        outcomes = run_chunk(session, Chunk(circuit, tuple(points)))
        for point, outcome in zip(points, outcomes, strict=True):
            assert outcome.rows is not None, outcome.error
            parameters = asked.Parameters(drain_step=0.6, gate_voltage=0.7)
            netlist = asked.netlist(parameters)
            sigmas = threshold_sigmas(netlist.text, constants=constants)
            text = with_mismatch(netlist.text, draw_mismatch(sigmas, 5, point.sample or 0))
            session.load(type(netlist)(text, "written in", {}), corner=corner)
            if "process" in settings:
                drawn = draw_process(slice_models(netlist.text), 5, point.sample or 0, corner=corner)
                session.alter_parameters(drawn)
            expected = asked.measure(parameters, session.run(asked.analysis(parameters)))
            np.testing.assert_allclose(
                outcome.rows["drain_current"], expected.drain_current, rtol=1e-7, atol=1e-15
            )
            currents.append(outcome.rows["drain_current"][-1])
    assert np.ptp(currents) > 0.01 * np.mean(currents)


def test_shifts_that_are_given_are_those_of_a_netlist_with_them_written_in(tmp_path):
    asked = bench("transistor")
    given = {"drain_step": 0.6, "gate_voltage": 0.7}
    text = asked.netlist(asked.Parameters.parse(given, place="test")).text
    (path,) = threshold_sigmas(text)
    shifts = [{}, {path: 0.02}, {path.upper(): -0.01}]
    runs = [given, {**given, "gate_voltage": 0.9}]
    table = run_bench(
        "transistor",
        runs,
        monte_carlo={"samples": 3, "shifts": shifts},
        engine=InProcess(),
        store=tmp_path / "points.sqlite",
    )
    assert list(table.columns[:2]) == ["run", "sample"]
    assert len(table.drop_duplicates(["run", "sample"])) == 6
    for run, sample in product(range(2), range(3)):
        rows = table[(table["run"] == run) & (table["sample"] == sample)]
        parameters = asked.Parameters.parse(runs[run], place="test")
        netlist = asked.netlist(parameters)
        written = with_mismatch(netlist.text, {path.lower(): v for path, v in shifts[sample].items()})
        with Session() as session:
            session.load(type(netlist)(written, "written in", {}), corner="tt")
            expected = asked.measure(parameters, session.run(asked.analysis(parameters)))
        np.testing.assert_allclose(rows["drain_current"], expected.drain_current, rtol=1e-7, atol=1e-15)
    with pytest.raises(ParameterError, match="no transistor 'xnone'"):
        run_bench("transistor", given, monte_carlo={"samples": 1, "shifts": [{"xnone": 0.1}]})


def test_a_campaign_of_a_memory_cell_has_a_row_per_sample_and_a_yield(tmp_path):
    specification = parse_specification(
        {
            "campaign": {"bench": "sram_noise_margin"},
            "parameters": {"points": 60},
            "monte_carlo": {"samples": 6, "process": True},
            "limit": [{"column": "noise_margin", "minimum": 150, "unit": "mV"}],
        }
    )
    result = run_campaign(specification, workers=1, store=tmp_path / "points.sqlite")
    assert list(result.table["sample"]) == list(range(6))
    assert result.table.noise_margin.nunique() == 6
    assert result.overall is not None
    share = result.overall.everywhere
    assert (share.passed, share.count) == (6, 6)
    assert 0.55 < share.interval[0] < 0.65  # six of six: Wilson's bound is 0.610
    again = run_campaign(specification, store=tmp_path / "points.sqlite")
    assert again.cached == 6


def test_a_circuit_in_which_nothing_varies_is_refused_once_before_any_point_runs(tmp_path):
    raw = {"campaign": {"bench": "test_divider"}, "monte_carlo": {"samples": 2}}
    with Store(tmp_path / "points.sqlite") as store:
        engine = FakePool()
        with pytest.raises(ParameterError, match="has no transistor of the PDK") as caught:
            run_campaign(parse_specification(raw), store=store, engine=engine, environment=ENVIRONMENT)
        assert "leave [monte_carlo] out" in caught.value.remedy
        assert not engine.ran


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"samples": 0},
        {"samples": "10"},
        {"samples": 2, "seed": -1},
        {"samples": 2, "mismatch": False},
        {"samples": 2, "constants": "mine"},
        {"samples": 2, "number": 3},
        {"samples": 2, "shifts": [{"xtransistor": 0.01}]},
    ],
)
def test_wrong_settings_are_reported_by_name(wrong):
    with pytest.raises(ParameterError, match="monte_carlo"):
        parse_specification({"campaign": {"bench": "transistor"}, "monte_carlo": wrong})
