"""Mismatch and process variation: reproducible, per name, with the PDK's own figures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk import (
    capacitor_sigma,
    draw_mismatch,
    draw_process,
    process_spreads,
    slice_models,
    threshold_shift,
    threshold_sigma,
    threshold_sigmas,
    with_mismatch,
)
from cimspice.pdk.instances import instance_paths

NFET = "sky130_fd_pr__nfet_01v8"
CELL = (
    f"* t\n.subckt inv a b vdd\nxn b a 0 0 {NFET} w=1 l=0.15\n"
    "xp b a vdd vdd sky130_fd_pr__pfet_01v8 w=2 l=0.15 m=4\n.ends\n"
    f"xi a b vdd inv\nxj b c vdd inv\nXm c b\n+ 0 0 {NFET} w=0.42 l=0.15\n"
    "xr c 0 0 sky130_fd_pr__res_high_po w=1 l=5\n"
)


@pytest.mark.parametrize(
    ("device", "width", "constant"),
    [
        ("nfet_01v8", 0.42, 3.356e-3),
        ("nfet_01v8_lvt", 0.42, 5.456e-3),
        ("pfet_01v8", 0.42, 5.856e-3),
        ("pfet_01v8_lvt", 0.42, 1.089e-2),
        ("pfet_01v8_hvt", 0.42, 5.5e-3),
        ("special_nfet_latch", 0.21, 5.289e-3),
        ("special_nfet_pass", 0.14, 5.589e-3),
        ("special_pfet_latch", 0.14, 5.567e-3),
    ],
)
def test_matching_constants_and_the_librarys_own_draws(pdk, device, width, constant):
    expected = constant / math.sqrt(width * 0.15)
    assert threshold_sigma(device, width, 0.15, pdk=pdk) == pytest.approx(expected, rel=1e-12)
    assert threshold_sigma(device, width, 0.15, multiplier=4, pdk=pdk) == pytest.approx(
        expected / 2, rel=1e-12
    )
    library = threshold_sigma(device, width, 0.15, constants="library", pdk=pdk)
    factor = 1.0
    if device == "nfet_01v8":
        factor = (0.064 / 0.15 + 0.992) * (0.245 / width + 0.965) * (0.056 / (width * 0.15) + 0.999)
        assert 0.050 < library < 0.060
    assert library == pytest.approx(expected * factor, rel=1e-9)


def test_capacitors_differ_as_the_librarys_own_constant_says(pdk):
    """0.47 % times a micrometre; plates are 0.15 um wider and longer than drawn."""
    expected = 4.7e-3 / math.sqrt(3.15 * 7.15)
    assert capacitor_sigma("cap_mim_m3_1", 3, 7, pdk=pdk) == pytest.approx(expected, rel=1e-9)
    assert capacitor_sigma("cap_mim_m3_2", 3, 7, multiplier=4, pdk=pdk) == pytest.approx(
        expected / 2, rel=1e-9
    )
    with pytest.raises(PdkError, match="no capacitor"):
        capacitor_sigma("nfet_01v8", 1, 1, pdk=pdk)
    with pytest.raises(ParameterError, match="positive"):
        capacitor_sigma("cap_mim_m3_1", 3, 0, pdk=pdk)


def test_bad_geometry_and_devices_are_refused(pdk):
    for width in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ParameterError, match="width"):
            threshold_sigma("nfet_01v8", width, 0.15, pdk=pdk)
    with pytest.raises(PdkError, match="no threshold"):
        threshold_sigma("cap_mim_m3_1", 1, 1, pdk=pdk)
    with pytest.raises(ParameterError, match="has no value"):
        threshold_sigmas(f"* t\nx1 d g 0 0 {NFET} w={{wn}} l=0.15\n", pdk=pdk)


def test_sf_is_fast_n_and_slow_p(pdk):
    """Against the PDK's own words; users are warned so."""
    assert threshold_shift("nfet_01v8", 1, 0.25, corner="sf", pdk=pdk) < -0.02
    assert threshold_shift("pfet_01v8", 1, 0.25, corner="sf", pdk=pdk) < -0.02
    assert threshold_shift("nfet_01v8", 1, 0.25, corner="tt", pdk=pdk) == 0.0


def test_every_transistor_has_its_own_reproducible_draw(pdk):
    sigmas = threshold_sigmas(CELL, pdk=pdk)
    assert set(sigmas) == {"xi.xn", "xi.xp", "xj.xn", "xj.xp", "xm"}
    assert sigmas["xi.xp"] == pytest.approx(5.856e-3 / math.sqrt(2 * 0.15 * 4))
    first = draw_mismatch(sigmas, seed=7)
    assert first == draw_mismatch(sigmas, seed=7)
    assert len(set(first.values())) == len(first)
    backwards = dict(reversed(sigmas.items()))
    assert draw_mismatch(backwards, seed=7) == first
    assert draw_mismatch({"xm": sigmas["xm"]}, seed=7) == {"xm": first["xm"]}
    assert draw_mismatch(sigmas, seed=8) != first != draw_mismatch(sigmas, seed=7, sample=1)


def test_draws_are_standard_normal_over_samples_and_uncorrelated_between_devices():
    draws = np.array([list(draw_mismatch({"xa": 1.0, "xb": 1.0}, 1, k).values()) for k in range(4000)])
    assert np.abs(draws.mean(axis=0)).max() < 4 / math.sqrt(4000)
    assert np.abs(draws.std(axis=0) - 1).max() < 4 / math.sqrt(2 * 4000)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 4 / math.sqrt(4000)


def test_shifts_are_written_on_x_lines(pdk):
    text = CELL + f"xq c b 0 0 {NFET} w=1 l=1 delvto={{2*dv}}\n"
    changed = with_mismatch(text, {"xm": 0.0125, "xq": -1e-3})
    paths = instance_paths(changed)
    assert paths["xm"].value("delvto") == 0.0125
    assert paths["xq"].parameters["delvto"] == "{(2*dv)+(-0.001)}"
    assert (paths["xq"].value("w"), paths["xq"].nodes) == (1.0, ("c", "b", "0", "0"))
    assert len(changed.splitlines()) == len(text.splitlines())
    slice_models(changed, pdk)
    for path in ("xi.xn", "xr", "nobody"):
        with pytest.raises(ParameterError, match="top level"):
            with_mismatch(text, {path: 0.01})


def test_process_spreads_are_the_pdks_comments(pdk):
    spreads = process_spreads(pdk)
    assert (spreads["sw_vth0_sky130_fd_pr__nfet_01v8_mc"].kind, spreads["sw_polycd"].std) == (
        "absolute",
        1.5e-9,
    )
    assert spreads["sw_cap_mim_ca"].kind == "relative"
    assert spreads["sw_cap_mim_ca"].std == pytest.approx(0.027)
    assert spreads["sw_rcn"].kind == "log-normal"
    assert spreads["sw_rcn"].apply(182.0, 1.0) == pytest.approx(182.0 * math.exp(0.9))


def test_process_draws_cover_what_the_slice_depends_on(pdk):
    text = CELL + (
        "xl c b 0 0 sky130_fd_pr__special_nfet_latch w=0.21 l=0.15\n"
        "xc c 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n"
    )
    models = slice_models(text, pdk)
    drawn = [draw_process(models, 1, k, pdk=pdk) for k in range(400)]
    assert drawn[3] == draw_process(models, 1, 3, pdk=pdk)
    threshold = np.array([values["sw_vth0_sky130_fd_pr__nfet_01v8_mc"] for values in drawn])
    assert threshold.std() == pytest.approx(0.006, rel=0.15)
    capacitance = np.array([values["sw_cap_mim_ca"] for values in drawn])
    assert capacitance.mean() == pytest.approx(2e-15, rel=0.01)
    assert capacitance.std() == pytest.approx(0.027 * 2e-15, rel=0.15)
    latch = np.array([values["sky130_fd_pr__special_nfet_latch__vth0_diff_0"] for values in drawn])
    assert latch.std() == pytest.approx(0.8 * 0.0322, rel=0.15)
    assert "sw_cap_mim_ca" not in draw_process(slice_models(CELL, pdk), 1, pdk=pdk)
    slow = draw_process(models, 1, 3, corner="ss", pdk=pdk)
    shift = models.corner_parameters["ss"]["sw_polycd"] - models.corner_parameters["tt"]["sw_polycd"]
    assert slow["sw_polycd"] - drawn[3]["sw_polycd"] == pytest.approx(shift)


def test_widths_may_be_parameters_of_subcircuits_and_of_the_netlist(pdk):
    """Each use of a subcircuit has its own area, with the multipliers of all levels."""
    text = f"""* t
.param unit=0.5 long={{2*0.15}}
.subckt pair a b w=1 k=2
.param wide={{k*w}}
xn a b 0 0 {NFET} w={{w}} l={{long}}
xp a b 0 0 {NFET} w='wide' l=0.15 m={{k}}
.ends
.subckt two a b size=1
xl a b pair w={{size*unit}} m=2
xr a b pair
.ends
xa d g two size=4
xb d g two
xc d g 0 0 {NFET} w={{unit*2}} l=long
"""
    areas = {
        "xa.xl.xn": 2.0 * 0.3 * 2,
        "xa.xl.xp": 4.0 * 0.15 * 2 * 2,
        "xa.xr.xn": 1.0 * 0.3,
        "xa.xr.xp": 2.0 * 0.15 * 2,
        "xb.xl.xn": 0.5 * 0.3 * 2,
        "xb.xl.xp": 1.0 * 0.15 * 2 * 2,
        "xb.xr.xn": 1.0 * 0.3,
        "xb.xr.xp": 2.0 * 0.15 * 2,
        "xc": 1.0 * 0.3,
    }
    one = threshold_sigma("nfet_01v8", 1.0, 1.0, pdk=pdk)
    sigmas = threshold_sigmas(text, pdk=pdk)
    assert sigmas == pytest.approx({path: one / math.sqrt(area) for path, area in areas.items()})
