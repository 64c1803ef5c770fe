from __future__ import annotations

import sys
from typing import Annotated

import pytest

from cimspice.bench import Bench, bench, benches, register
from cimspice.errors import ParameterError
from cimspice.netlist import NetlistParameters, quantity


class WireParameters(NetlistParameters):
    resistance: Annotated[float, quantity("Ohm", gt=0)]
    supply: Annotated[float, quantity("V")] = 1.0


def make(**changed):
    body = {
        "name": "wire_of_a_test",
        "title": "a wire",
        "Parameters": WireParameters,
        "columns": {"current": "A"},
        "analysis": lambda self, parameters: None,
        "measure": lambda self, parameters, waveforms: None,
        "__module__": __name__,
        **changed,
    }
    return type("Wire", (Bench,), {name: value for name, value in body.items() if value is not None})


def test_packaged_benches_are_found_by_name_and_all_are_listed():
    assert bench("transistor").name == "transistor"
    names = [known.name for known in benches()]
    assert names == sorted(set(names))
    assert "transistor" in names


def test_unknown_name_is_reported_with_the_nearest_and_how_to_make_ones_own_known():
    with pytest.raises(ParameterError, match="did you mean 'transistor'") as caught:
        bench("transitor")
    assert "--import FILE.py" in caught.value.remedy


def test_a_name_belongs_to_one_bench(monkeypatch):
    monkeypatch.setattr(sys.modules[Bench.__module__], "_registry", {})
    first = register(make())
    assert register(first) is first
    with pytest.raises(ParameterError, match="is taken by"):
        register(make(__qualname__="Other"))


@pytest.mark.parametrize("lacking", ["title", "columns", "Parameters", "analysis", "measure"])
def test_an_incomplete_bench_is_refused_with_what_it_lacks(lacking):
    with pytest.raises(ParameterError, match=f"lacks {lacking}"):
        register(make(**{lacking: None}))


def test_an_altered_parameter_needs_a_default():
    make(altered={"supply": "vsupply"})
    for name in ("resistance", "absent"):
        with pytest.raises(ParameterError, match="needs a default"):
            make(altered={name: "vsupply"})


@pytest.mark.parametrize("name", ["corner", "temperature"])
def test_names_of_conditions_are_refused_for_columns(name):
    with pytest.raises(ParameterError, match="campaigns use themselves"):
        make(columns={name: ""})


def test_transistor_is_mirrored_for_the_other_polarity():
    asked = bench("transistor")
    texts = {name: asked.netlist(asked.Parameters(device=name)).text for name in ("nfet_01v8", "pfet_01v8")}
    assert "vgate gate 0 dc 1.8" in texts["nfet_01v8"]
    assert "vgate 0 gate dc 1.8" in texts["pfet_01v8"]
    assert "sky130_fd_pr__pfet_01v8 w=1.0 l=0.25 nf=1" in texts["pfet_01v8"]
