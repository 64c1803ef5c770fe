"""Reads in time: settled values, amplifiers that are switched off between reads, and the reduced model."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.crossbar.circuit.lumped import lumped
from cimspice.errors import ParameterError
from cimspice.spice import Op, simulate


def given(name, rows=8, columns=4, **more) -> Any:
    rng = np.random.default_rng(1)
    states = rng.uniform(0.3, 0.9, (rows, columns)).round(3)
    voltages = 0.2 * (rng.random(rows) < 0.5)
    settings = {"sensing": "amplifier", "feedback_resistance": 80e3 / rows, "stop": 100e-9, **more}
    return bench(name).Parameters(states=states, voltages=voltages, **settings)


def measured(name, parameters):
    made = bench(name)
    waveforms = simulate(
        made.netlist(parameters), made.analysis(parameters), options=made.options(parameters), flat=made.flat
    )
    return made.measure(parameters, waveforms)


def settled(parameters):
    """Column currents of the operating point with the inputs after their step (A)."""
    made = bench("crossbar_settling")
    netlist = made.netlist(parameters)
    text = re.sub(r"pwl\(.* (\S+)\)", r"\1", netlist.text)
    assert "pwl" not in text
    save = [f"{node}{j}" for j in range(parameters.columns) for node in ("out", "result")]
    point = simulate(
        replace(netlist, text=text), Op(save=tuple(save)), options=made.options(parameters), flat=True
    )
    across = [point[f"out{j}"].item() - point[f"result{j}"].item() for j in range(parameters.columns)]
    return np.array(across) / parameters.feedback_resistance


@pytest.mark.spice
def test_currents_that_count_as_settled_are_those_of_the_operating_point():
    parameters = given("crossbar_settling")
    table = measured("crossbar_settling", parameters)
    np.testing.assert_allclose(table["column_current"], settled(parameters), rtol=1e-3)
    assert (table["settling_time"].between(1e-9, 50e-9)).all()


@pytest.mark.spice
def test_amplifiers_that_are_off_between_reads_read_the_same_later_and_idle_at_a_ten_thousandth():
    on = measured("crossbar_settling", given("crossbar_settling"))
    gated = given("crossbar_gated_read", hold=100e-9, stop=110e-9)
    found = measured("crossbar_gated_read", gated)
    np.testing.assert_allclose(found["column_current"], on["column_current"], rtol=5e-3)
    costs = found["settling_time"] - on["settling_time"]
    assert costs.between(5e-9, 40e-9).all()
    assert found["idle_power"].iloc[0] < 1e-4 * on["idle_power"].iloc[0]
    # a gate of 50 um in 0.15 um holds some tens of femtofarads, here of four columns, and goes up 1.8 V once
    assert 0.1e-12 < found["switch_energy"].iloc[0] / 4 < 1e-12
    late = given("crossbar_gated_read", hold=150e-9, stop=160e-9, lead=60e-9)
    waited = measured("crossbar_gated_read", late)["settling_time"] - 60e-9
    np.testing.assert_allclose(waited, on["settling_time"], rtol=0.05)  # it is awake by then


@pytest.mark.spice
def test_fewer_lumped_places_settle_as_the_whole_array_with_its_energy_and_power():
    whole = given("crossbar_settling", 12, 12)
    full, reduced = (measured("crossbar_settling", one) for one in (whole, lumped(whole, 6, 3)))
    assert len(reduced) == 3
    for name, bound in (("energy", 0.05), ("static_power", 0.01), ("idle_power", 0.001)):
        assert reduced[name].iloc[0] == pytest.approx(full[name].iloc[0], rel=bound)
    assert reduced["settling_time"].max() == pytest.approx(full["settling_time"].max(), rel=0.05)
    ends = [reduced["column_current"].min(), reduced["column_current"].max()]
    np.testing.assert_allclose(ends, [full["column_current"].min(), full["column_current"].max()], rtol=0.03)


@pytest.mark.parametrize(
    ("places", "changes", "words"),
    [
        ((3, 4), {}, "3 x 4 places of 8 x 4 cells"),
        ((0, 4), {}, "0 x 4 places"),
        ((4, 2), {"model": "vteam"}, "memories of vteam in parallel"),
        ((4, 2), {"array": {"coupling": "lines"}}, "capacitance between lines"),
    ],
)
def test_arrays_that_cannot_be_lumped_are_refused(places, changes, words):
    with pytest.raises(ParameterError, match=words):
        lumped(given("crossbar_settling", **changes), *places)


@pytest.mark.parametrize(("hold", "lead"), [(100e-9, 100e-9), (120e-9, 0.0)])
def test_a_gated_read_without_time_to_read_is_refused(hold, lead):
    with pytest.raises(ParameterError, match="hold must be longer than lead and edge, and end before stop"):
        given("crossbar_gated_read", hold=hold, lead=lead, stop=110e-9)
