"""What a slice holds, what it leaves out, and how it is cached."""

from __future__ import annotations

import json
import pickle

import pytest

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk import cache, flatten_models, slice_models

NFET = "sky130_fd_pr__nfet_01v8"
ONE = f"* t\nx1 d g 0 0 {NFET} w=1 l=0.25\n"
EXPRESSION = f"* t\n.param wn=1\nx1 d g 0 0 {NFET} w={{wn}} l=0.25\n"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path, pdk):
    del pdk  # found before the cache folder moves
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "_memory", {})


def _bins(text: str) -> int:
    return sum(line.startswith(".model") for line in text.splitlines())


def test_a_slice_is_small_and_holds_only_what_is_used(pdk):
    models = slice_models(ONE, pdk)
    assert len(models.text) < 8000
    assert _bins(models.text) == 1
    assert models.devices == (NFET,)
    assert "pfet" not in models.text
    assert "gauss" not in models.text.lower()
    assert pickle.loads(pickle.dumps(models)) == models


def test_an_expression_keeps_all_bins_unless_its_values_are_given(pdk):
    assert _bins(slice_models(EXPRESSION, pdk).text) == 48
    given = slice_models(EXPRESSION, pdk, geometries={"nfet_01v8": [(1, 0.25), (2, 0.25), (0.5, 0.25)]})
    assert _bins(given.text) == 2
    with pytest.raises(ParameterError, match=r"W = 0\.1"):
        slice_models(EXPRESSION, pdk, geometries={NFET: [(0.1, 0.25)]})


def test_at_corner_is_the_slice_of_that_corner(pdk):
    typical = slice_models(ONE, pdk)
    slow = typical.at_corner("ss")
    assert slow == slice_models(ONE, pdk, "ss")
    assert slow.corner == "ss"
    assert slow.digest != typical.digest
    assert typical.corner_parameters["ss"]["sw_vth0_sky130_fd_pr__nfet_01v8"] == 0.015
    for corner in ("sf_lh", "TT", ""):
        with pytest.raises(PdkError, match="unknown corner"):
            typical.at_corner(corner)


def test_names_nodes_and_shifts_do_not_make_another_slice(pdk):
    other = ONE.replace("x1 d g", "xother a b") + f"x2 d g 0 0 {NFET} w=1 l=0.25 m=3 delvto=0.01\n"
    assert slice_models(other, pdk).digest == slice_models(ONE, pdk).digest


def test_a_cached_slice_is_used_and_a_damaged_one_is_not(pdk, tmp_path, monkeypatch):
    first = slice_models(ONE, pdk)
    (path,) = (tmp_path / "slices").glob("*.json")
    stored = json.loads(path.read_text())

    def fail(*arguments, **settings):
        raise AssertionError("the library was read although the slice is cached")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_memory", {})
        patch.setattr("cimspice.pdk.slicer._assembled", fail)
        assert slice_models(ONE, pdk) == first
    stored["payload"]["text"] += ".param damaged = 1\n"
    for content in (json.dumps(stored), "{", ""):
        monkeypatch.setattr(cache, "_memory", {})
        path.write_text(content)
        assert slice_models(ONE, pdk) == first


def test_a_cache_that_cannot_be_written_costs_only_time(pdk, tmp_path, monkeypatch):
    expected = slice_models(ONE, pdk)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("CIMSPICE_CACHE", str(blocked))
    monkeypatch.setattr(cache, "_memory", {})
    assert slice_models(ONE, pdk) == expected


def test_changing_a_returned_slice_does_not_change_the_next_one(pdk):
    slice_models(ONE, pdk).corner_parameters["tt"].clear()
    assert slice_models(ONE, pdk).corner_parameters["tt"]


def test_flat_netlist_has_one_model_per_geometry_and_as_many_lines(pdk):
    text = "* t\n" + "".join(
        f"X{k} d g 0\n* note\n+ 0 {NFET} w={1 + k % 2} l=0.25 delvto={{{k}*shift}}\n" for k in range(6)
    )
    text += "xc d 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n"
    flat, models = flatten_models(text, pdk)
    assert len(flat.splitlines()) == len(text.splitlines())
    assert flat.count("\nMX") == 6
    assert "\nxc d 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n" in flat
    assert _bins(models.text) == 2
    assert models.devices == ("sky130_fd_pr__cap_mim_m3_1", NFET)
    assert models.at_corner("ff") == flatten_models(text, pdk, "ff")[1]


def test_flat_keeps_expressions_as_x_lines(pdk):
    flat, models = flatten_models(EXPRESSION + f"x2 d g 0 0 {NFET} w=1 l=0.25\n", pdk)
    assert f"x1 d g 0 0 {NFET}" in flat
    assert "Mx2 d g 0 0" in flat
    assert _bins(models.text) == 49


def test_flat_refuses_two_transistors_of_one_name(pdk):
    with pytest.raises(ParameterError, match="second Mx1"):
        flatten_models(ONE + "Mx1 d g 0 0 mine\n", pdk)


def test_flat_without_body_network_changes_only_that(pdk):
    with_network = flatten_models(ONE, pdk)[1].text
    without = flatten_models(ONE, pdk, body_network=False)[1].text
    assert without == with_network.replace("rbodymod = 1", "rbodymod = 0") != with_network
