"""What a fit says of itself: residual figures, derived figures, provenance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cimspice.fit import Estimate, Residual
from cimspice.fit.least_squares import solve_linear
from cimspice.neuron.model.capacitance import ConstantCapacitance


def capacitance_table(**provenance):
    table = pd.DataFrame({"membrane_voltage": [0.5, 0.9, 1.3], "capacitance": [1.39e-13, 1.40e-13, 1.42e-13]})
    table.attrs["provenance"] = provenance
    return table


def test_half_widths_are_students_quantile_of_the_standard_error():
    data = np.array([1.0, 1.2, 0.9, 1.1])
    solution = solve_linear(np.ones((4, 1)), data, names=["mean"])
    low, high = stats.t.interval(0.95, 3, loc=data.mean(), scale=stats.sem(data))
    assert solution.half_widths[0] == pytest.approx((high - low) / 2, rel=1e-9)


def test_the_residual_is_the_rms_in_its_unit_and_in_percent_of_full_scale():
    fit = ConstantCapacitance.fit(capacitance_table())
    values = capacitance_table()["capacitance"]
    assert fit.residual.rms == pytest.approx(values.std(ddof=0), rel=1e-9)
    assert fit.residual.percent == pytest.approx(100 * values.std(ddof=0) / values.mean(), rel=1e-9)
    assert fit.residual.maximum == pytest.approx(np.abs(values - values.mean()).max())
    assert fit.residual.unit == "F"


def test_the_interval_of_the_residual_covers_the_true_noise_at_95_percent():
    generator = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        noise = generator.normal(0, 0.01, 10)
        low, high = Residual.of(noise, noise, "1", "one", 10).interval
        inside += low <= 1.0 <= high
    assert inside / 1000 == pytest.approx(0.95, abs=4 * 0.007)


def test_without_freedom_the_residual_has_no_upper_end():
    assert Residual.of(np.zeros(2), np.zeros(2), "1", "one", 0).interval == (0.0, float("inf"))


def test_a_derived_figure_carries_the_interval_through_the_function():
    fit = ConstantCapacitance.fit(capacitance_table())
    source = fit.estimates["total_capacitance"]
    inverse = fit.derived("total_capacitance", lambda value: 1 / value, "1/F")
    assert inverse.value == 1 / source.value
    assert inverse.interval == (1 / source.interval[1], 1 / source.interval[0])
    assert inverse.identifiable


def test_an_unbounded_interval_is_null_in_json_and_the_reason_is_printed():
    estimate = Estimate(2.0, "V", (-np.inf, np.inf), False, "no freedom")
    assert estimate.as_dict()["interval"] is None
    assert "not identifiable: no freedom" in str(estimate)


def test_provenance_has_the_tables_digest_and_what_its_maker_left():
    one = ConstantCapacitance.fit(capacitance_table(corner="tt"))
    same = ConstantCapacitance.fit(capacitance_table(corner="tt"))
    other = ConstantCapacitance.fit(capacitance_table().assign(capacitance=[1.39e-13, 1.40e-13, 1.43e-13]))
    assert one.provenance["corner"] == "tt"
    assert one.provenance["table_rows"] == 3
    assert (
        one.provenance["table_digest"] == same.provenance["table_digest"] != other.provenance["table_digest"]
    )
