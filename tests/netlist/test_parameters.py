"""A parameter model takes finite numbers and single words, and says everything that is wrong at once."""

from enum import Enum
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import computed_field

from cimspice.errors import ParameterError
from cimspice.netlist import Name, NetlistParameters, quantity


class Order(Enum):
    memory_at_membrane = "memory"
    selector_at_membrane = "selector"


class Timing(NetlistParameters):
    phase: Annotated[float, quantity("s", gt=0, le=1e-3)] = 1e-6


class Parameters(NetlistParameters):
    gate_bias: Annotated[float, quantity("V", ge=0, le=1.8, description="bias of the memory transistor")] = (
        0.5
    )
    weights: tuple[tuple[Annotated[float, quantity("1", ge=-1, le=1)], ...], ...] = ((0.5,),)
    count: int = 1
    label: Name = "synapse"
    order: Order = Order.memory_at_membrane
    kind: Literal["mosfet", "resistor"] = "mosfet"
    note: str = ""
    timing: Timing = Timing()

    @computed_field
    @property
    def half(self) -> float:
        return self.gate_bias / 2


def refusal(**values) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        Parameters(**values)
    return caught.value


def test_every_fault_is_named_with_value_range_and_unit():
    error = refusal(gate_bias=2.5, weights=[[0.1, 3.0]], timing={"phase": -1.0, "fase": 1}, gate_bais=0.1)
    text = str(error)
    assert "gate_bias = 2.5 V" in text
    assert "≥ 0 V and ≤ 1.8 V" in text
    assert "weights[0][1] = 3.0" in text
    assert "timing.phase = -1.0 s" in text
    assert "unknown parameter timing.fase; did you mean phase?" in text
    assert "unknown parameter gate_bais; did you mean gate_bias?" in text
    assert "at: Parameters" in text
    assert "gate_bias, weights, count" in error.remedy


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", True, None, [0.5], "0.5\n.control"])
def test_a_quantity_is_a_finite_number_and_not_text(value):
    assert "gate_bias" in str(refusal(gate_bias=value))


def test_missing_and_bounds_of_nested_elements_are_reported():
    class Required(NetlistParameters):
        supply: Annotated[float, quantity("V", gt=0)]

    with pytest.raises(ParameterError, match="supply is missing"):
        Required()  # pyright: ignore[reportCallIssue] (that is what is tested)


@given(st.text(min_size=1))
def test_no_text_with_more_than_one_word_gets_in(text):
    for name in ("label", "note", "order", "kind"):
        try:
            accepted = getattr(Parameters(**{name: text}), name)
        except ParameterError:
            continue
        assert not set(str(accepted)) & set(" \t\r\n\f\v\0\x85\u2028\u2029;$`\"'\\{}()*=,/")


@given(st.one_of(st.integers(), st.floats()))
def test_numbers_get_in_exactly_or_not_at_all(value):
    try:
        accepted = Parameters(gate_bias=value).gate_bias
    except ParameterError:
        assert not 0 <= value <= 1.8
    else:
        assert accepted == value


def test_integers_that_no_double_holds_are_refused():
    assert "count" in str(refusal(count=2**53 + 1))


def test_numpy_arrays_and_scalars_are_taken_exactly():
    weights = np.random.default_rng(1).uniform(-1, 1, (3, 2))
    parameters = Parameters(weights=weights, gate_bias=np.float64(0.25), timing={"phase": np.float32(0.5e-6)})
    np.testing.assert_array_equal(np.array(parameters.weights), weights)
    assert parameters.timing.phase == float(np.float32(0.5e-6))


def test_nan_inside_an_array_is_refused_with_its_place():
    assert "weights[1][0] = nan" in str(refusal(weights=np.array([[0.0], [np.nan]])))


def test_parameters_do_not_change_and_name_their_source():
    parameters = Parameters()
    with pytest.raises(Exception, match="frozen"):
        parameters.gate_bias = 1.0
    with pytest.raises(ParameterError, match=r"at: campaign.toml \[parameters\]"):
        Parameters.parse({"gate_bias": 9}, place="campaign.toml [parameters]")
    with pytest.raises(ParameterError, match="9"):
        Parameters.model_validate({"gate_bias": 9})


def test_unit_is_in_the_schema_and_computed_fields_are_visible():
    schema = Parameters.model_json_schema()
    assert schema["properties"]["gate_bias"]["unit"] == "V"
    assert dict(Parameters(gate_bias=1.0).visible())["half"] == 0.5
