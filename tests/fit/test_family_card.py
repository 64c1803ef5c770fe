"""The one card format: exact in both directions, replaced part by part, and refused where it is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, make_dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import CimspiceError, ParameterError
from cimspice.fit.family_card import Card, CardConditions, Part, encode
from cimspice.fit.records import ParameterRecord, RangeRecord

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Table:
    name: str
    scale: float
    values: Array
    logarithmic: bool = False


KINDS = {"Table": Table}


def made(data=None, **changes) -> Card:
    record = ParameterRecord(value=0.4, interval=(0.39, 0.41), unit="1/V")
    part = Part(
        origin="simulated",
        source={"bench": "b", "digest": "ab12"},
        range={"voltage": RangeRecord(low=0.0, high=1.8, unit="V")},
        parameters={"lambda": record},
        data=data,
    )
    return Card(
        family="toy",
        conditions=CardConditions(corner="tt", temperature=27.0),
        parts={"cell": part.model_copy(update=changes)},
    )


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(values=st.lists(st.lists(finite, min_size=3, max_size=3), min_size=1, max_size=4), scale=finite)
def test_tables_come_back_to_the_last_bit(tmp_path_factory, values, scale):
    table = Table("x", scale, np.array(values))
    card = made(encode({(5, 0): (table, 3), "n": None}))
    path = card.save(tmp_path_factory.mktemp("card") / "card.json")
    read = Card.load(path, "toy")
    assert read == card
    (back, count), nothing = read.decoded("cell", KINDS).values()
    assert list(read.decoded("cell", KINDS)) == [(5, 0), "n"]
    assert (count, nothing, back.name, back.logarithmic) == (3, None, "x", False)
    assert (back.values.tobytes(), np.float64(back.scale).tobytes()) == (
        table.values.tobytes(),
        np.float64(scale).tobytes(),
    )


def test_facts_are_everything_but_the_data(tmp_path):
    facts = made(encode(np.zeros(9))).facts()
    assert facts["conditions"] == {"corner": "tt", "temperature": 27.0}
    part = facts["parts"]["cell"]
    assert set(part) == {"origin", "source", "range", "parameters"}
    assert part["parameters"]["lambda"]["interval"] == [0.39, 0.41]
    json.dumps(facts, allow_nan=False)


def test_a_part_is_replaced_and_another_name_is_refused():
    card = made(1.0)
    measured = Part(origin="measured", source={"file": "probe.csv", "sha256": "00"})
    new = card.replaced("cell", measured)
    assert new.parts["cell"] == measured
    assert card.parts["cell"].origin == "simulated"
    with pytest.raises(ParameterError, match="no part 'cel'"):
        card.replaced("cel", measured)


DAMAGE = {
    "another version": lambda card: card.update(schema="cimspice.card/2"),
    "no schema": lambda card: card.pop("schema"),
    "an unknown field": lambda card: card.update(more=1),
    "an unknown origin": lambda card: card["parts"]["cell"].update(origin="guessed"),
    "an infinite value": lambda card: card["parts"]["cell"]["parameters"]["lambda"].update(value=1e999),
    "an infinite datum": lambda card: card["parts"]["cell"].update(data={"array": [[1.0, float("nan")]]}),
    "an infinity in the source": lambda card: card["parts"]["cell"]["source"].update(x=[1e999]),
    "a number in words": lambda card: card["parts"]["cell"]["parameters"]["lambda"].update(value="0.4"),
    "an interval beside its value": lambda card: card["parts"]["cell"]["parameters"]["lambda"].update(
        interval=[0.41, 0.42]
    ),
    "neither interval nor reason": lambda card: card["parts"]["cell"]["parameters"]["lambda"].update(
        interval=None
    ),
    "a range upside down": lambda card: card["parts"]["cell"]["range"]["voltage"].update(low=2.0),
    "below absolute zero": lambda card: card["conditions"].update(temperature=-300.0),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_card_is_refused_with_its_path(tmp_path, damage):
    path = made().save(tmp_path / "card.json")
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ParameterError) as error:
        Card.load(path)
    assert error.value.place == str(path)
    assert error.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": NaN}', "null", '{"a": 1, "a": 2}'])
def test_a_file_that_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ParameterError):
        Card.load(tmp_path / "bad.json")


def test_a_card_of_another_family_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="'toy', not 'neuron'"):
        Card.load(made().save(tmp_path / "card.json"), "neuron")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [1.0],
        {"kind": "Popen"},
        {"kind": "Table", "name": 1, "scale": 1.0, "values": {"array": [1.0]}},
        {"kind": "Table", "name": "x", "scale": True, "values": {"array": [1.0]}},
        {"kind": "Table", "name": "x", "scale": {"array": [1.0]}, "values": {"array": [1.0]}},
        {"kind": "Table", "name": "x", "scale": 1.0, "values": 1.0},
        {"kind": "Table", "name": "x", "scale": 1.0, "values": {"array": [1.0, True]}},
        {"kind": "Table", "name": "x", "scale": 1.0, "values": {"array": [[1.0], [1.0, 2.0]]}},
        {"kind": "Table", "name": "x", "scale": 1.0},
        {"map": [[{"map": []}, 1]]},
        {"tuple": 3},
    ],
)
def test_data_of_another_kind_are_refused_and_named(data):
    card = made(data)
    if data is None:
        assert card.decoded("cell", KINDS) is None
        return
    with pytest.raises(CimspiceError) as error:
        card.decoded("cell", KINDS)
    assert "cell" in error.value.place


def test_a_card_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CimspiceError, match="cannot write"):
        made().save(tmp_path / "file" / "card.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_name_of_a_measured_file_may_be_no_text(tmp_path):
    card = made().replaced("cell", Part(origin="measured", source={"file": "probe\udcff.csv"}))
    assert Card.load(card.save(tmp_path / "card.json")) == card


def test_a_kind_whose_annotations_are_types_and_not_text_is_checked_too():
    kind = make_dataclass("Table", [("name", str), ("scale", float), ("values", Array)], frozen=True)
    table = {"kind": "Table", "name": "x", "scale": 1.0, "values": {"array": [1.0]}}
    assert made(table).decoded("cell", {"Table": kind}).scale == 1.0
    for name, wrong in (("name", 1), ("scale", True), ("scale", "1"), ("values", 1.0)):
        with pytest.raises(CimspiceError, match=name):
            made({**table, name: wrong}).decoded("cell", {"Table": kind})
