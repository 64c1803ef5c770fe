"""Parameter expressions: values as ngspice computes them, random terms removed without a trace."""

from __future__ import annotations

import math

import pytest

from cimspice.errors import PdkError
from cimspice.pdk.expression import evaluate, names, number, substitute, without_random_terms


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.25", 0.25),
        ("-1e-6", -1e-6),
        ("1u", 1e-6),
        (" {2.5} ", 2.5),
        ("'3MEG'", 3e6),
        (".5", 0.5),
        ("1.", 1.0),
        ("wn", None),
        ("2*3", None),
        ("1.8x5", None),
        ("", None),
    ],
)
def test_number_reads_spice_numbers_and_nothing_else(text, value):
    assert number(text) == value


def test_evaluate_has_the_precedence_and_functions_of_the_files():
    values = {"w": 0.42, "l": 0.15}
    text = "{(0.008*8/l+0.992)*(-w)^2 + sqrt(max(w,l))/pow(l,2) - 1e-3*'l'}"
    expected = (0.008 * 8 / 0.15 + 0.992) * (-0.42) ** 2 + math.sqrt(0.42) / 0.15**2 - 1e-3 * 0.15
    assert evaluate(text, values.__getitem__) == expected


@pytest.mark.parametrize("text", ["__import__('os')", "a.b", "1/0", "[1]", "unknown(1)", "1 if 2 else 3"])
def test_evaluate_refuses_what_is_no_arithmetic(text):
    with pytest.raises(PdkError, match="cannot be evaluated"):
        evaluate(text, lambda name: 1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a+s*AGAUSS(0,1.0,1)/sqrt(l*w)+b}", "{a+b}"),
        ("{x*(1+s*AGAUSS(0,1.0,1)/sqrt(w*l))}", "{x*(1)}"),
        ("{4.1e-9*m+S*AGAUSS(0,1.0,1)*(4.1e-9*m*(k/sqrt(l*w)))}", "{4.1e-9*m}"),
        ("{1.0+c*0.0} + p*S*GAUSS(0,0.025,1)", "{1.0+c*0.0}"),
        ("{1.0} + p*S*EXP(AGAUSS(0,0.12,1))", "{1.0}"),
        ("{(k/sqrt(w*l))*S*AGAUSS(0,1.0,1)}", "{0}"),
        ("{S*AGAUSS(0,1.0,1)+b}", "{b}"),
        ("{a-S*AGAUSS(0,1e-3,1)}", "{a}"),
        ("{a+b}", "{a+b}"),
    ],
)
def test_random_terms_are_dropped_and_nothing_else(text, expected):
    assert without_random_terms(text) == expected


def test_substitute_keeps_numbers_plain_and_expressions_together():
    assert substitute("0.14/w+l*nf", {"w": "0.42", "l": "{a+b}"}) == "0.14/0.42+(a+b)*nf"
    assert names("1e-6*sw_a + 2.5E3*B") == {"sw_a", "b"}
