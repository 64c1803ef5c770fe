"""Jobs that ngspice can do are done, in a session and in batch alike; every value against its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spice_circuits import LEVEL_1, circuit

from cimspice.errors import BadParameter, SingularMatrix
from cimspice.spice import Ac, Dc, Noise, Op, Session, Tran, simulate, simulate_batch

pytestmark = pytest.mark.spice

BOTH = pytest.mark.parametrize("run", [simulate, simulate_batch])
RC = circuit("vin in 0 dc 0 ac 1\nr1 in out 1k\nc1 out 0 1n")
SERIES = circuit("v1 a 0 dc 1 ac 1\nr1 a b 1k\nr2 b 0 1k")
DENSITY = math.sqrt(4 * 1.380649e-23 * 300.15 * 500.0)
"""V/sqrt(Hz) of 1 kohm beside 1 kohm at 27 degrees Celsius."""

GRIDS = [
    (10, 1e3, 2e4, "dec", 14, 2e4),
    (10, 1e3, 1.1e3, "dec", 2, 1.1e3),
    (10, 1e3, 1e6, "dec", 31, 1e6),
    (7, 0.3, 0.3e4, "dec", 29, 0.3e4),
    (1, 1e5, 1e5, "dec", 1, 1e5),
    (3, 1e5, 1e5, "oct", 1, 1e5),
    (5, 1e5, 1e5, "lin", 1, 1e5),
    (1, 1e3, 1.5e3, "oct", 1, 1e3),
    (2, 1e3, 9e3, "oct", 7, 8e3),
    (1, 1e3, 2e3, "lin", 1, 1e3),
    (2, 1e3, 1e6, "lin", 2, 1e6),
    (3, 1e3, 2e3, "lin", 3, 2e3),
]


@BOTH
@pytest.mark.parametrize(("points", "start", "stop", "scale", "count", "last"), GRIDS)
def test_ac_and_noise_have_the_documented_frequencies(run, points, start, stop, scale, count, last):
    ac = run(RC, Ac(points, start, stop, scale))
    assert (len(ac), ac.axis[0], ac.axis[-1]) == (count, pytest.approx(start), pytest.approx(last))
    assert ac["out"] == pytest.approx(1 / (1 + 2j * math.pi * ac.axis * 1e-6), rel=1e-9)
    noise = run(SERIES, Noise(points, start, stop, scale, output="b", source="v1"))
    assert noise.axis == pytest.approx(ac.axis, rel=1e-9)
    assert noise["onoise_spectrum"] == pytest.approx(np.full(count, DENSITY), rel=1e-6)
    assert ("onoise_total" in noise) == (count > 1)
    if count > 1:
        expected = DENSITY * math.sqrt(last - start)
        assert noise["onoise_total"] == pytest.approx(np.full(count, expected), rel=1e-6)


@settings(max_examples=25)
@given(points=st.integers(1, 40), start=st.floats(1e-2, 1e6), decades=st.floats(0, 4) | st.integers(0, 4))
def test_a_dec_sweep_of_any_width_ends_at_its_stop(points, start, decades):
    stop = start * 10.0**decades
    result = simulate(RC, Ac(points, start, stop, save=("out",)))
    exact = points * math.log10(stop / start)
    steps = 0 if stop == start else max(1, math.floor(exact + 1e-9))
    assert result.axis == pytest.approx(start * (stop / start) ** (np.arange(steps + 1) / max(1, steps)))
    assert result["out"] == pytest.approx(1 / (1 + 2j * math.pi * result.axis * 1e-6), rel=1e-9)


@BOTH
def test_noise_keeps_the_vectors_that_are_asked_for(run):
    analysis = Noise(10, 1e3, 2e4, output="b", source="v1", save=("onoise_total",))
    assert run(SERIES, analysis).names == ("onoise_total",)
    with pytest.raises(BadParameter, match="no vector 'b' to save") as caught:
        run(SERIES, Noise(1, 1e3, 1e4, output="b", source="v1", save=("b",)))
    assert "onoise_spectrum" in caught.value.remedy


@BOTH
@pytest.mark.parametrize(
    ("analysis", "named"),
    [
        (Noise(1, 1e3, 1e4, output="no_such_node", source="v1"), "no_such_node"),
        (Noise(1, 1e3, 1e4, output="0", source="v1"), "'0'"),
        (Noise(1, 1e3, 1e4, output="b", source="vnone"), "vnone"),
        (Dc("vnone", 0, 1, 0.5), "vnone"),
        (Op(save=("@m.x1.no[gm]", "b")), "@m.x1.no[gm]"),
        (Op(save=("@r1[nothing]",)), "@r1[nothing]"),
        (Tran(1e-9, 1e-8, save=("b", "@r9[i]")), "@r9[i]"),
        (Dc("v1", 0, 1, 0.5, save=("@r1",)), "@r1"),
        (Ac(1, 1.0, 10.0, save=("@r1[nothing]",)), "@r1[nothing]"),
        (Op(save=("b", "no_such_node")), "no_such_node"),
        (Tran(1e-9, 1e-8, save=("b", "r1#branch")), "r1#branch"),
    ],
)
def test_a_name_that_does_not_exist_is_named_and_is_not_zero(run, analysis, named):
    with pytest.raises(BadParameter) as caught:
        run(SERIES, analysis)
    assert named in str(caught.value)
    assert caught.value.remedy


@BOTH
def test_noise_at_a_node_inside_a_subcircuit_is_found(run):
    netlist = circuit("v1 a 0 dc 1 ac 1\nx1 a 0 half\n.subckt half p q\nr1 p mid 1k\nr2 mid q 1k\n.ends")
    noise = run(netlist, Noise(1, 1e3, 1e4, output="x1.mid", source="v1"))
    assert noise["onoise_spectrum"] == pytest.approx([DENSITY] * 2, rel=1e-6)


@BOTH
@pytest.mark.parametrize(
    ("node", "analysis"),
    [("time", Tran(1e-9, 1e-8)), ("Frequency", Ac(1, 1.0, 10.0)), ("v-sweep", Dc("v1", 0, 1, 1))],
)
def test_a_node_with_the_name_of_the_axis_is_refused_and_does_not_take_its_place(run, node, analysis):
    with pytest.raises(BadParameter, match="name of the result's axis"):
        run(circuit(f"v1 {node} 0 dc 1 ac 1\nr1 {node} 0 1k"), analysis)
    assert run(circuit(f"v1 {node} 0 1\nr1 {node} b 1k\nr2 b 0 1k"), Op())[node.lower()] == pytest.approx(
        [1.0]
    )


def test_a_refused_noise_run_leaves_no_node_in_the_session(session):
    session.load(SERIES)
    with pytest.raises(BadParameter):
        session.run(Noise(1, 1e3, 1e4, output="no_such_node", source="v1"))
    assert set(session.run(Op()).names) == {"a", "b", "v1#branch"}


NAMES = [
    "1",
    "3v3",
    "00",
    "1e3",
    "top/a",
    "/top/a",
    "data<3>",
    "<0>",
    "in[0]",
    "n~1",
    "a|b",
    "a%2",
    "a-b",
    "+a",
    "a#2",
]


@BOTH
@pytest.mark.parametrize("name", [*NAMES, "vdd!", "a@b", "x.y"])
def test_nodes_are_found_under_the_names_that_editors_and_extractors_give_them(run, name):
    netlist = circuit(f"v1 top 0 dc 1 ac 1\nr1 top {name} 1k\nr2 {name} 0 3k")
    assert run(netlist, Op(save=(name,)))[name] == pytest.approx([0.75])
    everything = run(netlist, Op())
    assert everything[name] == pytest.approx([0.75])
    assert everything[f"v({name})"] == pytest.approx([0.75])
    if run is simulate_batch or not set("<>|!") & set(name):
        noise = run(netlist, Noise(1, 1e3, 1e4, output=name, source="v1"))
        assert noise["onoise_spectrum"] == pytest.approx([DENSITY * math.sqrt(1.5)] * 2, rel=1e-6)
    else:
        with pytest.raises(BadParameter, match="a session cannot name"):
            run(netlist, Noise(1, 1e3, 1e4, output=name, source="v1"))


@BOTH
def test_a_numbered_node_of_a_transient(run):
    netlist = circuit("i1 0 1 1u\nc1 1 0 1n\nr1 1 0 1e12")
    result = run(netlist, Tran(1e-6, 4.5e-4, uic=True, save=("1",)))
    assert result["1"][-1] == pytest.approx(0.45, rel=1e-5)


@BOTH
@pytest.mark.parametrize(
    ("line", "ohms"),
    [
        ("r1 a 0 rload", 22e3),
        ("r1 a 0 RLOAD", 22e3),
        ("r1 a 0 r=rload", 22e3),
        ("r1 a 0 r = rload", 22e3),
        ("r1 a 0 {rload}", 22e3),
        ("r1 a 0 'rload/2'", 11e3),
        ("r1 a 0 rload m=2", 11e3),
        ("r1 a 0 rload tc1=1e-3", 22e3),
        ("r1 a 0 rsheet l=10u w=1u", 1e3),
        ("r1 a 0 rsheet 2k", 2e3),
        ("r1 a 0 2kohm", 2e3),
        ("r1 a 0 1Meg", 1e6),
        ("x1 a 0 load value=3k", 3e3),
        ("x1 a 0 load", 1e3),
    ],
)
def test_a_resistance_may_be_a_parameter_or_a_model(run, line, ohms):
    models = ".param rload=22k\n.model rsheet r(rsh=100)\n.subckt load p q value=1k\nr1 p q value\n.ends"
    result = run(circuit(f"v1 a 0 1\n{line}\n{models}"), Op())
    assert -1 / result["v1#branch"] == pytest.approx([ohms], rel=1e-9)


@BOTH
@pytest.mark.parametrize(
    "coefficients",
    ["tc=1e-3,2e-6", "TC = 1e-3 , 2e-6", "tc=(1e-3,2e-6)", "tc=1e-3 2e-6", "tc1=1e-3 tc2=2e-6"],
)
def test_two_coefficients_of_temperature_are_read_however_they_are_written(run, coefficients):
    result = run(circuit(f"v1 a 0 1\nr1 a 0 1k {coefficients} m=2"), Op(), temperature=77.0)
    assert -1 / result["v1#branch"] == pytest.approx([500.0 * (1 + 50e-3 + 2500 * 2e-6)], rel=1e-9)


@BOTH
@pytest.mark.parametrize(
    ("value", "farads"), [("10aF", 1e-17), ("0.5f", 5e-16), ("0.05fF", 5e-17), ("12.5a", 1.25e-17)]
)
def test_capacitances_of_extractors_are_read(run, value, farads):
    result = run(circuit(f"v1 a 0 0 ac 1\nC0 a 0 {value}"), Ac(1, 1e9, 1e9))
    assert -result["v1#branch"].imag == pytest.approx([2e9 * math.pi * farads], rel=1e-9)


def test_a_resistance_given_by_a_parameter_can_be_altered_and_must_not_be_zero(session):
    session.load(circuit(".param rload=1k\nv1 a 0 1\nr1 a b rload\nr2 b 0 r=rload\nr3 b 0 1k"))
    session.alter_parameters({"rload": 3e3})
    assert session.run(Op())["b"] == pytest.approx([0.75 / 3.75])
    with pytest.raises(BadParameter, match="0 ohm"):
        session.alter_parameters({"rload": 0.0})


@BOTH
@pytest.mark.parametrize(
    ("lines", "node", "value"),
    [
        ("b1 ohms 0 v=15200\nr1 ohms 0 1", "ohms", 15200.0),
        ("b1 ohms 0 v=15200", "ohms", 15200.0),
        ("e1 k 0 vol='5000'\nr1 k m 1k\nr2 m 0 1k", "m", 2500.0),
        ("v1 k 0 1500\nr1 k 0 1k", "k", 1500.0),
        ("b1 0 k i=(4000-v(k))/1k", "k", 4000.0),
        ("i1 0 k 2\nr1 k 0 1k", "k", 2000.0),
        (
            "x1 t cell\n.subckt cell out\nb1 kelvin 0 v=1300\nr1 kelvin out 1k\nr2 out 0 1k\n.ends",
            "x1.kelvin",
            1300.0,
        ),
    ],
)
def test_a_node_that_something_holds_may_have_any_number(run, lines, node, value):
    assert run(circuit(lines), Op())[node] == pytest.approx([value], rel=1e-9)


@BOTH
def test_a_charge_given_at_the_start_may_grow_to_any_number(run):
    result = run(circuit("i1 0 a 1m\nc1 a 0 1u"), Tran(1e-3, 2.0, max_step=1e-2, uic=True))
    assert result["a"][-1] == pytest.approx(2000.0, rel=1e-3)


@BOTH
@pytest.mark.parametrize(
    "lines",
    [
        "i1 0 a 1u\nc1 a 0 1n",
        "i1 0 a 1u\nr1 a b 1k\nc1 b 0 1n",
        "b1 0 a i=1u\nc1 a 0 1n",
        "v1 in 0 1\ng1 0 a in 0 1u\nc1 a 0 1n",
        "x1 a cell\n.subckt cell out\ni1 0 out 1u\nc1 out 0 1n\n.ends",
    ],
)
def test_a_node_that_only_gmin_holds_is_refused(run, lines):
    with pytest.raises(SingularMatrix):
        run(circuit(lines), Op())


@BOTH
def test_parameters_of_transistors_are_saved_by_their_path(run):
    netlist = circuit(LEVEL_1 + "v1 a 0 1\nx1 a a 0 0 plain_nmos")
    result = run(netlist, Op(save=("@m.x1.mcore[id]",)))
    assert result["@m.x1.mcore[id]"] == pytest.approx([100e-6 * 0.5**2], rel=1e-6)


def test_one_session_changes_between_kinds_of_names():
    netlist = circuit("v1 1 0 dc 1 ac 1\nr1 1 top/a<0> 1k\nr2 top/a<0> 0 1k")
    with Session() as session:
        session.load(netlist)
        assert session.run(Op(save=("top/a<0>",)))["top/a<0>"] == pytest.approx([0.5])
        assert session.run(Ac(1, 1e3, 2e3, save=("1",))).names == ("1",)
        assert set(session.run(Op()).names) == {"1", "top/a<0>", "v1#branch"}


@pytest.mark.parametrize("name", ["va/b", "v#2", "v-1", "v:1"])
def test_sources_are_altered_under_the_names_that_editors_give_them(session, name):
    session.load(circuit(f"{name} a 0 1\nr/1 a b 1k\nr2 b 0 1k"))
    session.alter(name, 3.0)
    session.alter("r/1", 2e3)
    assert session.run(Op())["b"] == pytest.approx([1.0])
