"""Multiplier, charge sharing, converter and digital MAC in ngspice: charge, energy, codes, and bad input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sram_charge import MIM, multiplied

from cimspice.bench import bench
from cimspice.campaign import characterise
from cimspice.errors import CimspiceError
from cimspice.pdk import mismatch_alterations
from cimspice.pdk.devices import mosfet_path
from cimspice.pdk.instances import instance_paths
from cimspice.spice import Session, Waveforms
from cimspice.sram.circuit.charge_sharing import SharingParameters
from cimspice.sram.circuit.multiplier import MultiplierParameters
from cimspice.sram.model.periphery_fit import fit_converter


def table(name: str, *, shifts: dict[str, float] | None = None, **values: Any) -> pd.DataFrame:
    """One point of a bench in this process; ``shifts`` are threshold shifts (V) by transistor."""
    asked = bench(name)
    parameters = asked.Parameters.model_validate(values)
    netlist = asked.netlist(parameters)
    altered = mismatch_alterations(netlist.text, shifts, flat=asked.flat) if shifts else {}
    with Session() as session:
        session.configure(
            netlist,
            options=asked.options(parameters),
            flat=asked.flat,
            alterations={f"@{path}[delvto]": value for path, value in altered.items()},
        )
        return asked.measure(parameters, session.run(asked.analysis(parameters)))


@pytest.mark.spice
@pytest.mark.parametrize("code", [6, 15])
def test_the_product_is_what_charge_conservation_says(code):
    """Less the offset at code 0, which both lines have alike. What junctions and gates add to the MIM
    capacitors, some 1.5 fF of 24, and the charge of the switches may be 1.5 % of the larger discharge;
    code 6 is the farthest of all, 1.1 % off."""
    given: dict[str, Any] = {"discharge": 0.12, "discharge_bar": 0.05}
    parameters = MultiplierParameters.model_validate(given)
    expected = multiplied(code, np.array([0.12, 0.05]), parameters.line_capacitance, parameters.line_coupling)
    row = table("sram_multiplier", code=code, **given).iloc[0]
    offset = table("sram_multiplier", code=0, **given).iloc[0]["output"]
    assert [row["output"] - offset, row["output_bar"] - offset] == pytest.approx(expected, abs=0.015 * 0.12)


@pytest.mark.spice
def test_what_the_sources_deliver_over_a_multiplication_becomes_heat_or_stays_on_the_lines():
    asked = bench("sram_multiplier")
    parameters = MultiplierParameters(code=11, discharge=0.12)
    netlist = asked.netlist(parameters)
    instances = {path: one.device.name for path, one in instance_paths(netlist.text).items()}
    devices = [mosfet_path(path, name, flat=True) for path, name in instances.items() if "fet" in name]
    extra = [f"@{device}[{what}]" for device in devices for what in ("id", "vds")]
    nodes = ("line", "line_bar", "take", "share", "bit")
    analysis = asked.analysis(parameters)
    analysis = replace(analysis, save=(*analysis.save, *nodes, *extra))
    with Session() as session:
        session.load(netlist, options=asked.options(parameters), flat=True)
        waveforms = session.run(analysis)
    start = parameters.timing.high(0)[1]
    during = (waveforms.axis >= start) & (waveforms.axis <= parameters.stop)
    time = waveforms.axis[during]

    def integral(values: np.ndarray) -> float:
        return float(np.trapezoid(values[during], time))

    heat = sum(integral(np.abs(waveforms[f"@{d}[id]"] * waveforms[f"@{d}[vds]"])) for d in devices)
    delivered = -1.8 * integral(waveforms["vsupply#branch"])
    delivered -= sum(
        integral(waveforms[name] * waveforms[f"v{name}#branch"]) for name in ("take", "share", "bit")
    )
    stored = [_line_energy(parameters, waveforms, k) for k in np.flatnonzero(during)[[0, -1]]]
    assert heat == pytest.approx(delivered - (stored[1] - stored[0]), rel=0.05)


def _line_energy(parameters, waveforms: Waveforms, index: int) -> float:
    line, bar = (waveforms[name][index] for name in ("line", "line_bar"))
    ground = parameters.line_capacitance * (line**2 + bar**2)
    return (ground + parameters.line_coupling * (line - bar) ** 2) / 2


@pytest.mark.spice
def test_sharing_gives_the_mean_that_charge_conservation_gives():
    row = table("sram_charge_sharing", columns=5, first_discharge=0.02, last_discharge=0.1).iloc[0]
    parameters = SharingParameters(columns=5)
    load = parameters.load_capacitance + parameters.rail_capacitance
    assert row["column_discharge"] == pytest.approx(0.06, rel=1e-3)
    assert row["rail_discharge"] == pytest.approx(0.06 * 10 * MIM / (10 * MIM + load), rel=0.03)
    assert abs(row["rail_discharge_bar"]) < 1e-3


@pytest.mark.spice
def test_codes_follow_the_thresholds_of_the_fit_and_a_target_is_added():
    """A converter of 3 bits; inputs that the fit has not seen, a tenth of a step from no threshold."""
    inputs = np.array([-3, -1, 1, 3]) * 11e-3 + 3e-3
    seen = pd.concat(
        [table("sram_converter", bits=3, difference=volts).assign(difference=volts) for volts in inputs]
    )
    model = fit_converter(seen)
    assert np.abs(model.integral_nonlinearity).max() < 0.1
    # step of the plates: reference_drop * unit / (array, parasitics and the comparator's gates)
    assert 5e-3 < model.step < 0.1 * 2e-15 / (4.5 * 2e-15)
    for volts in (-0.0185, 0.0, 0.0145):
        code = table("sram_converter", bits=3, difference=volts)["code"].iloc[0]
        assert np.abs(model.thresholds - volts).min() > 0.1 * model.step
        assert code == model(volts)
    aimed = table("sram_converter", bits=3, difference=-0.0185, target=2)
    assert aimed["code"].iloc[0] == model(-0.0185 + 2 * model.step)


@pytest.mark.spice
def test_a_threshold_shift_of_an_input_transistor_is_the_comparators_offset():
    quick: dict[str, Any] = {"decisions": 7}
    shifted = table("sram_comparator_offset", shifts={"xcomparator.xinput_right": 8e-3}, **quick).iloc[0]
    level = table("sram_comparator_offset", **quick).iloc[0]
    assert abs(level["offset"]) <= 2 * level["resolution"]
    # input_left stands at p and pulls the output `left`, whose name is that of the side it discharges
    assert abs(shifted["offset"]) == pytest.approx(8e-3, rel=0.2)


@pytest.mark.spice
def test_the_digital_mac_adds_up_and_says_so_if_it_does_not():
    row = table("sram_digital_mac", operations=2, seed=4).iloc[0]
    factors = np.random.default_rng(4).integers(0, 16, (2, 2))
    assert row["accumulated"] == (factors[:, 0] * factors[:, 1]).sum()
    switched = row["mac_energy"] / 1.8**2  # F per operation: a few hundred gates of a few fF
    assert 50e-15 < switched < 2e-12


@pytest.mark.spice
def test_a_half_selected_cell_keeps_its_state():
    row = table("sram_half_selected", timing={"close": 2e-9, "precharge_again": 2.2e-9, "end": 6e-9}).iloc[0]
    assert row["kept"] == 1
    assert row["column_energy"] > 0


@pytest.mark.parametrize(
    ("name", "values", "reported"),
    [
        ("sram_multiplier", {"code": 16}, "0 to 15"),
        ("sram_multiplier", {"discharge": 0.9}, "0.4"),
        ("sram_charge_sharing", {"columns": 17}, "16"),
        ("sram_converter", {"target": 32}, "-31 to 31"),
        ("sram_converter", {"difference": 0.15}, "above the supply"),
        ("sram_converter", {"converter": {"reference_drop": 1.0}}, "0.4"),
    ],
)
def test_what_the_circuit_cannot_take_is_refused_before_any_simulation(name, values, reported):
    with pytest.raises(CimspiceError) as caught:
        characterise(name, fixed=values, workers=1)
    assert reported in str(caught.value)
