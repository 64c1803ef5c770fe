"""The comparator on a column's lines: offset, decision, kick-back, noise, and thresholds of dummy cells."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice import run_bench
from cimspice.bench import bench
from cimspice.errors import CimspiceError, SimulationError
from cimspice.hybrid.circuit.comparator_decision import DecisionParameters
from cimspice.hybrid.circuit.comparator_noise import NoiseParameters
from cimspice.hybrid.circuit.threshold import ThresholdParameters
from cimspice.pdk import mismatch_alterations
from cimspice.spice import Session, Waveforms

TRANSIENT_NOISE = 0.65e-3, 0.04e-3
"""Noise of the 12 µm comparator (V) and its standard error: ngspice in batch, 160 decisions with white noise
currents of the same densities, drawn every 5 ps, across the ten transistors of both halves."""


@pytest.mark.spice
def test_offset_of_a_comparator_is_the_threshold_shift_of_one_of_its_inputs():
    asked = bench("hybrid_comparator_offset")
    parameters = asked.Parameters.model_validate({"decisions": 8, "time_step": 1e-10})
    netlist = asked.netlist(parameters)
    found = []
    for shift in (0.0, 8e-3):
        shifts = {"xcomparator.xinput_right": shift}
        altered = mismatch_alterations(netlist.text, shifts, flat=True)
        with Session() as session:
            session.configure(
                netlist,
                options=asked.options(parameters),
                flat=True,
                alterations={f"@{path}[delvto]": value for path, value in altered.items()},
            )
            found.append(asked.measure(parameters, session.run(asked.analysis(parameters))).iloc[0])
    level, shifted = found
    assert abs(level["offset"]) <= 2 * level["resolution"]
    assert abs(shifted["offset"]) == pytest.approx(8e-3, rel=0.1)


@pytest.mark.spice
@pytest.mark.parametrize("amplifier", ["comparator", "sense_amplifier"])
def test_decision_on_floating_lines_has_the_sign_of_their_difference_and_is_later_for_a_small_one(amplifier):
    volts = [20e-3, -20e-3, 1e-3]
    runs = [{"amplifier": amplifier, "difference": difference} for difference in volts]
    table = run_bench("hybrid_comparator_decision", runs, workers=1)
    assert table["decided"].tolist() == [1, 0, 1]
    delay = table["decision_delay"].to_numpy()
    assert delay[0] == pytest.approx(delay[1], abs=10e-12)  # two steps
    assert delay[2] > delay[0] + 10e-12
    kick = table["kick_back_after"]
    assert kick[0] == pytest.approx(-kick[1], rel=0.05)  # both halves are alike


@pytest.mark.spice
def test_sense_amplifier_leaves_its_decision_on_the_lines_and_a_comparator_does_not():
    runs = [{"amplifier": each, "difference": 10e-3} for each in ("comparator", "sense_amplifier")]
    left = run_bench("hybrid_comparator_decision", runs, workers=1)["kick_back_after"].abs()
    assert left[0] < 1e-3
    assert left[1] > 0.1


@pytest.mark.spice
def test_noise_of_a_comparator_is_that_of_transient_noise_whatever_charge_it_is_found_with():
    coarse = {"spacing": 2e-11, "times": 22}
    runs = [coarse, {**coarse, "charge": 2e-17, "difference": 1e-3}]
    found = run_bench("hybrid_comparator_noise", runs, workers=1)
    mean, error = TRANSIENT_NOISE
    assert found["noise"][0] == pytest.approx(mean, abs=2 * error)
    assert found["noise"][1] == pytest.approx(found["noise"][0], rel=0.06)
    shares = found.filter(like="share_").sum(axis=1)
    assert shares.to_numpy() == pytest.approx(1)


def test_sums_next_to_thresholds_are_those_of_the_read_columns():
    parameters = ThresholdParameters(dummies=5, active=12)
    read, column = parameters.read, parameters.column
    assert parameters.sums == [-3, -2, 2, 3]
    weights = [row for row in read.open_rows if row.row < 2 * column.weights]
    dummies = [row for row in read.open_rows if row.row >= 2 * column.weights]
    ones = np.array([row.bits for row in weights]).sum(axis=0)
    assert (ones - len(weights) / 2).tolist() == parameters.sums  # 1 and 1 is +1, 0 and 0 is −1
    assert len(weights) == 24
    assert sorted(row.row for row in dummies) == [*column.first_dummies, *column.second_dummies]


@pytest.mark.spice
def test_thresholds_are_those_of_the_dummy_cells_in_cold_and_slow_and_in_hot_and_fast_silicon():
    slow = {"strobe": 0.85e-9, "recovery": 0.8e-9}
    for corner, temperature in (("ss", -40), ("ff", 125)):
        sweep = {"corners": [corner], "temperatures": [temperature]}
        found = run_bench("hybrid_threshold", slow, sweep=sweep, workers=1).iloc[0]
        assert found["upper"] == pytest.approx(1.5, abs=0.05)
        assert found["lower"] == pytest.approx(-1.45, abs=0.1)
        assert found["right"] == 1
        assert found["flipped"] == 0


def test_comparators_of_other_shapes_are_refused():
    with pytest.raises(CimspiceError):
        run_bench("hybrid_threshold", {"dummies": 4})
    for make, wrong in (
        (ThresholdParameters, {"active": 2}),
        (ThresholdParameters, {"rows": 100}),
        (DecisionParameters, {"input_width": 1e-7}),
        (NoiseParameters, {"common_drop": 2}),
    ):
        with pytest.raises((ValueError, CimspiceError)):
            _ = make(**wrong).model_dump()
    parameters = DecisionParameters()
    silent = {"time": np.linspace(0, parameters.stop, 50), "win": np.zeros(50), "win_bar": np.zeros(50)}
    with pytest.raises(SimulationError, match="after the strobe"):
        bench("hybrid_comparator_decision").measure(parameters, Waveforms("time", silent))
