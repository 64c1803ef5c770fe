"""A column with its circuits: energy is conserved, decisions are right, and what cannot work says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid

from cimspice.bench import bench
from cimspice.campaign import parse_specification, read_specification, run_campaign
from cimspice.errors import ParameterError, SimulationError
from cimspice.families import campaigns
from cimspice.pdk import mismatch_alterations
from cimspice.pdk.devices import mosfet_path
from cimspice.pdk.instances import instance_paths
from cimspice.spice import Session

CAMPAIGNS = [path for name, path in campaigns().items() if name.startswith("sram_")]
SAMPLED = ("snm", "write_margin", "n_curve", "read_current", "retention", "leakage",
           "read_access", "write_access", "sense_offset")  # fmt: skip


def table(name: str, *, shifts: dict[str, float] | None = None, **values) -> pd.Series:
    """One point of a bench in this process; ``shifts`` are threshold shifts (V) by transistor."""
    asked = bench(name)
    parameters = asked.Parameters.model_validate(values)
    netlist = asked.netlist(parameters)
    altered = mismatch_alterations(netlist.text, shifts) if shifts else {}
    with Session() as session:
        session.configure(
            netlist,
            options=asked.options(parameters),
            alterations={f"@{path}[delvto]": value for path, value in altered.items()},
        )
        return asked.measure(parameters, session.run(asked.analysis(parameters))).iloc[0]


@pytest.mark.spice
@pytest.mark.parametrize(("name", "lost"), [("sram_read_access", 0.01), ("sram_write_access", 0.04)])
def test_what_the_sources_deliver_over_a_cycle_becomes_heat(name, lost):
    """Nothing is stored over a cycle: supplies and controls deliver what channels and wires turn into heat.

    A write switches the driver's gates while it conducts: MOSFET charges have no potential, and 2 % do not
    show as channel current times drain voltage.
    """
    asked = bench(name)
    parameters = asked.Parameters()
    netlist = asked.netlist(parameters)
    devices = [mosfet_path(path, one.device.name) for path, one in instance_paths(netlist.text).items()]
    half_line = parameters.column.bit_line_resistance / 2
    wires = {
        ("near", "mid"): half_line,
        ("mid", "bit_line"): half_line,
        ("near_bar", "mid_bar"): half_line,
        ("mid_bar", "bit_line_bar"): half_line,
        ("word_line_near", "word_line_mid"): parameters.column.word_line_resistance / 2,
        ("word_line_mid", "word_line"): parameters.column.word_line_resistance / 2,
    }
    wanted = [f"@{device}[{what}]" for device in devices for what in ("id", "vds")]
    wanted += [node for pair in wires for node in pair]
    analysis = asked.analysis(parameters)
    analysis = replace(analysis, save=tuple(dict.fromkeys((*analysis.save, *wanted))))
    with Session() as session:
        session.load(netlist, options=asked.options(parameters))
        waveforms = session.run(analysis)
    power = sum(np.abs(waveforms[f"@{device}[id]"] * waveforms[f"@{device}[vds]"]) for device in devices)
    power += sum((waveforms[a] - waveforms[b]) ** 2 / ohm for (a, b), ohm in wires.items())
    row = asked.measure(parameters, waveforms).iloc[0]
    blocks = ("cell", "precharge", "word", "write", "sense", "control")
    delivered = sum(row[f"{block}_energy"] for block in blocks)
    assert trapezoid(power, waveforms.axis) == pytest.approx(delivered, rel=lost)
    # columns share a word line, and nothing else
    columns = parameters.column.columns
    assert row["access_energy"] == pytest.approx(columns * row["bit_energy"])
    assert row["column_energy"] < row["bit_energy"] < delivered


@pytest.mark.spice
def test_the_precharge_gives_back_what_the_cell_has_taken():
    """A larger swing costs the precharge more: the charge of the line that fell further, times the supply."""
    small, large = (table("sram_read_access", sense_swing=swing) for swing in (0.1, 0.3))
    assert small["correct"] == large["correct"] == 1
    assert small["word_line_delay"] == pytest.approx(large["word_line_delay"], rel=0.02)
    more = large["bit_line_swing"] - small["bit_line_swing"]
    column = bench("sram_read_access").Parameters().column
    wire = column.bit_line_capacitance + column.bit_line_coupling
    capacitance = (large["precharge_energy"] - small["precharge_energy"]) / (1.8 * more)
    assert wire < capacitance < 1.6 * wire  # and the drains on it


@pytest.mark.spice
def test_a_read_is_slower_with_more_rows_and_keeps_its_word():
    short, long = (table("sram_read_access", column={"rows": rows}) for rows in (64, 256))
    waited = [row["bit_line_delay"] - row["word_line_delay"] for row in (short, long)]
    assert 2 < waited[1] / waited[0] < 4  # four times the wire, and the same circuits at its end
    assert short["correct"] == long["correct"] == 1


@pytest.mark.spice
def test_a_write_flips_the_cell_and_a_driver_that_is_too_late_does_not():
    assert table("sram_write_access")["written"] == 1
    late = {"begin": 0.2e-9, "open": 0.3e-9, "close": 0.38e-9, "precharge_again": 0.5e-9, "end": 3e-9}
    row = table("sram_write_access", timing=late)
    assert row["written"] == 0
    assert np.isnan(row["write_delay"])


@pytest.mark.spice
def test_the_offset_is_where_single_decisions_turn():
    """The search within one transient against a bisection of separate decisions.

    Beside the search's resolution both have what the solver leaves open, 1e-4 of 1.8 V on every node.
    """
    shifts = {"xsense_amplifier.xleft_n": 0.02, "xsense_amplifier.xright_p": -0.01}
    found = table("sram_sense_offset", shifts=shifts)
    low, high = -0.064, 0.064
    while high - low > 2e-4:
        difference = (low + high) / 2
        row = table("sram_sense_delay", shifts=shifts, input_difference=difference)
        left_low = (row["correct"] == 1) == (difference > 0)
        low, high = (low, difference) if left_low else (difference, high)
    assert abs(found["offset"]) > 5e-3
    assert found["offset"] == pytest.approx((low + high) / 2, abs=1e-4 + found["resolution"] + 3.6e-4)
    assert found["resolution"] < 0.5e-3
    assert found["magnitude"] == abs(found["offset"])


@pytest.mark.spice
def test_a_sense_amplifier_without_mismatch_sees_a_millivolt_and_takes_longer_for_it():
    small, large = (table("sram_sense_delay", input_difference=v) for v in (1e-3, 0.1))
    assert small["correct"] == large["correct"] == 1
    assert small["sense_delay"] > 1.3 * large["sense_delay"]
    assert table("sram_sense_delay", input_difference=-1e-3)["correct"] == 1
    assert table("sram_sense_offset")["magnitude"] < 0.2e-3


@pytest.mark.spice
@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("sram_read_access", {"supply_voltage": 0.2}, "word line does not open"),
        ("sram_write_access", {"timing": {"end": 4.4e-9}}, "from where it began"),
        ("sram_sense_offset", {"search_range": 0.002, "decisions": 4}, "every decision was the same"),
        ("sram_sense_offset", {"supply_voltage": 0.7}, "not made"),
    ],
)
def test_what_cannot_be_measured_says_what_to_change(name, values, said):
    shifts = {"xsense_amplifier.xleft_n": 0.03} if "offset" in name else None
    with pytest.raises(SimulationError, match=said) as caught:
        table(name, shifts=shifts, **values)
    assert caught.value.remedy


def test_a_cycle_out_of_order_is_refused():
    with pytest.raises(ParameterError, match="must follow one another"):
        bench("sram_read_access").Parameters.model_validate({"timing": {"close": 0.2e-9}})


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_campaigns_of_the_cell_are_right(path):
    specification = read_specification(path)
    assert specification.points > 1


@pytest.mark.parametrize("name", [f"sram_{name}" for name in SAMPLED])
def test_every_figure_of_the_cell_has_campaigns_over_conditions_and_with_mismatch(name):
    of_bench = [read for read in map(read_specification, CAMPAIGNS) if read.bench.name == name]
    assert 1000 in [read.monte_carlo.samples for read in of_bench if read.monte_carlo]
    assert all(read.limits for read in of_bench if read.monte_carlo)
    wide = [read for read in of_bench if set(read.corners) == {"tt", "ss", "ff", "sf", "fs"}]
    assert any({-40.0, 125.0} <= set(read.temperatures) for read in wide)


@pytest.mark.spice
def test_the_yield_of_cells_is_the_share_that_keeps_both_limits(tmp_path):
    specification = parse_specification(
        {
            "campaign": {"bench": "sram_snm"},
            "parameters": {"supply_voltage": 1.2, "word_line_voltage": 1.2, "points": 90},
            "sweep": {"corners": ["sf"]},
            "monte_carlo": {"samples": 24},
            "limit": [
                {"column": "read_noise_margin", "minimum": 90, "unit": "mV"},
                {"column": "read_search_difference", "minimum": -1, "maximum": 1, "unit": "mV"},
            ],
        }
    )
    result = run_campaign(specification, workers=1, store=tmp_path / "points.sqlite")
    frame: pd.DataFrame = result.table
    kept = (frame["read_noise_margin"] >= 0.09).sum()
    assert result.overall is not None
    assert 0 < kept < 24
    assert (result.overall.everywhere.passed, result.overall.everywhere.count) == (kept, 24)
    assert (frame["read_noise_margin_left"] - frame["read_noise_margin_right"]).abs().max() > 0.02
