"""Analyses render exactly, compare by value, refuse what ngspice would misread, and know a complete axis."""

from __future__ import annotations

import math

import numpy as np
import pytest
from spice_circuits import circuit

from cimspice.errors import ParameterError
from cimspice.spice import Ac, Dc, Noise, Op, SolverOptions, Sweep, Tran, simulate


@pytest.mark.parametrize(
    ("analysis", "command"),
    [
        (Op(), "op"),
        (Tran(1e-9, 1e-6), "tran 1e-09 1e-06"),
        (Tran(1e-9, 1e-6, max_step=5e-10, uic=True), "tran 1e-09 1e-06 0.0 5e-10 uic"),
        (Ac(10, 1.0, 1e6), "ac dec 10 1.0 1000000.0"),
        (Noise(5, 1.0, 100.0, output="Out", source="Vin"), "noise v(out) vin dec 5 1.0 100.0"),
    ],
)
def test_analyses_render_to_ngspice_commands(analysis, command):
    assert analysis.command == command


def test_numbers_render_with_all_their_digits():
    assert repr(0.1 + 0.2) in Dc("vin", 0.0, 1.0, 0.1 + 0.2).command


def test_analyses_are_values():
    first, second = Dc("vin", 0, 1, 0.1, save=("OUT",)), Dc("vin", 0, 1, 0.1, save=("out",))
    assert first == second
    assert hash(first) == hash(second)
    assert first != Dc("vin", 0, 1, 0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dc("vin", 0, 1, -0.1),
        lambda: Dc("vin", 1, 0, 0.1),
        lambda: Dc("vin", 0, 1, 0.0),
        lambda: Dc("vin", 0, math.nan, 0.1),
        lambda: Dc("vin; shell ls", 0, 1, 0.1),
        lambda: Dc("vin", 0, 1, 0.1, outer=Sweep("temp", 0, 50, -50)),
        lambda: Tran(1e-9, math.inf),
        lambda: Tran(0.0, 1e-6),
        lambda: Tran(1e-9, 1e-6, start=2e-6),
        lambda: Tran(1e-9, 1e-6, max_step=0.0),
        lambda: Ac(10, 0.0, 1e6),
        lambda: Ac(10, 1e6, 1.0),
        lambda: Ac(0, 1.0, 1e6),
        lambda: Ac(10, 1.0, 1e6, scale="log"),
        lambda: Noise(5, 1.0, 100.0, output="out", source="v in"),
        lambda: Op(save=("out `shell ls`",)),
        lambda: SolverOptions(reltol=math.nan),
        lambda: SolverOptions(reltol=-1e-3),
        lambda: SolverOptions(method="euler"),
        lambda: SolverOptions(maxord=7),
    ],
)
def test_values_that_ngspice_would_misread_are_refused(make):
    with pytest.raises(ParameterError):
        make()


def test_long_sweeps_keep_their_last_point():
    sweep = Sweep("vin", 0.0, 1.8, 1e-4)
    assert len(sweep.values) == 18001
    assert sweep.values[-1] == pytest.approx(1.8, abs=1e-12)


@pytest.mark.parametrize(
    ("analysis", "axis", "complete"),
    [
        (Op(), [0.5], True),
        (Op(), [], False),
        (Dc("vin", 0, 1, 0.5), [0, 0.5, 1.0], True),
        (Dc("vin", 0, 1, 0.5), [0, 0.5], False),
        (Dc("vin", 0, 1, 0.5), [0, 0.5, 0.9], False),
        (Dc("vin", 1, 0, -0.5), [1, 0.5, 0], True),
        (Dc("vin", 0, 1, 1, outer=Sweep("temp", 0, 50, 50)), [0, 1, 0, 1], True),
        (Dc("vin", 0, 1, 1, outer=Sweep("temp", 0, 50, 50)), [0, 1], False),
        (Tran(1e-9, 1e-6), [0, 5e-7, 1e-6], True),
        (Tran(1e-9, 1e-6), [0, 5e-7], False),
        (Tran(1e-9, 1e-6), [0, 7e-7, 5e-7, 1e-6], False),
        (Tran(1e-9, 1e-6), [5e-7, 1e-6], False),
        (Tran(1e-9, 1e-6, start=5e-7), [5e-7, 1e-6], True),
        (Ac(1, 1.0, 100.0), [1, 10, 100], True),
        (Ac(1, 1.0, 100.0), [1, 10], False),
        (Ac(3, 1.0, 3.0, scale="lin"), [1, 2, 3], True),
        (Ac(1, 1.0, 5.0, scale="oct"), [1, 2, 4], True),
    ],
)
def test_only_a_complete_axis_is_complete(analysis, axis, complete):
    assert (analysis.defect(np.array(axis, dtype=float)) == "") is complete


def test_options_write_only_what_is_set():
    assert SolverOptions().card == ""
    assert (
        SolverOptions(reltol=1e-5, method="gear", maxord=2).card
        == ".options reltol=1e-05 method=gear maxord=2"
    )
    assert SolverOptions(pivrel=1.0, klu=True).card == ".options pivrel=1.0 klu"
    assert SolverOptions(klu=False).card == ""


@pytest.mark.spice
def test_an_ngspice_without_klu_takes_its_own_solver_and_says_nothing():
    divider = circuit("v1 a 0 1\nr1 a b 1k\nr2 b 0 1k")
    assert simulate(divider, Op(), options=SolverOptions(klu=True))["b"] == pytest.approx([0.5], rel=1e-9)
