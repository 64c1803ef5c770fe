"""Whole passes through array, readout and converter in ngspice: charge from cell to code, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sram_charge import MIM, multiplied

from cimspice.bench import bench
from cimspice.errors import CimspiceError
from cimspice.pdk.wires import cell_wires
from cimspice.spice import simulate
from cimspice.sram.circuit.charge_sharing import SharingParameters
from cimspice.sram.circuit.multiplier import IDLE_CELL, READOUT_CAPACITANCE

BANK = {"rows": 256, "columns": 16, "column": 4}
CODES = [11, 15]


def opened(*words: list[int]) -> list[dict[str, Any]]:
    """Rows of one bit per column, with pulses of 2, 4, 7, ... units."""
    return [
        {"row": 8 * k, "width": units * 60e-12, "bits": bits}
        for k, (units, bits) in enumerate(zip((2, 4, 7, 14), words, strict=False))
    ]


def passed(name: str, **values: Any) -> pd.DataFrame:
    """One pass in this process."""
    asked = bench(name)
    parameters = asked.Parameters.model_validate(values)
    waveforms = simulate(
        asked.netlist(parameters),
        asked.analysis(parameters),
        options=asked.options(parameters),
        flat=asked.flat,
    )
    return asked.measure(parameters, waveforms)


def forward(**values: Any) -> pd.DataFrame:
    """Two columns of words of 3 bits."""
    array = BANK | {"simulated_columns": 2}
    rows = opened([1, 0], [0, 0], [1, 0])
    return passed("sram_forward_pass", array=array, open_rows=rows, codes=CODES, **values)


@pytest.fixture(scope="module")
def plain() -> pd.DataFrame:
    """The pass without a target."""
    return forward()


@pytest.mark.spice
def test_a_pass_that_ends_when_it_has_sampled_and_a_conversion_alone_are_the_whole_pass(plain):
    """To the last bit of what is sampled: the steps of time are the same until then."""
    rows = opened([1, 0], [0, 0], [1, 0])
    array = BANK | {"simulated_columns": 2}
    begun = passed("sram_forward_sampling", array=array, open_rows=rows, codes=CODES)
    for name in ("sampled_difference", "output", "output_bar"):
        assert begun[name].tolist() == plain[name].tolist()
    difference, drop = (float(begun[name].iloc[0]) for name in ("sampled_difference", "sampled_drop"))
    alone = passed("sram_converter", difference=difference, common_drop=drop)
    assert alone["code"].iloc[0] == plain["code"].iloc[0] != 0


def product(code: int, discharges: np.ndarray) -> np.ndarray:
    """Outputs of a multiplier with perfect switches on lines of 256 rows."""
    wires, rows = cell_wires(), BANK["rows"]
    ground = rows * (wires.bit_line_capacitance + IDLE_CELL)
    return multiplied(code, discharges, ground, rows * wires.bit_line_coupling)


@pytest.mark.spice
def test_a_forward_pass_keeps_the_charge_from_the_lines_to_the_code(plain):
    """Every block against charge conservation, from what the circuit itself left on its lines. Junctions and
    gates that this leaves out are 6 % of a capacitor."""
    lines = plain[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()
    expected = np.array([product(code, pair) for code, pair in zip(CODES, lines, strict=True)])
    outputs = plain[["output", "output_bar"]].to_numpy()
    apart, wanted = outputs[:, 1] - outputs[:, 0], expected[:, 1] - expected[:, 0]
    assert wanted[0] < -0.01 < 0.01 < wanted[1] or wanted[1] < -0.01 < 0.01 < wanted[0]
    assert apart == pytest.approx(wanted, rel=0.03)
    load = SharingParameters().load_capacitance + 2 * cell_wires().word_line_capacitance
    shared = 4 * MIM / (4 * MIM + load) * apart.mean()
    sampled, code = plain["sampled_difference"].iloc[0], plain["code"].iloc[0]
    assert sampled == pytest.approx(shared, rel=0.05)
    assert code == round(sampled / 2.42e-3)
    assert plain["flipped"].sum() == 0


@pytest.mark.spice
def test_an_array_that_only_knows_the_readouts_capacitance_discharges_as_the_whole_circuit(plain):
    """On lines half as long as those that the capacitance was found with."""
    array = BANK | {"simulated_columns": 2, "readout_capacitance": READOUT_CAPACITANCE}
    rows = opened([1, 0], [0, 0], [1, 0])
    alone = passed("sram_multi_row_read", array=array, open_rows=rows)
    read, whole = (
        (table["bit_line_bar_discharge"] - table["bit_line_discharge"]).to_numpy() for table in (alone, plain)
    )
    assert whole == pytest.approx(read, rel=5e-3)


@pytest.mark.spice
def test_weights_of_the_readouts_own_circuit_are_those_of_whole_passes():
    """The capacitances that were found by matching discharges with those of whole passes at tt."""
    loads = passed("sram_readout_loads", line_discharge=0.2).iloc[0]
    assert loads["line_capacitance"] == pytest.approx(READOUT_CAPACITANCE, rel=0.03)
    assert loads["rail_capacitance"] == pytest.approx(SharingParameters().load_capacitance, rel=0.02)
    assert loads["rail_capacitance"] > 1.1 * 63e-15  # plates and their parasitics alone


@pytest.mark.spice
def test_with_rails_crossed_a_target_comes_out_less_the_output(plain):
    error = forward(crossed=True, target=5)
    assert error["code"].iloc[0] == pytest.approx(5 - plain["code"].iloc[0], abs=1)
    assert error["sampled_difference"].iloc[0] == pytest.approx(
        -plain["sampled_difference"].iloc[0], abs=1e-4
    )


@pytest.mark.spice
def test_the_converter_takes_its_share_of_the_charge_of_the_lines_that_it_samples():
    """More than its plates alone have, 63 units and their parasitics each side, less than a rail with its
    switches. And it adds less than a step: the charge of the plate that centres code 0."""
    words = [[[1], [1], [1]], [[0], [1], [0]]]
    table = pd.concat([passed("sram_transposed_pass", array=BANK, open_rows=opened(*word)) for word in words])
    wires = cell_wires()
    line = BANK["rows"] * (wires.bit_line_capacitance + IDLE_CELL + 2 * wires.bit_line_coupling)
    apart = table["bit_line_bar_discharge"] - table["bit_line_discharge"]
    slope, offset = np.polyfit(apart, table["sampled_difference"], 1)
    plates, rail = 63 * 1.1e-15, SharingParameters().load_capacitance
    assert line / (line + rail) < slope < line / (line + plates)
    assert -2.42e-3 < offset < 0
    assert list(table["code"]) == [round(volts / 2.42e-3) for volts in table["sampled_difference"]]


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("sram_forward_pass", {"codes": [3]}, "1 codes for 2 columns"),
        ("sram_forward_pass", {"codes": [3, 16]}, "input code 16 does not fit 4 bits"),
        ("sram_forward_pass", {"codes": [3, 4], "target": 32}, "target 32 is no code of 6 bits"),
        ("sram_forward_pass", {"codes": [3, 4], "restore": 1e-9}, "restore"),
        ("sram_transposed_pass", {}, "2 columns: a converter reads one column"),
    ],
)
def test_what_no_pass_can_be_is_refused(name, values, said):
    array = BANK | {"simulated_columns": 2}
    given = {"array": array, "open_rows": opened([1, 0]), **values}
    with pytest.raises(CimspiceError) as caught:
        bench(name).Parameters.model_validate(given)
    assert said in str(caught.value)
