"""On SKY130's models, what a session switches in a loaded circuit equals a fresh process to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from spice_circuits import BSIM4, Text, circuit

from cimspice import pdk
from cimspice.bench import bench
from cimspice.errors import BadParameter
from cimspice.netlist import Netlist
from cimspice.spice import Ac, Op, Session, Tran, Waveforms, simulate_batch

pytestmark = pytest.mark.spice


def assert_same_bits(ours: Waveforms, reference: Waveforms) -> None:
    assert set(ours.vectors) == set(reference.vectors)
    for name in ours.vectors:
        np.testing.assert_array_equal(ours[name], reference[name])


def case(name: str):
    chosen = bench(name)
    parameters = chosen.Parameters()
    return chosen.netlist(parameters), chosen.analysis(parameters)


@pytest.mark.parametrize("name", ["inverter", "sram_noise_margin"])
def test_all_corners_switch_inside_one_loaded_circuit(session, name):
    netlist, analysis = case(name)
    session.load(netlist)
    loads = session.statistics.loads
    for corner in ("ss", "ff", "sf", "fs", "tt"):
        session.set_corner(corner)
        assert_same_bits(session.run(analysis), simulate_batch(netlist, analysis, corner=corner))
    assert session.statistics.loads == loads


def test_corner_and_alterations_survive_a_failure(session):
    netlist, analysis = case("inverter")
    session.load(netlist)
    session.set_corner("ff")
    session.alter("vsupply", 1.7)
    before = session.run(analysis)
    with pytest.raises(BadParameter):
        session.run(Op(save=("nobody",)))
    assert_same_bits(session.run(analysis), before)


@pytest.mark.parametrize("name", ["sram_noise_margin", "sram_read"])
def test_mismatch_altered_in_place_equals_mismatch_in_the_deck(session, name):
    netlist, analysis = case(name)
    shifts = pdk.draw_mismatch(pdk.threshold_sigmas(netlist.text), seed=5)
    session.load(netlist)
    nominal = session.run(analysis)
    for path, value in pdk.mismatch_alterations(netlist.text, shifts).items():
        session.alter(f"@{path}[delvto]", value)
    ours = session.run(analysis)
    drawn = Netlist(pdk.with_mismatch(netlist.text, shifts), netlist.template)
    assert_same_bits(ours, simulate_batch(drawn, analysis))
    assert np.max(np.abs(ours["left"] - nominal["left"])) > 1e-3


@pytest.mark.parametrize("analysis", [Tran(1e-10, 4e-9, max_step=1e-10), Ac(2, 1e6, 1e9)])
def test_devices_do_not_age_from_run_to_run(analysis):
    """BSIM3 scales its junction capacitances once more at every run of a loaded circuit (ngspice 39)."""
    netlist, _ = case("sram_read")
    netlist = Netlist(netlist.text.replace("dc 0 pulse", "dc 0 ac 1 pulse"), netlist.template)
    with Session() as own:
        own.load(netlist, temperature=85.0)
        first = own.run(analysis)
        for _ in range(3):
            assert_same_bits(own.run(analysis), first)
        own.run(Op())
        assert_same_bits(own.run(analysis), first)


def test_flat_models_give_the_same_curve(session):
    netlist, analysis = case("inverter")
    session.load(netlist)
    reference = session.run(analysis)
    session.load(netlist, flat=True)
    np.testing.assert_allclose(session.run(analysis)["output"], reference["output"], atol=1e-9)


def test_a_circuit_of_other_models_is_not_scaled_as_the_one_before(session):
    """The PDK's lengths are in micrometres; ngspice keeps that for the next circuit."""
    netlist, analysis = case("inverter")
    session.load(netlist)
    session.run(analysis)
    device = circuit(".param threshold=0.5\nvd d 0 1\nvg g 0 1.8\nm1 d g 0 0 bsim_n w=1u l=1u")
    session.load(device, models=BSIM4)
    alone = simulate_batch(device, Op(), models=BSIM4)
    assert_same_bits(session.run(Op()), alone)
    assert alone["vd#branch"][0] < -1e-4


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("corner", ["tt", "ss"])
def test_a_sample_is_the_same_whether_widths_are_numbers_or_parameters_of_a_subcircuit(flat, corner):
    def inverter(width: str, length: str) -> Text:
        return circuit(f"""
vdd vdd 0 1.8
vin in 0 0.85
x1 in out vdd inv w=2
.subckt inv i o v w=1 k=1
xn o i 0 0 sky130_fd_pr__nfet_01v8 w={width} l={length}
xp o i v v sky130_fd_pr__pfet_01v8 w=4 l=0.15
.ends
""")

    outputs = []
    for netlist in (inverter("{w}", "{0.1+0.05*k}"), inverter("2", "0.15")):
        shifts = pdk.draw_mismatch(pdk.threshold_sigmas(netlist.text), seed=3, sample=1)
        with Session() as session:
            session.load(netlist, corner=corner, flat=flat)
            values = pdk.mismatch_alterations(netlist.text, shifts, corner=corner, flat=flat)
            for path, volts in values.items():
                session.alter(f"@{path}[delvto]", volts)
            outputs.append(session.run(Op())["out"][0])
    assert outputs[0] == pytest.approx(outputs[1], rel=1e-9)
    assert 0.3 < outputs[0] < 1.5  # where the inverter's gain shows a shift
