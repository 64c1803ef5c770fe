"""Model cards: round trip, refusal of what is not one, and files written whole or not at all."""

import errno
import json
import os
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import CimspiceError, ParameterError
from cimspice.fit import Model, ModelCard, Range, Ranges, register
from cimspice.fit.model import flatten, unflatten
from cimspice.neuron.model.capacitance import ConstantCapacitance, SplineCapacitance
from cimspice.neuron.model.comparator import Comparator
from cimspice.neuron.model.gate_law import PolynomialGateLaw
from cimspice.neuron.model.ramp import Ramp

finite = st.floats(-1e6, 1e6, allow_nan=False)


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Pair(Model):
    """A model made of others, as the neuron's is."""

    kind: ClassVar[str] = "pair_for_this_test"
    ramp: Ramp
    capacitance: Model
    labels: dict
    table: np.ndarray


@pytest.fixture
def fit():
    frame = pd.DataFrame(
        {"membrane_voltage": np.linspace(0.4, 1.3, 12), "capacitance": np.linspace(139e-15, 141e-15, 12)}
    )
    frame.attrs["provenance"] = {"pdk": "0.15.3", "corner": "tt"}
    return ConstantCapacitance.fit(frame)


def test_a_fit_becomes_a_card_with_all_that_is_known(fit, tmp_path):
    ModelCard.from_fit(fit, {"ngspice": "39"}).save(tmp_path / "c.json")
    card = ModelCard.load(tmp_path / "c.json")
    record = card.parameters["total_capacitance"]
    assert record.value == pytest.approx(140e-15)
    assert record.unit == "F"
    assert record.interval == fit.estimates["total_capacitance"].interval
    assert card.covariance == fit.covariance.tolist()
    assert card.ranges["membrane_voltage"].high == 1.3
    assert card.residual is not None
    assert card.residual.percent == fit.residual.percent
    assert card.provenance["pdk"] == "0.15.3"
    assert card.provenance["ngspice"] == "39"
    assert len(card.provenance["table_digest"]) == 64
    assert card.model_of(ConstantCapacitance) == fit.model


def test_an_undetermined_parameter_stands_without_interval(tmp_path):
    volts = np.linspace(0.4, 1.3, 5)
    fit = SplineCapacitance.fit(
        pd.DataFrame({"membrane_voltage": volts, "capacitance": 1e-13 + 1e-15 * volts})
    )
    ModelCard.from_fit(fit).save(tmp_path / "c.json")
    card = ModelCard.load(tmp_path / "c.json")
    record = card.parameters["capacitances[0]"]
    assert record.interval is None
    assert not record.identifiable
    assert record.reason
    assert card.covariance is not None
    assert card.covariance[0][0] is None


@given(
    values=st.lists(finite, min_size=3, max_size=9),
    low=finite,
    width=st.floats(0, 1e3),
    label=st.text(max_size=20),
)
def test_nested_models_and_settings_come_back_exactly(tmp_path_factory, values, low, width, label):
    model = Pair(
        ramp=Ramp(rate=values[0], reversal_coefficient=values[1]),
        capacitance=ConstantCapacitance(
            total_capacitance=1e-15 + abs(values[2]),
            ranges=Ranges({"membrane_voltage": Range(low, low + width, "V")}),
        ),
        labels={"name": label, "count": 3, "on": True, "none": None},
        table=np.array([values, values[::-1]]),
    )
    path = tmp_path_factory.mktemp("card") / "card.json"
    ModelCard.from_model(model).save(path)
    assert ModelCard.load(path).model() == model


@given(st.integers(1, 4), st.integers(1, 4))
def test_flat_names_and_arrays_are_inverse(rows, columns):
    array = np.arange(float(rows * columns)).reshape(rows, columns)
    np.testing.assert_array_equal(unflatten(flatten("x", array))["x"], array)
    assert unflatten(flatten("y", 2.5)) == {"y": 2.5}


@pytest.mark.parametrize(
    "flat",
    [
        {"x[0]": 1.0, "x[2]": 1.0},
        {"x": 1.0, "x[0]": 1.0},
        {"x[-1]": 1.0},
        {"x[a]": 1.0},
        {"x[0": 1.0, "x[1,1]": 2.0},
    ],
)
def test_names_that_do_not_fill_an_array_are_refused(flat):
    with pytest.raises(ParameterError):
        unflatten(flat)


def edited(path, **changes):
    """What ``changes`` say of the model, of its data, or of the whole card."""
    content = json.loads(path.read_text())
    part = content["parts"]["constant_capacitance"]
    for key, value in changes.items():
        place = next((place for place in (part, part["data"]) if key in place), content)
        place[key] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"schema": "cimspice.card/99"},
            ["schema is 'cimspice.card/99'", "reads 'cimspice.card/1'", "remedy"],
        ),
        ({"kind": "flux_capacitor"}, ["unknown model kind 'flux_capacitor'", "ramp", "remedy"]),
        ({"kind": "ramp"}, ["do not make a 'ramp'", "total_capacitance"]),
        (
            {"parameters": {"total_capacitance": {"value": float("nan")}}},
            ["parameters.total_capacitance.value", "finite"],
        ),
        ({"parameters": {"total_capacitance": {"value": -1.0, "reason": "set"}}}, ["-1.0 F"]),
        (
            {"parameters": {"total_capacitance": {"value": "big"}}},
            ["parameters.total_capacitance.value", "big"],
        ),
        ({"parameters": {}}, ["total_capacitance"]),
        ({"range": {"membrane_voltage": {"low": 2.0, "high": 1.0}}}, ["not a range"]),
        ({"extra": 1}, ["extra"]),
    ],
)
def test_a_card_that_is_not_right_is_refused_with_place_and_remedy(fit, tmp_path, changes, words):
    path = tmp_path / "c.json"
    ModelCard.from_fit(fit).save(path)
    edited(path, **changes)
    with pytest.raises(ParameterError) as caught:
        ModelCard.load(path)
    for word in [*words, "c.json"]:
        assert word in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"card"', "\udcff"])
def test_a_file_that_is_no_card_is_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ParameterError, match=r"c\.json"):
        ModelCard.load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="cannot read"):
        ModelCard.load(tmp_path / "none.json")


def test_the_wrong_card_in_the_right_place_is_refused(fit):
    with pytest.raises(ParameterError, match="'constant_capacitance', not a 'comparator'"):
        ModelCard.from_fit(fit).model_of(Comparator)


def test_a_full_disk_leaves_the_old_card_and_no_rubbish(fit, tmp_path, monkeypatch):
    path = tmp_path / "c.json"
    ModelCard.from_fit(fit).save(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CimspiceError, match="No space left"):
        ModelCard.from_fit(fit, {"new": 1}).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_gate_law_without_its_range_is_refused():
    with pytest.raises(ParameterError, match="range of gate_bias"):
        PolynomialGateLaw(polarity="n", coefficients=[1.0, 2.0], centre=0.5, half_width=0.1)


def test_a_kind_is_registered_once():
    class Ramp2(Ramp):
        kind = "ramp"

    with pytest.raises(ParameterError, match="already taken"):
        register(Ramp2)


def test_provenance_must_be_writable(fit):
    with pytest.raises(ParameterError, match="temperature is not finite"):
        ModelCard.from_fit(fit, {"temperature": float("nan")})
