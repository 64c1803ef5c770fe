"""Static figures of the cell, against other ways to find the same states."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from cimspice.bench import bench
from cimspice.errors import ParameterError, SimulationError
from cimspice.netlist import Netlist
from cimspice.pdk import draw_mismatch, mismatch_alterations, threshold_sigmas
from cimspice.spice import Op, Session, SolverOptions, Tran, simulate
from cimspice.sram.circuit.cell import PRECISE
from cimspice.sram.circuit.n_curve import n_curve_margins

MISMATCH = {"none": None, "sample 4": 4}


def shifts(netlist: Netlist, corner: str, sample: int | None) -> Mapping[str, float]:
    """What to alter in a loaded cell to make it this sample."""
    if sample is None:
        return {}
    drawn = draw_mismatch(threshold_sigmas(netlist.text), 1, sample)
    altered = mismatch_alterations(netlist.text, drawn, corner=corner)
    return {f"@{path}[delvto]": value for path, value in altered.items()}


def table(name: str, corner="tt", temperature=27.0, sample=None, **values) -> pd.DataFrame:
    """One point of a bench in this process."""
    asked = bench(name)
    parameters = asked.Parameters.model_validate(values)
    netlist = asked.netlist(parameters)
    with Session() as session:
        session.configure(
            netlist,
            corner=corner,
            temperature=temperature,
            options=asked.options(parameters),
            alterations=shifts(netlist, corner, sample),
        )
        return asked.measure(parameters, session.run(asked.analysis(parameters)))


@pytest.mark.spice
@pytest.mark.parametrize("sample", MISMATCH.values(), ids=MISMATCH)
def test_bit_line_write_margin_is_where_a_slow_write_begins_to_succeed(sample):
    """Bisection of the voltage at which a bit line that falls and waits there flips the cell."""
    asked = bench("sram_write_margin")
    text = asked.netlist(asked.Parameters()).text
    low, high = 0.5, 1.2
    while high - low > 1e-3:
        level = (low + high) / 2
        ramp = f"vbit_line_bar bit_line_bar 0 pwl(0 1.8 20n {level})"
        moved = Netlist(text.replace("vbit_line_bar bit_line_bar 0 dc 1.8", ramp), "write")
        assert ramp in moved.text
        with Session() as session:
            session.configure(moved, alterations=shifts(moved, "tt", sample))
            waveforms = session.run(Tran(1e-9, 200e-9, max_step=2e-9, save=("left", "right")))
        flipped = waveforms["left"][-1] > waveforms["right"][-1]
        low, high = (level, high) if flipped else (low, level)
    found = table("sram_write_margin", sample=sample)["write_margin"].iloc[0]
    assert found == pytest.approx(high, abs=4e-3)  # the sweep has steps of 2 mV


@pytest.mark.spice
def test_a_word_line_that_writes_is_below_the_supply_by_the_margin():
    margin = table("sram_write_margin", swept="word_line")["write_margin"].iloc[0]
    asked = bench("sram_write_margin")
    text = asked.netlist(asked.Parameters(swept="word_line")).text
    for away, flips in ((4e-3, True), (-4e-3, False)):
        level = 1.8 - margin + away
        ramp = f"vword_line word_line 0 pwl(0 0 20n {level})"
        moved = Netlist(text.replace("vword_line word_line 0 dc 0.0", ramp), "write")
        assert ramp in moved.text
        waveforms = simulate(moved, Tran(1e-9, 400e-9, max_step=2e-9, save=("left", "right")))
        assert (waveforms["left"][-1] > waveforms["right"][-1]) == flips


def test_margins_of_a_cubic_are_those_on_paper():
    """Zeros 0.2, 0.7, 1.6 of a cubic; its extremes are the roots of the derivative."""
    voltage = np.linspace(0, 1.8, 3601)
    cubic = np.poly1d([0.2, 0.7, 1.6], r=True) * 1e-5
    low, high = sorted(cubic.deriv().roots)
    margins = n_curve_margins(voltage, cubic(voltage))
    assert margins["voltage_noise_margin"] == pytest.approx(0.5, abs=1e-6)
    assert margins["write_trip_voltage"] == pytest.approx(0.9, abs=1e-6)
    assert margins["current_noise_margin"] == pytest.approx(cubic(low), rel=1e-5)
    assert margins["write_trip_current"] == pytest.approx(-cubic(high), rel=1e-5)
    assert set(n_curve_margins(voltage, voltage - 0.2).values()) == {0.0}


@pytest.mark.spice
@pytest.mark.parametrize(
    ("corner", "temperature", "sample", "states"),
    [("tt", 27.0, None, 3), ("sf", 125.0, 4, 3), ("ss", -40.0, None, 5)],
)
def test_zeros_of_the_n_curve_are_the_crossings_of_the_butterfly(corner, temperature, sample, states):
    """In the cold a slow cell that is open has a third stable state, hence five crossings."""
    conditions = {"corner": corner, "temperature": temperature, "sample": sample}
    asked = bench("sram_noise_margin")
    parameters = asked.Parameters(points=1800)
    netlist = asked.netlist(parameters)
    with Session() as session:
        session.configure(
            netlist,
            corner=corner,
            temperature=temperature,
            options=PRECISE,
            alterations=shifts(netlist, corner, sample),
        )
        halves = session.run(asked.analysis(parameters))
    x = halves.axis

    def around(left: float) -> float:
        return float(np.interp(np.interp(left, x, halves["right"]), x, halves["left"]) - left)

    miss = np.array([around(v) for v in x])
    turns = np.flatnonzero((miss[:-1] > 0) & (miss[1:] <= 0) | (miss[:-1] <= 0) & (miss[1:] > 0))
    crossings = [brentq(around, x[k], x[k + 1]) for k in turns]
    assert len(crossings) == states
    margins = table("sram_n_curve", points=1800, **conditions).iloc[0]
    assert margins["voltage_noise_margin"] == pytest.approx(crossings[1] - crossings[0], abs=2e-3)
    assert margins["write_trip_voltage"] == pytest.approx(crossings[-1] - crossings[-2], abs=2e-3)
    curve = table("sram_n_curve_points", **conditions)
    held = curve[curve.node_voltage.between(crossings[0], crossings[1])]
    assert margins["current_noise_margin"] == pytest.approx(held.node_current.max(), rel=1e-3)


@pytest.mark.spice
@pytest.mark.parametrize(("corner", "sample"), [("tt", None), ("tt", 4), ("sf", 7)])
def test_the_retention_voltage_is_where_the_butterfly_loses_a_state(corner, sample):
    """Bisection of the supply: the outer crossings of the cell, cut open, are what it can store."""
    asked = bench("sram_noise_margin")
    low, high = 0.15, 0.9
    with Session() as session:
        while high - low > 1e-3:
            supply = (low + high) / 2
            parameters = asked.Parameters(supply_voltage=supply, word_line_voltage=0.0, points=301)
            netlist = asked.netlist(parameters)
            altered = shifts(netlist, corner, sample)
            session.configure(netlist, corner=corner, options=PRECISE, alterations=altered)
            halves = session.run(asked.analysis(parameters))
            right = np.interp(halves["left"], halves.axis, halves["right"])  # in a closed loop
            stands = np.flatnonzero(np.diff(np.sign(right - halves.axis)))
            apart = (halves.axis - halves["left"])[stands]  # right - left
            both = len(stands) >= 3 and min(-apart[0], apart[-1]) > supply / 2
            low, high = (low, supply) if both else (supply, high)
    found = table("sram_retention", corner=corner, sample=sample)["retention_voltage"].iloc[0]
    assert found == pytest.approx(high, abs=6e-3)


@pytest.mark.spice
@pytest.mark.parametrize(("range_", "remedy"), [((0.5, 1.2), "lower"), ((0.05, 0.2), "raise")])
def test_a_retention_voltage_outside_the_sweep_is_said(range_, remedy):
    with pytest.raises(SimulationError, match="not between") as caught:
        table("sram_retention", lowest_supply=range_[0], highest_supply=range_[1])
    assert remedy in (caught.value.remedy or "")


@pytest.mark.spice
@pytest.mark.parametrize("temperature", [27.0, 125.0])
def test_leakage_is_that_of_the_transistors_that_are_off(temperature):
    """Three with the supply across them, and the junctions of an access transistor with both ends up."""
    off = [
        ("special_nfet_latch", "1.8 0 0 0", 0.21),
        ("special_nfet_pass", "1.8 0 0 0", 0.14),
        ("special_pfet_latch", "0 1.8 1.8 1.8", 0.14),
        ("special_nfet_pass", "1.8 0 1.8 0", 0.14),
    ]
    total = 0.0
    for device, voltages, width in off:
        area, edge = round(0.26 * width, 4), round(2 * (width + 0.26), 4)
        lines = [f"v{node} {node} 0 {value}" for node, value in zip("dgsb", voltages.split(), strict=True)]
        sizes = f"w={width} l=0.15 ad={area} as={area} pd={edge} ps={edge}"
        netlist = Netlist("\n".join(["* off", *lines, f"x1 d g s b sky130_fd_pr__{device} {sizes}\n"]), "off")
        into = simulate(netlist, Op(), temperature=temperature, options=PRECISE)
        # what enters at the terminals that stand at the supply
        total -= sum(into[f"v{node}#branch"][0] for node in "dsb" if into[node][0] > 1)
    found = table("sram_leakage", temperature=temperature).iloc[0]
    assert found["leakage_current"] == pytest.approx(total, rel=0.02)
    assert found["leakage_power"] == pytest.approx(1.8 * found["leakage_current"])


@pytest.mark.spice
@pytest.mark.parametrize("name", ["sram_leakage", "sram_write_margin"])
def test_a_supply_below_retention_is_answered_with_what_to_do(name):
    with pytest.raises(SimulationError, match="does not hold its state") as caught:
        table(name, supply_voltage=0.18)
    assert "retention" in (caught.value.remedy or "")


@pytest.mark.spice
def test_a_cell_of_ordinary_transistors_answers_to_its_sizes():
    def read_margin(**cell):
        return table("sram_snm", cell={"devices": "ordinary", **cell})["read_noise_margin"].iloc[0]

    assert read_margin(pull_down_width=1.26e-6) > read_margin() > read_margin(access_width=0.84e-6)


def test_special_transistors_have_one_size():
    with pytest.raises(ParameterError, match="one size each"):
        bench("sram_snm").Parameters.model_validate({"cell": {"access_width": 0.5e-6}})


def test_options_leave_less_conductance_than_a_cold_cell():
    """1 pS, ngspice's own, is a thousand times what a cell leaks at -40 degrees."""
    assert isinstance(PRECISE, SolverOptions)
    assert PRECISE.gmin is not None
    assert PRECISE.gmin * 1.8 < 1e-3 * 7e-17
