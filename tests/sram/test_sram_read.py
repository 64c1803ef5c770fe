"""The emulated multi-row read solves its equations, says where a read disturbs cells, and takes any batch."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.stats import norm
from sram_lines import LINEAR, constant_currents, current_into_one, current_into_zero, hand_made

from cimspice.errors import ParameterError
from cimspice.sram.emulator.read import Cells, DisturbWarning, MultiRowRead
from cimspice.sram.model.bit_line import line_profile
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.variation import CellVariation


def solved(lines, codes, bits, factors):
    """Discharge of both lines from the differential equations themselves, (2,)."""
    volts, charge = np.full(2, lines.start_voltage), np.zeros(2)
    begin = 0.0
    for code, end in enumerate(lines.widths, 1):
        is_open = codes >= code
        zero = np.array([(is_open * (bits == side) * factors).sum() for side in (0, 1)])
        one = np.array([(is_open & (bits != side)).sum() for side in (0, 1)])
        held = lines.lift_zero * one[::-1] + lines.lift_one * one
        volts = volts + np.linalg.solve(matrix(lines, volts), held - charge)
        charge = held

        def rate(_, v, zero=zero, one=one):
            current = zero * current_into_zero(v, v[::-1]) + one * current_into_one(v, v[::-1])
            return -np.linalg.solve(matrix(lines, v), current)

        volts = solve_ivp(rate, (begin, end), volts, rtol=1e-9, atol=1e-12).y[:, -1]
        begin = end
    volts = volts - np.linalg.solve(matrix(lines, volts), charge)
    return lines.start_voltage - volts


def matrix(lines, v):
    """Capacitances (F) between both lines and what does not move, (2, 2)."""
    fallen = v - lines.start_voltage
    own = lines.capacitance + lines.capacitance_slope * fallen + lines.capacitance_curvature * fallen**2
    return np.diag(own + lines.coupling) - lines.coupling * (1 - np.eye(2))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=12, deadline=None)
def test_both_lines_follow_their_coupled_differential_equations(seed):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 25))
    codes, bits = rng.integers(0, 16, rows), rng.integers(0, 2, rows)
    logs = rng.normal(0, 0.1, (rows, 2))
    lines = hand_made(trip_voltage=0.0)
    cells = Cells(logs, np.zeros((rows, 2)))
    reading = MultiRowRead(lines)(codes, bits, cells=cells)
    expected = solved(lines, codes, bits, np.exp(logs[np.arange(rows), bits]))
    assert reading.discharge == pytest.approx(expected, abs=1e-4)  # V; 10 mV tables, read linearly


def test_a_constant_current_gives_the_sum_of_pulse_widths():
    lines = hand_made(currents=constant_currents(), coupling=0.0, **LINEAR)
    codes, bits = np.array([1, 2, 4, 8]), np.array([0, 1, 1, 0])
    widths = codes * 60e-12 - 20e-12
    charge = 20e-6 * np.array([widths[[0, 3]].sum(), widths[[1, 2]].sum()])
    assert MultiRowRead(lines)(codes, bits).discharge == pytest.approx(charge / 160e-15, rel=1e-12)


def test_coupled_lines_share_charge_as_capacitors_do():
    lines = hand_made(currents=constant_currents(), **LINEAR)
    discharge = MultiRowRead(lines)(np.array([10]), np.array([0])).discharge
    assert discharge[1] / discharge[0] == pytest.approx(80 / 240, rel=1e-9)
    assert discharge.sum() == pytest.approx(20e-6 * 580e-12 / 160e-15, rel=1e-9)


def test_the_profile_of_the_line_is_that_of_a_chain_of_resistors():
    """s'Gs is the excess of dissipation: on a chain of 400 nodes, currents drawn, charge given evenly."""
    rng = np.random.default_rng(2)
    nodes, chosen = 400, np.sort(rng.choice(400, 6, replace=False))
    strength = rng.random(6)
    drawn = np.full(nodes, strength.sum() / nodes)
    drawn[chosen] -= strength
    laplacian = 2.0 * np.eye(nodes) - np.eye(nodes, k=1) - np.eye(nodes, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1.0
    volts = np.linalg.lstsq(laplacian * nodes, drawn, rcond=None)[0]  # each link has 1/400 of the resistance
    volts -= volts.mean()
    expected = -(strength * volts[chosen]).sum()
    assert line_profile((chosen + 0.5) / nodes, strength) == pytest.approx(expected, rel=1e-3)


def test_resistance_of_the_line_is_that_of_a_line_of_many_nodes():
    """A line of 64 nodes solved in time; its own profile takes 5 ps to settle, which the model neglects."""
    grid = np.linspace(0.0, 1.9, 20)
    sloping = CellCurrents(
        grid, grid, np.repeat(2e-5 * (1 + 0.5 * grid)[:, None], 20, axis=1), 0 * np.eye(20)
    )
    lines = hand_made(currents=sloping, coupling=0.0, resistance=1500.0, **LINEAR)
    places = np.array([3, 10, 11, 50, 60, 62])
    nodes, capacitance, width = 64, 160e-15 / 64, float(lines.widths[14])
    laplacian = 2.0 * np.eye(nodes) - np.eye(nodes, k=1) - np.eye(nodes, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1.0

    def rate(_, v):
        flow = -laplacian @ v * nodes / 1500.0
        flow[places] -= 2e-5 * (1 + 0.5 * v[places])
        return flow / capacitance

    end = solve_ivp(rate, (0, width), np.full(nodes, 1.82), method="LSODA", rtol=1e-8, atol=1e-10).y[:, -1]
    arguments = np.full(6, 15), np.zeros(6, int)
    positions = (places + 0.5) / nodes
    measured = 1.82 - end.mean()
    model = MultiRowRead(lines)(*arguments, positions=positions).discharge[0]
    without = MultiRowRead(replace(lines, resistance=0.0))(*arguments, positions=positions).discharge[0]
    assert abs(without - measured) > 1.5e-3
    assert model == pytest.approx(measured, abs=2e-4)


def test_leakage_ends_with_the_reading_a_fixed_time_after_the_longest_pulse():
    currents = CellCurrents(np.linspace(0, 1.9, 20), np.linspace(0, 1.9, 20), *np.zeros((2, 20, 20)))
    lines = hand_made(currents=currents, leakage=20e-9, **LINEAR)
    codes = np.array([[15, 1], [4, 4], [0, 0]])
    open_time = np.array([15 * 60e-12 - 20e-12, 4 * 60e-12 - 20e-12, 0.0])
    expected = 20e-9 * (open_time + 300e-12) / 160e-15
    discharge = MultiRowRead(lines)(codes, np.array([0, 1])).discharge
    assert discharge == pytest.approx(np.stack([expected, expected], axis=1), rel=1e-9)


def test_word_lines_that_have_closed_leave_no_charge_behind():
    currents = CellCurrents(np.linspace(0, 1.9, 20), np.linspace(0, 1.9, 20), *np.zeros((2, 20, 20)))
    lines = hand_made(currents=currents, lift_zero=2e-16, lift_one=5e-17)
    discharge = MultiRowRead(lines)(np.array([3, 7, 7, 15]), np.array([0, 1, 0, 1])).discharge
    assert discharge == pytest.approx(0.0, abs=1e-6)  # V; the lift is some 4 mV


def test_batches_columns_and_chips_broadcast_to_what_single_reads_give():
    rng = np.random.default_rng(5)
    read = MultiRowRead(hand_made(variation=CellVariation(np.array([0, 0, 0.1, 0.1]), 0.01 * np.eye(4), 50)))
    codes, bits = rng.integers(0, 8, (3, 1, 1, 6)), rng.integers(0, 2, (2, 6))
    cells = read.draw_cells(1, (4, 2, 6))
    reading = read(codes, bits, cells=cells)
    assert reading.discharge.shape == (3, 4, 2, 2)
    assert reading.disturbed.shape == reading.disturb_probability.shape == (3, 4, 2)
    one = read(codes[1, 0, 0], bits[1], cells=Cells(cells.log_current[2, 1], cells.trip_voltage[2, 1]))
    assert reading.discharge[1, 2, 1] == pytest.approx(one.discharge, rel=1e-12)


def test_a_line_below_a_cells_trip_voltage_is_flagged_and_not_extrapolated():
    lines = hand_made(trip_voltage=0.6)
    codes, bits = np.full(24, 12), np.r_[np.zeros(23, int), 1]
    with pytest.warns(DisturbWarning, match="1 of 1 reads"):
        reading = MultiRowRead(lines)(codes, bits)
    assert reading.disturbed
    assert reading.discharge[0] == pytest.approx(1.82 - 0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        safe = MultiRowRead(lines)(codes, np.zeros(24, int))  # no open cell stores 1: nothing can flip
    assert not safe.disturbed
    assert safe.disturb_probability == 0


def test_a_cell_that_has_closed_before_the_line_falls_is_safe():
    lines = hand_made(trip_voltage=0.6)
    reading = MultiRowRead(lines)(np.r_[np.full(23, 12), 1], np.r_[np.zeros(23, int), 1])
    assert not reading.disturbed


def test_few_equal_rows_with_mostly_ones_disturb_through_the_complement():
    """The bound is on charge and on both lines: the bit line itself hardly moves."""
    lines = hand_made(trip_voltage=0.6, coupling=0.0)
    with pytest.warns(DisturbWarning):
        reading = MultiRowRead(lines)(np.full(24, 12), np.r_[0, np.ones(23, int)])
    assert reading.discharge[0] < 0.15


def test_disturb_probability_is_that_of_drawn_cells():
    variation = CellVariation(np.array([0, 0, 0.5, 0.5]), np.diag([0, 0, 0.01, 0.01]), 100)
    read = MultiRowRead(hand_made(variation=variation, trip_voltage=0.5))
    codes, bits = np.full(20, 11), np.r_[np.zeros(16, int), np.ones(4, int)]
    reading = read(codes, bits)
    alone = norm.cdf(reading.lowest[0], 0.5, 0.1)
    assert reading.disturb_probability == pytest.approx(1 - alone**4, rel=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisturbWarning)
        drawn = read(codes, bits, cells=read.draw_cells(3, (4000, 20)))
    assert drawn.disturbed.mean() == pytest.approx(float(reading.disturb_probability), abs=0.03)


def test_drawn_cells_have_the_models_correlations():
    covariance = np.array([[4, 1, 0, 2], [1, 4, 2, 0], [0, 2, 3, 0], [2, 0, 0, 3]]) * 1e-3
    variation = CellVariation(np.array([0.1, -0.1, 0.2, 0.3]), covariance, 100)
    logs, trips = variation.draw(np.random.default_rng(0), (40_000,))
    found = np.column_stack([logs, trips])
    assert np.cov(found.T) == pytest.approx(covariance, abs=1e-4)
    assert found.mean(axis=0) == pytest.approx(variation.mean, abs=2e-3)


@pytest.mark.parametrize(
    ("codes", "bits", "words"),
    [
        ([16], [0], "code 16 is not a whole number from 0 to 15"),
        ([-1], [0], "code -1"),
        ([1.5], [0], "code 1.5"),
        ([3], [2], "stored bit 2"),
        ([3, 4], [0], "different numbers of rows"),
        (3, 1, "different numbers of rows"),
    ],
)
def test_what_is_no_read_is_refused_with_the_value(codes, bits, words):
    with pytest.raises(ParameterError, match=words):
        MultiRowRead(hand_made())(np.array(codes), np.array(bits))


def test_the_charge_limit_keeps_every_read_above_the_safe_voltage():
    lines = hand_made(trip_voltage=0.5)
    rows = int(lines.charge_limit / 15)
    reading = MultiRowRead(lines)(np.full(rows, 15), np.zeros(rows, int))
    assert lines.start_voltage - reading.discharge[0] > lines.safe_voltage
