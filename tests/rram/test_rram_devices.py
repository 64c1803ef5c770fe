"""The numpy devices against the published equations integrated independently, over temperature."""

from __future__ import annotations

import numpy as np
import pytest
from rram_reference import CURRENTS, RATES, own, skywater_published, solve

from cimspice.errors import ParameterError, SimulationError
from cimspice.fit import ModelCard
from cimspice.rram import Memdiode, RramDevice, SkywaterReram, StanfordPku, Vteam, Yakopcic
from cimspice.rram.model.integrate import integrate
from cimspice.rram.model.pulse import apply_pulse, voltage_across

DEVICES: dict[str, RramDevice] = {
    kind.parameter_set: kind.published() for kind in (SkywaterReram, StanfordPku, Vteam, Yakopcic, Memdiode)
}
PULSES = [
    ("skywater", 0.0, 2.2, 1e-6, 2e4),
    ("skywater", 0.0, 2.4, 1e-6, 2e4),
    ("skywater", 1.0, -1.6, 1e-6, 1e3),
    ("stanford_pku", 0.0, 2.0, 1e-6, 1e3),
    ("stanford_pku", 1.0, -1.3, 1e-4, 0.0),
    ("vteam", 0.0, 0.3, 1e-9, 100.0),
    ("vteam", 1.0, -0.5, 1e-7, 0.0),
    ("yakopcic", 0.1, 0.9, 5e-4, 10.0),
    ("yakopcic", 0.9, -0.8, 1e-3, 0.0),
    ("memdiode", 0.0, 1.2, 1.0, 0.0),
    ("memdiode", 1.0, -1.0, 0.2, 100.0),
]


def corners(voltage: float, width: float, edge: float = 0.01) -> list[tuple[float, float]]:
    """A pulse as the model applies it."""
    rise = edge * width
    return [(0.0, 0.0), (rise, voltage), (rise + width, voltage), (2 * rise + width, 0.0)]


@pytest.mark.parametrize("model", DEVICES)
def test_the_current_is_the_published_one(model):
    device = DEVICES[model]
    volts = np.linspace(-0.9, 0.9, 9)
    for state in (0.05, 0.5, 1.0):
        expected = [CURRENTS[model](v, own(model, state)) for v in volts]
        np.testing.assert_allclose(device.current(volts, state), expected, rtol=1e-12, atol=1e-20)
        step = 1e-5
        differences = (device.current(volts + step, state) - device.current(volts - step, state)) / (2 * step)
        np.testing.assert_allclose(device.slope(volts, state)[1:4], differences[1:4], rtol=1e-6)


@pytest.mark.parametrize("celsius", [-40.0, 27.0, 125.0])
@pytest.mark.parametrize("model", DEVICES)
def test_the_velocity_is_the_published_one(model, celsius):
    """The independent equations know no normalised states, so lengths and signs are checked too."""
    device = DEVICES[model]
    reach = device.ranges["voltage"].high * 0.6
    expected, found = [], []
    for state in (0.1, 0.5, 0.9):
        for voltage in (-reach, -reach / 2, reach / 2, reach):
            own_temperature = float(device.local_temperature(voltage, state, celsius))
            variables = [own(model, state), own_temperature + 273.15][: len(device.variables)]
            published = RATES[model](voltage, variables, celsius + 273.15)[0]
            expected.append(published / (own(model, 1.0) - own(model, 0.0)))
            found.append(float(device.velocity(voltage, state, own_temperature)))
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-15 * np.max(np.abs(expected)))


@pytest.mark.parametrize(("model", "state", "voltage", "width", "series"), PULSES)
def test_a_pulse_ends_where_lsoda_ends(model, state, voltage, width, series):
    celsius = 85.0 if model in ("skywater", "stanford_pku") else 27.0
    expected = solve(model, state, corners(voltage, width), series, celsius)
    reached = apply_pulse(DEVICES[model], state, voltage, width, series_resistance=series, ambient=celsius)
    assert reached.state == pytest.approx(expected, abs=3e-5)
    assert abs(expected - state) > 0.01


def test_cold_and_hot_cells_are_integrated_together():
    """Cells of one call keep their own steps: each ends as alone, at -20, 27 and 85 degrees."""
    celsius = np.array([-20.0, 27.0, 85.0])
    together = apply_pulse(DEVICES["skywater"], 0.0, 2.4, 1e-6, series_resistance=2e4, ambient=celsius).state
    expected = [solve("skywater", 0.0, corners(2.4, 1e-6), 2e4, t, method="Radau") for t in celsius]
    np.testing.assert_allclose(together, expected, atol=3e-5)
    assert together[0] < 0.05 < 0.6 < together[1] < together[2]


def test_smooth_ends_and_floored_barriers_leave_the_settled_set_state_of_the_published_code():
    """Within 1e-4 nm of the Verilog-A's hard end (its filament ends at 4.9 nm)."""
    published = solve("skywater", 0.0, corners(1.8, 2e-3), 1e3, 27.0, rates=skywater_published)
    ours = apply_pulse(DEVICES["skywater"], 0.0, 1.8, 2e-3, series_resistance=1e3).state
    assert abs(float(ours) - published) * 1.6 < 1e-4
    assert published == pytest.approx(1.0, abs=1e-6)


def test_the_energy_is_the_charge_times_the_voltage_when_nothing_moves():
    device = DEVICES["yakopcic"]
    result = apply_pulse(device, 0.4, 0.5, 1e-3, edge=0.0)
    assert result.energy == pytest.approx(0.5 * device.current(0.5, 0.4) * 1e-3, rel=1e-9)


@pytest.mark.parametrize("model", DEVICES)
def test_a_state_is_found_again_from_its_conductance(model):
    device = DEVICES[model]
    states = np.linspace(0.01, 1.0, 13)
    np.testing.assert_allclose(device.state_of(device.conductance(states)), states, atol=1e-12)


def test_a_series_resistance_takes_the_rest_of_the_voltage():
    device = DEVICES["skywater"]
    supply = np.array([-2.0, -0.1, 0.0, 0.5, 3.0])
    inner = voltage_across(device, 0.9, supply, 5e3)
    np.testing.assert_allclose(inner + 5e3 * device.current(inner, 0.9), supply, atol=1e-10)


@pytest.mark.parametrize("model", DEVICES)
def test_a_device_survives_its_card(model, tmp_path):
    ModelCard.from_model(DEVICES[model]).save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json").model() == DEVICES[model]


def test_a_card_of_another_device_is_refused(tmp_path):
    ModelCard.from_model(DEVICES["vteam"]).save(tmp_path / "card.json")
    with pytest.raises(ParameterError, match=r"rram_vteam.*not a 'rram_skywater'"):
        ModelCard.load(tmp_path / "card.json").model_of(SkywaterReram)


def test_a_voltage_beyond_the_published_range_is_reported():
    with pytest.warns(UserWarning, match="rram_vteam: voltage"):
        Vteam.published().current(3.0, 0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SkywaterReram.published(velocity=1.0), "did you mean 'velocity_scale'"),
        (lambda: SkywaterReram.published(window=-1.0), "out of 0.0001 to 0.1"),
        (lambda: StanfordPku.published(gap_min=float("nan")), "gap_min = nan"),
        (lambda: DEVICES["skywater"].state_of(1e-2), "no state has a conductance of 0.01 S"),
        (lambda: DEVICES["skywater"].state_of(-1e-6), "no state has a conductance of -1e-06 S"),
        (lambda: apply_pulse(DEVICES["vteam"], 0.5, 1.0, -1e-6), "width of a pulse is -1e-06"),
        (lambda: apply_pulse(DEVICES["vteam"], 0.5, float("nan"), 1e-6), "voltage of a pulse is nan"),
        (lambda: apply_pulse(DEVICES["vteam"], 1.5, 1.0, 1e-6), "a state is 1.5"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ParameterError, match=words):
        call()


def test_an_integration_that_cannot_get_on_says_so():
    def explosive(time, y, cells):
        return y**2 * 1e3, y

    with pytest.raises(SimulationError, match="stands still"):
        integrate(explosive, np.ones((1, 1)), np.ones(1))
