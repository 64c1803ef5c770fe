"""The subcircuits in ngspice against the published equations, integrated independently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rram_reference import CURRENTS, own, solve

from cimspice.bench import Bench, bench
from cimspice.errors import ParameterError
from cimspice.netlist import NetlistParameters, Template, render
from cimspice.spice import Dc, simulate

MODELS = ("skywater", "stanford_pku", "vteam", "yakopcic", "memdiode")
PULSES = [
    ("skywater", 0.0, 2.4, 1e-6, 2e4, -20.0),
    ("skywater", 0.0, 2.4, 1e-6, 2e4, 27.0),
    ("skywater", 0.0, 2.4, 1e-6, 2e4, 85.0),
    ("skywater", 1.0, -1.6, 1e-6, 1e3, -20.0),
    ("skywater", 1.0, -1.6, 1e-6, 1e3, 85.0),
    ("stanford_pku", 0.0, 2.0, 1e-6, 1e3, 27.0),
    ("stanford_pku", 0.0, 2.0, 1e-6, 1e3, 85.0),
    ("stanford_pku", 1.0, -1.3, 1e-4, 0.0, -20.0),
    ("stanford_pku", 1.0, -1.3, 1e-4, 0.0, 85.0),
    ("vteam", 0.0, 0.3, 1e-9, 100.0, 27.0),
    ("vteam", 1.0, -0.5, 1e-7, 0.0, 27.0),
    ("yakopcic", 0.1, 0.9, 5e-4, 10.0, 27.0),
    ("yakopcic", 0.9, -0.8, 1e-3, 0.0, 27.0),
    ("memdiode", 0.0, 1.2, 1.0, 0.0, 27.0),
    ("memdiode", 1.0, -1.0, 0.2, 100.0, 27.0),
]


def run(name: str, celsius: float = 27.0, **parameters) -> pd.DataFrame:
    """One point of a bench."""
    made: Bench = bench(name)
    given: NetlistParameters = made.Parameters(**parameters)
    waveforms = simulate(
        made.netlist(given),
        made.analysis(given),
        options=made.options(given),
        temperature=celsius,
        flat=made.flat,
    )
    return made.measure(given, waveforms)


@pytest.mark.spice
@pytest.mark.parametrize("model", MODELS)
def test_a_held_state_conducts_as_published(model):
    reach = {"vteam": 0.9, "yakopcic": 1.4, "memdiode": 1.4}.get(model, 1.8)
    for state in (0.05, 0.5, 1.0):
        table = run("rram_read_iv", model=model, state=state, start=-reach, stop=reach, step=reach / 10)
        expected = [CURRENTS[model](v, own(model, state)) for v in table["voltage"]]
        np.testing.assert_allclose(table["current"], expected, rtol=2e-6, atol=2e-12)


@pytest.mark.spice
@pytest.mark.parametrize(("model", "state", "voltage", "width", "series", "celsius"), PULSES)
def test_a_pulse_ends_where_lsoda_ends(model, state, voltage, width, series, celsius):
    """The waveform is the bench's own, reads included. 1e-4 of the state is 1.6e-4 nm of the filament."""
    row = run(
        "rram_switching",
        celsius,
        model=model,
        initial_state=state,
        pulse_voltage=voltage,
        pulse_width=width,
        series_resistance=series,
    ).iloc[0]
    read, times = 0.1, np.cumsum([0.2, 0.01, 1.0, 0.01, 0.2]) * width
    levels = [read, read, voltage, voltage, read, read]
    corners = list(zip([0.0, *times], levels, strict=True))
    expected = solve(model, state, corners, series, celsius)
    assert row["state_after"] == pytest.approx(expected, abs=1e-4)
    assert abs(expected - state) > 0.01


@pytest.mark.spice
def test_the_settled_set_state_is_met_to_a_ten_thousandth_of_a_nanometre():
    """A SET that ends at the end of the filament, and the RESET after it that leaves the end."""
    settled = run("rram_switching", pulse_voltage=2.2, pulse_width=1e-4, series_resistance=1e3)
    assert settled["state_after"][0] * 1.6 == pytest.approx(1.6, abs=1e-4)


@pytest.mark.spice
def test_a_sweep_sets_and_resets_and_its_loop_is_pinched():
    table = run("rram_cycle", series_resistance=5e3, set_voltage=2.2, reset_voltage=2.0)
    assert len(table) == 401
    top, last = table["state"].iloc[200], table["state"].iloc[-1]
    assert top > 0.5
    assert last < top / 2
    through_zero = table.iloc[[0, 200, 400]]
    assert np.max(np.abs(through_zero["current"])) < 1e-9
    up = np.interp(1.0, table["voltage"].iloc[:101], table["current"].iloc[:101])
    down = np.interp(1.0, table["voltage"].iloc[200:99:-1], table["current"].iloc[200:99:-1])
    assert down > 10 * up


@pytest.mark.spice
def test_an_instance_may_have_numbers_of_its_own(tmp_path):
    """Two cells of one subcircuit; the second's current scale is half."""

    class Device(NetlistParameters):
        model: str = "skywater"
        values: dict[str, float]

    class Pair(NetlistParameters):
        device: Device

    from cimspice.rram.model.parameter_sets import parameter_set

    (tmp_path / "pair.cir.j2").write_text(
        '* two cells\n{% include "rram/device" %}\nVread top 0 dc 0.2\nVstate s 0 dc 0.5\n'
        "V1 top a 0\nV2 top b 0\nX1 a 0 s rram\nX2 b 0 s rram current_scale=3.07e-5\n"
    )
    pair = Pair(device=Device(values=parameter_set("rram", "skywater").values()))
    netlist = render(Template.from_file(tmp_path / "pair.cir.j2"), pair)
    done = simulate(netlist, Dc("vread", 0.1, 0.2, 0.1, save=("v1#branch", "v2#branch")))
    np.testing.assert_allclose(done["v1#branch"], 2 * done["v2#branch"], rtol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"model": "skywatre"}, "skywatre"),
        ({"changes": {"gap": 1e-9}}, "skywater has no parameter 'gap'"),
        ({"changes": {"voltage_scale": 0.0}}, "voltage_scale = 0 V is out of"),
        ({"pulse_voltage": 9.0}, "pulse_voltage"),
        ({"pulse_width": 0.0}, "pulse_width"),
        ({"initial_state": -0.5}, "initial_state falls below"),
    ],
)
def test_bad_parameters_are_named(parameters, words):
    with pytest.raises(ParameterError, match=words):
        bench("rram_switching").Parameters(**parameters)
