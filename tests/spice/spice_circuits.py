"""Circuits shared by the simulator's tests: they need ngspice, but no PDK."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A netlist by its text alone, as `Session.load` accepts it."""

    text: str


def circuit(lines: str) -> Text:
    """A netlist of these lines, with a title."""
    return Text("* test circuit\n" + lines)


DIVIDER = circuit("""
.param upper=1k
vin in 0 dc 1 ac 1
rupper in out {upper}
rlower out 0 1k
cload out 0 1n
""")

# Level 1 without channel-length modulation: in saturation I = KP/2 W/L (VGS - VTO)^2 exactly.
LEVEL_1 = """.model plain_n nmos level=1 vto=0.5 kp=200u lambda=0 gamma=0
.subckt plain_nmos d g s b threshold=0
.param w=1 l=1
mcore d gate s b plain_n w={w*1e-6} l={l*1e-6}
vshift g gate {threshold}
.ends
"""

BSIM4 = ".model bsim_n nmos level=54 version=4.5 vth0={threshold}\n"

# No solution: the source reverses its sign where the voltage crosses 0.5 V. ngspice searches it for ever.
IMPOSSIBLE = circuit("""
bflip a 0 i=v(a)>0.5?1:-1
ca a 0 1p
ra a 0 1k
""")
