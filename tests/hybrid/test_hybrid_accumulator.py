"""The digital part of a column in transistors: exact sums, and what a code of 0 costs."""

from __future__ import annotations

from itertools import accumulate

import pytest

from cimspice import run_bench
from cimspice.errors import CimspiceError, SimulationError

OURS = ["read_energy", "gating_energy", "sum_energy", "control_energy"]


def wrapped(total: int, bits: int) -> int:
    """Two's complement."""
    half = 2 ** (bits - 1)
    return (total + half) % (2 * half) - half


@pytest.mark.spice
def test_scale_factors_are_added_and_subtracted_exactly_and_zeros_cost_next_to_nothing():
    codes, scales, start = [1, 0, -1, -1, 0, 1, 1], [13, 6], 118
    given = {"codes": codes, "scale_factors": scales, "start": start}
    table = run_bench("hybrid_accumulator", given, workers=1)
    added = [code * scales[k % 2] for k, code in enumerate(codes)]
    sums = [wrapped(total, 8) for total in accumulate(added, initial=start)][1:]
    assert -125 in sums  # the word overflows as two's complement does
    assert table["sum"].tolist() == sums
    used = table[OURS].sum(axis=1).groupby(table["code"]).mean()
    assert used[0] < 0.05 * min(used[-1], used[1])
    assert 100e-15 < used[1] < 1e-12


@pytest.mark.spice
def test_the_scale_factor_of_an_input_bit_stands_at_its_place():
    codes, scales = [1, -1, 1, -1], [5, 9, 15]
    given = {"codes": codes, "scale_factors": scales, "shifted": True}
    table = run_bench("hybrid_accumulator", given, workers=1)
    assert table["sum"].tolist() == [5, 5 - 18, 5 - 18 + 60, 5 - 18 + 60 - 5]


@pytest.mark.spice
def test_one_scale_factor_for_all_makes_it_an_up_and_down_counter():
    codes = [1, -1, -1, 0, 1]
    given = {"codes": codes, "scale_factors": [], "sum_bits": 5, "start": 15}
    table = run_bench("hybrid_accumulator", given, workers=1)
    assert table["sum"].tolist() == [wrapped(total, 5) for total in accumulate(codes, initial=15)][1:]
    assert table["sum"].iloc[0] == -16
    assert (table["read_energy"] == 0).all()


@pytest.mark.spice
def test_codes_of_a_converter_are_added_at_their_places_by_the_same_register():
    codes = [9, 6, 15]
    given = {"codes": codes, "code_bits": 4, "places": 2, "sum_bits": 7, "start": 60}
    table = run_bench("hybrid_code_accumulator", given, workers=1)
    added = [9, 12, 15]
    assert table["sum"].tolist() == [wrapped(total, 7) for total in accumulate(added, initial=60)][1:]


@pytest.mark.spice
def test_a_sum_that_is_taken_before_its_carries_have_come_is_refused():
    given = {"codes": [1], "start": 127, "timing": {"operand": 1.8e-9, "take": 2.0e-9}}
    with pytest.raises(SimulationError, match=r"register holds .* the sum is 132"):
        run_bench("hybrid_accumulator", given, workers=1)


@pytest.mark.parametrize(
    ("bench", "given", "reported"),
    [
        ("hybrid_accumulator", {"codes": [2]}, "-1, 0 and 1"),
        ("hybrid_accumulator", {"codes": []}, "one or more"),
        ("hybrid_accumulator", {"codes": [1], "scale_factors": [16]}, "4 bits"),
        ("hybrid_accumulator", {"codes": [1], "scale_bits": 8, "sum_bits": 6}, "in a sum of 6"),
        ("hybrid_accumulator", {"codes": [1], "timing": {"take": 4.2e-9}}, "within the period"),
        ("hybrid_code_accumulator", {"codes": [16]}, "0 to 15"),
    ],
)
def test_what_the_digital_part_cannot_hold_is_refused_before_any_simulation(bench, given, reported):
    with pytest.raises(CimspiceError, match=reported):
        run_bench(bench, given, workers=1)
