"""Pairs of RRAM columns, their currents compared: thresholds, offset, states, disturb, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice import run_bench
from cimspice.bench import bench
from cimspice.errors import ParameterError, SimulationError
from cimspice.hybrid.circuit.rram_column import RramColumnParameters
from cimspice.hybrid.circuit.rram_threshold import RramThresholdParameters
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.pdk import mismatch_alterations
from cimspice.rram import SkywaterReram
from cimspice.spice import Session


@pytest.mark.spice
def test_dummy_cells_make_thresholds_between_sums_and_no_amplifier_holds_the_lines():
    row = run_bench("hybrid_rram_threshold", {"weights": 12, "active": 10}, workers=1).iloc[0]
    assert row["right"] == 1
    assert (row["upper"], row["lower"]) == pytest.approx((1.5, -1.5), abs=0.12)
    assert row["decision_delay"] < 0.8e-9
    assert row["cell_voltage"] < 0.5
    energies = row.filter(like="energy")
    assert (energies > 0).all()
    # the amplifiers of two virtual grounds of 0.38 mW each, for as long
    assert energies.sum() < 2 * 0.38e-3 * 3.8e-9 / 3


@pytest.mark.spice
def test_offset_of_a_pair_is_that_of_its_comparator_in_units_of_what_a_cell_makes():
    asked = bench("hybrid_rram_offset")
    parameters = asked.Parameters.model_validate({"decisions": 6})
    netlist = asked.netlist(parameters)
    found = []
    for shift in (0.0, 20e-3):
        shifts = {"xcomparator0.xinput_right": shift}
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
    assert level["magnitude"] <= 2 * level["resolution"]
    # in a read a cell makes 25 mV, and 2 mV more or less with what is open beside it
    assert shifted["magnitude"] == pytest.approx(20 / 25, abs=0.1)


def test_half_a_unit_is_half_of_what_cells_of_both_states_conduct_apart():
    column, device = RramColumn(weights=4, dummies=3), SkywaterReram.published()
    low, high, half = (
        device.slope(0.0, state) for state in (column.low_state, column.high_state, column.half_state)
    )
    assert half == pytest.approx((low - high) / 2, rel=1e-9)
    states = device.slope(0.0, column.states(np.array([[1, -1, 0, 1]])))
    inputs = np.array([1, 1, 1, 0])
    opened = column.opened(inputs)
    units = (opened @ states.T) @ [1, -1] / (low - high)
    assert units == pytest.approx([0 - 1.5, 0 + 1.5], abs=1e-2)  # pristine cells conduct 0.003 units
    assert column.threshold == 1.5


def test_reads_do_not_move_the_states_of_their_cells():
    device = SkywaterReram.published()
    states = np.array([0.0, 0.5, 0.6])
    # 0.35 V is more than the clamps let a line have with any row open; 125 °C; 1e9 reads of 4 ns
    moved = np.abs(device.velocity(0.35, states, 125.0)) * 4e-9 * 1e9
    assert (moved < 1e-3).all()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"dummies": 2}, "threshold of 1"),
        ({"low_state": 0.2}, "3.2 times"),
        ({"low_state": 0.5, "high_state": 0.5}, "1 times"),
        ({"weights": 0}, "weights"),
    ],
)
def test_columns_without_a_threshold_or_a_unit_are_refused(wrong, named):
    with pytest.raises(ParameterError, match=named) as error:
        RramColumn(**wrong)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"inputs": [1, 1]}, "rows of 2"),
        ({"cells": [[1] * 600] * 4, "inputs": [1] * 600}, "at most 4096 cells"),
        ({"model": "vteam"}, "skywater"),
        ({"array": {"cell": "passive"}}, "1T1R"),
    ],
)
def test_reads_that_are_none_are_refused_with_what_is_asked_of_them(wrong, named):
    with pytest.raises(ParameterError, match=named):
        RramColumnParameters.model_validate(wrong)
    with pytest.raises(ParameterError, match="reach the thresholds"):
        RramThresholdParameters(active=70)


@pytest.mark.spice
def test_a_read_without_headroom_says_so_and_what_helps():
    cells = {"cells": [[1] * 8 + [-1] * 8], "inputs": [1] * 16, "low_state": 0.9}
    with pytest.raises(SimulationError, match="the higher drain at") as error:
        run_bench("hybrid_rram_column_read", cells, workers=1)
    assert "no headroom" in str(error.value)
