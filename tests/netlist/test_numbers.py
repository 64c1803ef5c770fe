"""Numbers reach ngspice as they are."""

import math
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import ParameterError
from cimspice.netlist import micrometres, number_text

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_text_reads_back_as_the_same_double(value):
    text = number_text(value)
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert set(text) <= set("0123456789.e+-")


@given(st.integers(-(2**53), 2**53))
def test_integers_are_written_in_full(value):
    assert int(number_text(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**53 + 1, -(10**400), np.float64("nan")])
def test_what_a_double_cannot_hold_is_refused(value):
    with pytest.raises(ParameterError):
        number_text(value)


def test_numpy_scalars_print_without_their_type():
    assert number_text(np.float64(0.1)) == "0.1"
    assert number_text(True) == "1"


@given(st.integers(1, 10**6))
def test_micrometres_shift_the_point_exactly(nanometres):
    assert micrometres(float(f"{nanometres}e-9")) == float(f"{nanometres}e-3")


@pytest.mark.spice
def test_ngspice_reads_element_values_to_three_units_in_the_last_place(tmp_path):
    if shutil.which("ngspice") is None:
        pytest.skip("the ngspice program is not installed")
    generator = np.random.default_rng(0)
    values = [1e-07, 0.1, 0.3, 1.3877787807814457e-17, 5, 1, 0.42, 0.15, 2**53, 1e22, 6.02e-34, -0.7]
    values += [float(v) for v in 10 ** generator.uniform(-16, 6, 40)]
    lines = ["* numbers"]
    for index, value in enumerate(values):
        text = number_text(value)
        lines += [
            f".param p{index}={text}",
            f"Va{index} a{index} 0 {text}",
            f"Vb{index} b{index} 0 {{p{index}}}",
        ]
    lines += [".op", ".end", ""]
    deck, raw = tmp_path / "numbers.cir", tmp_path / "numbers.raw"
    deck.write_text("\n".join(lines))
    subprocess.run(
        ["ngspice", "-b", "-r", raw, deck], cwd=tmp_path, capture_output=True, timeout=60, check=True
    )
    header, data = raw.read_bytes().split(b"Binary:\n", 1)
    rows = [line.split() for line in header.decode().split("Variables:\n")[1].splitlines()]
    read = dict(zip([row[1] for row in rows if len(row) == 3], np.frombuffer(data), strict=True))
    for index, value in enumerate(values):
        for node in (f"v(a{index})", f"v(b{index})"):
            assert abs(read[node] - value) <= 3 * math.ulp(value), (node, value, read[node])
