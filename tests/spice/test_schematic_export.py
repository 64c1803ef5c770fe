"""What schematic editors export for SKY130 devices is simulated as it is meant."""

from __future__ import annotations

import pytest
from spice_circuits import circuit

from cimspice.errors import ParameterError
from cimspice.spice import Ac, Op, simulate, simulate_batch

pytestmark = pytest.mark.spice

EXPORT = """vd d 0 1.8
XM1 d d 0 0 sky130_fd_pr__nfet_01v8 L=0.15 W=1 nf=1 ad='int((nf+1)/2) * W/nf * 0.29'
+ as='int((nf+2)/2) * W/nf * 0.29' pd='2*int((nf+1)/2) * (W/nf + 0.29)' ps='2*int((nf+2)/2) * (W/nf + 0.29)'
+ nrd='0.29 / W' nrs='0.29 / W' sa=0 sb=0 sd=0 {}
"""
BY_HAND = """x1 d d 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.15
+ ad=0.29 as=0.29 pd=2.58 ps=2.58 nrd=0.29 nrs=0.29 sa=0 sb=0 sd=0
"""


@pytest.mark.parametrize(
    ("settings", "times"),
    [("mult=1 m=1", 1), ("mult=1", 1), ("mult=2 m=2", 2), ("mult=1 m=3", 3), ("m=2", 2)],
)
@pytest.mark.parametrize("run", [simulate, simulate_batch])
def test_mult_beside_m_is_taken(run, settings, times):
    one = run(circuit(f"vd d 0 1.8\n{BY_HAND}"), Op())["vd#branch"]
    found = run(circuit(EXPORT.format(settings)), Op())["vd#branch"]
    assert found == pytest.approx(times * one, rel=1e-9)


@pytest.mark.parametrize(
    ("settings", "remedy"), [("mult=2", "write m=2"), ("mult=2 m=1", "make it m's, 1, or leave it out")]
)
def test_mult_that_would_not_multiply_is_refused(settings, remedy):
    with pytest.raises(ParameterError, match="mult=2 would not multiply") as caught:
        simulate(circuit(EXPORT.format(settings)), Op())
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    ("settings", "times"), [("MF=1 m=1", 1), ("MF=1", 1), ("MF=2 m=2", 2), ("MF=1 m=3", 3)]
)
def test_mf_beside_m_of_a_capacitor_is_taken(settings, times):
    lines = "va a 0 0 ac 1\nxc1 a 0 sky130_fd_pr__cap_mim_m3_1 w=10 l=10 "
    one, found = (
        simulate(circuit(lines + more), Ac(1, 1e6, 1e6))["va#branch"].imag for more in ("", settings)
    )
    assert found == pytest.approx(times * one, rel=1e-9)


def test_mf_that_would_not_multiply_is_refused():
    with pytest.raises(ParameterError, match="mf=2 would not multiply"):
        simulate(circuit("va a 0 1\nxc1 a 0 sky130_fd_pr__cap_mim_m3_1 w=10 l=10 MF=2"), Op())
