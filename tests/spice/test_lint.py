"""What ngspice would execute or misread is refused; what it reads rightly is let through."""

from __future__ import annotations

import pytest
from spice_circuits import DIVIDER, LEVEL_1

from cimspice.errors import BadParameter, MissingModel
from cimspice.spice.lint import check_netlist, logical_lines, subcircuit_parameters, top_parameters

ACCEPTED = [
    "r1 a b 1k",
    "r1 a b 2.2meg",
    "r1 a b 2kohm",
    "r1 a b r=1e-3",
    "r1 a b {2*x}",
    "v1 a 0 pulse(0,1.8,1n,10p,10p,5n,10n)",
    "r1 inf nan 1k",
    "c1 3net a 1.5e-12 ic=0",
    "v1 a 0 dc 1.8 ac 1",
    "v1 a 0 pulse(0 1.8 1n 10p 10p 5n 10n)",
    "v1 a 0 pwl(0 0 1n 1.8)",
    "b1 a 0 i=1e3*(sin(1e6*v(a))+2)",
    "b1 a 0 v=v(b)>0.5?1:-1",
    "g1 a 0 b 0 1m",
    "m1 d g s b plain_n w=1u l=0.25u",
    "x1 d g 0 0 plain_nmos w=2 l=1 threshold=0.01",
    "x1 d g 0 0 plain_nmos w='2*x' m=3",
    "x1 d g 0 0 plain_nmos\n+ w=2\n* a comment between\n+ l=1",
    ".ic v(a)=0.5",
    ".param y={x*2}",
    ".param y = x - 2",
    ".param y=1 z = 2*x",
    ".ic v(1o)=0.5 v(a)=1",
    ".model n1 nmos level=54 version=4.8.2 vth0=0.4 toxe = 4.1e-9 k1='0.5*x'",
    ".model d1 d (is=1.0E-14 n=1.05)",
    ".if (x==1)\n.endif",
    ".subckt own a b w=1 l={2*x}\nr1 a b {w*l}\n.ends",
    "r1 a b 1.5d3",
    "r1 a b 10k tc=1e-3, 2e-6",
    "r1 a b 10k tc=1e-3,2e-6",
    "c1 a b 10pF ic=1.2V",
    "v1 a 0 5 sin(0 1 1k)",
    "v1 a 0 dc 1 ac 1 90 pulse(0 {x} 1n 1n 1n {2*x} 10n)",
    "e1 a 0 poly(1) b 0 0 2",
    "e1 a 0 (b,0) 2",
    "e1 a 0 table {v(b)} = (0,0) (1,1)",
    "g1 a 0 b 0 1m m=2",
    "b1 a 0 v=pwl(v(b), 0,0, 1,2)",
    "x1 d g 0 0 plain_nmos w='2*x' l='x'",
]


@pytest.mark.parametrize("line", ACCEPTED)
def test_good_lines_pass(line):
    check_netlist("* title\n.param x=1\n" + line, LEVEL_1)


REFUSED = [
    (".control", BadParameter),
    (".include models.inc", MissingModel),
    (".lib 'x.lib' tt", MissingModel),
    (".tran 1n 1u", BadParameter),
    (".options reltol=1", BadParameter),
    (".temp 85", BadParameter),
    (".end", BadParameter),
    ("*#shell ls", BadParameter),
    ("v1 a 0 1.8x5", BadParameter),
    ("v1 a 0 pulse(0 1.8x5 1n)", BadParameter),
    ("v1 a 0 nan", BadParameter),
    ("r1 a 0 inf", BadParameter),
    ("r1 a 0 r=-infinity", BadParameter),
    (".param y=nan", BadParameter),
    ("r1 a 0 0", BadParameter),
    ("r1 a 0 0.0k", BadParameter),
    ("r1 a 0 r=0", BadParameter),
    ("r1 a", BadParameter),
    ("x1 w=1", BadParameter),
    ("x =1 a b", BadParameter),
    ("x1 d g 0 0 plain_nmos width=2", BadParameter),
    ("x1 d g 0 0 plain_nmos w=1.8x5", BadParameter),
    ("r1 a 0 1,5k", BadParameter),
    ("v1 a 0 1,8", BadParameter),
    ("x1 d g 0 0 nobody", MissingModel),
    ("r1 a 0 1kΩ", BadParameter),
]


@pytest.mark.parametrize(("line", "kind"), REFUSED)
def test_bad_lines_are_refused_with_line_and_remedy(line, kind):
    with pytest.raises(kind) as caught:
        check_netlist("* title\n" + line, LEVEL_1)
    assert caught.value.netlist_line == line
    assert caught.value.remedy


def test_a_command_in_the_title_is_refused():
    with pytest.raises(BadParameter):
        check_netlist("*#shell ls\nr1 a 0 1k", "")


def test_continuations_and_comments_are_joined_and_dropped():
    text = "* title\nr1 a 0\n* no\n+ 1k ; tail\n\n  c1 a 0 1p $ tail\n"
    assert logical_lines(text) == ["* title", "r1 a 0  1k", "c1 a 0 1p"]


def test_parameters_inside_a_subcircuit_may_be_set_on_its_x_line():
    assert subcircuit_parameters(LEVEL_1) == {"plain_nmos": {"threshold", "w", "l", "m"}}


def test_only_plain_parameters_can_be_altered():
    text = DIVIDER.text + ".param drawn=agauss(0,1,1) fixed=2\n.subckt s a\n.param inner=1\n.ends\n"
    assert top_parameters(text) == {"upper"}
    assert top_parameters(DIVIDER.text + ".param fixed=2\n") == {"upper", "fixed"}
