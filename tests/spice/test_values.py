"""A value that ngspice would read as another one is refused; every other is the one that is written."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spice_circuits import circuit

from cimspice.errors import BadParameter
from cimspice.spice import Op, simulate

pytestmark = pytest.mark.spice

MISREAD = [
    *(f"r1 a 0 {value}" for value in ("1k 2k", "1O", "1Ok", ".", "-", ".k", "1e-400", "1e400", "1e-310")),
    *(
        f"r1 a 0 {value}"
        for value in ("1 {1+1}", "{1k} {2}", "1k r=2k", "r=1k 2k", "1e 3", "1e", "1k5", "1kk")
    ),
    *(f"r1 a 0 {value}" for value in ("1_000", "0x10", "1l", "{1k}{2}", "r={q}2", "{1O+1}", "'2*1e-400'")),
    *(f"c1 a 0 {value}" for value in ("1n 2n", "1e-400", ".", "1O", "{q}n {p}n", "1n ic=1 2")),
    "l1 a 0 1u 2u",
    *(
        f"v2 b 0 {value}"
        for value in ("1O", ".", "1e-400", "1 dc 2", "dc .", "sin(0 1 1k) 5", "pulse(0 1O 1n)")
    ),
    *(f"e1 b 0 a 0 {value}" for value in ("2 3", "{q} {p}", "1O", ".", "{q}{p}")),
    *(f"g1 b 0 a 0 {value}" for value in ("1m 2m", "1e-400")),
    *(f"f1 b 0 va {value}" for value in ("2 3", ".")),
    "h1 b 0 va 2 3",
    *(f"x1 a 0 load value={value}" for value in ("2k 3", "2k {1+1}", "{1k}*2", "2*{1k}", "2O", "1e-400")),
    *(f"b1 b 0 v={value}" for value in ("1O*2", "2*1e-400", "1/{q-p}", "v(a)/{q-p}", "{q-p}*2", "{q-p}^2")),
    *(f"b1 b 0 v={value}" for value in ("-{q-p}", "1-{q+p}", "2**{q-p}", "8/{q*p}", "8/{q/p}", "{-q}^2")),
    *(f"b1 b 0 v={value}" for value in ("'v(a)/{q-p}'", "1/'q-p'", "1+{q>p}", "2* { q - p }", "1/{(q)-(p)}")),
    "b1 b 0 i=1/{q-p}",
    "e1 b 0 vol='v(a)/{q-p}'",
    "e1 b 0 value={v(a)/{q-p}}",
    "r1 a 0 r='v(a)/{q-p}'",
    ".func f(x) {1/{q-p}*x}",
    ".param z=1O",
    ".param z=1e-400",
    ".param z={2*1O}",
    ".param z = 2 * 1e-400",
    ".ic v(a)=1O",
    ".nodeset v(b)=.",
    *(
        f".model dm d({settings})"
        for settings in ("is=1O", "is=1e-400", "n=1 is=.", "is=1e-14 2", "is={q} {p}")
    ),
    ".subckt other p q r=1O\n.ends",
]


@pytest.mark.parametrize("line", MISREAD)
def test_what_ngspice_would_misread_is_refused_with_its_line_and_a_remedy(line):
    rest = ".subckt load p q value=1k\nr1 p q {value}\n.ends"
    with pytest.raises(BadParameter) as caught:
        simulate(circuit(f".param q=5 p=3\nva a 0 1\nrb b 0 1k\n{line}\n{rest}"), Op())
    assert caught.value.netlist_line == line.partition("\n")[0]
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1/({q-p})", 0.5),
        ("{q-p}", 2.0),
        ("{q-p}+1", 3.0),
        ("1+{q-p}", 3.0),
        ("2*{q*p}", 30.0),
        ("2*{-q}", -10.0),
        ("1-{-q}", 6.0),
        ("1/{q}", 0.2),
        ("1/{(q-p)}", 0.5),
        ("1/{pow(q-p,2)}", 0.25),
        ("exp({q-p}-2)", 1.0),
        ("max({q-p},{p})", 3.0),
        ("{1/(q-p)}", 0.5),
        ("'q-p'", 2.0),
        ("v(a)>{q-p} ? 1 : 4", 4.0),
        ("{q-p}>1", 1.0),
        ("5V+v(a)", 6.0),
        ("1e-3*v(a)*1e3", 1.0),
        ("v(3v3)+v(a,0)+i(va)", 4.3),
        ("2n*1e9", 2.0),
    ],
)
def test_what_ngspice_reads_as_it_is_written_passes(expression, value):
    netlist = circuit(f".param q=5 p=3\nva a 0 1\nv3 3v3 0 3.3\nb1 b 0 v={expression}")
    assert simulate(netlist, Op())["b"] == pytest.approx([value], rel=1e-9)


NUMBERS = st.sampled_from(["2", "5", "1.5", "-3", "(4-1)"])
SUMS = st.builds("{}{}{}".format, NUMBERS, st.sampled_from("+-*/"), st.sampled_from(["2", "5", "q", "(q-1)"]))


@settings(max_examples=120)
@given(
    before=st.sampled_from(["", "2+", "7-", "3*", "8/", "2^", "-", "sqrt(4)*"]),
    inside=SUMS | NUMBERS,
    after=st.sampled_from(["", "+1", "-1", "*2", "/2", "^2"]),
)
def test_braces_in_an_expression_are_refused_or_hold_together(before, inside, after):
    assume(not (before == "2^" and after == "^2"))  # ngspice takes powers from the left, braces or not
    text = f"{before}{{{inside}}}{after}"
    try:
        found = simulate(circuit(f".param q=3\nb1 b 0 v={text}"), Op())["b"][0]
    except BadParameter:
        return
    group = f"({inside})".replace("q", "3")
    exact = f"{before}{group}{after}".replace("sqrt(4)", "2").replace("^", "**")
    assert found == pytest.approx(eval(exact), rel=1e-9)
