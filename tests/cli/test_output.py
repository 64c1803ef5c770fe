"""Results leave as plain JSON: exact numbers, sorted keys, nothing else on stdout."""

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.netlist import NetlistParameters
from cimspice.screen.output import plain, print_json


class Colour(Enum):
    red = "red"


class Number(int, Enum):
    two = 2


@dataclass
class Row:
    name: str
    values: np.ndarray


class Model(NetlistParameters):
    supply: float = 1.8


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1.5, np.nan]]), [[1.5, None]]),
        (float("inf"), None),
        (Colour.red, "red"),
        (Number.two, 2),
        (Path("a/b"), "a/b"),
        (Row("x", np.arange(2)), {"name": "x", "values": [0, 1]}),
        (Model(), {"supply": 1.8}),
        (pd.DataFrame({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        ({1: (None, "µ")}, {"1": [None, "µ"]}),
    ],
)
def test_values_of_every_kind_become_plain(value, expected):
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


def test_what_has_no_json_form_is_refused():
    with pytest.raises(TypeError, match="object"):
        plain({"key": object()})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_digit(value):
    assert json.loads(json.dumps(plain(np.float64(value)))) == value


def test_stdout_holds_one_object_with_sorted_keys(capsys):
    print_json({"b": 1, "a": np.float32(0.5)})
    out = capsys.readouterr().out
    assert list(json.loads(out)) == ["a", "b", "provenance"]
    assert out.endswith("}\n")
