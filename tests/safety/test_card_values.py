"""A card says what its numbers are: units are converted or refused, and nothing else passes for a number."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import ParameterError
from cimspice.fit import ModelCard, Range, Ranges
from cimspice.neuron.model.ekv import EkvGateLaw
from cimspice.neuron.model.ramp import Ramp
from cimspice.rram import SinhRead
from cimspice.rram.model.write_cost import WriteCost
from cimspice.rram.validation.device import nonlinearity_of


@pytest.fixture
def cost(tmp_path):
    """A write-cost card as text that a test may change, and what it is read as."""
    path = tmp_path / "cost.json"
    ModelCard.from_model(WriteCost()).save(path)

    def load(change):
        content = json.loads(path.read_text())
        change(content["parts"]["write_cost"])
        path.write_text(json.dumps(content))
        return ModelCard.load(path)

    return load


@pytest.mark.parametrize(
    ("name", "value", "unit", "si"),
    [("set_energy", 1.0, "pJ", 1e-12), ("set_energy", 250, "fJ", 250e-15), ("set_time", 1.5, "us", 1.5e-6),
     ("reset_time", 20, "nanoseconds", 20e-9), ("endurance_shape", 2, "1", 2.0),
     ("set_energy", 2e-12, "", 2e-12), ("reset_energy", 3, "V·pA·s", 3e-12)],
)  # fmt: skip
def test_a_parameter_in_another_unit_is_converted(cost, name, value, unit, si):
    given = {"value": value, "unit": unit, "interval": [0, 2 * value]}
    card = cost(lambda content: content["parameters"][name].update(given))
    assert getattr(card.model_of(WriteCost), name) == pytest.approx(si, rel=1e-12)
    assert card.parameters[name].interval == pytest.approx((0, 2 * si), rel=1e-12)
    assert card.parameters[name].unit == WriteCost.parameter_units[name]


@pytest.mark.parametrize("unit", ["V", "W", "eV", "pJ/bit", "s", "1", "J/s"])
def test_a_unit_of_another_kind_is_refused(cost, unit):
    with pytest.raises(ParameterError, match="set_energy of write_cost is in"):
        cost(lambda content: content["parameters"]["set_energy"].update(unit=unit))


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda c: c["parameters"]["set_energy"].update(value=True), "set_energy.value"),
        (lambda c: c["parameters"]["set_energy"].update(value="1e-12"), "set_energy.value"),
        (lambda c: c["parameters"]["set_energy"].update(interval=[1, 2]), "does not hold the value"),
        (lambda c: c["parameters"]["set_energy"].update(interval=[True, False]), "interval"),
        (lambda c: c["data"]["settings"].update(origin=7), "origin of write_cost is 7"),
        (lambda c: c["data"].update(covariance=[[1.0]]), "covariance is not one of 6"),
        (lambda c: c.update(range={"voltage": {"low": 0, "high": 1, "unit": "furlong"}}), "'furlong'"),
        (lambda c: c.update(range={"voltage": {"low": False, "high": True, "unit": "V"}}), "range.voltage"),
    ],
)
def test_what_is_no_number_of_its_place_is_refused(cost, change, reported):
    with pytest.raises(ParameterError) as caught:
        cost(change)
    assert reported in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda c: c["parameters"].pop("set_energy"), "lacks the parameter 'set_energy'"),
        (
            lambda c: c["data"]["settings"].update(set_energy=c["parameters"].pop("set_energy")["value"]),
            "lacks",
        ),
        (lambda c: c["data"]["settings"].update(set_energy=1.0), "has 'set_energy' twice"),
        (lambda c: c["parameters"]["set_energy"].update(identifiable="no"), "identifiable"),
        (lambda c: c["parameters"]["set_energy"].update(reason=""), "neither an interval nor a reason"),
    ],
)
def test_a_parameter_stands_once_and_never_comes_from_a_default(cost, change, reported):
    with pytest.raises(ParameterError, match=reported):
        cost(change)


@pytest.mark.parametrize("unit", ["A", "s", "furlong"])
def test_a_range_in_a_unit_of_another_kind_is_refused(tmp_path, unit):
    law = SinhRead(conductance=5e-5, curvature=2.0, series_resistance=0.0,
                   ranges=Ranges({"voltage": Range(-0.5, 0.5, unit)}))  # fmt: skip
    ModelCard.from_model(law).save(tmp_path / "law.json")
    with pytest.raises(ParameterError, match="range of voltage is in"):
        ModelCard.load(tmp_path / "law.json")


def test_a_file_name_that_is_no_utf_8_stands_on_the_card_and_comes_back(tmp_path):
    ModelCard.from_model(WriteCost(), {"measured_file": "a\udcff.csv"}).save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json").provenance["measured_file"] == "a\udcff.csv"


def test_settings_that_are_numbers_take_neither_true_nor_text(tmp_path):
    path = tmp_path / "ramp.json"
    ModelCard.from_model(Ramp(rate=1e6, reversal_coefficient=0.2)).save(path)
    for wrong in (True, "1.3", None, [1.3]):
        content = json.loads(path.read_text())
        content["parts"]["ramp"]["data"]["settings"]["reset_voltage"] = wrong
        path.write_text(json.dumps(content))
        with pytest.raises(ParameterError, match="reset_voltage of ramp"):
            ModelCard.load(path)


def test_a_key_that_stands_twice_is_refused_in_every_card(tmp_path):
    path = tmp_path / "cost.json"
    ModelCard.from_model(WriteCost()).save(path)
    path.write_text(path.read_text().replace('"value": 2.4e-10', '"value": 1.0, "value": 2.4e-10'))
    with pytest.raises(ParameterError, match="'value' stands twice"):
        ModelCard.load(path)


def test_ranges_in_millivolts_warn_as_those_in_volts(tmp_path):
    law = EkvGateLaw(
        polarity="n",
        log_specific_current=math.log(8e-7),
        threshold=0.55,
        thermal_slope=0.036,
        ranges=Ranges({"gate_bias": Range(0.4, 0.7, "V")}),
    )
    path = tmp_path / "law.json"
    ModelCard.from_model(law).save(path)
    content = json.loads(path.read_text())
    part = content["parts"]["ekv_gate_law"]
    part["range"]["gate_bias"] = {"low": 400, "high": 700, "unit": "mV"}
    part["parameters"]["threshold"] = {"value": 550, "unit": "mV", "reason": "set"}
    path.write_text(json.dumps(content))
    assert ModelCard.load(path).model_of(EkvGateLaw).gate_bias(1e-7) == pytest.approx(
        law.gate_bias(1e-7), rel=1e-9
    )


@given(
    st.floats(1e-3, 1e3),
    st.floats(0, 1),
    st.sampled_from([("S", 1), ("mS", 1e-3), ("uS", 1e-6), ("1/kohm", 1e-3)]),
)
def test_covariance_is_converted_with_its_parameters(tmp_path_factory, value, spread, unit):
    volts = np.linspace(-0.3, 0.3, 7)
    table = pd.DataFrame({"voltage": volts, "current": value * 1e-6 * volts * (1 + 0.01 * spread * volts)})
    from cimspice.rram import LinearRead

    path = tmp_path_factory.mktemp("card") / "c.json"
    card = ModelCard.from_fit(LinearRead.fit(table))
    name, factor = unit
    card.save(path)
    content = json.loads(path.read_text())
    part = content["parts"]["rram_read_linear"]
    record = part["parameters"]["conductance"]
    record.update(
        value=record["value"] / factor, interval=[end / factor for end in record["interval"]], unit=name
    )
    part["data"]["covariance"] = [[part["data"]["covariance"][0][0] / factor**2]]
    path.write_text(json.dumps(content))
    read = ModelCard.load(path)
    assert read.parameters["conductance"].value == pytest.approx(
        card.parameters["conductance"].value, rel=1e-12
    )
    assert read.covariance is not None
    assert card.covariance is not None
    assert card.covariance[0][0] is not None
    assert read.covariance[0][0] == pytest.approx(card.covariance[0][0], rel=1e-9)


def test_a_measured_card_is_taken_and_that_of_another_device_or_temperature_refused():
    law = SinhRead(conductance=5e-5, curvature=2.5, series_resistance=0.0)
    assert nonlinearity_of(ModelCard.from_model(law, {"measured_file": "probe.csv"}), "skywater") == 2.5
    assert nonlinearity_of(ModelCard.from_model(law), "skywater") == 2.5
    for other in ({"device": "vteam"}, {"temperature": 85.0}):
        with pytest.raises(ParameterError, match=next(iter(other))):
            nonlinearity_of(ModelCard.from_model(law, other), "skywater")
