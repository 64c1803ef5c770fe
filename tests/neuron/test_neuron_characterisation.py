"""Characterisation of the neuron: no point is simulated twice, none is lost, conditions reach every table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cimspice.bench import bench
from cimspice.campaign.work import Outcome
from cimspice.errors import NonConvergence, SimulationError
from cimspice.neuron.characterisation import tables as characterisation
from cimspice.neuron.characterisation.tables import characterise_neuron
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.model.build import COLUMNS, neuron_model
from cimspice.pdk import Conditions
from cimspice.progress import Progress, silent
from cimspice.spice import Pool, Session

pytestmark = pytest.mark.spice

CIRCUIT = NeuronCircuit()
FANS, LOADS = [(2, 0)], [2]  # an output layer of two neurons with two inputs
BIASES = {"n": np.array([0.15, 0.4, 0.5, 0.6]), "p": np.array([1.65, 1.25, 1.1, 0.95])}
STARTS = (0.2, 0.42, 0.45, 0.6, 1.0, 1.3)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, at a moment that a test chooses."""


class Counting:
    """Hands work to a pool that stays open, notes every point, and can be interrupted before one."""

    size = 1

    def __init__(self, pool: Pool, stop_at: int | None) -> None:
        self.ran: list[str] = []
        self._pool, self._stop_at = pool, stop_at

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def map(self, function, items, **options):
        def noted():
            for chunk in items:
                for point in chunk.points:
                    if len(self.ran) == self._stop_at:
                        raise Interrupted
                    self.ran.append(point.digest)
                yield chunk

        return self._pool.map(function, noted(), **options)


@pytest.fixture(scope="module")
def characterise():
    """A small characterisation, and the points that were simulated for it."""
    with Pool(1) as pool:

        def small(store, stop_at=None, progress=silent, **conditions) -> tuple[dict, list[str]]:
            counting = Counting(pool, stop_at)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(characterisation, "GATE_BIAS", BIASES)
                patch.setattr(characterisation, "STARTS", STARTS)
                patch.setattr(characterisation, "Pool", lambda workers: counting)
                try:
                    tables = characterise_neuron(
                        CIRCUIT, FANS, loads=LOADS, store=store, progress=progress, **conditions
                    )
                except Interrupted:
                    tables = {}
            return tables, counting.ran

        yield small


def stop_before(step: str):
    def progress(state: Progress) -> None:
        if state.stage.startswith(step):
            raise Interrupted

    return progress


def model(tables):
    return neuron_model(tables, phase=CIRCUIT.phase, rest_voltage=CIRCUIT.rest_voltage)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, characterise):
    """Store, tables and points of an uninterrupted run."""
    store = tmp_path_factory.mktemp("whole") / "points.sqlite"
    return store, *characterise(store)


def assert_equal(tables, others):
    assert tables.keys() == others.keys()
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, others[name], check_exact=True, obj=name)


def test_from_an_empty_store_it_gives_every_table_that_the_model_reads(whole):
    _, tables, ran = whole
    assert tables.keys() == COLUMNS.keys()
    assert len(ran) == len(set(ran)) > 50
    for name, columns in COLUMNS.items():
        assert set(columns) <= set(tables[name].columns)
        assert np.isfinite(tables[name].select_dtypes("number").to_numpy()).all(), name
    built = model(tables)
    assert set(built.readouts) == {(2, 0)}
    assert set(built.edges) == set(built.driver_delay) == {2}
    assert 0.35 < built.switch_voltage < 0.5
    assert 100e-15 < built.mean_capacitance(2) < 180e-15


def test_biases_that_conduct_too_little_or_too_much_are_left_out(whole):
    current = whole[1]["current"]
    assert sorted(current["program"].unique()) == [0.4, 0.5, 0.6, 0.95, 1.1, 1.25]
    at_rest = current[np.isclose(current["membrane_voltage"], CIRCUIT.rest_voltage)]["current"]
    assert len(at_rest) == 6
    assert at_rest.between(1e-10, 4e-6).all()


def test_ramp_bias_lets_a_membrane_that_stayed_at_rest_fire_at_the_end_of_the_phase(whole):
    tables = whole[1]
    row = tables["readout"].iloc[0]
    start = CIRCUIT.rest_voltage + float(tables["reset"]["reset_step"].iloc[0])
    measured = directly("neuron_readout", "tt", 27.0, start_voltage=start, ramp_bias=row["ramp_bias"],
                        fan_in=2, fan_out=0)  # fmt: skip
    assert measured["spike_time"].iloc[0] == pytest.approx(CIRCUIT.phase, rel=5e-5)


def test_a_second_run_finds_everything_in_the_store(whole, characterise):
    store, tables, _ = whole
    again, ran = characterise(store)
    assert ran == []
    assert_equal(again, tables)


def test_an_interrupted_run_goes_on_where_it_stopped_and_ends_with_the_same_tables(
    whole, tmp_path, characterise
):
    _, tables, points = whole
    store = tmp_path / "points.sqlite"
    started: list[Progress] = []
    between, first = characterise(store, progress=stop_before("charge of the edges"))
    inside, second = characterise(store, stop_at=len(points) - len(first) - 6)
    assert between == inside == {}
    assert first
    assert second
    finished, third = characterise(store, progress=started.append)
    assert_equal(finished, tables)
    assert not set(first) & {*second, *third}
    # the point on its way when a step is interrupted may be run again, no other one
    assert len(set(second) & set(third)) <= 4
    assert {*first, *second, *third} == set(points)
    assert len(third) < len(points) / 3
    assert started[0].stage == "synapse currents"


def directly(name, corner, temperature, **parameters):
    """One point of a bench in a fresh session, without campaign or store."""
    asked = bench(name)
    given = asked.Parameters(circuit=CIRCUIT, **parameters)
    with Session() as session:
        session.load(asked.netlist(given), corner=corner, temperature=temperature,
                     options=asked.options(given), flat=asked.flat)  # fmt: skip
        return asked.measure(given, session.run(asked.analysis(given)))


def test_corner_and_temperature_reach_every_table(whole, tmp_path, characterise):
    nominal = whole[1]
    tables, ran = characterise(tmp_path / "points.sqlite", conditions=Conditions("ss", 85.0))
    assert not set(ran) & set(whole[2]), "a point of another condition counts as the same point"
    for name, table in tables.items():
        assert set(table["corner"]) == {"ss"}, name
        assert set(table["temperature"]) == {85.0}, name
    row = tables["readout"].iloc[3]
    given = {key: row[key] for key in ("start_voltage", "ramp_bias", "length")}
    there = directly("neuron_readout", "ss", 85.0, fan_in=2, fan_out=0, **given)
    np.testing.assert_allclose(row["spike_time"], there["spike_time"], rtol=1e-9)
    current = tables["current"]
    mine = current[(current["polarity"] == "n") & (current["program"] == 0.5)]
    np.testing.assert_allclose(
        mine["current"],
        directly("neuron_synapse", "ss", 85.0, gate_bias=0.5)["current"],
        rtol=1e-6,
        atol=1e-18,
    )
    slow, typical = model(tables), model(nominal)
    assert abs(slow.switch_voltage - typical.switch_voltage) > 1e-3
    assert slow.readouts[2, 0].ramp_bias != typical.readouts[2, 0].ramp_bias
    assert slow.driver_delay[2] > 1.1 * typical.driver_delay[2]


class FailingPool(Pool):
    """Every point fails to converge."""

    def map(self, function, items, **options):
        for chunk in items:
            yield [Outcome(None, NonConvergence("timestep too small"), 0.0, 0.0) for _ in chunk.points]


def test_a_point_that_fails_ends_it_with_the_point_the_condition_and_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(characterisation, "Pool", FailingPool)
    with pytest.raises(SimulationError) as caught:
        characterise_neuron(
            CIRCUIT, FANS, loads=LOADS, conditions=Conditions("fs", -10.0), store=tmp_path / "p.sqlite"
        )
    message = str(caught.value)
    for part in (
        "of neuron_synapse failed",
        "NonConvergence",
        "timestep too small",
        "gate_bias",
        "fs, -10 °C",
    ):
        assert part in message
