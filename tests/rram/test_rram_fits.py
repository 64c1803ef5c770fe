"""Read, switching and spread laws recover what made the data, from tables and from a user's CSV."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cimspice.errors import FitError, ParameterError, TableError
from cimspice.fit import SCHEMAS, ModelCard, Ranges, read_measured
from cimspice.rram import LinearRead, QuadraticRead, RramVariability, SinhRead, SwitchingLaw

VOLTS = np.linspace(-1.0, 1.0, 81)
READS = [
    LinearRead(conductance=5e-5),
    SinhRead(conductance=5e-5, curvature=3.0, series_resistance=2e3),
    QuadraticRead(conductance=8e-5, curvature=0.8, series_resistance=3e3),
]
SWITCHING = SwitchingLaw(
    log_rate_set=-10.0,
    voltage_set=0.08,
    order_set=1.5,
    log_rate_reset=-8.0,
    voltage_reset=0.09,
    order_reset=2.0,
    conductance_min=1e-6,
    conductance_max=1e-4,
)
_D, _C = np.array([0.3, 0.1, 0.05, 0.05]), np.array([0.2, 0.05, 0.04, 0.03])
SPREAD = RramVariability(
    log_median=np.log([1e-6, 5e-5, 1.2, 1.0]),
    device_covariance=np.outer(_D, _D)
    * [[1, 0.4, -0.2, 0], [0.4, 1, 0, 0], [-0.2, 0, 1, 0.5], [0, 0, 0.5, 1]],
    cycle_covariance=np.outer(_C, _C) * [[1, 0.2, 0, 0], [0.2, 1, 0, 0], [0, 0, 1, 0.3], [0, 0, 0.3, 1]],
    correlation=0.6,
    quantities=("low_conductance", "high_conductance", "set_voltage", "reset_voltage"),
)


def noisy_reads(law, share: float = 2e-3, seed: int = 0) -> pd.DataFrame:
    current = law.current(VOLTS)
    noise = share * np.max(np.abs(current)) * np.random.default_rng(seed).normal(size=VOLTS.size)
    return pd.DataFrame({"voltage": VOLTS, "current": current + noise})


def noisy_pulses(seed: int = 0) -> pd.DataFrame:
    """Both polarities, three widths, four starting points; 0.3 % of the range as noise."""
    levels = np.linspace(1.2, 2.4, 7)
    voltage, width, before = (
        grid.ravel()
        for grid in np.meshgrid(
            np.concatenate([-levels, levels]), [1e-8, 1e-7, 1e-6], [4e-6, 2e-5, 5e-5, 9e-5]
        )
    )
    after = SWITCHING.after(voltage, width, before)
    after = after + 3e-7 * np.random.default_rng(seed).normal(size=after.size)
    return pd.DataFrame(
        {
            "pulse_voltage": voltage,
            "pulse_width": width,
            "conductance_before": before,
            "conductance_after": np.clip(after, 1e-6, 1e-4),
        }
    )


def within(fit, truth, widths: float = 2.0) -> None:
    """Every true value within two half-widths (about four standard deviations) of the estimate."""
    for name, value in truth.parameters().items():
        estimate = fit.estimates[name]
        half = (estimate.interval[1] - estimate.interval[0]) / 2
        assert abs(estimate.value - value) <= widths * half, (name, value, str(estimate))


@pytest.mark.parametrize("law", READS, ids=lambda law: law.kind)
def test_read_laws_are_recovered_within_their_intervals(law):
    fit = type(law).fit(noisy_reads(law))
    assert fit.identifiable
    within(fit, law)
    # the residual's square over the variance that was put in is distributed as chi square
    square = VOLTS.size * (fit.residual.percent / 0.2) ** 2
    low, high = stats.chi2.interval(0.999, VOLTS.size - len(law.parameters()))
    assert low < square < high


@pytest.mark.parametrize("law", READS, ids=lambda law: law.kind)
def test_gradients_and_slopes_are_those_of_the_current(law):
    for row, (name, value) in zip(law.gradient(VOLTS), law.parameters().items(), strict=True):
        numbers, step = law.parameters(), 1e-6 * value
        ahead, behind = (type(law)(**{**numbers, name: value + s}).current(VOLTS) for s in (step, -step))
        np.testing.assert_allclose(row * step, (ahead - behind) / 2, atol=1e-16)
    difference = (law.current(VOLTS + 1e-6) - law.current(VOLTS - 1e-6)) / 2e-6
    np.testing.assert_allclose(law.slope(VOLTS), difference, rtol=1e-6)


def test_a_curve_without_bend_does_not_determine_curvature_and_series_resistance():
    fit = SinhRead.fit(noisy_reads(LinearRead(conductance=5e-5), share=1e-2))
    assert not fit.identifiable
    assert fit.estimates["series_resistance"].reason


def test_the_switching_law_is_recovered_within_its_intervals():
    fit = SwitchingLaw.fit(noisy_pulses(), conductance_min=1e-6, conductance_max=1e-4)
    assert fit.identifiable
    within(fit, SWITCHING)


def test_the_closed_form_of_a_pulse_is_the_integral_of_the_velocity():
    from scipy.integrate import solve_ivp

    for voltage, width, before in ((1.9, 2e-7, 5e-6), (-1.8, 3e-7, 9e-5)):
        done = solve_ivp(
            lambda t, g, v=voltage: SWITCHING.velocity(v, g), (0, width), [before], rtol=1e-10, atol=1e-16
        )
        after = SWITCHING.after(voltage, width, before)
        assert after == pytest.approx(done.y[0, -1], rel=1e-7)
        assert abs(after - before) > 1e-6


def test_a_table_of_one_polarity_leaves_the_other_undetermined_and_still():
    table = noisy_pulses()
    fit = SwitchingLaw.fit(table.loc[table["pulse_voltage"] > 0], conductance_min=1e-6, conductance_max=1e-4)
    assert fit.estimates["voltage_set"].identifiable
    assert fit.estimates["voltage_reset"].reason == "the table has no pulse of this polarity"
    still = dataclasses.replace(fit.model, ranges=Ranges())
    assert still.after(-1.5, 1e-6, 5e-5) == pytest.approx(5e-5)


def test_the_spread_of_devices_and_cycles_is_recovered():
    fit = RramVariability.fit(SPREAD.sample(60, 40, seed=3))
    within(fit, SPREAD)
    assert fit.estimates["correlation"].value == pytest.approx(0.6, abs=0.04)


def test_the_stated_intervals_hold_the_truth_as_often_as_they_say():
    """95 % intervals over 60 tables: each parameter's truth within them in 83 to 100 % (four sigma)."""
    inside = np.zeros(len(SPREAD.parameters()))
    for seed in range(60):
        fit = RramVariability.fit(SPREAD.sample(20, 15, seed=100 + seed))
        inside += [
            fit.estimates[name].interval[0] <= value <= fit.estimates[name].interval[1]
            for name, value in SPREAD.parameters().items()
        ]
    assert np.mean(inside / 60) == pytest.approx(0.95, abs=0.03)
    assert np.min(inside / 60) > 0.8


def test_samples_have_the_covariance_and_the_memory_they_are_drawn_from():
    table = SPREAD.sample(400, 50, seed=1)
    logs = np.log(table[list(SPREAD.quantities)].to_numpy()).reshape(400, 50, 4)
    own = logs - logs.mean(axis=1, keepdims=True)
    lagged = np.sum(own[:, 1:] * own[:, :-1]) / np.sum(own[:, :-1] ** 2)
    kendall = 0.6 - (1 + 3 * 0.6) / 50  # what 50 cycles about their own mean leave of 0.6
    assert lagged == pytest.approx(kendall, abs=0.02)
    total = np.cov(logs.reshape(-1, 4), rowvar=False)
    expected = np.asarray(SPREAD.device_covariance) + np.asarray(SPREAD.cycle_covariance)
    np.testing.assert_allclose(np.sqrt(np.diag(total)), np.sqrt(np.diag(expected)), rtol=0.1)


@pytest.mark.parametrize("model", [*READS, SWITCHING, SPREAD], ids=lambda model: model.kind)
def test_a_law_survives_its_card(model, tmp_path):
    ModelCard.from_model(model).save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json").model() == model


def test_measured_files_with_units_give_the_same_fit(tmp_path):
    reads, pulses = noisy_reads(READS[1]), noisy_pulses()
    lines = [f"{v * 1e3!r},{i * 1e6!r}" for v, i in reads.itertuples(index=False)]
    (tmp_path / "reads.csv").write_text("\n".join(["read_voltage_mV,read_current_uA", *lines]))
    table = read_measured(tmp_path / "reads.csv", SCHEMAS["rram_read"])
    assert SinhRead.fit(table).model.curvature == pytest.approx(SinhRead.fit(reads).model.curvature, rel=1e-6)
    lines = [f"{v!r},{w * 1e9!r},{a * 1e6!r},{b * 1e6!r}" for v, w, a, b in pulses.itertuples(index=False)]
    header = ["pulse_voltage,pulse_width,conductance_before,conductance_after", "V,ns,uS,uS"]
    (tmp_path / "pulses.csv").write_text("\n".join([*header, *lines]))
    table = read_measured(tmp_path / "pulses.csv", SCHEMAS["rram_pulses"])
    fits = [SwitchingLaw.fit(t, conductance_min=1e-6, conductance_max=1e-4) for t in (table, pulses)]
    assert fits[0].model.voltage_set == pytest.approx(fits[1].model.voltage_set, rel=1e-6)
    spread = SPREAD.sample(5, 4, seed=1)
    spread.to_csv(tmp_path / "cycles.csv", index=False)
    table = read_measured(tmp_path / "cycles.csv", SCHEMAS["rram_cycles"])
    np.testing.assert_allclose(
        RramVariability.fit(table).model.log_median, RramVariability.fit(spread).model.log_median
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("voltage_V,current_uA,colour\n0.1,1,2\n", "unknown column 'colour'"),
        ("voltage_V,current_uS\n0.1,1\n", "'uS' is not a unit of this column"),
        ("voltage_V,current_uA\n0.1,\n", "row 2, column 'current'"),
        ("voltage_V,current_uA\n0.1,nan\n", "nan is not a finite number"),
        ("voltage_V\n0.1\n", "lacks the column 'current'"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_the_place(tmp_path, text, words):
    (tmp_path / "reads.csv").write_text(text)
    with pytest.raises(TableError, match=words):
        read_measured(tmp_path / "reads.csv", SCHEMAS["rram_read"])


def test_negative_conductances_are_refused(tmp_path):
    (tmp_path / "p.csv").write_text(
        "pulse_voltage_V,pulse_width_ns,conductance_before_uS,conductance_after_uS\n1,100,-5,7\n"
    )
    with pytest.raises(TableError, match=r"-5e-06 S is outside"):
        read_measured(tmp_path / "p.csv", SCHEMAS["rram_pulses"])
    with pytest.raises(FitError, match="zero or negative"):
        LinearRead.fit(pd.DataFrame({"voltage": [0.1, 0.2], "current": [-1e-6, -2e-6]}))
    with pytest.raises(ParameterError, match="positive conductance"):
        LinearRead(conductance=-1e-6)


def test_conductances_outside_the_law_are_refused():
    with pytest.raises(ParameterError, match=r"a conductance is 0\.002 S"):
        SWITCHING.after(1.0, 1e-7, 2e-3)


def test_cycles_left_out_are_reported():
    table = SPREAD.sample(4, 5, seed=0).drop(index=7)
    with pytest.raises(FitError, match="device 1 misses a cycle"):
        RramVariability.fit(table)
