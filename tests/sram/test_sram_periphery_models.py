"""Models of the SRAM array's peripheral circuits: charge conservation, brute force, cards."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import CimspiceError, FitError, ParameterError
from cimspice.fit import ModelCard, ModelRangeWarning
from cimspice.sram.model.charge_sharing import ChargeSharing
from cimspice.sram.model.line_sampling import LineSampling
from cimspice.sram.model.multiplier import ChargeMultiplier, MultiplierSpread
from cimspice.sram.model.periphery_fit import fit_charge_sharing, fit_converter, fit_multiplier
from cimspice.sram.model.readout_loads import ReadoutLoads, fit_readout_loads
from cimspice.sram.model.write_back import WriteBack

RNG = np.random.default_rng(3)
CODES = np.arange(8)
TRUE_MULTIPLIER = ChargeMultiplier(
    offset=1e-3 + 1e-4 * CODES,
    gain=CODES / 9,
    cross_gain=-0.01 * CODES,
    curvature=-0.02 * CODES,
    gain_sigma=0.01,
    offset_sigma=1e-3,
)
TRUE_CONVERTER = SignedConverter(
    thresholds=np.array([*np.sort(np.arange(-6.5, 7) * 0.01 + RNG.uniform(-3e-3, 3e-3, 14)), 0.2]),
    step=0.01,
    target_step=0.011,
    target_offset=1e-3,
    offset_sigma=2e-3,
    noise_sigma=1e-3,
)
MODELS = [
    TRUE_MULTIPLIER,
    ChargeSharing(load_ratio=1.8, wire_ratio=0.05, column_offset=1e-4, largest_columns=8),
    TRUE_CONVERTER,
    WriteBack(margin=0.8, margin_sigma=0.02, energy_joule=9e-13, row_energy=3e-13),
    LineSampling(attenuation=0.79, offset=-2e-4),
    ReadoutLoads(line=7.2e-15, rail=88.6e-15),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_a_card_gives_the_same_model_back(model, tmp_path):
    ModelCard.from_model(model, {"corner": "tt"}).save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json").model() == model


def test_an_ideal_readout_is_the_signed_mean_of_products_in_steps():
    discharge, inputs = RNG.uniform(0, 0.1, (50, 6, 2)), RNG.integers(0, 16, (50, 6))
    product = ChargeMultiplier.ideal(4)(discharge, inputs)
    rails = ChargeSharing.ideal()(np.swapaxes(product, -1, -2))
    converter = SignedConverter.ideal(6, full_scale=0.08)
    expected = ((discharge[..., 1] - discharge[..., 0]) * inputs / 16).mean(axis=1) / 0.0025
    assert np.array_equal(converter(rails[:, 1] - rails[:, 0]), np.round(expected))
    target = np.full(50, 5)
    assert np.array_equal(converter(rails[:, 1] - rails[:, 0], target_code=target), np.round(5 - expected))


def test_two_unequal_capacitors_change_every_code_as_charge_conservation_says():
    """To first order: the square of the relative difference is left."""
    taking, giving = 1 + 1e-4, 1 - 1e-4
    outputs = np.zeros(16)
    for code in range(16):
        for k in range(4):
            outputs[code] = (taking * ((code >> k) & 1) + giving * outputs[code]) / (taking + giving)
    discharge = np.full((16, 2), 0.1)
    spread = MultiplierSpread(np.zeros(2), np.zeros(2), np.full(2, taking - giving))
    found = ChargeMultiplier.ideal(4)(discharge, np.arange(16), spread)
    nominal = ChargeMultiplier.ideal(4)(discharge, np.arange(16))
    assert found[:, 0] == pytest.approx(0.1 * outputs, abs=0.1 * (taking - giving) ** 2)
    assert np.abs(nominal[:, 0] - 0.1 * outputs).max() > 0.1 * (taking - giving) / 5


def test_the_loads_are_the_means_over_the_swings_and_the_residual_says_how_much_they_bend():
    table = pd.DataFrame({
        "line_discharge": [0.1, 0.3],
        "rail_discharge": [0.05, 0.15],
        "line_capacitance": [7.4e-15, 7.0e-15],
        "rail_capacitance": [89e-15, 89e-15],
    })  # fmt: skip
    fit = fit_readout_loads(table)
    assert fit.model.line == pytest.approx(7.2e-15)
    assert fit.model.rail == pytest.approx(89e-15)
    assert fit.residual.maximum == pytest.approx(0.2e-15)
    assert fit.model.ranges["line_discharge"].high == 0.3


def test_sharing_conserves_charge():
    sharing = ChargeSharing(load_ratio=1.8, wire_ratio=0.05)
    weights, volts = RNG.uniform(0.9, 1.1, 7), RNG.uniform(0, 0.1, 7)
    rail = sharing(volts, weights)
    given_away = (weights * (volts - rail)).sum()  # in units of a column's capacitance
    assert given_away == pytest.approx(rail * (1.8 + 7 * 0.05))


@settings(max_examples=40)
@given(volts=st.floats(-0.5, 0.5))
def test_a_code_is_the_number_of_thresholds_below_the_input(volts):
    assert TRUE_CONVERTER(volts) == sum(volts >= t for t in TRUE_CONVERTER.thresholds) - 8


def test_converter_nonlinearity_is_that_of_its_thresholds():
    ideal = SignedConverter.ideal(4, full_scale=0.08)
    assert np.allclose(ideal.integral_nonlinearity, 0)
    moved = ideal.thresholds.copy()
    moved[5] += 0.3 * ideal.step
    bent = SignedConverter(thresholds=moved, step=ideal.step, target_step=ideal.step)
    assert bent.integral_nonlinearity[5] == pytest.approx(0.3)
    assert bent.differential_nonlinearity[[4, 5]] == pytest.approx([0.3, -0.3])


def test_the_multiplier_fit_finds_coefficients_and_spread():
    code, pair = np.meshgrid(CODES, np.arange(8))
    volts = RNG.uniform(0, 0.12, (8, 2))[pair.ravel()]
    output = TRUE_MULTIPLIER(volts, code.ravel())
    table = _multiplier_table(code.ravel(), volts, output)
    spread = TRUE_MULTIPLIER.draw(5, (2000,))
    samples = [
        _multiplier_table(np.full(2000, 7), level, TRUE_MULTIPLIER(level, 7, spread)).assign(
            sample=range(2000)
        )
        for level in (np.zeros((2000, 2)), np.full((2000, 2), 0.1))
    ]
    fit = fit_multiplier(table, pd.concat(samples))
    assert fit.residual.maximum < 1e-12
    assert np.allclose(fit.model.gain, TRUE_MULTIPLIER.gain, atol=1e-9)
    assert fit.model.offset_sigma == pytest.approx(1e-3, rel=0.06)
    assert fit.model.gain_sigma == pytest.approx(0.01, rel=0.06)
    with pytest.raises(FitError, match="codes"):
        fit_multiplier(table[table["code"] != 3])
    with pytest.warns(ModelRangeWarning):
        fit.model([0.3, 0.0], 5)


def _multiplier_table(code, volts, output) -> pd.DataFrame:
    columns = {"discharge": volts[:, 0], "discharge_bar": volts[:, 1], "code": code}
    columns |= {"output": output[:, 0], "output_bar": output[:, 1]}
    return pd.DataFrame(columns).assign(multiplier_energy=3e-13, control_energy=1e-13, duration=6e-9)


def test_the_sharing_fit_finds_ratios_and_offsets():
    true = ChargeSharing(load_ratio=1.8, wire_ratio=0.05, column_offset=2e-4, rail_offset=3e-4)
    rows = [(n, mean) for n in (4, 8, 16) for mean in (0.0, 0.05, 0.1)]
    table = pd.DataFrame(rows, columns=["columns", "column_discharge"])
    table["rail_discharge"] = [float(true(np.full(n, mean))) for n, mean in rows]
    table["rail_discharge_bar"] = [float(true(np.zeros(n))) for n, _ in rows]
    found = fit_charge_sharing(table.assign(energy_per_column=3e-14, duration=1e-9)).model
    for name, value in true.parameters().items():
        assert found.parameters()[name] == pytest.approx(value, rel=1e-6)


def _conversions(volts, kick=0.0) -> pd.DataFrame:
    """What a perfect array of 4 bits would do at these inputs; the strobe moves a residue by kick * input."""
    rows = []
    for number, v in enumerate(volts):
        left, code, run = v + 0.005, -8, []
        for decision, weight in enumerate((8, 4, 2, 1)):
            decided = left > (kick * v if decision else 0)
            run.append({"difference": v, "decision": decision, "residue": left, "decided": float(decided)})
            code += weight * decided
            left -= (weight / 2) * 0.01 * (1 if decided else -1)
        rows += [{**row, "code": float(code), "conversion": number} for row in run]
    return pd.DataFrame(rows).assign(converter_energy=2e-12, control_energy=1e-13, duration=1e-8)


def test_thresholds_come_from_residues_and_edges():
    inputs = 0.02 * np.arange(-3.5, 4) + 0.001
    plain = fit_converter(_conversions(inputs))
    assert np.allclose(plain.thresholds, np.arange(-7.5, 7) * 0.01, atol=1e-12)
    fine = np.concatenate([t + np.arange(-4, 5) * 2e-4 for t in (-0.055, 0.045)])
    kicked = fit_converter(_conversions(inputs, kick=0.01), _conversions(fine, kick=0.01))
    assert np.allclose(kicked.thresholds, np.arange(-7.5, 7) * 0.01 / 0.99, atol=1.5e-4)
    with pytest.raises(FitError, match="no conversion decided"):
        fit_converter(_conversions(inputs[::2]))


def test_write_back_costs_what_its_rows_cost():
    write = WriteBack(margin=0.5, energy_joule=9.0, half_selected_energy=1.0, row_energy=3.0, duration=2.0)
    before, after = np.zeros((3, 4), int), np.array([[0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1]])
    assert np.array_equal(write(before, after), after)
    assert write.energy(before, after) == (3 + 2 * 9 + 2 * 1) + (3 + 4 * 9)
    assert write.time(before, after) == 4.0
    weak = np.full((3, 4), 0.1)
    weak[2, 1] = -0.01
    assert (write(before, after, weak) != after).sum() == 1


@pytest.mark.parametrize(
    ("call", "reported"),
    [
        (lambda: ChargeMultiplier.ideal(4)([0.1, 0.0], 16), "0 to 15"),
        (lambda: ChargeMultiplier.ideal(4)([0.1, 0.0], 2.5), "0 to 15"),
        (lambda: ChargeMultiplier.ideal(4)([0.1, np.nan], 3), "finite"),
        (lambda: ChargeMultiplier.ideal(4)([0.1, 0.1, 0.1], 3), "line and complement"),
        (lambda: ChargeSharing.ideal(8)(np.zeros(9)), "9 columns"),
        (lambda: SignedConverter.ideal(5)(0.0, target_code=16), "-15 to 15"),
        (lambda: SignedConverter.ideal(5)(np.inf), "finite"),
        (lambda: SignedConverter(thresholds=np.array([0.1, 0.0, 0.2]), step=0.1, target_step=0.1), "fall"),
        (lambda: WriteBack.ideal()([0, 2], [1, 1]), "neither"),
    ],
)
def test_what_no_circuit_can_take_is_refused_with_a_remedy(call, reported):
    with pytest.raises(ParameterError) as caught:
        call()
    assert isinstance(caught.value, CimspiceError)
    assert reported in str(caught.value)


def test_the_page_runs(capsys):
    page = Path(__file__).resolve().parents[2] / "docs" / "sram_periphery.md"
    for text in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(text, str(page), "exec"), {"__name__": "sram_periphery_documentation"})
    reported = capsys.readouterr().out
    # mean of x (complement - line) / 16, times 4 / (4 + 1.8), in steps of 2.5 mV
    code = round((15 * 0.10 - 8 * 0.06 + 3 * 0.03 + 12 * 0.08) / 16 / 5.8 / 0.0025)
    assert reported.startswith(f"{code} {5 - code}\n")
    assert "0 to 15" in reported
