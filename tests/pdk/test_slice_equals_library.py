"""Slices, and flattened netlists, give what the full combined library gives: to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.pdk import CORNERS, DEVICES, draw_process, flatten_models, mismatch_alterations, slice_models
from cimspice.pdk.library import Library
from cimspice.pdk.subcircuit import parse_subcircuit

pytestmark = pytest.mark.spice

GEOMETRIES = {
    "nfet_01v8": [(1, 0.25), (0.42, 0.15), (0.55, 0.15), (0.65, 0.18), (5, 8), (100, 20)],
    "nfet_01v8_lvt": [(1, 0.15), (0.42, 0.15), (5, 0.5), (3, 20)],
    "nfet_g5v0d10v5": [(2, 0.5), (5, 0.5), (1, 1)],
    "pfet_01v8": [(1, 0.25), (0.42, 0.15), (7, 20), (1.68, 0.15), (0.55, 4)],
    "pfet_01v8_lvt": [(1, 0.35), (0.42, 1.5), (5, 0.5)],
    "pfet_01v8_hvt": [(1, 0.15), (0.42, 0.15), (5, 0.5), (7, 2)],
    "special_nfet_latch": [(0.21, 0.15)],
    "special_nfet_pass": [(0.14, 0.15)],
    "special_pfet_latch": [(0.14, 0.15)],
}
EXTRA = {"nfet_01v8": "nf=2 m=3 ad=0.6 as=0.6 pd=2.5 ps=2.5", "pfet_01v8_hvt": "nf=2 m=2 sa=0.5 sb=0.5"}
ANALYSES = """
.control
op
write op.raw
ac lin 2 1e6 1e9
write ac.raw
dc vin 0 1.8 0.05
write dc.raw
.endc
.end
"""


def _transistor(index: int, device: str, settings: str) -> str:
    sign = "-" if device.split("_")[-2].startswith("pfet") or "pfet" in device else ""
    return (
        f"vd{index} d{index} 0 {sign}1.1\nvg{index} g{index} 0 dc {sign}0.7 ac 1\n"
        f"vb{index} b{index} 0 {'' if sign else '-'}0.1\n"
        f"x{index} d{index} g{index} 0 b{index} sky130_fd_pr__{device} {settings}\n"
    )


@pytest.fixture(scope="module")
def netlist() -> str:
    """Every device at several geometries, each alone between sources, and a loaded inverter."""
    lines = []
    for device, pairs in GEOMETRIES.items():
        lines += [(device, f"w={width} l={length}") for width, length in pairs]
    lines += [(device, f"w=4 l=0.5 {extra}") for device, extra in EXTRA.items()]
    text = "* devices\n" + "".join(_transistor(i, *line) for i, line in enumerate(lines))
    for index, name in enumerate(sorted(DEVICES)):
        if DEVICES[name].kind == "resistor":
            width = "w=0.69 " if "w" in DEVICES[name].parameters else ""
            text += f"vr{index} r{index} 0 dc 0.9 ac 1\nxr{index} r{index} 0 0 {name} {width}l=12.5\n"
        elif DEVICES[name].kind == "capacitor":
            text += f"vc{index} c{index} 0 dc 0.9 ac 1\nxc{index} c{index} 0 {name} w=7 l=5 m=2\n"
    return text + (
        "vdd vdd 0 1.8\nvin in 0 0.9\n"
        "xn out in 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.15\n"
        "xp out in vdd vdd sky130_fd_pr__pfet_01v8 w=2 l=0.15\n"
        "xload out 0 0 sky130_fd_pr__res_xhigh_po w=0.35 l=360\n"
    )


def _outer(plot: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the nodes inside transistors, whose names differ in a flattened netlist."""
    return {name: values for name, values in plot.items() if "#body" not in name and "body)" not in name}


@pytest.mark.parametrize("corner", CORNERS)
def test_slice_and_flat_netlist_equal_the_full_library(pdk, run_deck, netlist, corner):
    temperature = {"ss": ".temp 85\n", "fs": ".temp 0\n"}.get(corner, "")
    full = run_deck(f'{netlist}.lib "{pdk.library()}" {corner}\n{temperature}{ANALYSES}')
    cut = run_deck(netlist + slice_models(netlist, pdk, corner).text + temperature + ANALYSES)
    flat_netlist, flat_models = flatten_models(netlist, pdk, corner)
    flat = run_deck(flat_netlist + flat_models.text + temperature + ANALYSES)

    assert set(full) == {"op.raw", "ac.raw", "dc.raw"}
    for name in full:
        (reference,), (sliced,), (flattened,) = full[name], cut[name], flat[name]
        assert len(reference) > 150
        assert sliced.keys() == reference.keys()
        for vector, values in reference.items():
            assert np.array_equal(sliced[vector], values), (name, vector)
        for vector, values in _outer(reference).items():
            assert np.array_equal(flattened[vector], values), (name, vector)
    currents = [values for vector, values in full["op.raw"][0].items() if vector.startswith("i(vd")]
    assert all(abs(current[0]) > 1e-13 for current in currents)


def test_bin_at_every_edge_is_the_one_that_the_full_library_takes(pdk, run_deck):
    section = Library.open(pdk.library()).section("tt")
    edges = []
    for device in ("nfet_01v8", "pfet_01v8_hvt"):
        bins = parse_subcircuit(section.subcircuits["sky130_fd_pr__" + device]).bins
        settings = {f"w={b.width_min * 1e6:.6g} l={b.length_min * 1e6:.6g}" for b in bins}
        settings |= {f"w={b.width_min * 1e6 + 0.005:.6g} l={b.length_max * 1e6 - 0.005:.6g}" for b in bins}
        assert len(settings) > 80
        edges += [(device, text) for text in sorted(settings)]
    netlist = "* edges\n" + "".join(_transistor(i, *edge) for i, edge in enumerate(edges))
    analysis = ".control\nop\nwrite op.raw\n.endc\n.end\n"
    full = run_deck(f'{netlist}.lib "{pdk.library()}" tt\n{analysis}')["op.raw"][0]
    sliced = run_deck(netlist + slice_models(netlist, pdk).text + analysis)["op.raw"][0]
    flat_netlist, models = flatten_models(netlist, pdk)
    flat = run_deck(flat_netlist + models.text + analysis)["op.raw"][0]
    assert len([vector for vector in full if vector.startswith("i(vd")]) == len(edges)
    for index, edge in enumerate(edges):
        assert sliced[f"i(vd{index})"] == full[f"i(vd{index})"] == flat[f"i(vd{index})"], edge


@pytest.mark.parametrize("flat", [False, True])
def test_one_loaded_circuit_switches_to_all_corners(pdk, run_deck, netlist, flat):
    def models_at(corner: str):
        return flatten_models(netlist, pdk, corner) if flat else (netlist, slice_models(netlist, pdk, corner))

    text, models = models_at("tt")
    loop = ""
    for corner in (*CORNERS[1:], "tt"):
        for name, value in models.corner_parameters[corner].items():
            loop += f"alterparam {name} = {value!r}\n"
        loop += f"reset\nop\nwrite {corner}.raw\n"
    switched = run_deck(f"{text}{models.text}.control\n{loop}.endc\n.end\n")
    currents = set()
    for corner in CORNERS:
        fresh_text, fresh_models = models_at(corner)
        assert fresh_models == models.at_corner(corner)
        fresh = run_deck(f"{fresh_text}{fresh_models.text}.control\nop\nwrite op.raw\n.endc\n.end\n")
        reference, found = fresh["op.raw"][0], switched[f"{corner}.raw"][0]
        assert found.keys() == reference.keys()
        for vector in reference:
            assert np.array_equal(found[vector], reference[vector]), (corner, vector)
        currents.add(float(reference["i(vd0)"][0]))
    assert len(currents) == len(CORNERS)


def test_process_draws_reach_the_loaded_circuit(pdk, run_deck, netlist):
    models = slice_models(netlist, pdk)
    values = draw_process(models, seed=3)
    assert "sw_vth0_sky130_fd_pr__nfet_01v8_mc" in values
    altered = "".join(f"alterparam {name} = {value!r}\n" for name, value in values.items())
    script = f".control\nop\nwrite nominal.raw\n{altered}reset\nop\nwrite drawn.raw\n.endc\n.end\n"
    plots = run_deck(netlist + models.text + script)
    (nominal,), (drawn,) = plots["nominal.raw"], plots["drawn.raw"]
    for vector in ("i(vd0)", "i(vd6)", "i(vd10)", "i(vr10)"):
        assert nominal[vector] != drawn[vector]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("corner", ["tt", "ss"])
def test_threshold_shift_on_the_x_line_equals_altering_the_transistor(pdk, run_deck, corner, flat):
    plain = (
        "* shifts\n.subckt cell d g b\nxin d g 0 b sky130_fd_pr__pfet_01v8_hvt w=1 l=0.25\n.ends\n"
        "vd d 0 -1.1\nvg g 0 -0.8\nvb b 0 0.1\nve e 0 1.1\nvh h 0 0.8\nxcell d g b cell\n"
        "xlatch e h 0 0 sky130_fd_pr__special_nfet_latch w=0.21 l=0.15\n"
        "xn e h 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25\n"
    )
    shifts = {"xcell.xin": -0.021, "xlatch": 0.013, "xn": 0.017}
    written = plain.replace("hvt w=1 l=0.25", "hvt w=1 l=0.25 delvto=-0.021")
    written = written.replace("l=0.15", "l=0.15 delvto=0.013").replace(
        "nfet_01v8 w", "nfet_01v8 delvto=0.017 w"
    )
    alterations = mismatch_alterations(plain, shifts, corner=corner, flat=flat, pdk=pdk)
    script = "".join(f"alter @{path}[delvto] = {value!r}\n" for path, value in alterations.items())

    def run(netlist: str, script: str):
        text, models = flatten_models(netlist, pdk, corner) if flat else (netlist, None)
        models = models or slice_models(netlist, pdk, corner)
        return run_deck(f"{text}{models.text}.control\n{script}op\nwrite op.raw\n.endc\n.end\n")["op.raw"][0]

    nominal, expected, found = run(plain, ""), run(written, ""), run(plain, script)
    for vector in ("i(vd)", "i(ve)"):
        assert found[vector] == pytest.approx(expected[vector], rel=1e-10)
        assert abs(nominal[vector] / expected[vector] - 1) > 0.05


def test_flat_transient_agrees_within_the_solvers_tolerance(pdk, run_deck):
    netlist = "* ring of gates\nvdd vdd 0 1.8\nvin n0 0 pulse(0 1.8 0.2n 0.1n 0.1n 2n 4n)\n"
    for k in range(5):
        netlist += (
            f"xn{k} n{k + 1} n{k} 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25\n"
            f"xp{k} n{k + 1} n{k} vdd vdd sky130_fd_pr__pfet_01v8 w=2 l=0.25\n"
        )
    netlist += "xc n5 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n"
    analysis = ".options reltol=1e-6 chgtol=1e-18\n.control\ntran 5p 4n\nwrite tran.raw\n.endc\n.end\n"
    sliced = run_deck(netlist + slice_models(netlist, pdk).text + analysis)["tran.raw"][0]
    flat_netlist, models = flatten_models(netlist, pdk)
    flat = run_deck(flat_netlist + models.text + analysis)["tran.raw"][0]
    times = np.linspace(0, 4e-9, 401)
    first, second = (np.interp(times, plot["time"], plot["v(n5)"]) for plot in (sliced, flat))
    assert np.ptp(first) > 1.7
    assert np.abs(first - second).max() < 2e-3
    assert abs(first[-1] - second[-1]) < 1e-6
