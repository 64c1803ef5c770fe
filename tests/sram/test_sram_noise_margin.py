"""Noise margins are squares of the size that geometry says, however they are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.bench import bench
from cimspice.pdk import draw_mismatch, mismatch_alterations, threshold_sigmas
from cimspice.spice import Session
from cimspice.sram.circuit.noise_margin import lobes, lobes_by_search

SUPPLY = 1.8


def inverter(threshold: float, gain: float, points: int = 3601) -> tuple[np.ndarray, np.ndarray]:
    """An inverter of two flats and a straight slope between them."""
    x = np.linspace(0.0, SUPPLY, points)
    return x, np.clip(SUPPLY / 2 - gain * (x - threshold), 0.0, SUPPLY)


@settings(max_examples=40, deadline=None)
@given(
    left=st.floats(0.7, 1.1), right=st.floats(0.7, 1.1), gain=st.floats(3.0, 50.0), other=st.floats(3.0, 50.0)
)
def test_margins_of_two_straight_inverters_are_those_on_paper(left, right, gain, other):
    """A square of side s has one corner on each curve; one of them may slide down its slope."""
    x, first = inverter(left, gain)
    _, second = inverter(right, other)
    half = SUPPLY / 2

    def side(threshold, slope, across, slope_across):
        wide = threshold - half / slope  # until the upper curve bends
        high = SUPPLY - across - half / slope_across  # down to where the other one bends
        return min(wide, high) + abs(wide - high) / ((slope if wide < high else slope_across) + 1)

    expected = side(left, gain, right, other), side(right, other, left, gain)
    assert lobes(x, first, second) == pytest.approx(expected, abs=3e-4)
    assert lobes_by_search(x, first, second) == pytest.approx(expected, abs=1e-3)


def test_two_curves_that_cross_once_leave_no_lobe():
    x, left = inverter(0.9, 0.8)
    assert min(lobes(x, left, left)) <= 0
    x, weak = inverter(0.1, 20.0)
    strong = np.full_like(x, 1.6)  # never switches: one state only
    assert min(lobes(x, weak, strong)) <= 0


def largest_square(inside: np.ndarray) -> int:
    """Side (pixels) of the largest square of True in a picture, by counting: whatever its shape."""
    counts = np.pad(inside.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32), ((1, 0), (1, 0)))
    low, high = 0, min(inside.shape)
    while low < high:
        s = (low + high + 1) // 2
        filled = counts[s:, s:] - counts[:-s, s:] - counts[s:, :-s] + counts[:-s, :-s]
        low, high = (s, high) if (filled == s * s).any() else (low, s - 1)
    return low


def squares_in_a_picture(x: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Largest squares of both lobes (V) in a picture of 0.5 mV a pixel."""
    pixel = 0.5e-3
    v = np.arange(pixel / 2, x[-1], pixel)
    upper, across = np.interp(v, x, left), np.interp(v, x, right)
    # rows are the voltage of left, columns that of right
    below_left = v[:, None] < upper[None, :]
    right_of = v[None, :] > across[:, None]
    first, second = below_left & right_of, ~below_left & ~right_of
    return largest_square(first) * pixel, largest_square(second) * pixel


@pytest.mark.spice
@pytest.mark.parametrize(("corner", "sample"), [("tt", None), ("sf", 3)])
def test_margins_agree_with_squares_counted_in_a_picture(corner, sample):
    asked = bench("sram_snm")
    parameters = asked.Parameters(supply_voltage=1.5, word_line_voltage=1.5, points=300)
    netlist = asked.netlist(parameters)
    with Session() as session:
        session.load(netlist, corner=corner)
        if sample is not None:
            shifts = draw_mismatch(threshold_sigmas(netlist.text), 2, sample)
            for path, value in mismatch_alterations(netlist.text, shifts, corner=corner).items():
                session.alter(f"@{path}[delvto]", value)
        waveforms = session.run(asked.analysis(parameters))
    row = asked.measure(parameters, waveforms).iloc[0]
    for mode, part in (("hold", slice(0, 301)), ("read", slice(301, None))):
        curves = (waveforms.axis[part], waveforms["left"][part], waveforms["right"][part])
        found = [row[f"{mode}_noise_margin_{side}"] for side in ("left", "right")]
        assert found == pytest.approx(squares_in_a_picture(*curves), abs=1e-3)
        assert row[f"{mode}_noise_margin"] == min(found)
        assert abs(row[f"{mode}_search_difference"]) < 1e-3
    if sample is not None:
        assert abs(row["read_noise_margin_left"] - row["read_noise_margin_right"]) > 5e-3


@pytest.mark.spice
def test_a_supply_below_retention_has_no_margin():
    asked = bench("sram_snm")
    parameters = asked.Parameters(supply_voltage=0.15, word_line_voltage=0.15)
    with Session() as session:
        session.load(asked.netlist(parameters))
        row = asked.measure(parameters, session.run(asked.analysis(parameters))).iloc[0]
    assert row["hold_noise_margin"] <= 0
    assert row["read_noise_margin"] <= 0
