"""``m`` of an instance multiplies all that is inside, wherever it is defined, or is refused."""

from __future__ import annotations

import itertools

import pytest
from spice_circuits import circuit

from cimspice.errors import BadParameter
from cimspice.spice import Op, simulate, simulate_batch

pytestmark = pytest.mark.spice

TRANSISTOR = "xm p p 0 0 sky130_fd_pr__nfet_01v8 w=1\n+ l=0.15"
RESISTOR = "xr p 0 0 sky130_fd_pr__res_high_po_0p35 l=3.5"


def current(lines, run=simulate, **options):
    return -run(circuit("va a 0 1\n" + lines), Op(), **options)["va#branch"][0]


@pytest.mark.parametrize("order", list(itertools.permutations(("inner", "outer", "use"))))
def test_m_reaches_what_is_inside_two_subcircuits_in_any_order_of_the_lines(order):
    parts = {
        "inner": ".subckt inner p\nr1 p 0 1k\n.ends\n",
        "outer": ".subckt outer p\nx2\n+ p inner\n.ends\n",
        "use": "x1 a outer m=2\n",
    }
    assert current("".join(parts[name] for name in order)) == pytest.approx(2e-3, rel=1e-9)


@pytest.mark.parametrize("device", [TRANSISTOR, RESISTOR])
@pytest.mark.parametrize(
    ("times", "text"),
    [
        (2, ".subckt s p\n{}\n.ends\nx1 a s m=2"),
        (2, "x1 a s m=2\n.subckt s p\n{}\n.ends"),
        (6, ".subckt s p\n{} m=3\n.ends\nx1 a s m=2"),
        (1, ".subckt s p\n{}\n.ends\nx1 a s m=1"),
    ],
)
def test_m_multiplies_devices_of_the_pdk(device, times, text):
    alone = current(f".subckt s p\n{device}\n.ends\nx1 a s")
    assert current(text.format(device)) == pytest.approx(times * alone, rel=1e-6)
    assert current(text.format(device), flat=True) == pytest.approx(times * alone, rel=1e-6)


def test_m_multiplies_poly_resistors_of_fixed_width_in_batch_too():
    alone = current(RESISTOR.replace("p 0", "a 0"))
    assert current(RESISTOR.replace("p 0", "a 0") + " m=4", simulate_batch) == pytest.approx(4 * alone)


@pytest.mark.parametrize(
    "line",
    [
        "b1 p 0 i=v(p)/1k",
        "f1 p 0 vs 1\nvs s 0 1\nrs s 0 1k",
        "b1 p q v=1k*i(vs)\nrq q 0 1k\nvs s 0 1\nrs s 0 1k",
        "s1 p 0 p 0 switch\n.model switch sw(vt=0.5)",
    ],
)
def test_m_that_ngspice_gets_wrong_is_refused_and_one_is_not(line):
    cell = f".subckt cell p\n{line}\n.ends\n.subckt pair p\nx1 p cell\n.ends\n"
    for name in ("cell", "pair"):
        with pytest.raises(BadParameter, match="would be wrong for its line") as caught:
            current(cell + f"x1 a {name} m=2")
        assert caught.value.netlist_line == f"x1 a {name} m=2"
        assert caught.value.remedy
    assert current(cell + "x1 a pair m=1") == pytest.approx(current(cell + "x1 a pair"), rel=1e-12)
