"""The array netlist: wires from the technology, lumped rows as heavy as full ones, reads that flip cells."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.errors import ParameterError
from cimspice.pdk.wires import cell_wires
from cimspice.spice import simulate
from cimspice.sram.circuit.array import Array
from cimspice.sram.circuit.cell_population import PopulationParameters
from cimspice.sram.circuit.equal_rows import EqualRowsParameters
from cimspice.sram.circuit.multi_row_read import MultiRowParameters, OpenRow

SMALL = {"rows": 64, "sections": 4, "columns": 16, "column": 8}


def run(name, parameters):
    used = bench(name)
    waveforms = simulate(
        used.netlist(parameters), used.analysis(parameters), options=used.options(parameters), flat=used.flat
    )
    return used.measure(parameters, waveforms)


def read(array=None, **more):
    rows = [(5, 2, 0), (20, 4, 0), (21, 3, 1), (50, 1, 1)]
    opened = [OpenRow(row=row, width=code * 60e-12, bits=[bit]) for row, code, bit in rows]
    return MultiRowParameters(array=Array(**SMALL, **(array or {})), open_rows=opened, **more)


def test_a_bit_line_of_metal1_has_the_squares_of_its_layout():
    """0.14 um wide, 1.58 um per cell, 0.125 ohm per square; the word line's strap 0.17 um wide, 1.2 um."""
    wires = cell_wires()
    assert wires.bit_line_resistance == pytest.approx(1.58 / 0.14 * 0.125)
    assert wires.word_line_resistance == pytest.approx(1.2 / 0.17 * 0.125)
    assert wires.bit_line_coupling == pytest.approx(1.58 * 35.6e-18 / (0.22 + 0.14))
    assert 0.1e-15 < wires.bit_line_capacitance < 0.4e-15


@pytest.mark.spice
def test_closed_rows_as_one_transistor_load_the_line_as_full_cells_do():
    full, device, linear = (
        run("sram_multi_row_read", read({"idle": idle}))[["bit_line_discharge", "bit_line_bar_discharge"]]
        for idle in ("full", "device", "linear")
    )
    assert device.to_numpy() == pytest.approx(full.to_numpy(), rel=1e-5)
    assert linear.to_numpy() == pytest.approx(full.to_numpy(), rel=0.02)


@pytest.mark.spice
@pytest.mark.parametrize("devices", ["special", "ordinary"])
def test_a_longer_pulse_takes_the_cells_dc_current_off_the_line_of_either_cell(devices):
    """The charge that the precharge gives back for two more units of 60 ps, against the current at DC."""
    cell = {"devices": devices}
    energies = [
        run(
            "sram_equal_rows_read",
            EqualRowsParameters(rows=64, cell=cell, open_rows=2, code=code, restore=2e-9),
        )["energy_precharge"][0]
        for code in (1, 3)
    ]
    charge = (energies[1] - energies[0]) / 1.8
    table = run("sram_cell_population", PopulationParameters(cell=cell, intervals=18))
    current = np.interp(1.75, table["line_voltage"][::-1], table["bit_line_current"][::-1])
    assert charge == pytest.approx(2 * current * 120e-12, rel=0.05)


@pytest.mark.spice
def test_closed_rows_of_ordinary_cells_load_the_line_alike_as_one_transistor_and_in_full():
    full, device = (
        run("sram_multi_row_read", read({"idle": idle, "cell": {"devices": "ordinary"}}))[
            "bit_line_discharge"
        ][0]
        for idle in ("full", "device")
    )
    assert device == pytest.approx(full, rel=1e-5)


@pytest.mark.spice
def test_columns_beside_share_the_word_lines_and_nothing_else():
    alone = run("sram_equal_rows_read", EqualRowsParameters(rows=64, open_rows=2, code=3))
    beside = EqualRowsParameters(rows=64, open_rows=2, code=3, neighbours="opposite")
    assert run("sram_equal_rows_read", beside)["bit_line_discharge"][0] == pytest.approx(
        alone["bit_line_discharge"][0], rel=5e-3
    )


@pytest.mark.spice
def test_precharge_restores_the_charge_that_was_read():
    """What a read adds to the precharge's energy is VDD times the charge of both lines: C of 64 cells."""
    closed = [OpenRow(row=row, width=0.0, bits=[0]) for row in (5, 20, 21, 50)]
    idle = MultiRowParameters(array=Array(**SMALL), open_rows=closed, restore=1.5e-9)
    reads = [run("sram_multi_row_read", parameters).iloc[0] for parameters in (read(restore=1.5e-9), idle)]
    discharge = [row["bit_line_discharge"] + row["bit_line_bar_discharge"] for row in reads]
    energy = reads[0]["energy_precharge"] - reads[1]["energy_precharge"]
    capacitance = energy / (1.8 * (discharge[0] - discharge[1]))
    assert 64 * 0.28e-15 < capacitance < 64 * 0.42e-15  # 0.23 fF of wire; junctions, precharge devices
    assert reads[0]["energy_word_lines"] == pytest.approx(4 * 1.2**2 * 16 * 0.78e-15, rel=0.1)


@pytest.mark.spice
def test_transistors_can_drive_the_word_lines():
    row = run("sram_multi_row_read", read({"driver": "transistor"})).iloc[0]
    assert row["bit_line_discharge"] > 2 * row["bit_line_bar_discharge"] * 0.5 > 0
    assert row["flipped"] == 0


@pytest.mark.spice
@pytest.mark.parametrize(("code", "flipped"), [(1, 0), (15, 1)])
def test_a_cell_that_stores_1_flips_once_the_line_is_empty(code, flipped):
    parameters = EqualRowsParameters(rows=64, open_rows=8, ones=1, code=code, word_line_voltage=1.8)
    row = run("sram_equal_rows_read", parameters).iloc[0]
    assert row["flipped"] == flipped
    assert (row["state_margin"] < 0) == bool(flipped)


@pytest.mark.spice
def test_a_weak_pass_transistor_passes_less_and_a_cells_states_are_mirrored():
    shifts = [[0] * 6, [0, 0, 0.03, 0, 0, 0], [0, 0, 0, 0, 0, 0.03]]
    states = []
    for stored, swept in ((0, "bit_line"), (1, "bit_line_bar")):
        parameters = PopulationParameters(shifts=shifts, stored=stored, swept=swept, intervals=18)
        table = run("sram_cell_population", parameters)
        full = table[np.isclose(table["line_voltage"], 1.8)]
        states.append(full[f"{swept}_current"].to_numpy())
    assert states[0][0] == pytest.approx(18.9e-6, rel=0.02)
    assert states[0][1] < 0.97 * states[0][0]
    assert states[0] == pytest.approx(states[1][[0, 2, 1]], rel=1e-4)


@pytest.mark.parametrize(
    ("array", "opened", "words"),
    [
        ({"rows": 60, "sections": 8}, [], "60 rows cannot be cut into 8 equal sections"),
        ({"idle": "linear", "cell": {"devices": "ordinary"}}, [], "known of special devices only"),
        ({"column": 64}, [], "1 columns from column 64 on are more than 64"),
        ({}, [{"row": 512, "width": 1e-10, "bits": [0]}], "row 512 is outside the array of 512 rows"),
        ({}, [{"row": 1, "width": 1e-11, "bits": [0]}], "is not longer than the driver's edge"),
        ({}, [{"row": 1, "width": 1e-10, "bits": [0, 1]}], "2 bits for 1 columns"),
        ({}, [{"row": 1, "width": 1e-10, "bits": [0]}] * 2, "a row is opened twice"),
    ],
)
def test_what_is_no_array_or_read_is_refused_with_the_value(array, opened, words):
    with pytest.raises(ParameterError, match=words):
        MultiRowParameters(array=Array(**array), open_rows=opened)
