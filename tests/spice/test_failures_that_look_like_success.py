"""Each case in which ngspice returns success without a result: a typed error, then right results again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from spice_circuits import DIVIDER, LEVEL_1, circuit

from cimspice.errors import (
    BadParameter,
    MissingModel,
    NonConvergence,
    ParameterError,
    SimulationError,
    SingularMatrix,
)
from cimspice.spice import Analysis, Dc, Noise, Op, Session, Tran, simulate_batch
from cimspice.spice.failures import complaints, judge

pytestmark = pytest.mark.spice

STIFF = """vstep a 0 pulse(0 1 0 1n 1n 1 2)
rstep a b 1k
bwild b 0 i=v(b)>0.5?1e6*(v(b)-0.2):-1e6
cwild b 0 1e-18
"""
BINNED = """.model binned.1 nmos level=1 lmin=1u lmax=2u wmin=1u wmax=2u
.model binned.2 nmos level=1 lmin=2u lmax=4u wmin=1u wmax=2u
"""

CASES = {
    "voltage loop": ("v1 a 0 1\nv2 a 0 2\nr1 a 0 1k", Op(), SingularMatrix, "v1 a 0 1"),
    "inductor across a source": ("v1 a 0 1\nl1 a 0 1u", Op(), SingularMatrix, "l1 a 0 1u"),
    "timestep too small": (STIFF, Tran(1e-9, 1e-6), NonConvergence, ""),
    "no operating point": ("b1 a 0 i=sin(1e6*v(a))+2\nc1 a 0 1u", Op(), NonConvergence, ""),
    "missing model": (
        "v1 a 0 1\nm1 a a 0 0 nobody w=1u l=1u",
        Op(),
        MissingModel,
        "m1 a a 0 0 nobody w=1u l=1u",
    ),
    "W out of the bins": (
        "v1 a 0 1\nm1 a a 0 0 binned w=9u l=1u\n" + BINNED,
        Op(),
        MissingModel,
        "m1 a a 0 0 binned w=9u l=1u",
    ),
    "missing subcircuit": ("v1 a 0 1\nx1 a 0 nobody", Op(), MissingModel, "x1 a 0 nobody"),
    "missing include": ("v1 a 0 1\n.include nobody.inc", Op(), MissingModel, ".include nobody.inc"),
    "undefined parameter": ("v1 a 0 1\nr1 a 0 {nobody}", Op(), BadParameter, "r1 a 0 {nobody}"),
    "NaN value": ("v1 a 0 nan\nr1 a 0 1k", Op(), BadParameter, "v1 a 0 nan"),
    "infinite value": ("v1 a 0 1\nr1 a 0 inf", Op(), BadParameter, "r1 a 0 inf"),
    "NaN parameter": (".param x=nan\nv1 a 0 {x}\nr1 a 0 1k", Op(), BadParameter, ".param x=nan"),
    "floating node": ("i1 0 a 10n\nc1 a 0 1p", Op(), SingularMatrix, "i1 0 a 10n"),
    "floating node at 10 kV": (
        "i1 0 a 10n\nd1 0 a leak\n.model leak d is=1e-15",
        Op(),
        SingularMatrix,
        "i1 0 a 10n",
    ),
    "unknown X parameter": (
        "v1 a 0 1\nx1 a a 0 0 plain_nmos width=2",
        Op(),
        BadParameter,
        "x1 a a 0 0 plain_nmos width=2",
    ),
    "1.8x5": ("v1 a 0 1.8x5\nr1 a 0 1k", Op(), BadParameter, "v1 a 0 1.8x5"),
    "R = 0": ("v1 a 0 1\nr1 a b 0\nr2 b 0 1k", Op(), BadParameter, "r1 a b 0"),
    "unknown swept source": ("v1 a 0 1\nr1 a 0 1k", Dc("v9", 0, 1, 0.1), BadParameter, ""),
    "unknown saved vector": ("v1 a 0 1\nr1 a 0 1k", Op(save=("a", "nobody")), BadParameter, ""),
    "only unknown saved vectors": ("v1 a 0 1\nr1 a 0 1k", Op(save=("nobody",)), BadParameter, ""),
    "element twice": ("v1 a 0 1\nr1 a 0 1k\nr1 a 0 2k", Op(), BadParameter, "r1 a 0 2k"),
    "initial value of no node": ("v1 a 0 1\nr1 a 0 1k\n.ic v(b)=1", Op(), BadParameter, ".ic v(b)=1"),
    "unknown model parameter": (
        "v1 a 0 1\nd1 a 0 plain\n.model plain d nobody=3",
        Op(),
        BadParameter,
        ".model plain d nobody=3",
    ),
    "too few nodes": (
        "v1 a 0 1\nx1 a a 0 plain_nmos",
        Op(),
        BadParameter,
        "x1 a a 0 plain_nmos",
    ),
    "computed infinity": (".param x={1/0}\nv1 a 0 {x}\nr1 a 0 1k", Op(), BadParameter, "v1 a 0"),
    "decimal comma": ("v1 a 0 1\nr1 a 0 1,5k", Op(), BadParameter, "r1 a 0 1,5k"),
    "noise without an AC source": (
        "v1 a 0 1\nr1 a 0 1k",
        Noise(2, 1.0, 100.0, output="a", source="v1"),
        BadParameter,
        "",
    ),
}


def assert_well(session: Session) -> None:
    """The session gives right results for good decks, old and new."""
    session.load(DIVIDER)
    assert session.run(Op())["out"][0] == pytest.approx(0.5)
    session.load(circuit("v1 fresh 0 3\nr1 fresh 0 1k"))
    waves = session.run(Dc("v1", 0, 3, 0.5))
    np.testing.assert_allclose(waves["v1#branch"], -waves.axis / 1e3, rtol=1e-9)


def load_and_run(session: Session, lines: str, analysis: Analysis) -> None:
    session.load(circuit(lines), models=LEVEL_1)
    session.run(analysis)


@pytest.mark.parametrize("case", CASES)
def test_session_raises_and_recovers(session, case):
    lines, analysis, kind, line = CASES[case]
    assert_well(session)
    with pytest.raises(kind) as caught:
        load_and_run(session, lines, analysis)
    assert caught.value.remedy
    assert line in caught.value.netlist_line
    assert_well(session)


@pytest.mark.parametrize("case", CASES)
def test_batch_raises_the_same(case):
    lines, analysis, kind, _ = CASES[case]
    with pytest.raises(kind):
        simulate_batch(circuit(lines), analysis, models=LEVEL_1, time_limit=60)


def test_a_failed_run_gives_no_stale_data_on_the_same_circuit(session):
    session.load(DIVIDER)
    session.run(Op())
    with pytest.raises(BadParameter):
        session.run(Dc("v9", 0, 1, 0.1))
    assert len(session.run(Dc("vin", 0, 1, 0.1))) == 11


def test_resistor_computed_to_be_zero(session):
    lines = ".param x=0\nv1 a 0 1\nr1 a b {x*2}\nr2 b 0 1k"
    with pytest.raises(BadParameter, match="0 ohm"):
        session.load(circuit(lines))
    session.load(circuit(lines.replace("x=0", "x=500")))
    with pytest.raises(BadParameter, match="0 ohm"):
        session.alter_parameters({"x": 0.0})
    assert session.run(Op())["b"][0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "lines",
    [
        "r1 a b {x}",
        "r1 a b x",
        "r1 a b r='x*2'",
        "x1 a b load value=2\n.subckt load p q value=1\nr1 p q {value*x}\n.ends",
    ],
)
def test_batch_refuses_a_resistor_computed_to_be_zero_too(lines):
    with pytest.raises(BadParameter, match="0 ohm"):
        simulate_batch(circuit(f".param x=0\nv1 a 0 1\nr2 b 0 1k\n{lines}"), Op())
    assert simulate_batch(circuit(f".param x=500\nv1 a 0 1\nr2 b 0 1k\n{lines}"), Op())["b"][0] < 0.7


def test_alterparam_nan_never_reaches_ngspice(session):
    session.load(DIVIDER)
    with pytest.raises(BadParameter, match="not finite"):
        session.alter_parameters({"upper": math.nan})
    assert not session.dead
    assert session.run(Op())["out"][0] == pytest.approx(0.5)


def test_a_library_that_asked_for_exit_is_replaced():
    with Session() as own:
        with pytest.raises(BadParameter):
            own.load(circuit("v1 a 0 1\nr1 a 0 {nobody}"))
        assert own.dead
        assert_well(own)
        assert not own.dead


@pytest.mark.parametrize("lines", [".control\nshell touch {0}\n.endc", "*#shell touch {0}"])
def test_no_netlist_runs_a_shell(session, tmp_path, lines):
    victim = tmp_path / "victim"
    bad = circuit("v1 a 0 1\nr1 a 0 1k\n" + lines.format(victim))
    for run in (lambda: session.load(bad), lambda: simulate_batch(bad, Op())):
        with pytest.raises(BadParameter):
            run()
    assert not victim.exists()


def test_sweep_of_the_wrong_sign():
    with pytest.raises(ParameterError, match="step"):
        Dc("vin", 0, 1, -0.1)


def test_a_deck_always_has_an_analysis(session):
    """Analyses cannot stand in a netlist, and nothing runs without an Analysis."""
    with pytest.raises(BadParameter, match="does not belong"):
        session.load(circuit("v1 a 0 1\nr1 a 0 1k\n.op"))
    session.load(DIVIDER)
    with pytest.raises(AttributeError):
        session.run("op")  # pyright: ignore[reportArgumentType] -- that is the point
    assert session.run(Op())["out"][0] == pytest.approx(0.5)


def test_full_disk_in_batch_is_no_result():
    """ngspice returns 0 with 'rawfile write error'; a limited file size stands for the full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(SimulationError):
            simulate_batch(DIVIDER, Dc("vin", 0, 1, 1e-4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(simulate_batch(DIVIDER, Dc("vin", 0, 1, 1e-4))) == 10001


def test_partial_finite_and_new_are_each_required():
    whole = {"v-sweep": np.array([0.0, 0.5, 1.0]), "out": np.zeros(3)}
    sweep = Dc("vin", 0, 1, 0.5)
    judge(sweep, "dc1", whole, [], [])
    with pytest.raises(NonConvergence, match="not complete"):
        judge(sweep, "dc1", {name: values[:2] for name, values in whole.items()}, [], [])
    with pytest.raises(NonConvergence, match="not finite"):
        judge(sweep, "dc1", {**whole, "out": np.array([0.0, np.nan, 0.0])}, [], [])
    with pytest.raises(SimulationError, match="ngspice failed"):
        judge(sweep, "const", whole, [], [])


def test_unknown_words_on_stderr_are_a_failure_and_stepping_is_not():
    assert complaints(["stderr Something odd happened"])
    assert complaints(["stdout Error: bad"])
    assert not complaints(["stdout error         0.5", "stderr Note: Starting dynamic gmin stepping"])
    assert not complaints(["stderr Trying gmin =   1.0000E-03 Warning: Further gmin increment"])


def test_the_error_names_line_words_and_remedy(session):
    with pytest.raises(MissingModel) as caught:
        session.load(circuit("v1 a 0 1\nm1 a a 0 0 nobody w=1u l=1u"))
    text = str(caught.value)
    for part in ("netlist line: m1 a a 0 0 nobody", "ngspice said:", "can't find model", "remedy:"):
        assert part in text


def test_private_folders_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    simulate_batch(DIVIDER, Op())
    assert list(Path(tmp_path).iterdir()) == []
