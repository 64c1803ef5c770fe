"""X lines are refused before ngspice would misread them."""

from __future__ import annotations

import pytest

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk import mosfet_path, slice_models
from cimspice.pdk.instances import instance_paths, instances

NFET = "sky130_fd_pr__nfet_01v8"


def _refused(pdk, line: str, kind: type[Exception] = ParameterError):
    with pytest.raises(kind) as caught:
        slice_models(f"* title\nvd d 0 1\n{line}\n", pdk)
    error = caught.value
    assert isinstance(error, (ParameterError, PdkError))
    assert "netlist line 3" in error.place
    return error


def test_mult_that_is_not_m_is_refused_and_the_right_m_is_offered(pdk):
    assert _refused(pdk, f"x1 d d 0 0 {NFET} w=1 l=0.15 mult=4").remedy == "write m=4"
    assert "leave it out" in _refused(pdk, f"x1 d d 0 0 {NFET} w=1 l=0.15 mult=4 m=2").remedy


@pytest.mark.parametrize(
    "settings",
    [
        "w=1 l=0.15 with=3",
        "w=1 l=0.15 w=2",
        "w=1.8x5 l=0.15",
        "w=nan l=0.15",
        "w=-1 l=0.15",
        "w=1 l=0",
        "w=1 l=0.15 junk",
        "w= l=0.15",
        "w=1e999 l=0.15",
    ],
)
def test_settings_that_ngspice_would_misread_are_refused(pdk, settings):
    _refused(pdk, f"x1 d d 0 0 {NFET} {settings}")


@pytest.mark.parametrize(
    ("device", "settings"),
    [
        ("nfet_01v8", "w=0.3 l=0.15"),
        ("nfet_01v8", "w=1 l=0.1"),
        ("nfet_01v8", "w=1u l=0.15u"),
        ("nfet_01v8", "w=1 l=0.15 nf=4"),
        ("special_nfet_latch", "w=0.42 l=0.15"),
        ("special_pfet_latch", "w=0.14 l=0.2"),
    ],
)
def test_geometry_outside_the_bins_is_refused_with_the_range(pdk, device, settings):
    error = _refused(pdk, f"x1 d d 0 0 sky130_fd_pr__{device} {settings}")
    assert "micrometres" in error.remedy
    assert " to " in error.remedy


def test_unknown_devices_are_refused_with_a_remedy(pdk):
    assert "nfet_01v8" in _refused(pdk, "x1 d d 0 0 sky130_fd_pr__nfet_1v8 w=1 l=1", PdkError).remedy
    assert (
        "special_pfet_latch" in _refused(pdk, "x1 d d 0 0 sky130_fd_pr__special_pfet_pass", PdkError).remedy
    )
    assert ".subckt" in _refused(pdk, "x1 d d 0 0 mycell", PdkError).remedy


def test_wrong_number_of_nodes_is_refused(pdk):
    assert "d g s b" in _refused(pdk, f"x1 d d 0 {NFET} w=1 l=0.15").message


def test_netlist_text_is_read_as_spice_reads_it():
    text = (
        f"x0 is the title {NFET} mult=1\n* x1 d d 0 0 {NFET} mult=2\n"
        f"X2 d g 0\n* between\n+ 0 {NFET}\n+ W = 1 l={{2*lmin}} ; comment mult=3\n.param lmin=0.15\n"
    )
    (found,) = instances(text)
    assert (found.name, found.nodes, found.parameters) == (
        "X2",
        ("d", "g", "0", "0"),
        {"w": "1", "l": "{2*lmin}"},
    )
    assert (found.first, found.last) == (2, 5)
    assert (found.value("w"), found.value("l")) == (1.0, None)


def test_paths_follow_the_hierarchy():
    text = (
        f"* t\n.subckt pair a b\nxn a b 0 0 {NFET} w=1 l=1\n.ends\n"
        ".subckt two a b\nxp a b pair\nxq b a pair\n.ends\nXtop a b two\nxpair b a pair\n"
    )
    assert sorted(instance_paths(text)) == ["xpair.xn", "xtop.xp.xn", "xtop.xq.xn"]


def test_a_subcircuit_inside_itself_is_refused():
    with pytest.raises(ParameterError, match="uses itself"):
        instance_paths("* t\n.subckt a x y\nx1 x y a\n.ends\nxa 1 2 a\n")


def test_path_of_the_transistor_inside_an_instance():
    assert mosfet_path("Xcell.Xpull", "nfet_01v8") == f"m.xcell.xpull.m{NFET}"
    assert mosfet_path("Xcell.Xpull", NFET, flat=True) == "m.xcell.mxpull"
    assert mosfet_path("Xpull", NFET, flat=True) == "mxpull"
    with pytest.raises(PdkError, match="capacitor"):
        mosfet_path("x1", "cap_mim_m3_1")
